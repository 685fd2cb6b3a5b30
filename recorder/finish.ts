import { open, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EVENTS_FILE, EventLog } from './evidence/event-log.ts';
import { EVIDENCE_MARK } from './evidence/evidence-box.ts';
import { hashSegment, type SealedPart, type Sealing, type SealRequest, sealVideo } from './evidence/seal.ts';
import { readSigningKey } from './evidence/signing-key.ts';
import { describeExit, encoderArguments, type Ffmpeg, FRAGMENTED_MP4, findFfmpeg, runFfmpeg } from './ffmpeg.ts';
import { readDuration, scanFragments } from './fragmented-mp4.ts';
import {
  MANIFEST_FILE,
  type Manifest,
  type ManifestSegment,
  readManifest,
  syncDirectory,
  writeManifest,
} from './manifest.ts';
import { RecorderError, type RecorderLog, type RecordingSummary, systemClock } from './recording.ts';
import { FRAME_GRID_MS } from './segment-writer.ts';

export const VIDEO_FILE = 'video.mp4';
export const THUMBNAIL_FILE = 'thumbnail.jpg';

export interface RecoveredRecording {
  readonly sessionId: string;
  readonly directory: string;
  /** `undefined` with no `error`: there was no picture to save, and the folder has been removed. */
  readonly summary?: RecordingSummary | undefined;
  readonly error?: RecorderError | undefined;
}

export interface RecoverOptions {
  /** Signs what is recovered (`Sealing.signingKeyFile`); without it, recordings carry no evidence. */
  readonly signingKeyFile?: string | undefined;
  /** Only these; default: all below the folder. */
  readonly sessionIds?: readonly string[] | undefined;
  readonly ffmpegPath?: string | undefined;
  readonly log?: RecorderLog | undefined;
  /**
   * A recording whose owner is alive (its manifest was renewed this lately by a living process) is waited for up to
   * `patienceMs` and then left alone: another host may be about to finish it.
   */
  readonly aliveMs?: number | undefined;
  readonly patienceMs?: number | undefined;
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
    const folder = join(directory, sessionId);
    let manifest: Manifest | undefined;
    try {
      manifest = await readManifest(folder);
      if (manifest === undefined || !isUnfinished(manifest)) continue;
      manifest = await waitForOwner(folder, manifest, options);
      if (manifest === undefined || !isUnfinished(manifest)) continue;
      const ffmpeg = await findFfmpeg(options.ffmpegPath);
      if (manifest.state === 'recording') {
        manifest.problems = [...(manifest.problems ?? []), 'interrupted: the recorder was gone before the end'];
      }
      manifest.state = 'finishing';
      const sealing = await recoverEvents(folder, manifest, options);
      const summary = await finishRecording(folder, manifest, ffmpeg, options.log, sealing);
      recovered.push({ sessionId, directory: folder, summary });
      options.log?.info({ sessionId, durationMs: summary?.durationMs }, 'interrupted recording finished');
    } catch (cause) {
      if (cause instanceof RecorderError && cause.code === 'recorder_unavailable') throw cause;
      const error =
        cause instanceof RecorderError
          ? cause
          : new RecorderError('recording_failed', `cannot be recovered: ${(cause as Error).message}`, { cause });
      recovered.push({ sessionId, directory: folder, error });
      options.log?.error({ sessionId, err: error }, 'interrupted recording cannot be finished');
    }
  }
  return recovered;
}

/**
 * Makes one MP4 of the segments in a folder and removes them. Also repairs: a segment's unusable tail is cut off and
 * an empty segment dropped. `undefined` when nothing was ever recorded (the folder is removed); rejects with
 * `recording_failed` when segments are there but do not join, and leaves them as they are.
 * @param sealing signs the video together with the event log; without it the video carries no evidence
 */
