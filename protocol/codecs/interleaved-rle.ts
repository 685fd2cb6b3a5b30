import { DecodeError } from '../core/errors.ts';
import { type InterleavedRleKernel, interleavedRleKernel } from './interleaved-rle-kernel.ts';
import { firstRowStart, OPAQUE_BLACK, type PixelTarget, rowStep } from './pixel-target.ts';

/** Bits per pixel that interleaved RLE carries. 32 bpp pictures are planar. */
export type InterleavedDepth = 8 | 15 | 16 | 24;

/**
 * Decodes an RLE_BITMAP_STREAM, [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4 and 3.1.9, into `target`, bottom row first. The stream
 * may end with any order, as in the specification's pseudo-code: rows above it keep what they hold.
 *
 * `palette` maps 8 bpp indexes to RGBA words and is needed for that depth only.
 * Throws `DecodeError` when the stream ends within an order, runs past the picture or uses an undefined order.
 *
 * @param kernel decodes what it can; what is here does without, to the same pixels
 */
export function decodeInterleavedRle(
  source: Uint8Array,
  target: PixelTarget,
  depth: InterleavedDepth,
  palette?: Uint32Array,
  kernel: InterleavedRleKernel | undefined = interleavedRleKernel,
): void {
  if (depth !== 8) {
    if (kernel?.(source, target, depth)) return;
    decodeOrders(source, target, depth);
    return;
  }
  // Runs XOR palette indexes, and colours of a palette do not XOR the way their indexes do: decode indexes, then map.
  const { width, height } = target;
  const indexes = new Uint32Array(width * height);
  let left = decodeOrders(source, { words: indexes, stride: width, x: 0, y: 0, width, height }, 8);
  const { words, stride } = target;
  for (let row = height - 1; row >= 0 && left > 0; row--, left -= width) {
    let from = row * width;
    let to = (target.y + row) * stride + target.x;
    for (const end = from + Math.min(left, width); from < end; ) {
      words[to++] = palette?.[indexes[from++]!] ?? OPAQUE_BLACK;
    }
  }
}

/** What an order does, whichever of its three header forms it came in. */
const Order = {
  background: 0,
  foreground: 1,
  foregroundBackground: 2,
  color: 3,
  image: 4,
  dithered: 5,
} as const;

const CONTEXT = 'RLE_BITMAP_STREAM';
const COLOR_MASK = 0x00ffffff;

/**
 * Pixels are kept as RGBA words while decoding. That is sound because widening a 15 or 16 bpp pixel repeats its
 * bits, and repeating bits commutes with XOR: `wide(a ^ b) === wide(a) ^ wide(b)`. So the foreground colour is kept
 * as a word without alpha and XORed onto the row before, which still holds its alpha.
 *
 * @returns how many pixels the stream held
 */
