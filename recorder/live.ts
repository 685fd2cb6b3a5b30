import { type ManifestSegment, readManifest } from './manifest.ts';
import { spoolFile } from './spool.ts';
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
  const { unlisted, unended } = await waitingOf(folder, manifest.segments);
  const last = manifest.segments.length - 1;
  const segments = manifest.segments.slice(0, last + 1 - unlisted).map((segment, index) => ({
    startMs: segment.startedAt - startedAt,
    width: segment.width,
    height: segment.height,
    ended: (index < last || segment.durationMs !== undefined) && !unended.has(index),
  }));
  return { startedAt, segments };
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
 * What is whole of a segment from byte `from` on: its header, and fragments with their data. `undefined` where there is no
 * such segment; empty where nothing is whole yet.
 * @param from where an earlier piece ended, or 0
 */
export async function readLiveSegment(
  folder: RecordingFolder,
  segment: number,
  from: number,
): Promise<Uint8Array | undefined> {
  const manifest = await readManifest(folder);
  const file = manifest?.state === 'recording' ? manifest.segments[segment]?.file : undefined;
  if (file === undefined) return undefined;
  const source = await folder.openLog(file);
  // Named in the manifest before its encoder makes it.
  if (source === undefined) return new Uint8Array();
  try {
    const bytes = await source.read(from, Math.max(0, Math.min(PIECE_BYTES, source.size - from)));
    const whole = wholeFragments(bytes);
    if (whole > 0 || bytes.length < PIECE_BYTES) return bytes.subarray(0, whole);
    // One fragment that is larger than a piece: a first picture can be.
    const large = await source.read(from, Math.min(LARGE_PIECE_BYTES, source.size - from));
    return large.subarray(0, wholeFragments(large));
  } finally {
    await source.close();
  }
}

/** How many of these bytes are whole: boxes up to the end of the last `mdat`, or of the header where there is none. */
export function wholeFragments(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let whole = 0;
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (size < 8 || at + size > bytes.length) break;
    at += size;
    if (type === 'mdat' || type === 'moov') whole = at;
  }
  return whole;
}

const MAY_WAIT = 8;
const PIECE_BYTES = 2 * 1024 * 1024;
const LARGE_PIECE_BYTES = 64 * 1024 * 1024;
