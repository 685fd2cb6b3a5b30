import { ByteCut } from '../../core/byte-cut.ts';
import { ReadCursor, WriteCursor } from '../../core/cursor.ts';
import { decodeQuantization, encodeQuantization, type Quantization, SIZE_OF_QUANTIZATION } from './quantization.ts';
import { RlgrMode } from './rlgr.ts';
import { cutTiles, headForTiles } from './tile-cut.ts';

/** [MS-RDPRFX] 2.2.2.1.1 TS_RFX_BLOCKT and 2.2.2.3.4.1 TS_RFX_TILE, `blockType`. */
export const BlockType = {
  sync: 0xccc0,
  codecVersions: 0xccc1,
  channels: 0xccc2,
  context: 0xccc3,
  frameBegin: 0xccc4,
  frameEnd: 0xccc5,
  region: 0xccc6,
  extension: 0xccc7,
  tileRegion: 0xcac1,
  tileSet: 0xcac2,
  tile: 0xcac3,
} as const;

const SYNC_MAGIC = 0xcaccacca;
const VERSION_1_0 = 0x0100;
const TILE_EDGE = 64;
/** CLW_XFORM_DWT_53_A, the one wavelet that there is. */
const TRANSFORM_DWT_53_A = 1;
const HEADER_SIZE = 6;
const CODEC_ID = 1;

/** Most rectangles one region may name; servers send tens. */
export const MAX_REGION_RECTS = 8192;
/** Most tiles one tile set may hold: an 8192×8192 desktop. */
export const MAX_TILES = 16_384;

/** One tile's three components, still entropy-coded; views into the message. [MS-RDPRFX] 2.2.2.3.4.1 TS_RFX_TILE. */
export interface EncodedTile {
  readonly xIdx: number;
  readonly yIdx: number;
  /** Indices into the tile set's quantization values. */
  readonly quantIdxY: number;
  readonly quantIdxCb: number;
  readonly quantIdxCr: number;
  readonly y: Uint8Array;
  readonly cb: Uint8Array;
  readonly cr: Uint8Array;
}

export interface RegionRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The blocks of [MS-RDPRFX] 2.2.2 that carry something a decoder acts on. */
export type RfxBlock =
  | { readonly kind: 'sync' }
  | { readonly kind: 'codec-versions' }
  | { readonly kind: 'channels'; readonly width: number; readonly height: number }
  | { readonly kind: 'context'; readonly imageMode: boolean }
  | { readonly kind: 'frame-begin'; readonly frameIdx: number }
  | { readonly kind: 'frame-end' }
  | { readonly kind: 'region'; readonly rects: readonly RegionRect[] }
  | {
      readonly kind: 'tile-set';
      readonly entropy: RlgrMode;
      readonly quantization: readonly Quantization[];
      readonly tiles: readonly EncodedTile[];
    }
  | { readonly kind: 'unknown'; readonly blockType: number };

/** Reads the next block of an encoded bitmap stream; the cursor moves past it. */
export function decodeBlock(cursor: ReadCursor): RfxBlock {
  const { blockType, body } = readBlockHeader(cursor);
  switch (blockType) {
    case BlockType.sync:
      if (body.u32('magic') !== SYNC_MAGIC) throw body.error('invalid_value', 'magic');
      if (body.u16('version') !== VERSION_1_0) throw body.error('invalid_value', 'version');
      return { kind: 'sync' };
    case BlockType.codecVersions:
      return { kind: 'codec-versions' };
    case BlockType.channels:
      return decodeChannels(body);
    case BlockType.context:
      return decodeContext(body);
    case BlockType.frameBegin: {
      body.skip(2, 'codecId');
      return { kind: 'frame-begin', frameIdx: body.u32('frameIdx') };
    }
    case BlockType.frameEnd:
      return { kind: 'frame-end' };
    case BlockType.region:
      return { kind: 'region', rects: readRegion(body) };
    case BlockType.extension:
      return decodeTileSet(body);
    default:
      return { kind: 'unknown', blockType };
  }
}

