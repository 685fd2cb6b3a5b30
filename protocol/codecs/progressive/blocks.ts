import { ByteCut } from '../../core/byte-cut.ts';
import { ReadCursor, WriteCursor } from '../../core/cursor.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import {
  packNibbles,
  type Quantization,
  readNibbles,
  SIZE_OF_QUANTIZATION,
  type SubBand,
} from '../remotefx/quantization.ts';
import { cutTiles, headForTiles } from '../remotefx/tile-cut.ts';

/** [MS-RDPEGFX] 2.2.4.2.1 RFX_PROGRESSIVE_DATABLOCK, `blockType`. */
export const ProgressiveBlockType = {
  sync: 0xccc0,
  frameBegin: 0xccc1,
  frameEnd: 0xccc2,
  context: 0xccc3,
  region: 0xccc4,
  tileSimple: 0xccc5,
  tileFirst: 0xccc6,
  tileUpgrade: 0xccc7,
} as const;

/** [MS-RDPEGFX] 2.2.4.2.1.5 RFX_PROGRESSIVE_REGION, `flags`. */
export const REGION_REDUCE_EXTRAPOLATE = 0x01;
/** [MS-RDPEGFX] 2.2.4.2.1.4 RFX_PROGRESSIVE_CONTEXT, `flags`. */
export const CONTEXT_SUBBAND_DIFFING = 0x01;
/** [MS-RDPEGFX] 2.2.4.2.1.6.1 RFX_PROGRESSIVE_TILE_SIMPLE, `flags`. */
export const TILE_DIFFERENCE = 0x01;
/** `quality` of a tile that is complete: no progressive quantization is added. */
export const FULL_QUALITY = 0xff;

const SYNC_MAGIC = 0xcaccacca;
const SYNC_VERSION = 0x0100;
const TILE_EDGE = 64;
const HEADER_SIZE = 6;

/** Most rectangles one region may name. */
export const MAX_PROGRESSIVE_RECTS = 16_384;
/** Of the regions of one frame together, which all count for its later tiles; a desktop of 8192×4320 has 8,704 tiles. */
export const MAX_FRAME_RECTS = 1 << 17;
/** Tiles from here on could not be on any surface of 32,766 pixels, the most that a desktop has on a side. */
export const MAX_TILE_INDEX = 512;
/** See `outlineTile`. */
export const TILE_BUILDS = MAX_TILE_INDEX * MAX_TILE_INDEX;

/** Bands of [MS-RDPEGFX] 2.2.4.2.1.5.2 RFX_COMPONENT_CODEC_QUANT: another order than RemoteFX's own. */
const WIRE_ORDER: readonly SubBand[] = ['LL3', 'HL3', 'LH3', 'HH3', 'HL2', 'LH2', 'HH2', 'HL1', 'LH1', 'HH1'];

/** [MS-RDPEGFX] 2.2.4.2.1.5.1 RFX_PROGRESSIVE_CODEC_QUANT: what is added to each component's quantization. */
export interface ProgressiveQuantization {
  readonly quality: number;
  readonly y: Quantization;
  readonly cb: Quantization;
  readonly cr: Quantization;
}

const SIZE_OF_PROGRESSIVE = 1 + 3 * SIZE_OF_QUANTIZATION;

interface TileHead {
  readonly quantIdxY: number;
  readonly quantIdxCb: number;
  readonly quantIdxCr: number;
  readonly xIdx: number;
  readonly yIdx: number;
}

/** A tile's first, or only, pass. A simple tile is one of full quality. */
export interface FirstTile extends TileHead {
  readonly kind: 'first';
  /** Whether the coefficients are to be added to the tile's former ones. */
  readonly difference: boolean;
  readonly quality: number;
  readonly y: Uint8Array;
  readonly cb: Uint8Array;
  readonly cr: Uint8Array;
}

/** The two streams of one component's upgrade pass. */
export interface UpgradeStreams {
  readonly srl: Uint8Array;
  readonly raw: Uint8Array;
}

