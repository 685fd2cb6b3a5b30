import { DecodeError } from '../core/errors.ts';
import { limitToByte } from './limit-to-byte.ts';
import { firstRowStart, OPAQUE_BLACK, type PixelTarget, type RowOrder, rowStep } from './pixel-target.ts';
import { type PlanarKernel, planarKernel } from './planar-kernel.ts';

/**
 * Decodes an RDP6_BITMAP_STREAM, [MS-RDPEGDI] 2.2.2.5.1 and 3.1.9, into the whole of `target`: RGB or AYCoCg planes,
 * run-length encoded or raw, with or without chroma subsampling. Classic bitmaps come bottom-up, RDPGFX ones
 * top-down. The alpha plane, where there is one, is passed over: a desktop is opaque.
 *
 * Bytes behind the picture are padding: raw planes have one by the specification, and encoders differ in the rest.
 * Throws `DecodeError` when a plane ends early or a run leaves its row.
 *
 * @param kernel decodes what it can of RGB planes; what is here does without, to the same pixels
 */
export function decodePlanar(
  source: Uint8Array,
  target: PixelTarget,
  order: RowOrder = 'bottom-up',
  kernel: PlanarKernel | undefined = planarKernel,
): void {
  const header = source[0];
  if (header === undefined) throw failure('truncated', 'FormatHeader', 0);
  const lossLevel = header & FormatHeader.colorLossLevel;
  const subsampled = (header & FormatHeader.chromaSubsampling) !== 0;
  const runLength = (header & FormatHeader.rle) !== 0;
  const { width, height } = target;
  if (width === 0 || height === 0) return;
  if (subsampled && lossLevel === 0) throw failure('invalid_value', 'FormatHeader', 0, 'subsampled without AYCoCg');

  const withAlpha = (header & FormatHeader.noAlpha) === 0;
  if (lossLevel === 0 && kernel?.(source, { at: 1, withAlpha, runLength }, target, order)) return;

  const chromaWidth = subsampled ? (width + 1) >>> 1 : width;
  const chromaHeight = subsampled ? (height + 1) >>> 1 : height;
  const size = width * height;
  const chromaSize = chromaWidth * chromaHeight;

  let at = 1;
  if (withAlpha) {
    at = runLength ? skipPlane(source, at, width, height, 'AlphaPlane') : at + size;
  }
  if (!runLength) {
    const needed = size + chromaSize * 2;
    if (at + needed > source.length) throw failure('truncated', 'LumaOrRedPlane', at);
    combine(source, at, at + size, at + size + chromaSize, chromaWidth, target, order, header);
  } else if (lossLevel === 0) {
    decodeRgb(source, at, target, order);
  } else {
    const planes = takeScratch(size + chromaSize * 2);
    at = decodePlane(source, at, planes, 0, width, height, 'LumaOrRedPlane');
    at = decodePlane(source, at, planes, size, chromaWidth, chromaHeight, 'OrangeChromaOrGreenPlane');
    decodePlane(source, at, planes, size + chromaSize, chromaWidth, chromaHeight, 'GreenChromaOrBluePlane');
    combine(planes, 0, size, size + chromaSize, chromaWidth, target, order, header);
    releaseScratch();
  }
}

/** Bits of the FormatHeader field. */
export const FormatHeader = {
  colorLossLevel: 0x07,
  chromaSubsampling: 0x08,
  rle: 0x10,
  noAlpha: 0x20,
} as const;

const CONTEXT = 'RDP6_BITMAP_STREAM';

/** Planes of one picture, kept between calls: decoding is synchronous, so there is never more than one user. */
let scratch = new Uint8Array(0);
/** Scratch larger than this (a 1024 × 1024 picture) is given back after use. */
const MAX_KEPT_SCRATCH = 3 * 1024 * 1024;

function takeScratch(size: number): Uint8Array {
  if (scratch.length < size) scratch = new Uint8Array(size);
  return scratch;
}

function releaseScratch(): void {
  if (scratch.length > MAX_KEPT_SCRATCH) scratch = new Uint8Array(0);
}

/**
 * Run-length encoded RGB planes, by far the most frequent form. All three planes go down the picture together: each
 * row begins as a copy of the row before, and then only what differs is touched. So runs of "no difference", which is
 * what desktops are made of, cost nothing but their control byte.
 */
