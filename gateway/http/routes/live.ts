import { sessionClock } from '../../clock.ts';
import { GatewayError } from '../../errors.ts';
import type { Recording } from '../../sessions/session-history.ts';
import type { RecordingViewings } from '../recording-viewings.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, object, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** Recordings that go on, playable up to a few seconds ago: a list of segments, and their bytes as they come. */
export function liveRoutes({ history, live, sessions }: Services, viewings: RecordingViewings): Route[] {
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
        sessions.find(id)?.recordingWatched();
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
      async handle(call) {
        const { parameter, query, context } = call;
        const recording = await goingOn(parameter('id'));
        const segment = /^\d{1,6}$/.test(parameter('segment')) ? Number(parameter('segment')) : undefined;
        const bytes = segment === undefined ? undefined : await live.read(recording.id, segment, query.from);
        if (bytes === undefined) throw new GatewayError('not_found', 'there is no such segment, or no longer');
        await viewings.ofLive(recording, call);
        context.status = 200;
        context.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        context.type = 'video/mp4';
      },
    }),
  ];

  async function goingOn(id: string): Promise<Recording> {
    const recording = await history.recording(id);
    if (recording.state !== 'recording') throw new GatewayError('not_ready', 'the session is over');
    viewings.requireLiveView(recording);
    return recording;
  }
}
