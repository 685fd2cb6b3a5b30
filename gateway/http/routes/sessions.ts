import { type Actor, seesAllSessions } from '../../access/can.ts';
import { errorRow, GatewayError, isErrorCode } from '../../errors.ts';
import { attachment } from '../../sessions/file-names.ts';
import type { LiveSession } from '../../sessions/live-session.ts';
import type { OpenRequest } from '../../sessions/sessions.ts';
import { isSupplied } from '../../vault/account-credentials.ts';
import { comment as reason } from '../access-schemas.ts';
import { type Route, route } from '../route.ts';
import { array, flag, id, nullable, object, ref, side, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { type CredentialBody, credentialFields, suppliedOf } from './secrets.ts';

export function sessionRoutes({ sessions, history, supervision, tickets, sessionSwitch }: Services): Route[] {
  const ownerOf = async (parameters: Readonly<Record<string, string>>) => ({
    ownerId: sessions.get(parameters.id ?? '').facts.user.id,
  });
  return [
    route<Omit<OpenRequest, 'credential'> & { credential?: CredentialBody }>({
      method: 'post',
      path: '/api/sessions',
      id: 'openSession',
      tag: 'sessions',
      summary: 'Make a session; its tunnel is attached with the ticket, once, within 30 seconds',
      access: 'session.open',
      body: object(
        {
          requestId: { ...id, description: 'the request that gave access; not needed where the policy asks nothing' },
          targetId: id,
          accountId: id,
          width: side,
          height: side,
          keyboardLayout: { type: 'integer', minimum: 0, maximum: 0xffff_ffff, description: 'Windows layout id' },
          credential: {
            ...object(credentialFields, Object.keys(credentialFields)),
            description: 'what the account asks of its user, where she does not wait to be asked',
          },
        },
        ['requestId', 'targetId', 'keyboardLayout', 'credential'],
      ),
      status: 201,
      response: object({ id, ticket: text }),
      errors: [
        ...(['not_found', 'too_many_requests', 'gateway_stopping', 'storage_full', 'not_entitled'] as const),
        ...(['request_required', 'request_not_available', 'outside_hours', 'step_up_required'] as const),
        ...(['account_in_use', 'sessions_stopped', 'access_revoked'] as const),
      ],
      async handle({ body, actor, address, signedIn }) {
        const { reference, createdAt, expiresAt } = signedIn;
        const signIn = { reference, at: createdAt, endsAt: expiresAt };
        const { credential, ...rest } = body;
        const wanted = { ...rest, ...(credential === undefined ? {} : { credential: suppliedOf(credential) }) };
        const session = await sessions.open(actor, address, wanted, signIn, signedIn.confirmedAt);
        const ticket = await tickets.issue({
          sessionId: session.id,
          role: 'owner',
          user: session.facts.user,
          signIn: reference,
          signInEndsAt: expiresAt,
        });
        return { id: session.id, ticket };
      },
    }),
    route({
      method: 'get',
      path: '/api/sessions',
      id: 'listSessions',
      tag: 'sessions',
      summary: 'Live sessions: all for an administrator, the own ones for a user',
      access: 'session.list',
      status: 200,
      response: array(ref('Session')),
      errors: [],
      handle: ({ actor }) =>
        sessions
          .list()
          .filter((session) => seesAllSessions(actor) || session.facts.user.id === actor.id)
          .map((session) => describe(session, actor)),
    }),
    route({
      method: 'get',
      path: '/api/sessions/:id',
      id: 'getSession',
      tag: 'sessions',
      summary: 'One live session',
      access: 'session.list',
      status: 200,
      response: ref('Session'),
      errors: [],
      handle({ parameter, actor }) {
        const session = sessions.get(parameter('id'));
        if (!seesAllSessions(actor) && session.facts.user.id !== actor.id) throw new GatewayError('not_found');
        return describe(session, actor);
      },
    }),
    route({
      method: 'get',
      path: '/api/sessions/:id/end',
      id: 'getSessionEnd',
      tag: 'sessions',
      summary: 'How a session ended, for whoever was not told, because the tunnel broke off; nothing while it goes on',
      access: 'session.list',
      status: 200,
      response: object({ end: nullable(object({ at: time, code: text, message: text, hint: text }, ['hint'])) }),
      errors: [],
      async handle({ parameter, actor }) {
        const end = await history.endOf(parameter('id'));
        if (end === undefined || (!seesAllSessions(actor) && end.userId !== actor.id)) {
          throw new GatewayError('not_found', 'there was no such session');
        }
        const { at, code } = end;
        return { end: at === null || code === null ? null : { at: iso(at), code, ...wordsOf(code) } };
      },
    }),
    route({
      method: 'post',
      path: '/api/sessions/:id/watch',
      id: 'watchSession',
      tag: 'sessions',
      summary: 'A ticket for a live view of a session',
      access: 'session.watch',
      resource: ownerOf,
      status: 201,
      response: object({ ticket: text }),
      errors: [],
      async handle({ parameter, actor, signedIn }) {
        const session = sessions.get(parameter('id'));
        if (!session.facts.terms.liveView) throw new GatewayError('forbidden', 'the policy allows no live view');
        return {
          ticket: await tickets.issue({
            sessionId: session.id,
            role: 'shadow',
            user: actor,
            signIn: signedIn.reference,
            signInEndsAt: signedIn.expiresAt,
          }),
        };
      },
    }),
    route({
      method: 'get',
      path: '/api/sessions/:id/files/:list/:index',
      id: 'getClipboardFile',
      tag: 'sessions',
      summary: "A file that was copied in one's own desktop, as the tunnel lists it; where the policy lets files out",
      access: 'session.open',
      status: 200,
      produces: 'application/octet-stream',
      errors: ['not_found', 'conflict', 'too_many_requests', 'connection_lost'],
      async handle({ parameter, actor, context }) {
        const session = sessions.get(parameter('id'));
        // As if it did not exist: it is no business of anybody else's.
        if (session.facts.user.id !== actor.id) throw new GatewayError('not_found');
        context.status = 200;
        context.type = 'application/octet-stream';
        // Koa answers HEAD by this route, too: that takes nothing over.
        if (context.method === 'HEAD') return;
        const file = await session.download(Number(parameter('list')), Number(parameter('index')));
        context.set('Content-Disposition', attachment(file.name));
        context.set('Cache-Control', 'no-store');
        context.body = file.stream;
        // Koa takes the length away when it gets a stream, and guesses a type.
        context.type = 'application/octet-stream';
        context.length = file.size;
      },
    }),
    route<{ reason?: string }>({
      method: 'delete',
      path: '/api/sessions/:id',
      id: 'endSession',
      tag: 'sessions',
      summary: 'End a session; its owner is told the reason',
      access: 'session.end',
      resource: ownerOf,
      body: object({ reason }, ['reason']),
      status: 204,
      errors: [],
      handle: ({ parameter, body, actor, address }) =>
        supervision.end(parameter('id'), body.reason ?? '', actor, address),
    }),
    route<{ reason?: string }>({
      method: 'post',
      path: '/api/sessions/:id/freeze',
      id: 'freezeSession',
      tag: 'sessions',
      summary: 'Hold the input of a session back; its owner is told, with the reason',
      access: 'session.control',
      body: object({ reason }, ['reason']),
      status: 200,
      response: ref('Session'),
      errors: [],
      handle: async ({ parameter, body, actor, address }) =>
        describe(await supervision.freeze(parameter('id'), body.reason ?? '', actor, address), actor),
    }),
    route<{ reason?: string }>({
      method: 'post',
      path: '/api/sessions/:id/unfreeze',
      id: 'unfreezeSession',
      tag: 'sessions',
      summary: 'Let the input of a session through again',
      access: 'session.control',
      body: object({ reason }, ['reason']),
      status: 200,
      response: ref('Session'),
      errors: [],
      handle: async ({ parameter, body, actor, address }) =>
        describe(await supervision.unfreeze(parameter('id'), body.reason ?? '', actor, address), actor),
    }),
    route<{ text: string }>({
      method: 'post',
      path: '/api/sessions/:id/message',
      id: 'messageSession',
      tag: 'sessions',
      summary: 'Show a text to the owner of a session',
      access: 'session.control',
      body: object({ text: { ...text, minLength: 1, maxLength: 500, pattern: PLAIN_TEXT } }),
      status: 204,
      errors: ['not_ready'],
      handle: ({ parameter, body, actor, address }) => supervision.message(parameter('id'), body.text, actor, address),
    }),
    route({
      method: 'get',
      path: '/api/session-switch',
      id: 'getSessionSwitch',
      tag: 'sessions',
      summary: 'Whether new sessions are allowed',
      access: 'signed-in',
      status: 200,
      response: ref('SessionSwitch'),
      errors: [],
      handle: () => sessionSwitch.read(),
    }),
    route<{ stopped: boolean; reason?: string }>({
      method: 'post',
      path: '/api/session-switch',
      id: 'turnSessionSwitch',
      tag: 'sessions',
      summary: 'Stop all new sessions at once, or allow them again; those there are go on',
      access: 'session.stop',
      body: object({ stopped: flag, reason }, ['reason']),
      status: 200,
      response: ref('SessionSwitch'),
      errors: [],
      handle: ({ body, actor, address }) => sessionSwitch.turn(body.stopped, body.reason ?? '', actor, address),
    }),
  ];
}

/** No control characters, but for lines and tabs. */
const PLAIN_TEXT = '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*$';

/** INVARIANT: of who watches, and of rules that were fired, an owner reads here what she was told anyway. */
function describe(session: LiveSession, actor: Actor): Record<string, unknown> {
  const { facts, state, frozen } = session;
  const all = seesAllSessions(actor);
  return {
    id: session.id,
    state: state.name,
    user: facts.user,
    target: { id: facts.target.id, name: facts.target.name },
    account: { id: facts.account.id, username: facts.account.username },
    width: facts.width,
    height: facts.height,
    createdAt: iso(facts.createdAt),
    startedAt: session.startedAt === undefined ? null : iso(session.startedAt),
    phase: state.name === 'connecting' ? state.phase : null,
    security: session.security ?? null,
    bytesFromServer: session.bytesFromServer,
    bytesToBrowser: session.bytesToBrowser,
    viewers: session.viewers
      .filter(({ announced }) => all || announced)
      .map(({ username, since }) => ({ username, since: iso(since) })),
    recording: session.recording,
    recordingTrouble: session.recordingTrouble === undefined ? null : iso(session.recordingTrouble.at),
    recordingHealth: healthOf(session),
    frozen:
      frozen === undefined
        ? null
        : { by: all ? frozen.by : (frozen.byForOwner ?? frozen.by), reason: frozen.reason, since: iso(frozen.since) },
    alerts: session.alerts
      .filter(({ told }) => all || told)
      .map(({ told: _, ...alert }) => ({ ...alert, at: iso(alert.at) })),
    requestId: facts.terms.requestId,
    policy: facts.terms.policy,
    emergency: facts.terms.emergency,
    endsAt: iso(session.endsAt),
    lastInputAt: session.lastInputAt === undefined ? null : iso(session.lastInputAt),
    asks: session.asks ?? null,
    typesSecret: facts.terms.typeSecret && !isSupplied(facts.account),
  };
}

function healthOf({ recordingHealth: health }: LiveSession): Record<string, unknown> | null {
  if (health === undefined) return null;
  const { segments, segmentStartedAt, bytes, behindMs, savedAt, reportedAt } = health;
  return {
    segments,
    segmentStartedAt: segmentStartedAt === undefined ? null : iso(segmentStartedAt),
    bytes,
    behindMs: Math.round(behindMs),
    savedAt: savedAt === undefined ? null : iso(savedAt),
    reportedAt: iso(reportedAt),
  };
}

/** Of an end. Those of one whose code is none of this version's are not known any more. */
function wordsOf(code: string): { readonly message: string; readonly hint?: string } {
  const { message, hint } = errorRow(isErrorCode(code) ? code : 'internal_error');
  return { message, ...(hint === undefined ? {} : { hint }) };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
