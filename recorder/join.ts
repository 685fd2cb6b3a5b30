import { createHash } from 'node:crypto';
import { FRAME_GRID_MS } from './encoding/segment-writer.ts';
import { EVENTS_FILE, type RecordedEvent, readEvents } from './evidence/event-log.ts';
import { EVIDENCE_MARK } from './evidence/evidence-box.ts';
import { digestFrames, type FramesDigest, type SealedPart, type Sealing, VideoSeal } from './evidence/seal.ts';
import { readSigningKey } from './evidence/signing-key.ts';
import { chaptersOf, cuesOf } from './mp4/chapters.ts';
import { encodeMovieHead, type VideoFrames } from './mp4/joined-mp4.ts';
import { VIDEO_TRACK } from './mp4/movie-box.ts';
import { encodeTextTracks, type TextTracks } from './mp4/text-tracks.ts';
import { RecorderError } from './recording.ts';
import type { Segment } from './segments.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

export const VIDEO_FILE = 'video.mp4';

export interface JoinRequest {
  readonly sessionId: string;
  readonly segments: readonly Segment[];
  readonly width: number;
  readonly height: number;
  /** How long the last picture was on the screen at least; ms of the video's clock. */
  readonly untilMs: number;
  /** What went wrong while it was recorded; signed with the rest. */
  readonly problems: readonly string[];
  /** Signs the video together with the event log; without it the video carries no evidence. */
  readonly sealing: Sealing | undefined;
}

export interface JoinedVideo {
  readonly bytes: number;
  readonly durationMs: number;
  readonly evidence: { readonly keyId: string; readonly chain: string } | undefined;
  /** Those of the request, and what sealing found. */
  readonly problems: readonly string[];
}

/**
 * Writes one MP4 of all segments, the index first, frames as they are to the byte, and the evidence around them. Times
 * are the wall clock's: pauses between segments stay as they were. The file is in its place when this resolves.
 */
