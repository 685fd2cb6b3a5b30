import type { Actor } from '../../access/can.ts';
import { sessionClock } from '../../clock.ts';
import { GatewayError } from '../../errors.ts';
import type { LiveSession } from '../../sessions/live-session.ts';
import type { Recording } from '../../sessions/session-history.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, object, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** Recordings that go on, playable up to a few seconds ago: a list of segments, and their bytes as they come. */
export function liveRoutes({ history, live, sessions, settings, audit }: Services): Route[] {
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
        sessionOf(id)?.recordingWatched();
        const video = await live.video(id);
        if (video === undefined) throw new GatewayError('not_ready', 'there is no picture yet, or the session is over');
        return {
          startedAt: new Date(video.startedAt).toISOString(),
          now: Math.max(0, Math.round(sessionClock() - video.startedAt)),
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
        await viewings.goOn(`${actor.id} ${recording.id}`, () => begin(recording, actor, address));
        context.status = 200;
        context.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        context.type = 'video/mp4';
      },
    }),
  ];

  async function goingOn(id: string): Promise<Recording> {
    const recording = await history.recording(id);
    if (recording.state !== 'recording') throw new GatewayError('not_ready', 'the session is over');
    if (sessionOf(id)?.facts.terms.liveView === false) {
      throw new GatewayError('forbidden', 'the policy allows no live view: it can be played when the session is over');
    }
    return recording;
  }

  function sessionOf(id: string): LiveSession | undefined {
    return sessions.list().find((session) => session.id === id);
  }

  /** Seen with a few seconds of delay is seen: it is written down, and announced, as a live view is. */
  async function begin(recording: Recording, actor: Actor, address: string): Promise<() => void> {
    const session = sessionOf(recording.id);
    const announced = session?.facts.terms.liveViewAnnounced ?? (await settings.read()).announceShadow;
    await audit.record({
      action: 'recording.viewed',
      actor,
      address,
      subject: recording.target.name,
      sessionId: recording.id,
      details: { owner: recording.user.username, live: true, announced },
    });
    const viewer = { userId: actor.id, username: actor.username, since: sessionClock() };
    return session?.playing(viewer, announced) ?? (() => {});
  }
}

/** Who plays what: whoever has not asked for a while has left, and begins anew. */
class Viewings {
  readonly #viewings = new Map<string, { readonly begun: Promise<() => void>; expiry: NodeJS.Timeout | undefined }>();

  /** @param begin called for the first request of a viewing; what it returns, when the viewing is over */
  async goOn(name: string, begin: () => Promise<() => void>): Promise<void> {
    const viewing = this.#viewings.get(name) ?? { begun: begin(), expiry: undefined };
    this.#viewings.set(name, viewing);
    clearTimeout(viewing.expiry);
    try {
      const leave = await viewing.begun;
      clearTimeout(viewing.expiry);
      viewing.expiry = setTimeout(() => {
        this.#viewings.delete(name);
        leave();
      }, LEFT_AFTER_MS).unref();
    } catch (error) {
      this.#viewings.delete(name);
      throw error;
    }
  }
}

const LEFT_AFTER_MS = 15_000;
