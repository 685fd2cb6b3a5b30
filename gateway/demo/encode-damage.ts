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
  for (const tile of tiles(rects)) {
    const rectangle = encodeTile(tile, depth, read);
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

function* tiles(rects: Iterable<Rect>): Generator<Rect> {
  for (const rect of rects) {
    for (let y = rect.y; y < rect.y + rect.height; y += TILE) {
      const height = Math.min(TILE, rect.y + rect.height - y);
      for (let x = rect.x; x < rect.x + rect.width; x += TILE) {
        yield { x, y, width: Math.min(TILE, rect.x + rect.width - x), height };
      }
    }
  }
}

function encodeTile(
  tile: Rect,
  depth: DemoDepth,
  read: (rect: Rect) => Uint8Array | Uint8ClampedArray,
): BitmapRectangle {
  const { x, y, height } = tile;
  const width = Math.ceil(tile.width / ALIGNMENT) * ALIGNMENT;
  const pixels = read({ x, y, width, height });
  const source = createPixelTarget(pixels, width, { x: 0, y: 0, width, height });
  const compressed = depth === 32 ? encodePlanar(source) : encodeInterleavedRle(source, depth);
  return {
    destLeft: x,
    destTop: y,
    destRight: x + tile.width - 1,
    destBottom: y + height - 1,
    width,
    height,
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
  const { words, width, height } = source;
  const cursor = new WriteCursor(width * height * (depth >>> 3));
  for (let row = height - 1; row >= 0; row--) {
    for (let i = row * width; i < (row + 1) * width; i++) {
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
