import { GatewayError } from '../../errors.ts';
import { MAX_RECEIVED_BYTES } from '../../evidence/received-file.ts';
import type { Recording } from '../../sessions/session-history.ts';
import type { RecordingViewings } from '../recording-viewings.ts';
import { type Route, route } from '../route.ts';
import { array, fingerprint, nullable, object, ref, text, verdict } from '../schemas.ts';
import type { Services } from '../services.ts';

/** What proves that nobody touched a recording: events, checks, bundle, key. */
export function evidenceRoutes(services: Services, viewings: RecordingViewings): Route[] {
  const { evidence, verifications, history, audit, retentionSettings } = services;
  return [
    route({
      method: 'get',
      path: '/api/evidence/public-key',
      id: 'getEvidenceKey',
      tag: 'evidence',
      summary: 'The key that recordings are signed with; its id is the SHA-256 of its DER form',
      access: 'anyone',
      status: 200,
      response: object({ algorithm: { const: 'Ed25519' }, id: fingerprint, pem: text }),
      errors: [],
      handle: () => evidence.publicKey(),
    }),
    route({
      method: 'get',
      path: '/api/recordings/:id/events',
      id: 'listRecordingEvents',
      tag: 'evidence',
      summary: 'The event log of a recording, the oldest first; while the session goes on, as far as it is',
      access: 'recording.view',
      status: 200,
      response: array(ref('RecordingEvent')),
      errors: UNREAD,
      async handle(call) {
        const recording = await history.recording(call.parameter('id'));
        const goesOn = recording.state === 'recording';
        if (goesOn) viewings.requireLiveView(recording);
        if (recording.state === 'deleted') return [];
        const events = (await evidence.events(recording.id)) ?? [];
        // What was typed and copied may be in them: whoever reads them has seen the session.
        if (call.context.method !== 'GET' || events.length === 0) return events;
        if (goesOn) await viewings.ofLive(recording, call);
        else await viewings.ofFinished(recording, call, false);
        return events;
      },
    }),
    route({
      method: 'post',
      path: '/api/recordings/:id/verification',
      id: 'verifyRecording',
      tag: 'evidence',
      summary: 'Check a recording: whole, altered (and where) or cut short',
      access: 'recording.view',
      status: 200,
      response: ref('Verification'),
      errors: ['not_ready', ...UNREAD, 'too_many_requests'],
      async handle({ parameter, actor, address }) {
        const recording = await history.finishedRecording(parameter('id'));
        const verified = await oneOfFew(() => evidence.verify(recording.id).catch(missing));
        await audit.record({
          action: 'recording.verified',
          actor,
          address,
          subject: recording.target.name,
          sessionId: recording.id,
          details: { verdict: verified.verdict },
        });
        return await verifications.save(recording.id, actor.username, verified, Date.now());
      },
    }),
    route({
      method: 'post',
      path: '/api/evidence/check',
      id: 'verifyFile',
      tag: 'evidence',
      summary: 'Check a recording that was downloaded or handed on: whole, altered (and where) or cut short',
      access: 'recording.view',
      takes: 'video/mp4',
      status: 200,
      response: object({ verdict, text, report: { type: 'object', additionalProperties: true } }),
      errors: ['bad_request', 'too_large', 'too_many_requests'],
      async handle({ context, actor, address }) {
        if (Number(context.get('Content-Length')) > MAX_RECEIVED_BYTES) throw new GatewayError('too_large');
        const { stopFreeBytes } = await retentionSettings.watermarks();
        const verified = await oneOfFew(() => evidence.verifyFile(context.req, stopFreeBytes));
        const details = { verdict: verified.verdict };
        await audit.record({ action: 'recording.verified', actor, address, subject: 'a file', details });
        return verified;
      },
    }),
    route({
      method: 'get',
      path: '/api/recordings/:id/verification',
      id: 'getVerification',
      tag: 'evidence',
      summary: 'The last check of a recording; null when there was none',
      access: 'recording.view',
      status: 200,
      response: nullable(ref('Verification')),
      errors: [],
      async handle({ parameter, context }) {
        const recording = await history.recording(parameter('id'));
        // Koa takes a plain null for "no content".
        context.type = 'json';
        return (await verifications.find(recording.id)) ?? 'null';
      },
    }),
    route({
      method: 'get',
      path: '/api/recordings/:id/evidence.zip',
      id: 'getEvidenceBundle',
      tag: 'evidence',
      summary: 'Video, events, manifest, verification and how to check them without Oriel',
      access: 'recording.view',
      status: 200,
      produces: 'application/zip',
      errors: ['not_ready', ...UNREAD, 'too_many_requests'],
      async handle({ parameter, context, actor, address }) {
        const recording = await history.finishedRecording(parameter('id'));
        if (context.method !== 'HEAD') {
          // It is checked for that.
          const bundle = await oneOfFew(() => evidence.bundle(recording.id).catch(missing));
          if (bundle === undefined) {
            throw new GatewayError('not_found', 'this recording carries no evidence: an older version made it');
          }
          await audit.record({
            action: 'evidence.downloaded',
            actor,
            address,
            subject: recording.target.name,
            sessionId: recording.id,
            details: { owner: recording.user.username, verdict: bundle.verdict },
          });
          context.body = bundle.zip;
        }
        context.status = 200;
        context.type = 'application/zip';
        context.set('Content-Disposition', `attachment; filename="${bundleName(recording)}"`);
      },
    }),
  ];
}

const UNREAD = ['recording_unreadable', 'recording_unreachable'] as const;
const MAX_CHECKS = 4;
let checking = 0;

/** Each check reads a whole video; the hash is quick, the disk may not be. */
async function oneOfFew<T>(check: () => Promise<T>): Promise<T> {
  if (checking >= MAX_CHECKS) throw new GatewayError('too_many_requests', 'other recordings are being checked');
  checking++;
  try {
    return await check();
  } finally {
    checking--;
  }
}

function missing(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT') throw new GatewayError('not_found', 'the video is gone');
  throw error;
}

/** `oriel-evidence-2026-11-21T20-15-00-server-jane.zip` */
function bundleName({ startedAt, target, user }: Recording): string {
  const time = startedAt.slice(0, 19).replaceAll(':', '-');
  return `oriel-evidence-${time}-${target.name}-${user.username}.zip`.replaceAll(/[^\w.-]/g, '_');
}
