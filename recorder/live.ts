import { spoolFile } from './encoding/spool.ts';
import { isRest } from './encoding/spooled-segments.ts';
import { type Manifest, type ManifestSegment, readManifest } from './manifest.ts';
import { fitDurations } from './mp4/fragments.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

/** A recording that goes on, as far as it can be played now. */
export interface LiveVideo {
  /** Milliseconds since the epoch of the first frame. */
  readonly startedAt: number;
  readonly segments: readonly LiveSegment[];
}

export interface LiveSegment {
  /** Milliseconds of the video. */
  readonly startMs: number;
  /** Of the coded picture. */
  readonly width: number;
  readonly height: number;
  readonly ended: boolean;
}

/** `undefined` where nothing was recorded yet, or the recording is over. */
export async function readLiveVideo(folder: RecordingFolder): Promise<LiveVideo | undefined> {
  const manifest = await readManifest(folder);
  const startedAt = manifest?.startedAt;
  if (manifest === undefined || manifest.state !== 'recording' || startedAt === undefined) return undefined;
  const listed = listedOf(manifest);
  const { unlisted, unended } = await waitingOf(folder, listed);
  const last = listed.length - 1;
  const segments = listed.slice(0, last + 1 - unlisted).map((segment, index) => ({
    startMs: segment.startedAt - startedAt,
    width: segment.width,
    height: segment.height,
    ended: (index < last || segment.durationMs !== undefined) && !unended.has(index),
  }));
  return { startedAt, segments };
}

/** A player knows segments by their number here. What a dead encoder left is put among them later: it is in the finished video. */
function listedOf({ segments }: Manifest): readonly ManifestSegment[] {
  return segments.filter((segment) => !isRest(segment));
}

/**
 * Segments whose pictures wait for an encoder: there will be more of those; and how many of them there are at the end that have
 * nothing to be played yet.
 */
async function waitingOf(folder: RecordingFolder, segments: readonly ManifestSegment[]) {
  const unended = new Set<number>();
  let unlisted = 0;
  // They are encoded in their order, so that those before have been.
  for (let index = segments.length - 1; index >= Math.max(0, segments.length - MAY_WAIT); index--) {
    const { file } = segments[index] as ManifestSegment;
    if ((await folder.sizeOf(spoolFile(file))) === undefined) continue;
    unended.add(index);
    const source = await folder.openLog(file);
    if (unlisted === segments.length - 1 - index && (source?.size ?? 0) === 0) unlisted += 1;
    await source?.close();
  }
  return { unlisted, unended };
}

/**
 * What is whole of a segment from byte `from` on: its header, and fragments with their data, as far as it is known how long
 * they are shown. `undefined` where there is no such segment; empty where there is nothing yet.
 * @param from where an earlier piece ended, or 0
 */
export async function readLiveSegment(
  folder: RecordingFolder,
  segment: number,
  from: number,
): Promise<Uint8Array | undefined> {
  const manifest = await readManifest(folder);
  const listed = manifest?.state === 'recording' ? listedOf(manifest) : [];
  const entry = listed[segment];
  if (entry === undefined) return undefined;
  const { file, durationMs } = entry;
  const hasEnded = segment < listed.length - 1 || durationMs !== undefined;
  const isEnded = hasEnded && (await folder.sizeOf(spoolFile(file))) === undefined;
  const source = await folder.openLog(file);
  // Named in the manifest before its encoder makes it.
  if (source === undefined) return new Uint8Array();
  try {
    const read = async (length: number): Promise<Buffer> => {
      const until = Math.min(source.size, from + length);
      const bytes = Buffer.from(await source.read(from, Math.max(0, until - from)));
      return bytes.subarray(0, fitDurations(bytes, isEnded && until === source.size));
    };
    const piece = await read(PIECE_BYTES);
    // One fragment that is larger than a piece: a first picture can be.
    return piece.length > 0 || source.size - from <= PIECE_BYTES ? piece : await read(LARGE_PIECE_BYTES);
  } finally {
    await source.close();
  }
}

const MAY_WAIT = 8;
const PIECE_BYTES = 2 * 1024 * 1024;
const LARGE_PIECE_BYTES = 64 * 1024 * 1024;
