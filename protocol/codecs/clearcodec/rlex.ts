import type { ReadCursor } from '../../core/cursor.ts';
import { readBgr, readRunLength } from './runs.ts';

/** [MS-RDPEGFX] 2.2.4.1.1.3.1.4: the palette's greatest size. */
export const MAX_RLEX_PALETTE = 127;

/** Bits of a segment's first byte that hold `stopIndex`. */
export function stopIndexBits(paletteCount: number): number {
  return paletteCount < 2 ? 1 : 32 - Math.clz32(paletteCount - 1);
}

/**
 * [MS-RDPEGFX] 2.2.4.1.1.3.1.4 CLEARCODEC_SUBCODEC_RLEX: runs of one palette colour, each followed by a suite that
 * walks up the palette one pixel a colour.
 *
 * @param pixels filled completely, or the stream is refused
 */
export function decodeRlex(cursor: ReadCursor, pixels: Uint32Array): void {
  const paletteCount = cursor.u8('paletteCount');
  if (paletteCount < 1 || paletteCount > MAX_RLEX_PALETTE) {
    throw cursor.error('invalid_value', 'paletteCount', `${paletteCount}`);
  }
  const palette = new Uint32Array(paletteCount);
  for (let i = 0; i < paletteCount; i++) palette[i] = readBgr(cursor, 'paletteEntries');
  const bits = stopIndexBits(paletteCount);
  const mask = (1 << bits) - 1;
  let at = 0;
  while (at < pixels.length) {
    const packed = cursor.u8('stopIndex');
    const stopIndex = packed & mask;
    const suiteDepth = packed >> bits;
    const startIndex = stopIndex - suiteDepth;
    if (startIndex < 0 || stopIndex >= paletteCount) {
      throw cursor.error('invalid_value', 'stopIndex', `suite ${startIndex} to ${stopIndex} of ${paletteCount}`);
    }
    const run = readRunLength(cursor);
    if (run + suiteDepth + 1 > pixels.length - at) throw cursor.error('invalid_value', 'runLength', `${run} pixels`);
    pixels.fill(palette[startIndex] ?? 0, at, at + run);
    at += run;
    for (let index = startIndex; index <= stopIndex; index++) pixels[at++] = palette[index] ?? 0;
  }
  cursor.expectEnd('segments');
}
