import { ReadCursor } from '../../core/cursor.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import { ClearCodecFlags, readLayers } from './layers.ts';
import { readRunLength } from './runs.ts';
import { skipVBar } from './vbars.ts';

/** What a ClearCodec bitmap does, told without decoding it. */
export interface ClearCodecOutline {
  /** What it draws over, relative to its corner; the rest of the target stays. */
  readonly parts: readonly RegionRect[];
  /** Whether later bitmaps may use what it brings: it has to be decoded, hidden or not. */
  readonly fills: boolean;
  /** Whether it becomes a glyph together with what it leaves of the target. */
  readonly reads: boolean;
}

/**
 * Reads the structure of a CLEARCODEC_BITMAP_STREAM, [MS-RDPEGFX] 2.2.4.1.
 * @throws DecodeError where that is broken
 */
export function outlineClearCodec(source: Uint8Array, width: number, height: number): ClearCodecOutline {
  const cursor = new ReadCursor(source, 'CLEARCODEC_BITMAP_STREAM');
  const whole = { x: 0, y: 0, width, height };
  const flags = cursor.u8('flags');
  cursor.skip(1, 'seqNumber');
  const isGlyph = (flags & ClearCodecFlags.glyphIndex) !== 0;
  const isReset = (flags & ClearCodecFlags.cacheReset) !== 0;
  if (isGlyph) cursor.skip(2, 'glyphIndex');
  if (flags & ClearCodecFlags.glyphHit) return { parts: [whole], fills: isReset, reads: false };
  if (cursor.remaining === 0) return { parts: [], fills: isReset || isGlyph, reads: isGlyph };
  const { residual, bands, subcodecs } = readLayers(cursor);
  const fills = isReset || isGlyph || bands.remaining > 0;
  const count = countResidual(residual);
  if (count >= width * height) return { parts: [whole], fills, reads: false };
  const parts = firstPixels(count, width);
  while (bands.remaining > 0) parts.push(skipBand(bands));
  while (subcodecs.remaining > 0) parts.push(skipSubcodec(subcodecs));
  return { parts, fills, reads: isGlyph };
}

/** Pixels that the residual layer draws, row after row from the first. */
function countResidual(cursor: ReadCursor): number {
  let count = 0;
  while (cursor.remaining > 0) {
    cursor.skip(3, 'residual');
    count += readRunLength(cursor);
  }
  return count;
}

/** The first so many pixels, row after row: whole rows, and what is begun of another. */
function firstPixels(count: number, width: number): RegionRect[] {
  const rows = Math.floor(count / width);
  const rest = count - rows * width;
  return [
    ...(rows > 0 ? [{ x: 0, y: 0, width, height: rows }] : []),
    ...(rest > 0 ? [{ x: 0, y: rows, width: rest, height: 1 }] : []),
  ];
}

function skipBand(cursor: ReadCursor): RegionRect {
  const x = cursor.u16('xStart');
  const xEnd = cursor.u16('xEnd');
  const y = cursor.u16('yStart');
  const yEnd = cursor.u16('yEnd');
  cursor.skip(3, 'bkg');
  for (let column = x; column <= xEnd; column++) skipVBar(cursor);
  return { x, y, width: xEnd - x + 1, height: yEnd - y + 1 };
}

function skipSubcodec(cursor: ReadCursor): RegionRect {
  const part = {
    x: cursor.u16('xStart'),
    y: cursor.u16('yStart'),
    width: cursor.u16('width'),
    height: cursor.u16('height'),
  };
  const byteCount = cursor.u32('bitmapDataByteCount');
  cursor.skip(1 + byteCount, 'bitmapData'); // subCodecId
  return part;
}
