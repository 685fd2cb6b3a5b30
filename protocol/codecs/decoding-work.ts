import { u16At, u32At } from '../core/bytes.ts';
import { ProgressiveBlockType } from './progressive/blocks.ts';
import { BlockType } from './remotefx/blocks.ts';

/**
 * What drawing takes, in nanoseconds of a processor of 2026, told by heads alone, so that a server whose few bytes make much to do can be held to a
 * budget ([0072](../../docs/adr/0072-a-budget-of-work.md)). Mostly more than it really takes. Where a stream is damaged, whoever decodes it says so.
 */
export const Work = {
  /** Any command, and each rectangle or point in one. */
  command: 1_500,
  part: 3_000,
  /** A pixel that is filled, or copied from a picture that is there. */
  paint: 1,
  /** A pixel of a picture that is cut out for it, or made. */
  make: 2,
  /** A pixel of a picture that is told by itself: raw, planar, NSCodec, ClearCodec, runs. */
  picture: 6,
  alpha: 10,
  /** A pixel that is mixed out of four. */
  scale: 25,
  /** A tile of RemoteFX or its progressive form that has come. */
  tile: 30_000,
  /** A tile that is looked at in a rectangle. */
  pair: 10,
  /** What a byte pays for: a tile of a photograph has 600, one of text 100 or more. */
  perByte: 400,
} as const;

/** Of an encoded bitmap stream, [MS-RDPRFX] 2.2.2, at `bytes[start..end)`. */
export function workOfRemoteFx(bytes: Uint8Array, start: number, end: number): number {
  let rects = 1;
  return workOfBlocks(bytes, start, end, (type, at, length) => {
    if (type === BlockType.region && length > RFX_NUM_RECTS + 1) {
      rects = Math.max(1, u16At(bytes, at + RFX_NUM_RECTS));
      return rects * Work.part;
    }
    if (type === BlockType.extension && length > RFX_NUM_TILES + 1) {
      return u16At(bytes, at + RFX_NUM_TILES) * (Work.tile + rects * Work.pair);
    }
    return 0;
  });
}

/** What of a progressive frame is still open, of which later regions show tiles and rectangles again. */
export interface OpenFrame {
  rects: number;
  tiles: number;
}

/** Of an RFX_PROGRESSIVE_BITMAP_STREAM, [MS-RDPEGFX] 2.2.4.2, at `bytes[start..end)`. @param frame brought up to date */
export function workOfProgressive(bytes: Uint8Array, start: number, end: number, frame: OpenFrame): number {
  return workOfBlocks(bytes, start, end, (type, at, length) => {
    if (type !== ProgressiveBlockType.region || length < PROGRESSIVE_NUM_TILES + 2) return 0;
    const rects = u16At(bytes, at + PROGRESSIVE_NUM_RECTS);
    const tiles = u16At(bytes, at + PROGRESSIVE_NUM_TILES);
    // Its tiles in all rectangles of the frame, and the frame's earlier tiles in its own.
    const pairs = tiles * (frame.rects + rects) + frame.tiles * rects;
    let work = rects * Work.part + tiles * Work.tile + pairs * Work.pair;
    if (frame.tiles > 0) {
      // Its rectangles are mostly those of its own tiles, which are drawn once.
      const earlier = Math.max(0, tilesUnder(bytes, at, length, rects) - tiles);
      work += Math.min(frame.tiles, earlier) * Work.tile;
    }
    frame.rects += rects;
    frame.tiles += tiles;
    return work;
  });
}

/** Both forms of RemoteFX are blocks one after another. @param more what a block takes besides being one */
function workOfBlocks(
  bytes: Uint8Array,
  start: number,
  end: number,
  more: (type: number, at: number, length: number) => number,
): number {
  let work = 0;
  for (let at = start; at + BLOCK_HEADER_SIZE <= end; ) {
    const length = u32At(bytes, at + 2);
    if (length < BLOCK_HEADER_SIZE || length > end - at) break;
    work += Work.command + more(u16At(bytes, at), at, length);
    at += length;
  }
  return work;
}

/** Places of tiles that a region's rectangles touch: an earlier tile of the frame there is drawn once more. */
function tilesUnder(bytes: Uint8Array, region: number, length: number, rects: number): number {
  let count = 0;
  const end = region + Math.min(length, PROGRESSIVE_RECTS + rects * RECT_SIZE);
  for (let at = region + PROGRESSIVE_RECTS; at + RECT_SIZE <= end; at += RECT_SIZE) {
    const [x, y, width, height] = [u16At(bytes, at), u16At(bytes, at + 2), u16At(bytes, at + 4), u16At(bytes, at + 6)];
    if (width === 0 || height === 0) continue;
    count += (((x + width - 1) >> 6) - (x >> 6) + 1) * (((y + height - 1) >> 6) - (y >> 6) + 1);
  }
  return count;
}

/** Of the rectangles of a CLEARCODEC_BITMAP_STREAM, [MS-RDPEGFX] 2.2.4.1.1.3, at `bytes[start..end)`: each may be all of the picture. */
export function workOfClearCodec(bytes: Uint8Array, start: number, end: number): number {
  const flags = bytes[start] ?? 0;
  const layers = start + 2 + (flags & CLEARCODEC_GLYPH_INDEX ? 2 : 0);
  if (layers + 12 > end) return 0;
  let work = 0;
  for (let at = layers + 12 + u32At(bytes, layers) + u32At(bytes, layers + 4); at + SUBCODEC_HEADER_SIZE <= end; ) {
    work += Work.command + u16At(bytes, at + 4) * u16At(bytes, at + 6) * (Work.picture + Work.make);
    at += SUBCODEC_HEADER_SIZE + u32At(bytes, at + 8);
  }
  return work;
}

const BLOCK_HEADER_SIZE = 6; // blockType, blockLen
/** In a TS_RFX_REGION: behind the header, codecId, channelId and regionFlags. */
const RFX_NUM_RECTS = 6 + 1 + 1 + 1;
/** In a TS_RFX_TILESET: behind the header, codecId, channelId, subtype, idx, properties, numQuant and tileSize. */
const RFX_NUM_TILES = 6 + 1 + 1 + 2 + 2 + 2 + 1 + 1;
/** In an RFX_PROGRESSIVE_REGION: behind the header and tileSize; and behind numRects, numQuant, numProgQuant and flags. */
const PROGRESSIVE_NUM_RECTS = 6 + 1;
const PROGRESSIVE_NUM_TILES = 6 + 1 + 2 + 1 + 1 + 1;
/** Behind tileDataSize. */
const PROGRESSIVE_RECTS = PROGRESSIVE_NUM_TILES + 2 + 4;
const RECT_SIZE = 4 * 2;
const CLEARCODEC_GLYPH_INDEX = 0x01;
/** xStart, yStart, width, height, bitmapDataByteCount, subCodecId. */
const SUBCODEC_HEADER_SIZE = 4 * 2 + 4 + 1;