/** Any block of a stream, by its header; the cursor moves past it. */
export function readBlockHeader(cursor: ReadCursor): { blockType: number; body: ReadCursor } {
  const blockType = cursor.u16('blockType');
  const blockLen = cursor.u32('blockLen');
  if (blockLen < HEADER_SIZE) throw cursor.error('invalid_value', 'blockLen', `${blockLen} is less than its header`);
  return { blockType, body: cursor.sub(blockLen - HEADER_SIZE, 'blockLen', contextOf(blockType)) };
}

/**
 * A stream without some of its tiles, and without the tile sets that have none left, in parts.
 * @param isWanted whether a tile, counted through the stream, stays
 */
export function withoutTiles(source: Uint8Array, isWanted: (tile: number) => boolean): readonly Uint8Array[] {
  const cursor = new ReadCursor(source, 'TS_RFX_BLOCKT');
  const whole = new ByteCut(source);
  let count = 0;
  while (cursor.remaining > 0) {
    const start = cursor.position;
    const { blockType, body } = readBlockHeader(cursor);
    if (blockType !== BlockType.extension) {
      whole.keep(start, cursor.position);
      continue;
    }
    const { tileCount } = readTileSetHead(body);
    const headEnd = body.position;
    const cut = cutTiles(source, body, tileCount, readTilePlace, () => isWanted(count++));
    if (cut.kept === 0) continue;
    if (cut.kept === tileCount) {
      whole.keep(start, cursor.position);
      continue;
    }
    whole.insert(headForTiles(source, start, headEnd, NUM_TILES_OFFSET, cut), ...cut.tiles);
  }
  return whole.finish();
}

/** [MS-RDPRFX] 2.2.2.2.3 TS_RFX_CHANNELS. RemoteFX has one channel; a server may list more, the first counts. */
function decodeChannels(body: ReadCursor): RfxBlock {
  const count = body.u8('numChannels');
  if (count < 1) throw body.error('invalid_value', 'numChannels', 'no channel');
  body.skip(1, 'channelId');
  return { kind: 'channels', width: body.u16('width'), height: body.u16('height') };
}

/** [MS-RDPRFX] 2.2.2.2.4 TS_RFX_CONTEXT: of its properties only the mode and the transform count. */
function decodeContext(body: ReadCursor): RfxBlock {
  body.skip(2, 'codecId');
  body.skip(1, 'ctxId');
  if (body.u16('tileSize') !== TILE_EDGE) throw body.error('invalid_value', 'tileSize');
  const properties = body.u16('properties');
  const transform = (properties >> 5) & 0xf;
  if (transform !== TRANSFORM_DWT_53_A) throw body.error('invalid_value', 'properties.xft', `transform ${transform}`);
  return { kind: 'context', imageMode: (properties & 0x2) !== 0 };
}

/** [MS-RDPRFX] 2.2.2.3.3 TS_RFX_REGION. */
export function readRegion(body: ReadCursor): readonly RegionRect[] {
  body.skip(2, 'codecId');
  body.skip(1, 'regionFlags');
  const count = body.u16('numRects');
  if (count > MAX_REGION_RECTS) throw body.error('limit_exceeded', 'numRects', `${count} rectangles`);
  const rects: RegionRect[] = [];
  for (let i = 0; i < count; i++) {
    rects.push({ x: body.u16('x'), y: body.u16('y'), width: body.u16('width'), height: body.u16('height') });
  }
  if (body.u16('regionType') !== BlockType.tileRegion) throw body.error('invalid_value', 'regionType');
  return rects;
}

function decodeTileSet(body: ReadCursor): RfxBlock {
  const { subtype, properties, quantCount, quantization, tileCount } = readTileSetHead(body);
  if (subtype !== BlockType.tileSet) return { kind: 'unknown', blockType: subtype };
  const values: Quantization[] = [];
  const cursor = new ReadCursor(quantization, 'TS_RFX_CODEC_QUANT');
  for (let i = 0; i < quantCount; i++) values.push(decodeQuantization(cursor));
  const tiles: EncodedTile[] = [];
  for (let i = 0; i < tileCount; i++) tiles.push(decodeTile(body, quantCount));
  return { kind: 'tile-set', entropy: entropyMode(body, (properties >> 10) & 0xf), quantization: values, tiles };
}

