/** One frame of a video: when it is shown, in milliseconds from the start, and how many bytes it took. */
export interface Frame {
  readonly at: number;
  readonly bytes: number;
}

/**
 * Reads when the frames of an MP4 are and how large, from the sample table of its first track (ISO/IEC 14496-12
 * sections 8.6.1.2 and 8.7.3). A recording has a frame where the screen changed, so this is what was going on.
 *
 * @param moov the contents of the `moov` box, without its size and type
 * @returns nothing when the table is not there or not whole
 */
export function readFrames(moov: DataView): Frame[] | undefined {
  try {
    const mdia = child(child(moov, 'trak'), 'mdia');
    const mdhd = child(mdia, 'mdhd');
    const stbl = child(child(mdia, 'minf'), 'stbl');
    const stts = child(stbl, 'stts');
    const stsz = child(stbl, 'stsz');
    if (mdhd === undefined || stts === undefined || stsz === undefined) return undefined;
    const timescale = mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
    return timescale === 0 ? undefined : readSamples(stts, stsz, timescale);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Where a box of this type lies among the top-level boxes; `end` may be past the bytes at hand. */
export function findTopLevelBox(bytes: DataView, type: string): { start: number; end: number } | undefined {
  for (const box of boxes(bytes)) if (box.type === type) return { start: box.start, end: box.end };
  return undefined;
}

/**
 * Fetches a video's `moov` box and reads its frames. Nothing when it cannot be had: a player does without.
 *
 * A Range from the very first byte is what the gateway takes for a player that is opened, which the `<video>` element asks
 * for anyway; this asks from the second one on. The first is part of a small box's size, so it is zero.
 */
export async function fetchFrames(url: string, signal: AbortSignal): Promise<readonly Frame[] | undefined> {
  const head = await fetchBytes(url, 1, HEAD_BYTES - 1, signal);
  if (head === undefined) return undefined;
  const known = new Uint8Array(head.byteLength + 1);
  known.set(head, 1);
  const place = findTopLevelBox(viewOf(known), 'moov');
  if (place === undefined || place.end - place.start > MOOV_LIMIT_BYTES) return undefined;
  if (place.end <= known.byteLength) return readFrames(viewOf(known.subarray(place.start, place.end)));
  const moov = await fetchBytes(url, place.start, place.end - 1, signal);
  return moov === undefined ? undefined : readFrames(viewOf(moov));
}

const HEAD_BYTES = 64 * 1024;
/** Twelve hours with a frame every 750 ms are below one megabyte. */
const MOOV_LIMIT_BYTES = 32 * 1024 * 1024;

function readSamples(stts: DataView, stsz: DataView, timescale: number): Frame[] {
  const sameSize = stsz.getUint32(4);
  const count = stsz.getUint32(8);
  const frames: Frame[] = [];
  let time = 0;
  for (let entry = 0; entry < stts.getUint32(4) && frames.length < count; entry++) {
    const delta = stts.getUint32(8 + entry * 8 + 4);
    for (let left = stts.getUint32(8 + entry * 8); left > 0 && frames.length < count; left--) {
      // A same size for all leaves no table, so `count` is bounded by the bytes there are in the other case only.
      if (sameSize !== 0 && frames.length >= FRAME_LIMIT) return frames;
      frames.push({ at: (time / timescale) * 1000, bytes: sameSize || stsz.getUint32(12 + frames.length * 4) });
      time += delta;
    }
  }
  return frames;
}

const FRAME_LIMIT = 250_000;

function child(parent: DataView | undefined, type: string): DataView | undefined {
  if (parent === undefined) return undefined;
  for (const box of boxes(parent)) {
    if (box.type === type) {
      return new DataView(parent.buffer, parent.byteOffset + box.start, box.end - box.start);
    }
  }
  return undefined;
}

function* boxes(view: DataView): Generator<{ type: string; start: number; end: number }> {
  for (let at = 0; at + 8 <= view.byteLength; ) {
    let size = view.getUint32(at);
    let header = 8;
    if (size === 1 && at + 16 <= view.byteLength) {
      size = Number(view.getBigUint64(at + 8));
      header = 16;
    }
    if (size < header) return;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((byte) => view.getUint8(at + byte)));
    yield { type, start: at + header, end: at + size };
    at += size;
  }
}

async function fetchBytes(
  url: string,
  first: number,
  last: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const response = await fetch(url, { headers: { Range: `bytes=${first}-${last}` }, signal });
  // A whole file instead of the part that was asked for may be gigabytes.
  if (response.status !== 206) {
    await response.body?.cancel();
    return undefined;
  }
  return new Uint8Array(await response.arrayBuffer());
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