export async function finishRecording(
  directory: string,
  manifest: Manifest,
  ffmpeg: Ffmpeg,
  log?: RecorderLog,
  sealing?: Sealing,
): Promise<RecordingSummary | undefined> {
  const parts = await usableSegments(directory, manifest);
  if (parts.length === 0) {
    if (manifest.segments.length === 0) {
      await rm(directory, { recursive: true, force: true });
      return undefined;
    }
    // There was something to record and none of it is left: that must stay visible.
    manifest.state = 'incomplete';
    delete manifest.owner;
    await writeManifest(directory, manifest);
    throw new RecorderError('recording_failed', 'no frame of the recording reached the disk');
  }
  const width = Math.max(...parts.map(({ segment }) => segment.width));
  const height = Math.max(...parts.map(({ segment }) => segment.height));
  const reference = parts.findLast(({ segment }) => segment.width === width && segment.height === height);
  for (const part of parts) {
    const fits = reference !== undefined && sameBytes(part.configuration, reference.configuration);
    if (!fits) await encodeOnCanvas(directory, part, width, height, ffmpeg);
  }
  const first = parts[0] as Part;
  for (const part of parts) {
    if (!sameBytes(part.configuration, first.configuration)) {
      throw new RecorderError('recording_failed', `segment ${part.file} does not join with ${first.file}`);
    }
  }
  const startedAt = first.segment.startedAt;
  const seal = await prepareSeal(directory, manifest, parts, sealing);
  try {
    await joinParts(directory, parts, ffmpeg, seal);
  } catch (cause) {
    if (seal === undefined || cause instanceof RecorderError) throw cause;
    // A video without its evidence is better than none.
    log?.error({ sessionId: manifest.sessionId, err: cause }, 'recording cannot be sealed');
    manifest.problems = [...(manifest.problems ?? []), `not signed: ${(cause as Error).message}`];
    await joinParts(directory, parts, ffmpeg);
  }
  const path = resolve(directory, VIDEO_FILE);
  const bytes = (await stat(path)).size;
  const durationMs = Math.round((await readDuration(path)) ?? 0);
  if (await writeThumbnail(directory, parts, ffmpeg)) manifest.thumbnail = THUMBNAIL_FILE;
  else log?.warn({ sessionId: manifest.sessionId }, 'no thumbnail');

  manifest.startedAt = startedAt;
  manifest.endedAt = startedAt + durationMs;
  manifest.video = { file: VIDEO_FILE, bytes, durationMs, width, height };
  const whole = (manifest.problems?.length ?? 0) === 0 && manifest.segments.every((s) => s.problem === undefined);
  manifest.state = whole ? 'complete' : 'incomplete';
  delete manifest.owner;
  await writeManifest(directory, manifest);
  // Only now: until the manifest says that the video is there, the segments are the recording.
  await removeWorkFiles(directory, manifest);
  return {
    path,
    bytes,
    durationMs,
    width,
    height,
    startedAt,
    endedAt: manifest.endedAt,
    segments: parts.length,
    state: manifest.state,
  };
}

interface Part {
  readonly segment: ManifestSegment;
  /** What to join: the segment itself, or its copy on a larger canvas. */
  file: string;
  configuration: Uint8Array;
  readonly lastFrameMs: number;
}

function isUnfinished(manifest: Manifest): boolean {
  return manifest.state === 'recording' || manifest.state === 'finishing';
}

async function usableSegments(directory: string, manifest: Manifest): Promise<Part[]> {
  const parts: Part[] = [];
  for (const segment of manifest.segments) {
    const path = join(directory, segment.file);
    const scan = await scanFragments(path).catch((cause: Error) => {
      segment.problem ??= `cannot be read: ${cause.message}`;
      return undefined;
    });
    if (scan === undefined) {
      segment.problem ??= 'no frame of it reached the disk';
      segment.frames = 0;
      continue;
    }
    if (scan.playableBytes < scan.fileBytes) await truncate(path, scan.playableBytes);
    segment.frames = scan.frames;
    segment.bytes = scan.playableBytes;
    segment.durationMs = scan.lastFrameMs;
    parts.push({ segment, file: segment.file, configuration: scan.configuration, lastFrameMs: scan.lastFrameMs });
  }
  return parts;
}