/** In a tile set's block: behind its header with codecId and channelId, subtype, idx, properties, numQuant and tileSize. */
const NUM_TILES_OFFSET = 8 + 2 + 2 + 2 + 1 + 1;

/** [MS-RDPRFX] 2.2.2.3.4 TS_RFX_TILESET, up to its tiles; of a block that is none only its subtype, and no tiles. */
export function readTileSetHead(body: ReadCursor) {
  body.skip(2, 'codecId');
  const subtype = body.u16('subtype');
  if (subtype !== BlockType.tileSet) {
    return { subtype, properties: 0, quantCount: 0, quantization: new Uint8Array(0), tileCount: 0 };
  }
  body.skip(2, 'idx');
  const properties = body.u16('properties');
  const quantCount = body.u8('numQuant');
  body.skip(1, 'tileSize'); // the context's counts
  const tileCount = body.u16('numTiles');
  if (tileCount > MAX_TILES) throw body.error('limit_exceeded', 'numTiles', `${tileCount} tiles`);
  body.skip(4, 'tilesDataSize');
  const quantization = body.bytes(quantCount * SIZE_OF_QUANTIZATION, 'quantVals');
  return { subtype, properties, quantCount, quantization, tileCount };
}

/** Where a tile is; the cursor moves past all of it. */
export function readTilePlace(body: ReadCursor): { xIdx: number; yIdx: number } {
  if (body.u16('tile.blockType') !== BlockType.tile) throw body.error('invalid_value', 'tile.blockType');
  const blockLen = body.u32('tile.blockLen');
  body.skip(3, 'quantIdx');
  const xIdx = body.u16('xIdx');
  const yIdx = body.u16('yIdx');
  body.skip(blockLen - HEADER_SIZE - 7, 'tile.blockLen'); // quantIdx, xIdx, yIdx
  return { xIdx, yIdx };
}

function decodeTile(body: ReadCursor, quantCount: number): EncodedTile {
  if (body.u16('tile.blockType') !== BlockType.tile) throw body.error('invalid_value', 'tile.blockType');
  const blockLen = body.u32('tile.blockLen');
  if (blockLen < HEADER_SIZE) throw body.error('invalid_value', 'tile.blockLen');
  const tile = body.sub(blockLen - HEADER_SIZE, 'tile.blockLen', 'TS_RFX_TILE');
  const quantIndex = (field: string): number => {
    const index = tile.u8(field);
    if (index >= quantCount) throw tile.error('invalid_value', field, `${index} of ${quantCount}`);
    return index;
  };
  const quantIdxY = quantIndex('quantIdxY');
  const quantIdxCb = quantIndex('quantIdxCb');
  const quantIdxCr = quantIndex('quantIdxCr');
  const xIdx = tile.u16('xIdx');
  const yIdx = tile.u16('yIdx');
  const yLen = tile.u16('YLen');
  const cbLen = tile.u16('CbLen');
  const crLen = tile.u16('CrLen');
  return {
    xIdx,
    yIdx,
    quantIdxY,
    quantIdxCb,
    quantIdxCr,
    y: tile.bytes(yLen, 'YData'),
    cb: tile.bytes(cbLen, 'CbData'),
    cr: tile.bytes(crLen, 'CrData'),
  };
}

function entropyMode(body: ReadCursor, value: number): RlgrMode {
  if (value === RlgrMode.rlgr1 || value === RlgrMode.rlgr3) return value;
  throw body.error('invalid_value', 'properties.et', `entropy algorithm ${value}`);
}

const CONTEXTS = new Map<number, string>(
  Object.entries(BlockType).map(([name, type]) => [type, `TS_RFX_${name.toUpperCase()}`]),
);

function contextOf(blockType: number): string {
  return CONTEXTS.get(blockType) ?? 'TS_RFX_BLOCKT';
}

/** What one encoded frame says, for `encodeFrame`. */
export interface RfxFrame {
  readonly frameIdx: number;
  readonly width: number;
  readonly height: number;
  readonly entropy: RlgrMode;
  readonly rects: readonly RegionRect[];
  readonly quantization: readonly Quantization[];
  readonly tiles: readonly EncodedTile[];
  /** Whether the header blocks are sent: with the first frame in video mode, with each in image mode. */
  readonly withHeaders: boolean;
}

