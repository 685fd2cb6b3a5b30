import { ReadCursor } from '../core/cursor.ts';
import type { PixelTarget } from './pixel-target.ts';

/** [MS-RDPEGFX] 2.2.4.3 ALPHACODEC_BITMAP_STREAM, `alphaSig`. */
export const ALPHA_SIGNATURE = 0x414c;

/**
 * The Alpha codec, [MS-RDPEGFX] 2.2.4.3: sets the alpha of pixels whose colour came by another codec. Row after row,
 * top first; raw, or as runs of one value.
 */
export function decodeAlpha(source: Uint8Array, target: PixelTarget): void {
  const cursor = new ReadCursor(source, 'ALPHACODEC_BITMAP_STREAM');
  if (cursor.u16('alphaSig') !== ALPHA_SIGNATURE) throw cursor.error('invalid_value', 'alphaSig');
  const compressed = cursor.u16('compressed') !== 0;
  const { width, height, words, stride } = target;
  const total = width * height;
  let done = 0;
  const fill = (value: number, count: number): void => {
    for (const end = done + count; done < end; done++) {
      const at = (target.y + Math.floor(done / width)) * stride + target.x + (done % width);
      words[at] = ((words[at] ?? 0) & 0x00ffffff) | (value << 24);
    }
  };
  if (!compressed) {
    for (const value of cursor.bytes(total, 'segments')) fill(value, 1);
    return;
  }
  while (done < total) {
    const value = cursor.u8('runValue');
    let length = cursor.u8('runLengthFactor1');
    if (length === 0xff) length = cursor.u16('runLengthFactor2');
    if (length === 0xffff) length = cursor.u32('runLengthFactor3');
    if (length > total - done) throw cursor.error('invalid_value', 'runLength', `${length} of ${total - done} pixels`);
    // A run of nothing would let a hostile stream go on for as long as it is large, but no longer.
    fill(value, length);
  }
}