/** Encodes a segment again, centred on a larger canvas, with its timestamps as they are. */
async function encodeOnCanvas(
  directory: string,
  part: Part,
  width: number,
  height: number,
  ffmpeg: Ffmpeg,
): Promise<void> {
  const file = part.file.replace('.mp4', CANVAS_SUFFIX);
  const left = ((width - part.segment.width) >> 1) & ~1;
  const top = ((height - part.segment.height) >> 1) & ~1;
  await runOrThrow(
    ffmpeg,
    [
      ...['-i', `file:${join(directory, part.file)}`, ...ffmpeg.passthrough],
      ...['-vf', `pad=${width}:${height}:${left}:${top}`],
      // Finer than the original: encoding twice must not cost legibility twice.
      ...encoderArguments({ width, height, qp: part.segment.qp - CANVAS_QP_STEP }),
      ...FRAGMENTED_MP4,
      `file:${join(directory, file)}`,
    ],
    'a segment cannot be put on the larger canvas',
  );
  const scan = await scanFragments(join(directory, file));
  if (scan === undefined) throw new RecorderError('recording_failed', `segment ${file} is empty after letterboxing`);
  part.file = file;
  part.configuration = scan.configuration;
}

/** Joins without re-encoding. Durations are given, so that the timeline is the wall clock's and gaps stay as they were. */
async function joinParts(
  directory: string,
  parts: readonly Part[],
  ffmpeg: Ffmpeg,
  seal?: (path: string) => Promise<void>,
): Promise<void> {
  const lines = ['ffconcat version 1.0'];
  parts.forEach((part, index) => {
    lines.push(`file '${part.file}'`);
    const next = parts[index + 1];
    if (next === undefined) return;
    const duration = Math.max(part.lastFrameMs + FRAME_GRID_MS, next.segment.startedAt - part.segment.startedAt);
    lines.push(`duration ${(duration / 1000).toFixed(3)}`);
  });
  const list = join(directory, LIST_FILE);
  await writeFile(list, `${lines.join('\n')}\n`);
  const partial = join(directory, PARTIAL_VIDEO_FILE);
  await runOrThrow(
    ffmpeg,
    [
      // Without the conversion the frames stay as they are, to the byte: the event log has their hashes.
      ...['-f', 'concat', '-safe', '1', '-auto_convert', '0', '-i', `file:${list}`],
      ...['-map', '0:v:0', '-c', 'copy', ...ffmpeg.exactEnd],
      ...(seal === undefined ? [] : ['-metadata', `comment=${EVIDENCE_MARK}`]),
      ...['-movflags', '+faststart', '-video_track_timescale', '1000', '-f', 'mp4', `file:${partial}`],
    ],
    'the segments cannot be joined',
  );
  await seal?.(partial);
  const file = await open(partial, 'r+');
  await file.sync();
  await file.close();
  await rename(partial, join(directory, VIDEO_FILE));
  await syncDirectory(directory);
}

/** A picture from the middle segment, not far from its only key frame: decoding a long way for a thumbnail is not worth it. */
async function writeThumbnail(directory: string, parts: readonly Part[], ffmpeg: Ffmpeg): Promise<boolean> {
  const part = parts[parts.length >> 1] as Part;
  // The first frame at or after this moment is taken, so it must not be past the last one.
  const seconds = Math.max(0, Math.min(part.lastFrameMs - 1, THUMBNAIL_LATEST_MS) / 1000);
  const partial = join(directory, `${THUMBNAIL_FILE}.part`);
  const { exit } = await runFfmpeg(
    ffmpeg.path,
    [
      ...QUIET,
      ...['-ss', seconds.toFixed(3), '-i', `file:${join(directory, part.file)}`, '-frames:v', '1'],
      ...['-vf', `scale='min(${THUMBNAIL_WIDTH},iw)':-2`, '-q:v', '4', '-f', 'mjpeg', `file:${partial}`],
    ],
    FFMPEG_TIMEOUT_MS,
  );
  const made = exit.code === 0 && (await stat(partial).catch(() => undefined))?.size;
  if (!made) {
    await rm(partial, { force: true });
    return false;
  }
  await rename(partial, join(directory, THUMBNAIL_FILE));
  return true;
}

