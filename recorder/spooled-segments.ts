import type { Ffmpeg } from './ffmpeg.ts';
import { scanFragments } from './fragmented-mp4.ts';
import { I420Picture } from './i420.ts';
import { type Manifest, type ManifestSegment, writeManifest } from './manifest.ts';
import type { SegmentState } from './segment-digest.ts';
import { SegmentWriter } from './segment-writer.ts';
import { keptFile, readSpool, spoolFile } from './spool.ts';
import type { ByteSource } from './storage/byte-source.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';
import { SealedFileError } from './storage/sealed-file.ts';

/**
 * Encodes what encoders that died had not caught up with, as segments of its own behind theirs, and lists them in the
 * manifest; and segments whose turn had not come, in their place. A crash in here costs nothing: it is done once more.
 */
export async function encodeSpools(
  folder: RecordingFolder,
  manifest: Manifest,
  ffmpeg: Ffmpeg,
): Promise<{ segment: ManifestSegment; state: SegmentState }[]> {
  const made: { segment: ManifestSegment; state: SegmentState }[] = [];
  for (const segment of [...manifest.segments]) {
    const rest = await encodeRest(folder, manifest, segment, ffmpeg);
    if (rest === undefined) continue;
    if (rest.segment !== segment) manifest.segments.splice(manifest.segments.indexOf(segment) + 1, 0, rest.segment);
    made.push(rest);
  }
  if (made.length > 0) await writeManifest(folder, manifest);
  await folder.remove(...manifest.segments.flatMap(({ file }) => [spoolFile(file), keptFile(file)]));
  return made;
}

async function encodeRest(folder: RecordingFolder, manifest: Manifest, segment: ManifestSegment, ffmpeg: Ffmpeg) {
  const sources = [
    await folder.openLog(spoolFile(segment.file)).catch(nothingIfUnbegun),
    // It only counts whole: one that was not written to its end is not there.
    await folder.open(keptFile(segment.file)).catch(nothingIfUnbegun),
  ];
  const waiting = sources.filter((source) => source !== undefined);
  if (waiting.length === 0) return undefined;
  try {
    let encodedUntil = await lastFrameOf(folder, segment.file);
    const { width, height, qp, desktop } = segment;
    const picture = new I420Picture(width, height);
    const whole = [{ x: 0, y: 0, width, height }];
    let rest: { segment: ManifestSegment; writer: SegmentWriter } | undefined;
    for await (const at of picturesOf(waiting, picture)) {
      if (at <= encodedUntil) continue;
      const startedAt = segment.startedAt + at;
      if (rest === undefined) {
        // Listed, but the spool not removed any more.
        const isListed = manifest.segments.some((other) => other !== segment && other.startedAt === startedAt);
        if (isListed) return undefined;
        const isUnbegun = encodedUntil < 0 && at === 0;
        const file = isUnbegun ? segment.file : `${String(manifest.segments.length).padStart(4, '0')}.mp4`;
        const settings = { width, height, qp };
        const options = { ffmpeg, folder, file, settings, startedAt, stallMs: STALL_MS, onDeath: () => {} };
        const made = isUnbegun ? segment : { file, startedAt, ...settings, desktop };
        rest = { segment: made, writer: await SegmentWriter.open(options) };
      }
      const { writer } = rest;
      // Not faster than it is encoded: this is not to be spooled once more.
      if (!(await writer.write(picture, whole, startedAt))) break;
      await writer.drained();
      encodedUntil = at;
    }
    if (rest === undefined) return undefined;
    rest.segment.durationMs = Math.max(0, rest.writer.lastTimestamp);
    await rest.writer.end();
    return { segment: rest.segment, state: rest.writer.state };
  } finally {
    for (const source of waiting) await source.close();
  }
}

async function* picturesOf(sources: readonly ByteSource[], picture: I420Picture): AsyncGenerator<number> {
  for (const source of sources) yield* readSpool(source, picture);
}

/** A disk that was full, and a power cut, leave files without anything that makes sense in them. */
function nothingIfUnbegun(error: unknown): undefined {
  if (!(error instanceof SealedFileError)) throw error;
}

/** Milliseconds since the segment's start; -1 where nothing of it is on the disk. */
async function lastFrameOf(folder: RecordingFolder, file: string): Promise<number> {
  const source = await folder.openLog(file).catch(nothingIfUnbegun);
  if (source === undefined) return -1;
  try {
    return (await scanFragments(source).catch(() => undefined))?.lastFrameMs ?? -1;
  } finally {
    await source.close();
  }
}

const STALL_MS = 30_000;