function decodeOrders(source: Uint8Array, target: PixelTarget, depth: InterleavedDepth): number {
  const { words, width, height } = target;
  if (width === 0 || height === 0) return 0;
  const step = rowStep(target, 'bottom-up');
  const bytesPerPixel = depth === 24 ? 3 : depth === 8 ? 1 : 2;
  // At 8 bpp words are palette indexes: no alpha, and white is index 255.
  const black = depth === 8 ? 0 : OPAQUE_BLACK;
  let foreground = depth === 8 ? 0xff : COLOR_MASK;

  const end = source.length;
  let at = 0;
  let rowsLeft = height;
  let rowStart = firstRowStart(target, 'bottom-up');
  let to = rowStart;
  let rowEnd = rowStart + width;
  let insertForeground = false;
  // Whether an order is on the first row is settled at its start, as in the specification's pseudo-code.
  let firstRow = true;

  while (rowsLeft > 0 && at < end) {
    if (firstRow && rowsLeft < height) {
      firstRow = false;
      insertForeground = false;
    }

    const orderAt = at;
    const header = source[at++]!;
    let order: number;
    let run: number;
    let setsForeground = false;
    let first = black;
    let second = 0;
    let mask = 0;
    let masksAreSent = true;

    if (header < 0xa0) {
      // Regular form: 3 bits of code, 5 bits of run length.
      order = header >>> 5;
      run = header & 0x1f;
      if (order === Order.foregroundBackground) {
        run = run === 0 ? byteAt(source, at++, 'runLength') + 1 : run * 8;
      } else if (run === 0) {
        run = byteAt(source, at++, 'runLength') + 32;
      }
    } else if (header >= 0xc0 && header < 0xf0) {
      // Lite form: 4 bits of code, 4 bits of run length.
      run = header & 0x0f;
      order = header < 0xd0 ? Order.foreground : header < 0xe0 ? Order.foregroundBackground : Order.dithered;
      setsForeground = order !== Order.dithered;
      if (order === Order.foregroundBackground) {
        run = run === 0 ? byteAt(source, at++, 'runLength') + 1 : run * 8;
      } else if (run === 0) {
        run = byteAt(source, at++, 'runLength') + 16;
      }
    } else if (header >= 0xf0 && header <= 0xf8 && header !== 0xf5) {
      // Mega mega form: a 16-bit run length.
      if (at + 2 > end) throw failure('truncated', 'runLength', at);
      run = source[at]! | (source[at + 1]! << 8);
      at += 2;
      order = header & 0x0f;
      if (header === 0xf8) {
        order = Order.dithered;
      } else if (header >= 0xf6) {
        order = header === 0xf6 ? Order.foreground : Order.foregroundBackground;
        setsForeground = true;
      }
    } else if (header === 0xf9 || header === 0xfa) {
      order = Order.foregroundBackground;
      run = 8;
      mask = header === 0xf9 ? 0x03 : 0x05;
      masksAreSent = false;
    } else if (header === 0xfd || header === 0xfe) {
      order = Order.color;
      run = 1;
      if (header === 0xfd) first = depth === 8 ? 0xff : 0xffffffff;
    } else {
      throw failure('invalid_value', 'orderHeader', orderAt, `undefined order 0x${header.toString(16)}`);
    }

    if (order === Order.dithered) run *= 2;
    if (run > rowEnd - to + (rowsLeft - 1) * width) {
      throw failure('invalid_value', 'runLength', orderAt, `${run} pixels run past the picture`);
    }
    if (setsForeground) {
      foreground = readPixel(source, at, depth, 'fgPel') & (depth === 8 ? 0xff : COLOR_MASK);
      at += bytesPerPixel;
    } else if (order === Order.image) {
      if (at + run * bytesPerPixel > end) throw failure('truncated', 'pixels', at);
    } else if (order === Order.dithered || (order === Order.color && header < 0xfd)) {
      first = readPixel(source, at, depth, 'pixelA');
      at += bytesPerPixel;
      if (order === Order.dithered) {
        second = readPixel(source, at, depth, 'pixelB');
        at += bytesPerPixel;
      }
    }

    // A background run right after another begins with one foreground pixel: otherwise they would be one run.
    let lead = order === Order.background && insertForeground;
    let bit = 8;
    while (run > 0) {
      let count = rowEnd - to;
      if (count > run) count = run;
      if (lead) count = 1;
      const stop = to + count;
      switch (lead ? Order.foreground : order) {
        case Order.background:
          if (firstRow) fillWords(words, to, count, black);
          else copyWords(words, to - step, to, count);
          break;
        case Order.foreground:
          if (firstRow) fillWords(words, to, count, black ^ foreground);
          else for (let i = to; i < stop; i++) words[i] = words[i - step]! ^ foreground;
          break;
        case Order.foregroundBackground:
          for (let i = to; i < stop; i++, bit++) {
            if (bit === 8) {
              if (masksAreSent) mask = byteAt(source, at++, 'bitmask');
              bit = 0;
            }
            const before = firstRow ? black : words[i - step]!;
            words[i] = ((mask >>> bit) & 1) === 0 ? before : before ^ foreground;
          }
          break;
        case Order.color:
          fillWords(words, to, count, first);
          break;
        case Order.dithered:
          for (let i = to; i < stop; i++) {
            words[i] = first;
            const swap = first;
            first = second;
            second = swap;
          }
          break;
        default:
          copyPixels(source, at, words, to, count, depth);
          at += count * bytesPerPixel;
      }
      lead = false;
      to = stop;
      run -= count;
      if (to === rowEnd) {
        rowsLeft--;
        rowStart += step;
        to = rowStart;
        rowEnd = rowStart + width;
      }
    }
    insertForeground = order === Order.background;
  }
  return (height - rowsLeft) * width + to - rowStart;
}

