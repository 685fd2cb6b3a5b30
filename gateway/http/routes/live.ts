import { GatewayError } from '../../errors.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, object, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** Recordings that go on, playable up to a few seconds ago: a list of segments, and their bytes as they come. */
export function liveRoutes({ history, live, audit }: Services): Route[] {
  const viewings = new Viewings();
  return [
    route({
      method: 'get',
      path: '/api/recordings/:id/live',
      id: 'getLiveRecording',
      tag: 'recordings',
      summary: 'What there is of a recording that goes on, segment by segment',
      access: 'recording.view',
      status: 200,
      response: object({
        startedAt: time,
        now: { ...count, description: 'milliseconds since then' },
        segments: array(object({ startMs: count, width: count, height: count, ended: flag })),
      }),
      errors: ['not_ready'],
      async handle({ parameter }) {
        const { id } = await goingOn(parameter('id'));
        const video = await live.video(id);
        if (video === undefined) throw new GatewayError('not_ready', 'there is no picture yet, or the session is over');
        return {
          startedAt: new Date(video.startedAt).toISOString(),
          now: Math.max(0, Math.round(Date.now() - video.startedAt)),
          segments: video.segments.map((segment) => ({
            ...segment,
            startMs: Math.max(0, Math.round(segment.startMs)),
          })),
        };
      },
    }),
    route<undefined, { from: number }>({
      method: 'get',
      path: '/api/recordings/:id/live/:segment',
      id: 'getLiveSegment',
      tag: 'recordings',
      summary: 'A segment of it from a byte on: fragmented MP4 as far as it is whole, empty where nothing is new',
      access: 'recording.view',
      query: object(
        { from: { ...count, maximum: Number.MAX_SAFE_INTEGER, default: 0, description: 'where the last piece ended' } },
        ['from'],
      ),
      status: 200,
      produces: 'video/mp4',
      errors: ['not_ready'],
      async handle({ parameter, query, context, actor, address }) {
        const recording = await goingOn(parameter('id'));
        const segment = /^\d{1,6}$/.test(parameter('segment')) ? Number(parameter('segment')) : undefined;
        const bytes = segment === undefined ? undefined : await live.read(recording.id, segment, query.from);
        if (bytes === undefined) throw new GatewayError('not_found', 'there is no such segment, or no longer');
        // A player asks every second: that is one viewing.
        if (viewings.isNew(`${actor.id} ${recording.id}`, Date.now())) {
          await audit.record({
            action: 'recording.viewed',
            actor,
            address,
            subject: recording.target.name,
            sessionId: recording.id,
            details: { owner: recording.user.username, live: true },
          });
        }
        context.status = 200;
        context.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        context.type = 'video/mp4';
      },
    }),
  ];

  async function goingOn(id: string) {
    const recording = await history.recording(id);
    if (recording.state !== 'recording') throw new GatewayError('not_ready', 'the session is over');
    return recording;
  }
}

/** Who watches what: whoever has not asked for a while begins anew. */
class Viewings {
  readonly #seen = new Map<string, number>();

  isNew(viewing: string, now: number): boolean {
    for (const [other, at] of this.#seen) if (now - at > VIEWING_ENDS_AFTER_MS) this.#seen.delete(other);
    const isNew = !this.#seen.has(viewing);
    this.#seen.set(viewing, now);
    return isNew;
  }
}

const VIEWING_ENDS_AFTER_MS = 60_000;
