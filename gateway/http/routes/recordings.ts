import type { Recording, RecordingFilter } from '../../sessions/session-history.ts';
import { moment } from '../access-schemas.ts';
import type { RecordingViewings } from '../recording-viewings.ts';
import { type Route, route } from '../route.ts';
import { array, id, object, ref } from '../schemas.ts';
import { sendFile } from '../send-file.ts';
import type { Services } from '../services.ts';

const part = { type: 'string', minLength: 1, maxLength: 128 };
const seconds = { type: 'number', minimum: 0, maximum: 1e9 };
const filters = {
  limit: { type: 'integer', minimum: 1, maximum: 1000, default: 200 },
  after: { ...id, description: 'the next page: only those that come after this recording in the list' },
  before: { ...moment, description: 'sessions made before this moment' },
  from: { ...moment, description: 'started at this moment or later' },
  to: { ...moment, description: 'started before this moment' },
  user: { ...part, description: "part of the user's name" },
  target: { ...part, description: "part of the target's name" },
  account: { ...part, description: "part of the account's name" },
  search: {
    ...part,
    description:
      'words, each of which is part of one of these names, begins a word in the events, or was typed as it is',
  },
  state: {
    enum: ['recording', 'finishing', 'ready', 'failed', 'deleted'],
    description: 'deleted ones are left out unless asked for',
  },
  held: { type: 'boolean', description: 'only those under legal hold, or only the others' },
  minSeconds: { ...seconds, description: 'length of the video' },
  maxSeconds: seconds,
};

export function recordingRoutes({ history, recordings, audit }: Services, viewings: RecordingViewings): Route[] {
  return [
    route<undefined, RecordingFilter>({
      method: 'get',
      path: '/api/recordings',
      id: 'listRecordings',
      tag: 'recordings',
      summary: 'Recordings, the newest first',
      access: 'recording.view',
      query: object(filters, Object.keys(filters)),
      status: 200,
      response: array(ref('Recording')),
      errors: [],
      handle: ({ query }) => history.recordings(query),
    }),
    route({
      method: 'get',
      path: '/api/recordings/:id',
      id: 'getRecording',
      tag: 'recordings',
      summary: 'One recording',
      access: 'recording.view',
      status: 200,
      response: ref('Recording'),
      errors: [],
      handle: ({ parameter }) => history.recording(parameter('id')),
    }),
    route<undefined, { download: string }>({
      method: 'get',
      path: '/api/recordings/:id/video.mp4',
      id: 'getRecordingVideo',
      tag: 'recordings',
      summary: 'The video; ranges are served',
      access: 'recording.view',
      query: object({ download: { enum: ['0', '1'], default: '0', description: '1: as a file to save' } }, [
        'download',
      ]),
      status: 200,
      produces: 'video/mp4',
      errors: ['not_ready', 'range_not_satisfiable', 'recording_unreadable', 'recording_unreachable'],
      async handle(call) {
        const { parameter, query, context, actor, address } = call;
        const recording = await history.finishedRecording(parameter('id'));
        const download = query.download === '1';
        if (context.method === 'GET' && download) {
          await audit.record({
            action: 'recording.downloaded',
            actor,
            address,
            subject: recording.target.name,
            sessionId: recording.id,
            details: { owner: recording.user.username },
          });
        } else if (context.method === 'GET') {
          // A player asks for many ranges; the first byte is asked for once, more or less.
          await viewings.ofFinished(recording, call, /^(?:bytes=0-\d*)?$/.test(context.get('Range')));
        }
        await sendFile(context, await recordings.video(recording.id), {
          type: 'video/mp4',
          downloadName: download ? downloadName(recording) : undefined,
        });
      },
    }),
    route({
      method: 'get',
      path: '/api/recordings/:id/thumbnail.jpg',
      id: 'getRecordingThumbnail',
      tag: 'recordings',
      summary: 'A small picture of it',
      access: 'recording.view',
      status: 200,
      produces: 'image/jpeg',
      errors: ['not_ready', 'range_not_satisfiable', 'recording_unreadable', 'recording_unreachable'],
      async handle({ parameter, context }) {
        const recording = await history.finishedRecording(parameter('id'));
        await sendFile(context, await recordings.thumbnail(recording.id), { type: 'image/jpeg' });
      },
    }),
  ];
}

/** `oriel-2026-11-21T20-15-00-server-jane.mp4` */
function downloadName(recording: Recording): string {
  const time = recording.startedAt.slice(0, 19).replaceAll(':', '-');
  return `oriel-${time}-${recording.target.name}-${recording.user.username}.mp4`;
}