export async function joinSegments(folder: RecordingFolder, request: JoinRequest): Promise<JoinedVideo> {
  const { segments, width, height } = request;
  const timeline = onFineGrid(timesOf(segments));
  const parts = segments.map(
    ({ entry, scan, encodedAgain, open }, i): SealedPart => ({
      file: entry.file,
      encodedAgain,
      open,
      frames: scan.frames,
      times: timeline[i] as number[],
    }),
  );
  const frames = videoFrames(parts, request.untilMs);
  const startedAt = segments[0]?.entry.startedAt ?? 0;
  const durationMs = Math.round(frames.endMs);
  const digest = await digestFrames(parts);
  const events = await folder.read(EVENTS_FILE);
  const times = { startedAt, endedAt: startedAt + durationMs };
  const { seal, problems } = await openSeal(request, digest, times, events);
  const facts = {
    width,
    height,
    startedAt,
    description: (segments[0] as Segment).scan.description,
    comment: seal === undefined ? undefined : EVIDENCE_MARK,
    text: events && textOf(readEvents(events), durationMs),
  };
  // How long the index is does not depend on the header that it vouches for.
  const gap = seal?.index(Buffer.alloc(0)).length ?? 0;
  let head = encodeMovieHead(frames, facts, gap);
  let index = seal?.index(head.bytes) ?? Buffer.alloc(0);
  if (index.length !== gap) {
    // But for the number of its digits.
    head = encodeMovieHead(frames, facts, index.length);
    index = seal?.index(head.bytes) ?? index;
  }
  const before = Buffer.concat([head.bytes, index, head.dataHeader]);
  if (before.length !== head.firstFrame) throw new Error("the video's header is not as long as was planned");

  const writer = await folder.create(VIDEO_FILE);
  try {
    const whole = createHash('sha256').update(before);
    await writer.append(before);
    const copied = createHash('sha256');
    for (const part of parts) {
      await copyFrames(part, async (bytes) => {
        whole.update(bytes);
        copied.update(bytes);
        await writer.append(bytes);
      });
    }
    if (copied.digest('hex') !== digest.sha256) throw new Error('the segments changed while they were joined');
    if (seal !== undefined) await writer.append(seal.evidence(before, whole.digest('hex')));
    const { bytes } = writer;
    await writer.end();
    await folder.commit(VIDEO_FILE);
    const evidence = seal === undefined ? undefined : { keyId: seal.keyId, chain: seal.chain };
    return { bytes, durationMs, evidence, problems };
  } catch (cause) {
    await writer.abandon();
    throw new RecorderError('recording_failed', `the segments cannot be joined: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** When each frame of each segment is shown in the video. */
function timesOf(segments: readonly Segment[]): number[][] {
  const startedAt = segments[0]?.entry.startedAt ?? 0;
  let earliest = 0;
  return segments.map(({ entry, scan }) => {
    const start = Math.max(earliest, entry.startedAt - startedAt);
    earliest = Math.round(start + scan.lastFrameMs) + FRAME_GRID_MS;
    return scan.frames.map(({ timeMs }) => Math.round(start + timeMs));
  });
}

/**
 * A clock that ticks alone on a desktop makes frames as regular as its ticks. ffmpeg takes that for the frame rate, leaves out
 * frames that come closer later on when it encodes the video again, and complains of them when it decodes it. One frame that
 * is a step of the grid late tells it of the grid.
 */
function onFineGrid(timeline: number[][]): number[][] {
  const first = timeline.flat().slice(OVERLOOKED, LOOKED_AT);
  const step = first.slice(1).reduce((divisor, time, i) => commonDivisor(divisor, time - (first[i] as number)), 0);
  if (first.length < LOOKED_AT - OVERLOOKED || step <= FRAME_GRID_MS) return timeline;
  let n = 0;
  return timeline.map((times) => times.map((time) => (n++ === LATE_FRAME ? time + FRAME_GRID_MS : time)));
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function videoFrames(parts: readonly SealedPart[], untilMs: number): VideoFrames {
  const all = parts.flatMap(({ frames }) => frames);
  const times = parts.flatMap((part) => part.times);
  const last = times.at(-1) ?? 0;
  return {
    sizes: all.map(({ size }) => size),
    times,
    keys: all.flatMap(({ key }, index) => (key ? [index] : [])),
    // The session's end is a frame of its own, so one millisecond is enough for it.
    endMs: Math.max(last + 1, Math.round(untilMs)),
  };
}

/** The events as other players show them. */
function textOf(events: readonly RecordedEvent[], durationMs: number): TextTracks {
  return encodeTextTracks(cuesOf(events, durationMs), chaptersOf(events, durationMs), durationMs, VIDEO_TRACK + 1);
}

/** `undefined` where it cannot be sealed, which is a problem: a video without its evidence is better than none. */
async function openSeal(
  { sessionId, problems, sealing }: JoinRequest,
  digest: FramesDigest,
  times: { startedAt: number; endedAt: number },
  events: Buffer | undefined,
): Promise<{ seal: VideoSeal | undefined; problems: readonly string[] }> {
  if (sealing === undefined) return { seal: undefined, problems };
  try {
    const key = await readSigningKey(sealing.signingKeyFile);
    if (events === undefined) throw new Error('there is no event log');
    const seal = new VideoSeal({ sessionId, ...times, problems, digest, events }, sealing, key);
    return { seal, problems: seal.problems };
  } catch (cause) {
    return { seal: undefined, problems: [...problems, `not signed: ${(cause as Error).message}`] };
  }
}

/** Several frames at a time: those of an idle desktop have 100 bytes each. */
async function copyFrames({ open, frames }: SealedPart, take: (bytes: Buffer) => Promise<void>): Promise<void> {
  const source = await open();
  let run: Buffer[] = [];
  let bytes = 0;
  const takeRun = async () => {
    await take(Buffer.concat(run));
    run = [];
    bytes = 0;
  };
  try {
    for (const { offset, size } of frames) {
      run.push(await source.read(offset, size));
      bytes += size;
      if (bytes >= RUN_BYTES) await takeRun();
    }
    await takeRun();
  } finally {
    await source.close();
  }
}

const RUN_BYTES = 64 * 1024;
/** ffmpeg overlooks the first four gaps between frames, and looks at more of them than that before it settles for a rate. */
const OVERLOOKED = 4;
const LOOKED_AT = 30;
const LATE_FRAME = 6;
