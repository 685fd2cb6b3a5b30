import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ffmpeg, findFfmpeg } from './encoding/ffmpeg.ts';
import { FRAME_GRID_MS } from './encoding/segment-writer.ts';
import { keptFile, spoolFile } from './encoding/spool.ts';
import { encodeSpools, lastFrameOf } from './encoding/spooled-segments.ts';
import {
  CHECKPOINTS_FILE,
  type Checkpoint,
  differencesFromCheckpoint,
  FOREIGN_CHECKPOINT,
  isSignedBy,
  lastCheckpoint,
  parseCheckpoint,
  type SignedCheckpoint,
} from './evidence/checkpoint.ts';
import { JOURNAL_FILES } from './evidence/event-journal.ts';
import { EVENTS_FILE, EventLog } from './evidence/event-log.ts';
import { hashSegment, type Sealing } from './evidence/seal.ts';
import { readTrustedKeys } from './evidence/signing-key.ts';
import { joinSegments, VIDEO_FILE } from './join.ts';
import { isUnfinished, type KeyOf, NO_KEYS } from './library.ts';
import { MANIFEST_FILE, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { RecorderError, type RecorderLog, type RecordingSummary, systemClock } from './recording.ts';
import { canvasFile, findSegments, putOnOneCanvas } from './segments.ts';
import { type ByteSource, readablePart } from './storage/byte-source.ts';
import { RecordingFolder } from './storage/recording-folder.ts';
import { decodeThumbnail, THUMBNAIL_FILE } from './thumbnail.ts';

export { THUMBNAIL_FILE, VIDEO_FILE };

export interface RecoveredRecording {
  readonly sessionId: string;
  readonly directory: string;
  /** `undefined` with no `error`: there was no picture to save, and the folder has been removed. */
  readonly summary?: RecordingSummary | undefined;
  readonly error?: RecorderError | undefined;
}

export interface RecoverOptions {
  /** What recordings are encrypted with; default: they are not. */
  readonly keyOf?: KeyOf | undefined;
  /** Signs what is recovered (`Sealing.signingKeyFile`); without it, recordings carry no evidence. */
  readonly signingKeyFile?: string | undefined;
  /** Only these; default: all below the folder. */
  readonly sessionIds?: readonly string[] | undefined;
  /**
   * Of recordings that are not encrypted, only these: whoever can write to the folder could put one there, and would have
   * it signed. Default: all.
   */
  readonly unencrypted?: readonly string[] | undefined;
  readonly ffmpegPath?: string | undefined;
  readonly log?: RecorderLog | undefined;
  /**
   * A recording whose owner is alive (its manifest was renewed this lately by a living process) is waited for up to
   * `patienceMs` and then left alone: another host may be about to finish it.
   */
  readonly aliveMs?: number | undefined;
  /** Of the one recording in `sessionIds`: its recorder is not gone, and knows more than could be written. */
  readonly ending?: Ending | undefined;
  readonly patienceMs?: number | undefined;
}

/** How a recording ended that could not be finished then, for lack of room say. */
export interface Ending {
  /** As it was, whatever of it is on the disk; problems of before the end. */
  readonly manifest: Manifest;
  readonly endedAt: number;
  /** The picture was the same from there on; milliseconds since the epoch, as `endedAt`. */
  readonly changedAt: number;
  /** Why the end could not be written. */
  readonly problem: string | undefined;
}

/**
 * Finishes every recording below `directory` (`<data>/recordings`) that a crash left unfinished. One that cannot be
 * finished is reported with its error, left as it is and tried again next time. Rejects only without ffmpeg.
 */
export async function recoverInterrupted(
  directory: string,
  options: RecoverOptions = {},
): Promise<RecoveredRecording[]> {
  const recovered: RecoveredRecording[] = [];
  const names = options.sessionIds ?? (await readdir(directory).catch(() => [])).sort();
  for (const sessionId of names) {
    const path = join(directory, sessionId);
    try {
      const folder = new RecordingFolder(path, sessionId, await (options.keyOf ?? NO_KEYS)(sessionId));
      if (!folder.isSealed && options.unencrypted?.includes(sessionId) === false) continue;
      let manifest = await readManifest(folder);
      if (manifest === undefined || !isUnfinished(manifest)) continue;
      manifest = await waitForOwner(folder, manifest, options);
      if (manifest === undefined || !isUnfinished(manifest)) continue;
      const ffmpeg = await findFfmpeg(options.ffmpegPath);
      const summary = await recover(folder, manifest, ffmpeg, options);
      recovered.push({ sessionId, directory: path, summary });
      options.log?.info({ sessionId, durationMs: summary?.durationMs }, 'interrupted recording finished');
    } catch (cause) {
      if (cause instanceof RecorderError && cause.code === 'recorder_unavailable') throw cause;
      const error =
        cause instanceof RecorderError
          ? cause
          : new RecorderError('recording_failed', `cannot be recovered: ${(cause as Error).message}`, { cause });
      recovered.push({ sessionId, directory: path, error });
      options.log?.error({ sessionId, err: error }, 'interrupted recording cannot be finished');
    }
  }
  return recovered;
}

export interface FinishOptions {
  readonly log?: RecorderLog | undefined;
  /** Signs the video together with the event log; without it the video carries no evidence. */
  readonly sealing?: Sealing | undefined;
  /** How long the last picture was on the screen at least, on the video's clock. */
  readonly untilMs?: number | undefined;
  /** A JPEG; without it, one is decoded from the segments. */
  readonly thumbnail?: Uint8Array | undefined;
}

/**
 * Makes one MP4 of the segments in a folder and removes them. Of a segment whose writer died, what is whole counts; an
 * empty one is dropped. `undefined` when nothing was ever recorded (the folder is removed); rejects with
 * `recording_failed` when segments are there but do not join, and leaves them as they are.
 */
export async function finishRecording(
  folder: RecordingFolder,
  manifest: Manifest,
  ffmpeg: Ffmpeg,
  { log, sealing, untilMs = 0, thumbnail }: FinishOptions,
): Promise<RecordingSummary | undefined> {
  const found = await findSegments(folder, manifest);
  const [first] = found;
  if (first === undefined) {
    if (manifest.segments.length === 0) {
      await rm(folder.path, { recursive: true, force: true });
      return undefined;
    }
    // There was something to record and none of it is left: that must stay visible.
    return keepWithoutVideo(folder, manifest);
  }
  const { segments, width, height } = await putOnOneCanvas(folder, found, ffmpeg);
  const problemsOfSegments = manifest.segments.flatMap(({ file, problem }) =>
    problem === undefined ? [] : [`segment ${file}: ${problem}`],
  );
  // Where nothing is left of the first segment, the video begins later than the clock that this was counted by.
  const lateMs = first.entry.startedAt - (manifest.startedAt ?? first.entry.startedAt);
  const request = { sessionId: manifest.sessionId, segments, width, height, untilMs: untilMs - lateMs, sealing };
  const before = [...(manifest.problems ?? []), ...problemsOfSegments];
  const video = await joinSegments(folder, { ...request, problems: before });
  const more = video.problems.slice(before.length);
  if (more.length > 0) manifest.problems = [...(manifest.problems ?? []), ...more];
  if (video.evidence !== undefined) manifest.evidence = video.evidence;
  try {
    await folder.write(THUMBNAIL_FILE, thumbnail ?? (await decodeThumbnail(segments, ffmpeg)));
    manifest.thumbnail = THUMBNAIL_FILE;
  } catch (error) {
    // Which costs the library a picture, and the recording nothing.
    log?.warn({ sessionId: manifest.sessionId, err: error }, 'no thumbnail');
  }

  const { startedAt } = first.entry;
  const { bytes, durationMs } = video;
  manifest.startedAt = startedAt;
  manifest.endedAt = startedAt + durationMs;
  manifest.video = { file: VIDEO_FILE, bytes, durationMs, width, height };
  manifest.state = video.problems.length === 0 ? 'complete' : 'incomplete';
  delete manifest.owner;
  await writeManifest(folder, manifest);
  // Only now: until the manifest says that the video is there, the segments are the recording.
  await removeWorkFiles(folder, manifest);
  return {
    path: folder.pathOf(VIDEO_FILE),
    bytes,
    durationMs,
    width,
    height,
    startedAt,
    endedAt: manifest.endedAt,
    segments: segments.length,
    state: manifest.state,
  };
}

async function keepWithoutVideo(folder: RecordingFolder, manifest: Manifest): Promise<never> {
  manifest.state = 'incomplete';
  delete manifest.owner;
  await writeManifest(folder, manifest);
  throw new RecorderError('recording_failed', 'no frame of the recording reached the disk');
}

/** Finishes what its own writer could not. */
async function recover(
  folder: RecordingFolder,
  found: Manifest,
  ffmpeg: Ffmpeg,
  { signingKeyFile, log, ending }: RecoverOptions,
): Promise<RecordingSummary | undefined> {
  const manifest = structuredClone(ending?.manifest ?? found);
  // One that was being joined had been recorded to its end.
  const interrupted = ending === undefined && manifest.state === 'recording';
  const signed = interrupted ? await lastCheckpoint(folder).catch(() => undefined) : undefined;
  const checkpoint = signed && parseCheckpoint(signed);
  const problems = interrupted ? ['interrupted: the recorder was gone before the end'] : [];
  if (signed !== undefined && checkpoint !== undefined && signingKeyFile !== undefined) {
    problems.push(...(await checkCheckpoint(folder, signed, checkpoint, signingKeyFile)));
  }
  if (problems.length > 0) manifest.problems = [...(manifest.problems ?? []), ...problems];
  if (interrupted || ending !== undefined) await encodeSpools(folder, manifest, ffmpeg);
  if (ending !== undefined) await settleEnd(folder, manifest, ending);
  manifest.state = 'finishing';
  const events = await recoverEvents(folder, manifest, ending);
  if (manifest.segments.length === 0 && events.state.lines > OWN_LINES) {
    // It went before the first picture, and something had happened by then: that must not go with it.
    return keepWithoutVideo(folder, manifest);
  }
  const now = () => systemClock.now();
  const sealing =
    signingKeyFile === undefined ? undefined : { signingKeyFile, log: events.state, checkpoint: signed, now };
  // Somebody was there to write that down, and had the picture before them.
  const attestedMs = Math.max(checkpoint?.t ?? 0, interrupted ? events.untilMs : 0);
  const { startedAt } = manifest;
  const untilMs = ending === undefined || startedAt === undefined ? attestedMs : ending.endedAt - startedAt;
  return finishRecording(folder, manifest, ffmpeg, { log, sealing, untilMs });
}

/** The end is missing only where the picture was another one by then than what the disk has last. */
async function settleEnd(folder: RecordingFolder, manifest: Manifest, ending: Ending): Promise<void> {
  for (let last = manifest.segments.at(-1); last !== undefined; last = manifest.segments.at(-1)) {
    const lastFrameMs = await lastFrameOf(folder, last.file);
    if (lastFrameMs >= 0 && last.startedAt + lastFrameMs >= ending.changedAt - FRAME_GRID_MS) {
      delete last.problem;
      return;
    }
    // One that was begun for the end's sake, and never had a frame.
    if (lastFrameMs >= 0 || last.startedAt <= ending.changedAt) break;
    manifest.segments.pop();
  }
  manifest.problems = [...(manifest.problems ?? []), ending.problem ?? 'the end was not recorded'];
}

async function checkCheckpoint(
  folder: RecordingFolder,
  signed: SignedCheckpoint,
  checkpoint: Checkpoint,
  signingKeyFile: string,
): Promise<string[]> {
  const key = (await readTrustedKeys(signingKeyFile)).find(({ id }) => id === checkpoint.key?.id);
  if (key === undefined || !isSignedBy(signed, key) || checkpoint.session !== folder.recordingId) {
    return [FOREIGN_CHECKPOINT];
  }
  // What cannot be read is not as it was.
  const read = <T>(file: string, what: (source: ByteSource) => Promise<T>) =>
    folder
      .openLog(file)
      .then((source) => source && what(source).finally(() => source.close()))
      .catch(() => undefined);
  const log = await read(EVENTS_FILE, (events) => events.read(0, checkpoint.events.bytes));
  return differencesFromCheckpoint(checkpoint, log ?? Buffer.alloc(0), async (file, bytes) => {
    return (await read(file, (segment) => hashSegment(segment, bytes)))?.sha256;
  });
}

/** Goes on with the event log of a recorder that died, and adds what it could not write any more. Closed when it resolves. */
async function recoverEvents(folder: RecordingFolder, manifest: Manifest, ending?: Ending): Promise<EventLog> {
  const now = () => systemClock.now();
  const log = await EventLog.open({ folder, sessionId: manifest.sessionId, at: now() });
  try {
    await log.appendLost(manifest.startedAt);
    if (ending === undefined) log.append('recovered', {}, { at: now(), t: null });
    for (const { file } of manifest.segments) {
      if (log.segments.has(file)) continue;
      const source = await folder.openLog(file).catch(() => undefined);
      const hashed = source && (await hashSegment(await readablePart(source)).finally(() => source.close()));
      if (hashed !== undefined) log.append('segment', { file, ...hashed, afterCrash: true }, { at: now(), t: null });
    }
    if (ending !== undefined) log.append('finished', {}, { at: now(), t: null });
  } finally {
    await log.close();
  }
  return log;
}

async function removeWorkFiles(folder: RecordingFolder, manifest: Manifest): Promise<void> {
  const segments = manifest.segments.flatMap(({ file }) => [file, canvasFile(file), spoolFile(file), keptFile(file)]);
  // The events are in the video now.
  const events = manifest.evidence === undefined ? [] : [EVENTS_FILE];
  await folder.remove(...segments, ...events, ...JOURNAL_FILES, CHECKPOINTS_FILE);
}

/** The manifest as it is on disk now, once no other living process owns it; `undefined` when one still does. */
async function waitForOwner(
  folder: RecordingFolder,
  manifest: Manifest,
  options: RecoverOptions,
): Promise<Manifest | undefined> {
  const deadline = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  let current: Manifest | undefined = manifest;
  while (current !== undefined && isUnfinished(current) && (await hasOwner(folder, current, options))) {
    if (performance.now() > deadline) return undefined;
    await new Promise((wake) => setTimeout(wake, 500));
    current = await readManifest(folder);
  }
  return current;
}

async function hasOwner(folder: RecordingFolder, manifest: Manifest, options: RecoverOptions): Promise<boolean> {
  const pid = manifest.owner?.pid;
  if (pid === undefined || pid === process.pid) return false;
  const renewed = await stat(folder.pathOf(MANIFEST_FILE)).catch(() => undefined);
  if (renewed === undefined) return false;
  // Nor is one alive that renewed it in a time to come: the clock was set back since, and its number is somebody else's by now.
  if (Math.abs(Date.now() - renewed.mtimeMs) > (options.aliveMs ?? ALIVE_MS)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `log` and `recovered`, which say nothing of the session. */
const OWN_LINES = 2;
/** Three heartbeats of a recorder. */
const ALIVE_MS = 15_000;
const PATIENCE_MS = 120_000;
