import { ReadCursor } from '../../core/cursor.ts';
import { BlockType, type RegionRect, readBlockHeader, readRegion, readTilePlace, readTileSetHead } from './blocks.ts';
import { TILE_SIZE } from './wavelet.ts';

/** Tiles times rectangles of one stream: a desktop of 8192×4320 pixels has 8,704 tiles. */
const MAX_PARTS = 1 << 16;

/** What an encoded bitmap stream does, told by its heads. */
export interface RemoteFxOutline {
  /** What each tile shows, in the order of the stream; undefined where the stream alone does not say. */
  readonly tiles: readonly (readonly RegionRect[])[] | undefined;
  /** Whether it says what streams after it may build on, before it draws: the channel's size, and the region. */
  readonly hasChannels: boolean;
  readonly hasRegion: boolean;
}

/**
 * Reads the structure of an encoded bitmap stream, [MS-RDPRFX] 2.2.2.
 * @param left where the picture's corner is: parts of tiles are told in the coordinates of that
 * @throws DecodeError where it is broken
 */
export function outlineRemoteFx(source: Uint8Array, { x: left, y: top, width, height }: RegionRect): RemoteFxOutline {
  const cursor = new ReadCursor(source, 'TS_RFX_BLOCKT');
  let tiles: (readonly RegionRect[])[] | undefined = [];
  let hasChannels = false;
  let hasRegion = false;
  let region: readonly RegionRect[] = [];
  while (cursor.remaining > 0) {
    const { blockType, body } = readBlockHeader(cursor);
    if (blockType === BlockType.channels) hasChannels = true;
    if (blockType === BlockType.region) {
      region = readRegion(body);
      // Of a region behind a tile set, which no server sends, nothing is concluded.
      hasRegion ||= tiles?.length === 0;
    }
    if (blockType !== BlockType.extension) continue;
    const { tileCount } = readTileSetHead(body);
    // The channel's whole frame, whose size may have come with an earlier stream; or more than is worth telling.
    if ((tileCount > 0 && region.length === 0) || tileCount * region.length > MAX_PARTS) tiles = undefined;
    for (let i = 0; i < tileCount; i++) {
      const { xIdx, yIdx } = readTilePlace(body);
      if (tiles === undefined) continue;
      const tileLeft = xIdx * TILE_SIZE;
      const tileTop = yIdx * TILE_SIZE;
      const right = Math.min(tileLeft + TILE_SIZE, width);
      const bottom = Math.min(tileTop + TILE_SIZE, height);
      const parts: RegionRect[] = [];
      for (const rect of region) {
        const x = Math.max(rect.x, tileLeft);
        const y = Math.max(rect.y, tileTop);
        const partWidth = Math.min(rect.x + rect.width, right) - x;
        const partHeight = Math.min(rect.y + rect.height, bottom) - y;
        if (partWidth <= 0 || partHeight <= 0) continue;
        parts.push({ x: left + x, y: top + y, width: partWidth, height: partHeight });
      }
      tiles.push(parts);
    }
  }
  return { tiles, hasChannels, hasRegion };
}
