import { I420Picture } from '../capture/i420.ts';
import { type Manifest, type ManifestSegment, writeManifest } from '../manifest.ts';
import { scanFragments } from '../mp4/fragmented-mp4.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';
import { SealedFileError } from '../storage/sealed-file.ts';
import { describeExit, type Ffmpeg } from './ffmpeg.ts';
import type { SegmentState } from './segment-digest.ts';
import { SegmentWriter } from './segment-writer.ts';
import { keptFile, readSpool, spoolBegins, spoolFile } from './spool.ts';

export interface EncodedRest {
  readonly segment: ManifestSegment;
  readonly state: SegmentState;
}

/**
 * Encodes what encoders that died had not caught up with, as segments of its own behind theirs, and lists them in the
 * manifest; and segments whose turn had not come, in their place. A crash in here costs nothing: it is done once more.
 */
export async function encodeSpools(
  folder: RecordingFolder,
  manifest: Manifest,
  ffmpeg: Ffmpeg,
): Promise<EncodedRest[]> {
  const made: EncodedRest[] = [];
  for (const segment of [...manifest.segments]) {
    let rest = await encodeRest(folder, manifest, segment, ffmpeg);
    // What killed it may have passed. If not, what there is counts.
    if (rest?.failure !== undefined) {
      await folder.remove(rest.segment.file);
      rest = await encodeRest(folder, manifest, segment, ffmpeg);
    }
    if (rest === undefined) continue;
    list(manifest, segment, rest);
    made.push(rest);
  }
  if (made.length > 0) await writeManifest(folder, manifest);
  await folder.remove(...manifest.segments.flatMap(({ file }) => [spoolFile(file), keptFile(file)]));
  return made;
}

/**
 * As `encodeSpools`, of one segment of a recording that goes on.
 * @param save writes the manifest: until that knows of it, the spool is the recording
 * @returns undefined where there is nothing to encode; rejects when it cannot be, and leaves everything as it was
 */
export async function encodeSpoolOf(
  folder: RecordingFolder,
  manifest: Manifest,
  segment: ManifestSegment,
  ffmpeg: Ffmpeg,
  save: () => Promise<void>,
): Promise<EncodedRest | undefined> {
  const rest = await encodeRest(folder, manifest, segment, ffmpeg);
  if (rest === undefined) return undefined;
  if (rest.failure !== undefined) {
    // There was nothing in it before that could be played.
    await folder.remove(rest.segment.file);
    throw new Error(rest.failure);
  }
  list(manifest, segment, rest);
  await save();
  await folder.remove(spoolFile(segment.file), keptFile(segment.file));
  return rest;
}

interface Rest extends EncodedRest {
  /** Together with what there was, it is all that was ever given to the segment. */
  readonly isWhole: boolean;
  /** Why it is not all that was in the spool. */
  readonly failure: string | undefined;
}

function list(manifest: Manifest, segment: ManifestSegment, { segment: rest, isWhole, failure }: Rest): void {
  if (rest !== segment) manifest.segments.splice(manifest.segments.indexOf(segment) + 1, 0, rest);
  if (failure !== undefined) rest.problem = failure;
  // Its encoder died, and nothing is missing for it.
  else if (isWhole) delete segment.problem;
}

async function encodeRest(
  folder: RecordingFolder,
  manifest: Manifest,
  segment: ManifestSegment,
  ffmpeg: Ffmpeg,
): Promise<Rest | undefined> {
  const spool = await folder.openLog(spoolFile(segment.file)).catch(nothingIfUnbegun);
  // It only counts whole: one that was not written to its end is not there.
  const kept = await folder.open(keptFile(segment.file)).catch(nothingIfUnbegun);
  const waiting = [spool, kept].filter((source) => source !== undefined);
  if (waiting.length === 0) return undefined;
  try {
    const encodedBefore = await lastFrameOf(folder, segment.file);
    let encodedUntil = encodedBefore;
    const { width, height, qp, desktop } = segment;
    const picture = new I420Picture(width, height);
    const whole = [picture.bounds];
    let from: number | undefined;
    let until = -1;
    let taken = true;
    let rest: { segment: ManifestSegment; writer: SegmentWriter } | undefined;
    for await (const at of picturesOf(waiting, picture)) {
      from ??= at;
      until = at;
      if (at <= encodedUntil) continue;
      const startedAt = segment.startedAt + at;
      if (rest === undefined) {
        // Listed, but the spool not removed any more.
        const isListed = manifest.segments.some((other) => other !== segment && other.startedAt === startedAt);
        if (isListed) return undefined;
        const isUnbegun = encodedBefore < 0 && at === 0;
        const file = isUnbegun ? segment.file : restFile(segment.file);
        const settings = { width, height, qp };
        const options = {
          ffmpeg,
          folder,
          file,
          settings,
          startedAt,
          isKept: true,
          stallMs: STALL_MS,
          onDeath: () => {},
        };
        const made = isUnbegun ? segment : { file, startedAt, ...settings, desktop };
        rest = { segment: made, writer: await SegmentWriter.open(options) };
      }
      const { writer } = rest;
      // Not faster than it is encoded: this is not to be spooled once more.
      taken = await writer.write(picture, whole, startedAt);
      if (!taken) break;
      await writer.drained();
      encodedUntil = at;
    }
    if (rest === undefined) return undefined;
    const { writer } = rest;
    const exit = await writer.end();
    const failure = taken && exit.code === 0 ? undefined : describeExit(exit);
    const { durationMs } = segment;
    // The picture that was kept says nothing of those between it and the spool.
    const since = spool === undefined ? from : await spoolBegins(spool);
    const isWhole = durationMs !== undefined && until >= durationMs && (since ?? 0) <= Math.max(0, encodedBefore);
    rest.segment.durationMs = Math.max(0, writer.lastTimestamp);
    return { segment: rest.segment, state: writer.state, isWhole, failure };
  } finally {
    for (const source of waiting) await source.close();
  }
}

/** Of the spool and of what was kept, whichever begins first; each begins with a whole picture. */
async function* picturesOf(sources: readonly ByteSource[], picture: I420Picture): AsyncGenerator<number> {
  const placed: { source: ByteSource; at: number }[] = [];
  for (const source of sources) placed.push({ source, at: (await spoolBegins(source)) ?? 0 });
  placed.sort((a, b) => a.at - b.at);
  for (const { source } of placed) yield* readSpool(source, picture);
}

/** A disk that was full, and a power cut, leave files without anything that makes sense in them. */
function nothingIfUnbegun(error: unknown): undefined {
  if (!(error instanceof SealedFileError)) throw error;
}

/** Always the same for a segment: what a crash has left of it is written again. */
function restFile(segmentFile: string): string {
  return segmentFile.replace('.mp4', REST_SUFFIX);
}

/** Whether a segment is what the encoder of another one had left: it is listed when that has been encoded. */
export function isRest({ file }: ManifestSegment): boolean {
  return file.endsWith(REST_SUFFIX);
}

/** Milliseconds since the segment's start; -1 where nothing of it is on the disk. */
export async function lastFrameOf(folder: RecordingFolder, file: string): Promise<number> {
  const source = await folder.openLog(file).catch(nothingIfUnbegun);
  if (source === undefined) return -1;
  try {
    return (await scanFragments(source).catch(() => undefined))?.lastFrameMs ?? -1;
  } finally {
    await source.close();
  }
}

const REST_SUFFIX = '-rest.mp4';
const STALL_MS = 30_000;