export interface UpgradeTile extends TileHead {
  readonly kind: 'upgrade';
  readonly quality: number;
  readonly y: UpgradeStreams;
  readonly cb: UpgradeStreams;
  readonly cr: UpgradeStreams;
}

export type ProgressiveTile = FirstTile | UpgradeTile;

export interface ProgressiveRegion {
  readonly kind: 'region';
  readonly extrapolated: boolean;
  readonly rects: readonly RegionRect[];
  readonly quantization: readonly Quantization[];
  readonly progressive: readonly ProgressiveQuantization[];
  readonly tiles: readonly ProgressiveTile[];
}

export type ProgressiveBlock = ProgressiveRegion | OtherBlock;

type OtherBlock =
  | { readonly kind: 'sync' }
  | { readonly kind: 'frame-begin' }
  | { readonly kind: 'frame-end' }
  | { readonly kind: 'context'; readonly subbandDiffing: boolean }
  | { readonly kind: 'unknown'; readonly blockType: number };

export interface RegionOutline {
  readonly kind: 'region';
  readonly rects: readonly RegionRect[];
  readonly tileCount: number;
  /** Before the first of them: for `outlineTile`. */
  readonly tileData: ReadCursor;
}

/** Reads the next block of an RFX_PROGRESSIVE_BITMAP_STREAM, [MS-RDPEGFX] 2.2.4.2. */
export function decodeProgressiveBlock(cursor: ReadCursor): ProgressiveBlock {
  return decodeBlock(cursor, decodeRegion);
}

/** As `decodeProgressiveBlock`, of a region no more than its rectangles and where its tiles are: for who decodes few of many. */
export function outlineProgressiveBlock(cursor: ReadCursor): RegionOutline | OtherBlock {
  return decodeBlock(cursor, outlineRegion);
}

function decodeBlock<R>(cursor: ReadCursor, readRegion: (body: ReadCursor) => R): R | OtherBlock {
  const { blockType, body } = readHeader(cursor, 'RFX_PROGRESSIVE_DATABLOCK');
  switch (blockType) {
    case ProgressiveBlockType.sync:
      // Decoders ignore what it says, [MS-RDPEGFX] 2.2.4.2.1.1.
      return { kind: 'sync' };
    case ProgressiveBlockType.frameBegin:
      return { kind: 'frame-begin' };
    case ProgressiveBlockType.frameEnd:
      return { kind: 'frame-end' };
    case ProgressiveBlockType.context: {
      body.skip(1, 'ctxId');
      if (body.u16('tileSize') !== TILE_EDGE) throw body.error('invalid_value', 'tileSize');
      return { kind: 'context', subbandDiffing: (body.u8('flags') & CONTEXT_SUBBAND_DIFFING) !== 0 };
    }
    case ProgressiveBlockType.region:
      return readRegion(body);
    default:
      return { kind: 'unknown', blockType };
  }
}

function readHeader(cursor: ReadCursor, context: string): { blockType: number; body: ReadCursor } {
  const blockType = cursor.u16('blockType');
  const blockLen = cursor.u32('blockLen');
  if (blockLen < HEADER_SIZE) throw cursor.error('invalid_value', 'blockLen', `${blockLen} is less than its header`);
  return { blockType, body: cursor.sub(blockLen - HEADER_SIZE, 'blockLen', context) };
}

function decodeRegion(body: ReadCursor): ProgressiveRegion {
  const { rects, quantCount: count, progressiveCount, extrapolated, tileCount, tileDataSize } = readRegionHead(body);
  const quantization: Quantization[] = [];
  for (let i = 0; i < count; i++) quantization.push(readNibbles(body, WIRE_ORDER));
  const progressive: ProgressiveQuantization[] = [];
  for (let i = 0; i < progressiveCount; i++) {
    const quality = body.u8('quality');
    const y = readNibbles(body, WIRE_ORDER);
    const cb = readNibbles(body, WIRE_ORDER);
    progressive.push({ quality, y, cb, cr: readNibbles(body, WIRE_ORDER) });
  }
  const tileData = readTileData(body, tileDataSize);
  const tiles: ProgressiveTile[] = [];
  for (let i = 0; i < tileCount; i++) {
    const tile = decodeTile(tileData);
    const quantCount = quantization.length;
    if (tile.quantIdxY >= quantCount || tile.quantIdxCb >= quantCount || tile.quantIdxCr >= quantCount) {
      throw tileData.error('invalid_value', 'quantIdx', `past the ${quantCount} values of the region`);
    }
    if (tile.quality !== FULL_QUALITY && tile.quality >= progressive.length) {
      throw tileData.error('invalid_value', 'quality', `${tile.quality} of ${progressive.length}`);
    }
    tiles.push(tile);
  }
  return { kind: 'region', extrapolated, rects, quantization, progressive, tiles };
}