/** What joining calls before the video is put in its place; `undefined` where it cannot be sealed, which is a problem. */
async function prepareSeal(
  directory: string,
  manifest: Manifest,
  parts: readonly Part[],
  sealing: Sealing | undefined,
): Promise<((path: string) => Promise<void>) | undefined> {
  if (sealing === undefined) return undefined;
  try {
    await readSigningKey(sealing.signingKeyFile);
  } catch (cause) {
    manifest.problems = [...(manifest.problems ?? []), `not signed: ${(cause as Error).message}`];
    return undefined;
  }
  return async (path) => {
    const request: SealRequest = {
      path,
      directory,
      sessionId: manifest.sessionId,
      parts: parts.map(sealedPart),
      durationMs: Math.round((await readDuration(path)) ?? 0),
      problems: [
        ...(manifest.problems ?? []),
        ...manifest.segments.flatMap(({ file, problem }) =>
          problem === undefined ? [] : [`segment ${file}: ${problem}`],
        ),
      ],
    };
    const { keyId, chain, problems } = await sealVideo(request, sealing);
    manifest.evidence = { keyId, chain };
    const found = problems.slice(request.problems.length);
    if (found.length > 0) manifest.problems = [...(manifest.problems ?? []), ...found];
  };
}

function sealedPart({ segment, file }: Part): SealedPart {
  const { startedAt, frames = 0 } = segment;
  return { file: segment.file, startedAt, frames, encodedAgain: file !== segment.file };
}

/** Goes on with the event log of a recorder that died, and adds what it could not write any more. */
async function recoverEvents(
  directory: string,
  manifest: Manifest,
  options: RecoverOptions,
): Promise<Sealing | undefined> {
  const { signingKeyFile } = options;
  if (signingKeyFile === undefined) return undefined;
  const now = () => systemClock.now();
  const log = await EventLog.open({ directory, sessionId: manifest.sessionId, at: now() });
  try {
    log.append('recovered', {}, { at: now(), t: null });
    const logged = await log.segments();
    for (const { file } of manifest.segments) {
      const hashed = logged.has(file) ? undefined : await hashSegment(join(directory, file));
      if (hashed !== undefined) log.append('segment', { file, ...hashed, afterCrash: true }, { at: now(), t: null });
    }
  } finally {
    await log.close();
  }
  return { signingKeyFile, log: log.state, now };
}

async function removeWorkFiles(directory: string, manifest: Manifest): Promise<void> {
  const names = manifest.segments.flatMap(({ file }) => [file, file.replace('.mp4', CANVAS_SUFFIX)]);
  // What cannot be removed costs space, not the recording.
  // The events are in the video now.
  const events = manifest.evidence === undefined ? [] : [EVENTS_FILE];
  for (const name of [...names, ...events, LIST_FILE, PARTIAL_VIDEO_FILE]) {
    await rm(join(directory, name), { force: true }).catch(() => {});
  }
}

/** The manifest as it is on disk now, once no other living process owns it; `undefined` when one still does. */
async function waitForOwner(
  directory: string,
  manifest: Manifest,
  options: RecoverOptions,
): Promise<Manifest | undefined> {
  const deadline = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  let current: Manifest | undefined = manifest;
  while (current !== undefined && isUnfinished(current) && (await hasOwner(directory, current, options))) {
    if (performance.now() > deadline) return undefined;
    await new Promise((wake) => setTimeout(wake, 500));
    current = await readManifest(directory);
  }
  return current;
}

async function hasOwner(directory: string, manifest: Manifest, options: RecoverOptions): Promise<boolean> {
  const pid = manifest.owner?.pid;
  if (pid === undefined || pid === process.pid) return false;
  const renewed = await stat(join(directory, MANIFEST_FILE)).catch(() => undefined);
  if (renewed === undefined || Date.now() - renewed.mtimeMs > (options.aliveMs ?? ALIVE_MS)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function runOrThrow(ffmpeg: Ffmpeg, args: readonly string[], failure: string): Promise<void> {
  const { exit } = await runFfmpeg(ffmpeg.path, [...QUIET, ...args], FFMPEG_TIMEOUT_MS);
  if (exit.code !== 0) throw new RecorderError('recording_failed', `${failure}: ${describeExit(exit)}`);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((value, index) => value === b[index]);
}

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'] as const;
const LIST_FILE = 'segments.ffconcat';
const PARTIAL_VIDEO_FILE = 'video.mp4.part';
const CANVAS_SUFFIX = '.canvas.mp4';
const CANVAS_QP_STEP = 3;
const THUMBNAIL_WIDTH = 480;
const THUMBNAIL_LATEST_MS = 20_000;
/** Joining hours takes seconds; encoding a long segment again takes minutes. */
const FFMPEG_TIMEOUT_MS = 30 * 60_000;
/** Three heartbeats of a recorder. */
const ALIVE_MS = 15_000;
const PATIENCE_MS = 120_000;
