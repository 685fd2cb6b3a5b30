import type { PixelSource, RowOrder } from './pixel-target.ts';

/**
 * Encodes a picture as RDP6_BITMAP_STREAM, [MS-RDPEGDI] 2.2.2.5.1: RGB planes without alpha, run-length encoded
 * where that is smaller than raw planes. Lossless. What our own server sends.
 */
export function encodePlanar(source: PixelSource, order: RowOrder = 'bottom-up'): Uint8Array<ArrayBuffer> {
  const { width, height } = source;
  const planeSize = width * height;
  const rawSize = 1 + planeSize * 3 + 1; // FormatHeader, three planes, Pad
  const output = new Uint8Array(rawSize);
  output[0] = 0x30; // RLE, NA
  let at = 1;
  const plane = new Uint8Array(planeSize);
  for (let channel = 0; channel < 3 && at > 0; channel++) {
    readPlane(source, order, channel * 8, plane);
    at = encodePlane(plane, width, height, output, at);
  }
  if (at > 0) return output.slice(0, at);

  output.fill(0);
  output[0] = 0x20; // NA
  for (let channel = 0; channel < 3; channel++) {
    readPlane(source, order, channel * 8, plane);
    output.set(plane, 1 + channel * planeSize);
  }
  return output;
}

/** Longest run that follows raw bytes in one segment, and longest run of a segment without raw bytes. */
const MAX_SHORT_RUN = 15;
const MAX_LONG_RUN = 47;
const MAX_RAW = 15;
/** Shorter runs cannot be written: run lengths 1 and 2 mean long runs. */
const MIN_RUN = 3;

function readPlane(source: PixelSource, order: RowOrder, shift: number, plane: Uint8Array): void {
  const { words, stride, width, height } = source;
  let to = 0;
  for (let row = 0; row < height; row++) {
    const y = source.y + (order === 'bottom-up' ? height - 1 - row : row);
    const start = y * stride + source.x;
    for (let i = start; i < start + width; i++) plane[to++] = words[i]! >>> shift;
  }
}

/** Returns the position behind the plane, or 0 when it does not fit: raw planes are smaller then. */
function encodePlane(plane: Uint8Array, width: number, height: number, output: Uint8Array, start: number): number {
  let at = start;
  const line = new Uint8Array(width);
  for (let row = 0; row < height; row++) {
    const base = row * width;
    if (row === 0) {
      line.set(plane.subarray(0, width));
    } else {
      for (let i = 0; i < width; i++) {
        const difference = ((plane[base + i]! - plane[base + i - width]!) << 24) >> 24;
        line[i] = difference < 0 ? -difference * 2 - 1 : difference * 2;
      }
    }
    at = encodeLine(line, output, at);
    if (at === 0) return 0;
  }
  return at;
}

function encodeLine(line: Uint8Array, output: Uint8Array, start: number): number {
  const width = line.length;
  let at = start;
  let rawStart = 0;
  let i = 0;
  // A run repeats the byte before it, and before a row's first byte that is zero.
  let before = 0;
  while (i < width) {
    let run = 0;
    while (i + run < width && line[i + run] === before) run++;
    if (run < MIN_RUN) {
      before = line[i]!;
      i++;
      continue;
    }
    at = writeSegments(line, rawStart, i, run, output, at);
    if (at === 0) return 0;
    i += run;
    rawStart = i;
  }
  return rawStart < width ? writeSegments(line, rawStart, width, 0, output, at) : at;
}

/** Raw bytes `from` to `to`, then a run. */
function writeSegments(
  line: Uint8Array,
  from: number,
  to: number,
  runLength: number,
  output: Uint8Array,
  start: number,
): number {
  // Worst case: a control byte for each 15 raw bytes, and for each 47 pixels of the run and its short beginning.
  const bound = to - from + Math.ceil((to - from) / MAX_RAW) + Math.ceil(runLength / MAX_LONG_RUN) + 2;
  if (start + bound > output.length) return 0;
  let at = start;
  let next = from;
  let run = runLength;
  while (to - next > MAX_RAW) {
    output[at++] = MAX_RAW << 4;
    output.set(line.subarray(next, next + MAX_RAW), at);
    at += MAX_RAW;
    next += MAX_RAW;
  }
  if (to > next) {
    let short = Math.min(run, MAX_SHORT_RUN);
    // What is left of the run must again be long enough to be written.
    if (run > short && run - short < MIN_RUN) short = run - MIN_RUN;
    output[at++] = ((to - next) << 4) | short;
    output.set(line.subarray(next, to), at);
    at += to - next;
    run -= short;
  }
  while (run > 0) {
    let part = Math.min(run, MAX_LONG_RUN);
    if (run > part && run - part < MIN_RUN) part = run - MIN_RUN;
    if (part >= 32) output[at++] = ((part - 32) << 4) | 2;
    else if (part >= 16) output[at++] = ((part - 16) << 4) | 1;
    else output[at++] = part;
    run -= part;
  }
  return at;
}
