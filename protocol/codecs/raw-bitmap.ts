import { DecodeError } from '../core/errors.ts';
import { copyPixels } from './interleaved-rle.ts';
import { firstRowStart, OPAQUE_BLACK, type PixelTarget, type RowOrder, rowStep } from './pixel-target.ts';

export type RawDepth = 8 | 15 | 16 | 24 | 32;

/**
 * Decodes uncompressed pixels into the whole of `target`: those of TS_BITMAP_DATA, [MS-RDPBCGR]
 * 2.2.9.1.1.3.1.2.2, whose rows are padded to four bytes, and those of surface commands.
 *
 * `palette` maps 8 bpp indexes to RGBA words. Rows that are not padded are accepted too, when the length says so.
 * Throws `DecodeError` when pixels are missing.
 */
export function decodeRawBitmap(
  source: Uint8Array,
  target: PixelTarget,
  depth: RawDepth,
  palette?: Uint32Array,
  order: RowOrder = 'bottom-up',
): void {
  const { words, width, height } = target;
  const packed = width * bytesPerPixel(depth);
  const padded = (packed + 3) & ~3;
  const stride = source.length >= padded * height ? padded : packed;
  if (source.length < stride * height) {
    const detail = `${source.length} bytes for ${width} x ${height} pixels at ${depth} bpp`;
    throw new DecodeError('truncated', 'TS_BITMAP_DATA', 'bitmapDataStream', source.length, detail);
  }
  const step = rowStep(target, order);
  let to = firstRowStart(target, order);
  for (let row = 0, from = 0; row < height; row++, from += stride, to += step) {
    if (depth === 32) {
      let at = from;
      for (let i = to, end = to + width; i < end; i++, at += 4) {
        words[i] = OPAQUE_BLACK | (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
      }
    } else {
      copyPixels(source, from, words, to, width, depth);
      if (depth === 8) {
        for (let i = to, end = to + width; i < end; i++) words[i] = palette?.[words[i]!] ?? OPAQUE_BLACK;
      }
    }
  }
}

function bytesPerPixel(depth: RawDepth): number {
  return depth === 8 ? 1 : depth === 24 ? 3 : depth === 32 ? 4 : 2;
}