/** Below this many words a plain loop beats the call into the engine's own fill and copy. */
const LONG_RUN = 48;

function fillWords(words: Uint32Array, to: number, count: number, value: number): void {
  const end = to + count;
  if (count > LONG_RUN) words.fill(value, to, end);
  else for (let i = to; i < end; i++) words[i] = value;
}

function copyWords(words: Uint32Array, from: number, to: number, count: number): void {
  if (count > LONG_RUN) words.copyWithin(to, from, from + count);
  else for (let i = 0; i < count; i++) words[to + i] = words[from + i]!;
}

/** Raw pixels to words. The caller has checked that they are all there. */
export function copyPixels(
  source: Uint8Array,
  from: number,
  words: Uint32Array,
  to: number,
  count: number,
  depth: InterleavedDepth,
): void {
  const end = to + count;
  let at = from;
  if (depth === 16) {
    for (let i = to; i < end; i++, at += 2) words[i] = LOW_565[source[at]!]! | HIGH_565[source[at + 1]!]!;
  } else if (depth === 24) {
    for (let i = to; i < end; i++, at += 3) {
      words[i] = OPAQUE_BLACK | (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
    }
  } else if (depth === 15) {
    for (let i = to; i < end; i++, at += 2) words[i] = LOW_555[source[at]!]! | HIGH_555[source[at + 1]!]!;
  } else {
    for (let i = to; i < end; i++, at++) words[i] = source[at]!;
  }
}

function readPixel(source: Uint8Array, at: number, depth: InterleavedDepth, field: string): number {
  const size = depth === 24 ? 3 : depth === 8 ? 1 : 2;
  if (at + size > source.length) throw failure('truncated', field, at);
  const low = source[at]!;
  if (depth === 8) return low;
  const middle = source[at + 1]!;
  if (depth === 24) return OPAQUE_BLACK | (low << 16) | (middle << 8) | source[at + 2]!;
  return depth === 16 ? LOW_565[low]! | HIGH_565[middle]! : LOW_555[low]! | HIGH_555[middle]!;
}

/** RGB 5-6-5 to an RGBA word. Top bits repeat into the low ones, so that full intensity becomes 255. */
function widen565(pixel: number): number {
  const red = (pixel >>> 11) & 0x1f;
  const green = (pixel >>> 5) & 0x3f;
  const blue = pixel & 0x1f;
  return (
    OPAQUE_BLACK |
    (((blue << 3) | (blue >>> 2)) << 16) |
    (((green << 2) | (green >>> 4)) << 8) |
    ((red << 3) | (red >>> 2))
  );
}

function widen555(pixel: number): number {
  const red = (pixel >>> 10) & 0x1f;
  const green = (pixel >>> 5) & 0x1f;
  const blue = pixel & 0x1f;
  return (
    OPAQUE_BLACK |
    (((blue << 3) | (blue >>> 2)) << 16) |
    (((green << 3) | (green >>> 2)) << 8) |
    ((red << 3) | (red >>> 2))
  );
}

/**
 * What each byte of a 15 or 16 bpp pixel makes of its RGBA word. Widening only repeats bits, and each bit of the word
 * comes from one byte, so that a pixel is the two parts together.
 */
const LOW_565 = Int32Array.from({ length: 256 }, (_, byte) => widen565(byte) ^ OPAQUE_BLACK);
const HIGH_565 = Int32Array.from({ length: 256 }, (_, byte) => widen565(byte << 8));
const LOW_555 = Int32Array.from({ length: 256 }, (_, byte) => widen555(byte) ^ OPAQUE_BLACK);
const HIGH_555 = Int32Array.from({ length: 256 }, (_, byte) => widen555(byte << 8));

function byteAt(source: Uint8Array, at: number, field: string): number {
  const value = source[at];
  if (value === undefined) throw failure('truncated', field, at);
  return value;
}

function failure(code: DecodeError['code'], field: string, at: number, detail?: string): DecodeError {
  return new DecodeError(code, CONTEXT, field, at, detail);
}