function outlineRegion(body: ReadCursor): RegionOutline {
  const { rects, quantCount, progressiveCount, tileCount, tileDataSize } = readRegionHead(body);
  body.skip(quantCount * SIZE_OF_QUANTIZATION, 'quantVals');
  body.skip(progressiveCount * SIZE_OF_PROGRESSIVE, 'quantProgVals');
  return { kind: 'region', rects, tileCount, tileData: readTileData(body, tileDataSize) };
}

/** [MS-RDPEGFX] 2.2.4.2.1.5 RFX_PROGRESSIVE_REGION, up to its quantization. */
function readRegionHead(body: ReadCursor) {
  if (body.u8('tileSize') !== TILE_EDGE) throw body.error('invalid_value', 'tileSize');
  const rectCount = body.u16('numRects');
  if (rectCount > MAX_PROGRESSIVE_RECTS) throw body.error('limit_exceeded', 'numRects', `${rectCount} rectangles`);
  const quantCount = body.u8('numQuant');
  const progressiveCount = body.u8('numProgQuant');
  const flags = body.u8('flags');
  const tileCount = body.u16('numTiles');
  const tileDataSize = body.u32('tileDataSize');
  const rects: RegionRect[] = [];
  for (let i = 0; i < rectCount; i++) {
    rects.push({ x: body.u16('x'), y: body.u16('y'), width: body.u16('width'), height: body.u16('height') });
  }
  const extrapolated = (flags & REGION_REDUCE_EXTRAPOLATE) !== 0;
  return { rects, quantCount, progressiveCount, extrapolated, tileCount, tileDataSize };
}

function readTileData(body: ReadCursor, size: number): ReadCursor {
  return body.sub(size, 'tileDataSize', 'RFX_PROGRESSIVE_TILE');
}

/**
 * Reads where a tile is, and passes over its data. There are thousands of them in what waits to be drawn, so that a tile is a number here.
 * @returns `yIdx * MAX_TILE_INDEX + xIdx`, and `TILE_BUILDS` besides where it goes on from what the tile was before: an upgrade or a difference
 */
export function outlineTile(cursor: ReadCursor): number {
  const blockType = cursor.u16('blockType');
  const blockLen = cursor.u32('blockLen');
  cursor.skip(3, 'quantIdx');
  const xIdx = cursor.u16('xIdx');
  const yIdx = cursor.u16('yIdx');
  if (xIdx >= MAX_TILE_INDEX || yIdx >= MAX_TILE_INDEX)
    throw cursor.error('limit_exceeded', 'xIdx', `${xIdx}, ${yIdx}`);
  const flags = cursor.u8('flags');
  cursor.skip(blockLen - HEADER_SIZE - 8, 'tileData'); // quantIdx, xIdx, yIdx, flags
  const builds = blockType === ProgressiveBlockType.tileUpgrade || (flags & TILE_DIFFERENCE) !== 0;
  return yIdx * MAX_TILE_INDEX + xIdx + (builds ? TILE_BUILDS : 0);
}