function decodeRgb(source: Uint8Array, start: number, target: PixelTarget, order: RowOrder): void {
  const { words, width, height } = target;
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const step = rowStep(target, order);
  let rowStart = firstRowStart(target, order);
  let red = start;
  let green = skipPlane(source, red, width, height, 'LumaOrRedPlane');
  let blue = skipPlane(source, green, width, height, 'OrangeChromaOrGreenPlane');
  // So that rows can be read without asking where the stream ends.
  skipPlane(source, blue, width, height, 'GreenChromaOrBluePlane');
  words.fill(OPAQUE_BLACK, rowStart, rowStart + width);
  red = writeRow(source, red, bytes, rowStart * 4, width);
  green = writeRow(source, green, bytes, rowStart * 4 + 1, width);
  blue = writeRow(source, blue, bytes, rowStart * 4 + 2, width);
  for (let row = 1; row < height; row++) {
    const before = rowStart;
    rowStart += step;
    words.copyWithin(rowStart, before, before + width);
    red = addRow(source, red, bytes, rowStart * 4, width);
    green = addRow(source, green, bytes, rowStart * 4 + 1, width);
    blue = addRow(source, blue, bytes, rowStart * 4 + 2, width);
  }
}

/** One plane's first row: values, into every fourth byte. INVARIANT: `skipPlane` has found the row sound. */
function writeRow(source: Uint8Array, start: number, bytes: Uint8Array, offset: number, width: number): number {
  let at = start;
  let to = offset;
  const rowEnd = offset + width * 4;
  let value = 0;
  while (to < rowEnd) {
    const control = source[at++]!;
    let run = control & 0x0f;
    let raw = control >>> 4;
    if (run === 1 || run === 2) {
      run = raw + run * 16;
      raw = 0;
    }
    for (const stop = at + raw; at < stop; to += 4) {
      value = source[at++]!;
      bytes[to] = value;
    }
    for (const stop = to + run * 4; to < stop; to += 4) bytes[to] = value;
  }
  return at;
}

/** One plane's further rows: differences, added to every fourth byte. INVARIANT: as for `writeRow`. */
function addRow(source: Uint8Array, start: number, bytes: Uint8Array, offset: number, width: number): number {
  let at = start;
  let to = offset;
  const rowEnd = offset + width * 4;
  let difference = 0;
  while (to < rowEnd) {
    const control = source[at++]!;
    let run = control & 0x0f;
    let raw = control >>> 4;
    if (run === 1 || run === 2) {
      run = raw + run * 16;
      raw = 0;
    }
    for (const stop = at + raw; at < stop; to += 4) {
      const coded = source[at++]!;
      difference = (coded >>> 1) ^ -(coded & 1);
      bytes[to] = bytes[to]! + difference;
    }
    if (difference === 0) to += run * 4;
    else for (const stop = to + run * 4; to < stop; to += 4) bytes[to] = bytes[to]! + difference;
  }
  return at;
}

/**
 * RDP6_RLE_SEGMENTS, [MS-RDPEGDI] 2.2.2.5.1.1 and .2: the first row holds values, the others differences to the
 * row before, sign in the lowest bit. Returns the position behind the plane.
 */
function decodePlane(
  source: Uint8Array,
  start: number,
  plane: Uint8Array,
  offset: number,
  width: number,
  height: number,
  field: string,
): number {
  const end = source.length;
  let at = start;
  let to = offset;
  for (let row = 0; row < height; row++) {
    const rowEnd = to + width;
    let value = 0;
    while (to < rowEnd) {
      if (at >= end) throw failure('truncated', field, at);
      const control = source[at++]!;
      let run = control & 0x0f;
      let raw = control >>> 4;
      if (run === 1) {
        run = raw + 16;
        raw = 0;
      } else if (run === 2) {
        run = raw + 32;
        raw = 0;
      }
      if (raw + run > rowEnd - to) {
        throw failure(
          'invalid_value',
          field,
          at - 1,
          `segment of ${raw} + ${run} pixels in a row with ${rowEnd - to} left`,
        );
      }
      if (at + raw > end) throw failure('truncated', field, at);
      if (row === 0) {
        for (const stop = at + raw; at < stop; ) plane[to++] = source[at++]!;
        if (raw > 0) value = source[at - 1]!;
        for (const stop = to + run; to < stop; ) plane[to++] = value;
      } else {
        for (const stop = at + raw; at < stop; to++) {
          const delta = source[at++]!;
          value = (delta >>> 1) ^ -(delta & 1);
          plane[to] = plane[to - width]! + value;
        }
        if (value === 0) {
          if (run > LONG_RUN) {
            plane.copyWithin(to, to - width, to - width + run);
            to += run;
          } else {
            for (const stop = to + run; to < stop; to++) plane[to] = plane[to - width]!;
          }
        } else {
          for (const stop = to + run; to < stop; to++) plane[to] = plane[to - width]! + value;
        }
      }
    }
  }
  return at;
}

