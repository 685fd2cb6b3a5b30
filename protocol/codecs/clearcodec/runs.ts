import type { ReadCursor } from '../../core/cursor.ts';

/**
 * A run length of [MS-RDPEGFX] 2.2.4.1.1.1 CLEARCODEC_RGB_RUN_SEGMENT and 2.2.4.1.1.3.1.4 RLEX segments:
 * one byte, and where that is full two, and where those are full four.
 */
export function readRunLength(cursor: ReadCursor): number {
  const factor1 = cursor.u8('runLengthFactor1');
  if (factor1 < 0xff) return factor1;
  const factor2 = cursor.u16('runLengthFactor2');
  return factor2 < 0xffff ? factor2 : cursor.u32('runLengthFactor3');
}

/** Three bytes blue, green, red as an opaque pixel `0xAABBGGRR`. */
export function readBgr(cursor: ReadCursor, field: string): number {
  const blue = cursor.u8(field);
  const green = cursor.u8(field);
  const red = cursor.u8(field);
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export function writeRunLength(bytes: number[], length: number): void {
  if (length < 0xff) bytes.push(length);
  else if (length < 0xffff) bytes.push(0xff, length & 0xff, length >> 8);
  else bytes.push(0xff, 0xff, 0xff, length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, length >>> 24);
}

export function writeBgr(bytes: number[], pixel: number): void {
  bytes.push((pixel >>> 16) & 0xff, (pixel >>> 8) & 0xff, pixel & 0xff);
}
