import { encodeInterleavedRle, packRgb565 } from '#protocol/codecs/interleaved-rle-encoder.ts';
import { createPixelTarget, type PixelSource } from '#protocol/codecs/pixel-target.ts';
import { encodePlanar } from '#protocol/codecs/planar-encoder.ts';
import { WriteCursor } from '#protocol/core/cursor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import {
  type BitmapRectangle,
  encodeBitmapUpdate,
  sizeOfBitmapRectangle,
  sizeOfBitmapUpdate,
} from '#protocol/pdu/bitmap-update.ts';

export type DemoDepth = 16 | 24 | 32;

/** Width and height of the largest picture in an update: even raw at 32 bpp it fits one fast-path PDU. */
const TILE = 64;
/** Clients want widths that divide by four ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.2 implies it; old ones insist). */
const ALIGNMENT = 4;
/** Largest update, in bytes, so that none has to be cut into fragments. */
const MAX_UPDATE = 16_000;

/**
 * Encodes rectangles of a desktop as TS_UPDATE_BITMAP_DATA: planar at 32 bpp, interleaved RLE at 16 and 24, raw where
 * that is smaller. Yields one update at a time, so that the caller can stop when its client is slow.
 *
 * @param read RGBA pixels of a rectangle, which may leave the desktop on the right by less than `ALIGNMENT`
 */
export function* encodeDamage(
  rects: Iterable<Rect>,
  depth: DemoDepth,
  read: (rect: Rect) => Uint8Array | Uint8ClampedArray,
): Generator<Uint8Array> {
  let rectangles: BitmapRectangle[] = [];
  let size = 0;
  for (const rectangle of encodeTiles(rects, depth, read)) {
    const added = sizeOfBitmapRectangle(rectangle);
    if (size + added > MAX_UPDATE && rectangles.length > 0) {
      yield encodeUpdate(rectangles);
      rectangles = [];
      size = 0;
    }
    rectangles.push(rectangle);
    size += added;
  }
  if (rectangles.length > 0) yield encodeUpdate(rectangles);
}

/** Reads a band of tiles at a time: few calls into the canvas, and little memory. */
function* encodeTiles(
  rects: Iterable<Rect>,
  depth: DemoDepth,
  read: (rect: Rect) => Uint8Array | Uint8ClampedArray,
): Generator<BitmapRectangle> {
  for (const rect of rects) {
    const stride = align(rect.width);
    for (let y = rect.y; y < rect.y + rect.height; y += TILE) {
      const height = Math.min(TILE, rect.y + rect.height - y);
      const pixels = read({ x: rect.x, y, width: stride, height });
      for (let at = 0; at < rect.width; at += TILE) {
        const width = Math.min(TILE, rect.width - at);
        const source = createPixelTarget(pixels, stride, { x: at, y: 0, width: align(width), height });
        yield encodeTile({ x: rect.x + at, y, width, height }, source, depth);
      }
    }
  }
}

function align(width: number): number {
  return Math.ceil(width / ALIGNMENT) * ALIGNMENT;
}

function encodeTile(tile: Rect, source: PixelSource, depth: DemoDepth): BitmapRectangle {
  const compressed = depth === 32 ? encodePlanar(source) : encodeInterleavedRle(source, depth);
  return {
    destLeft: tile.x,
    destTop: tile.y,
    destRight: tile.x + tile.width - 1,
    destBottom: tile.y + tile.height - 1,
    width: source.width,
    height: source.height,
    bitsPerPixel: depth,
    compressed: compressed !== undefined,
    data: compressed ?? encodeRaw(source, depth),
  };
}

function encodeUpdate(rectangles: readonly BitmapRectangle[]): Uint8Array {
  const update = { rectangles };
  const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
  encodeBitmapUpdate(update, cursor);
  return cursor.finish();
}

/** Bottom row first; rows of four pixels or more are whole 32-bit words at each depth. */
function encodeRaw(source: PixelSource, depth: DemoDepth): Uint8Array {
  const { words, stride, x, y, width, height } = source;
  const cursor = new WriteCursor(width * height * (depth >>> 3));
  for (let row = height - 1; row >= 0; row--) {
    const start = (y + row) * stride + x;
    for (let i = start; i < start + width; i++) {
      const word = words[i] ?? 0;
      if (depth === 16) {
        cursor.u16(packRgb565(word));
        continue;
      }
      cursor.u8((word >>> 16) & 0xff);
      cursor.u8((word >>> 8) & 0xff);
      cursor.u8(word & 0xff);
      if (depth === 32) cursor.u8(0xff);
    }
  }
  return cursor.finish();
}
