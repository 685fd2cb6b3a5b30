import type { Recording, RecordingFilter } from '../../sessions/session-history.ts';
import { moment } from '../access-schemas.ts';
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

export function recordingRoutes({ history, recordings, audit }: Services): Route[] {
  const viewings = new Viewings();
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
      errors: ['not_ready', 'range_not_satisfiable', 'recording_unreadable'],
      async handle({ parameter, query, context, actor, address, signedIn }) {
        const recording = await history.finishedRecording(parameter('id'));
        const download = query.download === '1';
        const write = () =>
          audit.record({
            action: download ? 'recording.downloaded' : 'recording.viewed',
            actor,
            address,
            subject: recording.target.name,
            sessionId: recording.id,
            details: { owner: recording.user.username },
          });
        // A player asks for many ranges; the first byte is asked for once, more or less.
        const begins = /^(?:bytes=0-\d*)?$/.test(context.get('Range'));
        if (context.method === 'GET' && download) await write();
        else if (context.method === 'GET') {
          await viewings.asked(`${signedIn.reference} ${recording.id}`, begins, write);
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
      errors: ['not_ready', 'range_not_satisfiable', 'recording_unreadable'],
      async handle({ parameter, context }) {
        const recording = await history.finishedRecording(parameter('id'));
        await sendFile(context, await recordings.thumbnail(recording.id), { type: 'image/jpeg' });
      },
    }),
  ];
}

/** Whoever asked for no part of a video for so long begins anew. */
const GONE_ON_FOR_MS = 60 * 60_000;
/** Our own page asks for the video's frames beside the player, which may ask for the first byte after that. */
const OPENING_MS = 15_000;

/**
 * Who goes on with which video, so that later ranges of one viewing are not written down as more of them.
 *
 * INVARIANT: nobody is given a byte of a video without a line in the audit log: who asks for all but the first, neither.
 */
class Viewings {
  /** The longest untouched first. */
  readonly #begun = new Map<string, Viewing>();

  /** @param begins whether this is a viewing of its own, whatever was before */
  async asked(name: string, begins: boolean, write: () => Promise<void>): Promise<void> {
    const now = performance.now();
    for (const [old, { at }] of this.#begun) {
      if (now - at < GONE_ON_FOR_MS) break;
      this.#begun.delete(old);
    }
    const before = this.#begun.get(name);
    const opens = before !== undefined && begins && !before.fromStart && now - before.since < OPENING_MS;
    const goesOn = before !== undefined && (!begins || opens);
    const viewing = goesOn
      ? { ...before, at: now, fromStart: before.fromStart || begins }
      : { written: write(), since: now, at: now, fromStart: begins };
    this.#begun.delete(name);
    this.#begun.set(name, viewing);
    try {
      await viewing.written;
    } catch (error) {
      this.#begun.delete(name);
      throw error;
    }
  }
}

interface Viewing {
  /** Into the audit log. */
  readonly written: Promise<void>;
  readonly since: number;
  readonly at: number;
  /** Whether the first byte was asked for. */
  readonly fromStart: boolean;
}

/** `oriel-2026-11-21T20-15-00-server-jane.mp4` */
function downloadName(recording: Recording): string {
  const time = recording.startedAt.slice(0, 19).replaceAll(':', '-');
  return `oriel-${time}-${recording.target.name}-${recording.user.username}.mp4`;
}