/** The server's side: one frame as an encoded bitmap stream, [MS-RDPRFX] 2.2.2. */
export function encodeFrame(frame: RfxFrame): Uint8Array {
  const tilesSize = frame.tiles.reduce((sum, tile) => sum + sizeOfTile(tile), 0);
  const headersSize = 12 + 10 + 12 + 13;
  const regionSize = 8 + 3 + 2 + 8 * frame.rects.length + 4;
  const tileSetSize = 8 + 14 + SIZE_OF_QUANTIZATION * frame.quantization.length + tilesSize;
  const size = (frame.withHeaders ? headersSize : 0) + 14 + regionSize - 2 + tileSetSize + 8;
  const cursor = new WriteCursor(size);
  if (frame.withHeaders) writeHeaders(cursor, frame);
  writeBlockHeader(cursor, BlockType.frameBegin, 14, 0);
  cursor.u32(frame.frameIdx);
  cursor.u16(1);
  writeBlockHeader(cursor, BlockType.region, regionSize - 2, 0);
  cursor.u8(0x01);
  cursor.u16(frame.rects.length);
  for (const rect of frame.rects) {
    cursor.u16(rect.x);
    cursor.u16(rect.y);
    cursor.u16(rect.width);
    cursor.u16(rect.height);
  }
  cursor.u16(BlockType.tileRegion);
  cursor.u16(1);
  writeBlockHeader(cursor, BlockType.extension, tileSetSize, 0);
  cursor.u16(BlockType.tileSet);
  cursor.u16(0);
  cursor.u16(0x1 | (1 << 4) | (1 << 6) | (frame.entropy << 10) | (1 << 14));
  cursor.u8(frame.quantization.length);
  cursor.u8(TILE_EDGE);
  cursor.u16(frame.tiles.length);
  cursor.u32(tilesSize);
  for (const values of frame.quantization) cursor.bytes(encodeQuantization(values));
  for (const tile of frame.tiles) writeTile(cursor, tile);
  writeBlockHeader(cursor, BlockType.frameEnd, 8, 0);
  return cursor.finish();
}

function writeHeaders(cursor: WriteCursor, frame: RfxFrame): void {
  cursor.u16(BlockType.sync);
  cursor.u32(12);
  cursor.u32(SYNC_MAGIC);
  cursor.u16(VERSION_1_0);
  cursor.u16(BlockType.codecVersions);
  cursor.u32(10);
  cursor.u8(1);
  cursor.u8(CODEC_ID);
  cursor.u16(VERSION_1_0);
  cursor.u16(BlockType.channels);
  cursor.u32(12);
  cursor.u8(1);
  cursor.u8(0);
  cursor.u16(frame.width);
  cursor.u16(frame.height);
  writeBlockHeader(cursor, BlockType.context, 13, 0xff);
  cursor.u8(0);
  cursor.u16(TILE_EDGE);
  cursor.u16(0x2 | (1 << 3) | (1 << 5) | (frame.entropy << 9) | (1 << 13));
}

function writeBlockHeader(cursor: WriteCursor, type: number, length: number, channelId: number): void {
  cursor.u16(type);
  cursor.u32(length);
  cursor.u8(CODEC_ID);
  cursor.u8(channelId);
}

function sizeOfTile(tile: EncodedTile): number {
  return 19 + tile.y.length + tile.cb.length + tile.cr.length;
}

function writeTile(cursor: WriteCursor, tile: EncodedTile): void {
  cursor.u16(BlockType.tile);
  cursor.u32(sizeOfTile(tile));
  cursor.u8(tile.quantIdxY);
  cursor.u8(tile.quantIdxCb);
  cursor.u8(tile.quantIdxCr);
  cursor.u16(tile.xIdx);
  cursor.u16(tile.yIdx);
  cursor.u16(tile.y.length);
  cursor.u16(tile.cb.length);
  cursor.u16(tile.cr.length);
  cursor.bytes(tile.y);
  cursor.bytes(tile.cb);
  cursor.bytes(tile.cr);
}