function decodeTile(cursor: ReadCursor): ProgressiveTile {
  const { blockType, body } = readHeader(cursor, 'RFX_PROGRESSIVE_TILE');
  const head: TileHead = {
    quantIdxY: body.u8('quantIdxY'),
    quantIdxCb: body.u8('quantIdxCb'),
    quantIdxCr: body.u8('quantIdxCr'),
    xIdx: body.u16('xIdx'),
    yIdx: body.u16('yIdx'),
  };
  if (head.xIdx >= MAX_TILE_INDEX) throw body.error('limit_exceeded', 'xIdx', `${head.xIdx}`);
  if (head.yIdx >= MAX_TILE_INDEX) throw body.error('limit_exceeded', 'yIdx', `${head.yIdx}`);
  switch (blockType) {
    case ProgressiveBlockType.tileSimple:
    case ProgressiveBlockType.tileFirst: {
      const difference = (body.u8('flags') & TILE_DIFFERENCE) !== 0;
      const quality = blockType === ProgressiveBlockType.tileFirst ? body.u8('quality') : FULL_QUALITY;
      const [yLen, cbLen, crLen, tailLen] = [
        body.u16('yLen'),
        body.u16('cbLen'),
        body.u16('crLen'),
        body.u16('tailLen'),
      ];
      const y = body.bytes(yLen, 'yData');
      const cb = body.bytes(cbLen, 'cbData');
      const cr = body.bytes(crLen, 'crData');
      body.skip(tailLen, 'tailData');
      return { kind: 'first', ...head, difference, quality, y, cb, cr };
    }
    case ProgressiveBlockType.tileUpgrade: {
      const quality = body.u8('quality');
      const lengths = ['ySrlLen', 'yRawLen', 'cbSrlLen', 'cbRawLen', 'crSrlLen', 'crRawLen'].map((f) => body.u16(f));
      const streams = lengths.map((length) => body.bytes(length, 'srlData'));
      const pair = (i: number): UpgradeStreams => ({
        srl: streams[i] ?? new Uint8Array(0),
        raw: streams[i + 1] ?? new Uint8Array(0),
      });
      return { kind: 'upgrade', ...head, quality, y: pair(0), cb: pair(2), cr: pair(4) };
    }
    default:
      throw body.error('invalid_value', 'blockType', `0x${blockType.toString(16)} is no tile`);
  }
}

/** What the server's side puts around regions. */
export interface ProgressiveStream {
  /** Sync and context blocks, which begin a stream. */
  readonly withContext: boolean;
  readonly regions: readonly ProgressiveRegion[];
}

/** The server's side: an RFX_PROGRESSIVE_BITMAP_STREAM with one frame. */
export function encodeProgressiveStream(stream: ProgressiveStream): Uint8Array {
  const regionSizes = stream.regions.map(sizeOfRegion);
  const size = (stream.withContext ? 12 + 10 : 0) + 12 + regionSizes.reduce((sum, next) => sum + next, 0) + 6;
  const cursor = new WriteCursor(size);
  if (stream.withContext) {
    writeHeader(cursor, ProgressiveBlockType.sync, 12);
    cursor.u32(SYNC_MAGIC);
    cursor.u16(SYNC_VERSION);
    writeHeader(cursor, ProgressiveBlockType.context, 10);
    cursor.u8(0);
    cursor.u16(TILE_EDGE);
    cursor.u8(CONTEXT_SUBBAND_DIFFING);
  }
  writeHeader(cursor, ProgressiveBlockType.frameBegin, 12);
  cursor.u32(0);
  cursor.u16(stream.regions.length);
  for (const region of stream.regions) writeRegion(cursor, region);
  writeHeader(cursor, ProgressiveBlockType.frameEnd, 6);
  return cursor.finish();
}

/**
 * A stream without the tiles that are not wanted, and without what only begins it, in parts.
 * @param isWanted whether a tile, counted through the stream, stays
 */
export function withoutTiles(source: Uint8Array, isWanted: (tile: number) => boolean): readonly Uint8Array[] {
  const cursor = new ReadCursor(source, 'RFX_PROGRESSIVE_BITMAP_STREAM');
  const whole = new ByteCut(source);
  let count = 0;
  while (cursor.remaining > 0) {
    const start = cursor.position;
    const { blockType, body } = readHeader(cursor, 'RFX_PROGRESSIVE_DATABLOCK');
    if (blockType === ProgressiveBlockType.sync || blockType === ProgressiveBlockType.context) continue;
    if (blockType !== ProgressiveBlockType.region) {
      whole.keep(start, cursor.position);
      continue;
    }
    const { tileCount, tileData } = outlineRegion(body);
    const headEnd = tileData.position;
    const cut = cutTiles(source, tileData, tileCount, outlineTile, () => isWanted(count++));
    whole.insert(headForTiles(source, start, headEnd, NUM_TILES_OFFSET, cut), ...cut.tiles);
  }
  return whole.finish();
}