/** Runs are 47 pixels at most, and below some 32 a plain loop beats a call into the engine. */
const LONG_RUN = 32;

/** By control byte: the pixels that its segment makes, and the bytes that it takes. */
const SEGMENT_PIXELS = new Uint8Array(256);
const SEGMENT_BYTES = new Uint8Array(256);
for (let control = 0; control < 256; control++) {
  const low = control & 0x0f;
  const high = control >>> 4;
  const isLongRun = low === 1 || low === 2;
  SEGMENT_PIXELS[control] = isLongRun ? high + low * 16 : low + high;
  SEGMENT_BYTES[control] = isLongRun ? 1 : 1 + high;
}

/** Walks over a plane and checks it: every segment ends in its row, and the last one in the stream. */
function skipPlane(source: Uint8Array, start: number, width: number, height: number, field: string): number {
  let at = start;
  for (let row = 0; row < height; row++) {
    let left = width;
    while (left > 0) {
      const control = source[at];
      if (control === undefined) throw failure('truncated', field, at);
      const pixels = SEGMENT_PIXELS[control]!;
      if (pixels > left) {
        throw failure('invalid_value', field, at, `segment of ${pixels} pixels in a row with ${left} left`);
      }
      left -= pixels;
      at += SEGMENT_BYTES[control]!;
    }
  }
  if (at > source.length) throw failure('truncated', field, source.length);
  return at;
}

/** Three planes to RGBA words. `second` and `third` are the chroma planes when `header` names a loss level. */
function combine(
  planes: Uint8Array,
  first: number,
  second: number,
  third: number,
  chromaWidth: number,
  target: PixelTarget,
  order: RowOrder,
  header: number,
): void {
  const { words, width, height } = target;
  const lossLevel = header & FormatHeader.colorLossLevel;
  const step = rowStep(target, order);
  let rowStart = firstRowStart(target, order);
  let a = first;
  if (lossLevel === 0) {
    let b = second;
    let c = third;
    for (let row = 0; row < height; row++, rowStart += step) {
      for (let to = rowStart, end = rowStart + width; to < end; ) {
        words[to++] = OPAQUE_BLACK | (planes[c++]! << 16) | (planes[b++]! << 8) | planes[a++]!;
      }
    }
    return;
  }
  // [MS-RDPEGDI] 3.1.9.1.2 and .4: chroma is signed, was shifted right by the loss level, and enters by half.
  const signExtend = 24 + lossLevel - 1;
  const half = (header & FormatHeader.chromaSubsampling) === 0 ? 0 : 1;
  // Microsoft's servers convert pictures without alpha with red and blue in each other's place, and clients MUST swap
  // them back (3.1.9.1.2): their orange chroma has the other sign.
  const sign = (header & FormatHeader.noAlpha) === 0 ? 1 : -1;
  for (let row = 0; row < height; row++, rowStart += step) {
    const chromaRow = (row >>> half) * chromaWidth;
    const orange = second + chromaRow;
    const green = third + chromaRow;
    for (let column = 0; column < width; column++) {
      const luma = planes[a++]!;
      const co = sign * ((planes[orange + (column >>> half)]! << signExtend) >> 24);
      const cg = (planes[green + (column >>> half)]! << signExtend) >> 24;
      const base = luma - cg;
      words[rowStart + column] =
        OPAQUE_BLACK | (limitToByte(base - co) << 16) | (limitToByte(luma + cg) << 8) | limitToByte(base + co);
    }
  }
}

function failure(code: DecodeError['code'], field: string, at: number, detail?: string): DecodeError {
  return new DecodeError(code, CONTEXT, field, at, detail);
}