/** In a region's block: behind its header, tileSize, numRects, numQuant, numProgQuant and flags. */
const NUM_TILES_OFFSET = HEADER_SIZE + 1 + 2 + 1 + 1 + 1;

function writeHeader(cursor: WriteCursor, type: number, length: number): void {
  cursor.u16(type);
  cursor.u32(length);
}

function tilesSizeOf(region: ProgressiveRegion): number {
  return region.tiles.reduce((sum, tile) => sum + sizeOfTile(tile), 0);
}

function sizeOfRegion(region: ProgressiveRegion): number {
  const quantSize = SIZE_OF_QUANTIZATION * region.quantization.length;
  const progressiveSize = SIZE_OF_PROGRESSIVE * region.progressive.length;
  return HEADER_SIZE + 12 + 8 * region.rects.length + quantSize + progressiveSize + tilesSizeOf(region);
}

function sizeOfTile(tile: ProgressiveTile): number {
  if (tile.kind === 'first') return HEADER_SIZE + 7 + 2 + 8 + tile.y.length + tile.cb.length + tile.cr.length;
  const streams = [tile.y, tile.cb, tile.cr];
  return HEADER_SIZE + 7 + 1 + 12 + streams.reduce((sum, { srl, raw }) => sum + srl.length + raw.length, 0);
}

function writeRegion(cursor: WriteCursor, region: ProgressiveRegion): void {
  writeHeader(cursor, ProgressiveBlockType.region, sizeOfRegion(region));
  cursor.u8(TILE_EDGE);
  cursor.u16(region.rects.length);
  cursor.u8(region.quantization.length);
  cursor.u8(region.progressive.length);
  cursor.u8(region.extrapolated ? REGION_REDUCE_EXTRAPOLATE : 0);
  cursor.u16(region.tiles.length);
  cursor.u32(tilesSizeOf(region));
  for (const rect of region.rects) for (const edge of [rect.x, rect.y, rect.width, rect.height]) cursor.u16(edge);
  for (const values of region.quantization) cursor.bytes(packNibbles(values, WIRE_ORDER));
  for (const { quality, y, cb, cr } of region.progressive) {
    cursor.u8(quality);
    for (const values of [y, cb, cr]) cursor.bytes(packNibbles(values, WIRE_ORDER));
  }
  for (const tile of region.tiles) writeTile(cursor, tile);
}

function writeTile(cursor: WriteCursor, tile: ProgressiveTile): void {
  const upgrade = tile.kind === 'upgrade';
  writeHeader(cursor, upgrade ? ProgressiveBlockType.tileUpgrade : ProgressiveBlockType.tileFirst, sizeOfTile(tile));
  cursor.u8(tile.quantIdxY);
  cursor.u8(tile.quantIdxCb);
  cursor.u8(tile.quantIdxCr);
  cursor.u16(tile.xIdx);
  cursor.u16(tile.yIdx);
  if (tile.kind === 'first') {
    cursor.u8(tile.difference ? TILE_DIFFERENCE : 0);
    cursor.u8(tile.quality);
    for (const data of [tile.y, tile.cb, tile.cr]) cursor.u16(data.length);
    cursor.u16(0);
    for (const data of [tile.y, tile.cb, tile.cr]) cursor.bytes(data);
    return;
  }
  cursor.u8(tile.quality);
  const streams = [tile.y, tile.cb, tile.cr].flatMap(({ srl, raw }) => [srl, raw]);
  for (const stream of streams) cursor.u16(stream.length);
  for (const stream of streams) cursor.bytes(stream);
}
