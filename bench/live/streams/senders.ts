import { encodeGfxPdu } from '#protocol/channels/rdpgfx/encode-pdu.ts';
import { GfxCodecId, type GfxPdu, GfxPixelFormat } from '#protocol/channels/rdpgfx/pdu.ts';
import { createPixelTarget } from '#protocol/codecs/pixel-target.ts';
import { encodePlanar } from '#protocol/codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY } from '#protocol/codecs/progressive/blocks.ts';
import { ProgressiveTileEncoder } from '#protocol/codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '#protocol/codecs/progressive/wavelet.ts';
import { encodeFrame } from '#protocol/codecs/remotefx/blocks.ts';
import { RlgrMode } from '#protocol/codecs/remotefx/rlgr.ts';
import { encodeTile } from '#protocol/codecs/remotefx/tile-codec.ts';
import { concatBytes } from '#protocol/core/bytes.ts';
import { WriteCursor } from '#protocol/core/cursor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { SurfaceCodecId } from '#protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from '#protocol/graphics/update.ts';
import {
  encodeSurfaceCommand,
  FrameAction,
  type SurfaceCommand,
  SurfaceCommandType,
  sizeOfSurfaceCommand,
} from '#protocol/pdu/surface-command.ts';
import { encodeDamage } from '../../../gateway/demo/encode-damage.ts';
import type { Sender, Size } from '../matrix.ts';

/** Encodes what was damaged as one frame, as one kind of server does. */
export type FrameEncoder = (
  frameId: number,
  damage: readonly Rect[],
  read: (rect: Rect) => Uint8Array | Uint8ClampedArray,
) => GraphicsUpdate[];

export function createFrameEncoder(sender: Sender, size: Size): FrameEncoder {
  switch (sender) {
    case 'classic':
      return (_frameId, damage, read) =>
        [...encodeDamage(damage, 32, read)].map((data) => ({ code: UpdateCode.bitmap, data }));
    case 'remotefx':
      return (frameId, damage, read) => [remoteFxFrame(size, frameId, damage, read)];
    case 'gfx':
      return (frameId, damage, read) => [pipelineFrame(size, frameId, damage, read)];
  }
}

const TILE = 64;
/** What Windows and xrdp send for text: nothing lost in the coarse bands, a bit in the fine ones. */
const QUANTIZATION = Uint8Array.of(8, 8, 9, 7, 7, 8, 6, 6, 6, 6);

function remoteFxFrame(size: Size, frameId: number, damage: readonly Rect[], read: Read): GraphicsUpdate {
  const entropy = RlgrMode.rlgr3;
  const data = encodeFrame({
    ...{ frameIdx: frameId, ...size, entropy, rects: damage, quantization: [QUANTIZATION] },
    withHeaders: frameId === 0,
    tiles: tilesOf(damage).map((place) => encodeTile(readTile(size, place, read), place, entropy, QUANTIZATION)),
  });
  const commands: SurfaceCommand[] = [
    { kind: 'frame', action: FrameAction.begin, frameId },
    {
      ...{ kind: 'bits', type: SurfaceCommandType.streamSurfaceBits, destLeft: 0, destTop: 0, bitsPerPixel: 32 },
      ...{ codecId: SurfaceCodecId.remoteFx, ...size, data },
    },
    { kind: 'frame', action: FrameAction.end, frameId },
  ];
  const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
  for (const command of commands) encodeSurfaceCommand(command, cursor);
  return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
}

/** Small rectangles as planar bitmaps, everything else as progressive tiles: what xrdp 0.10 does. */
function pipelineFrame(size: Size, frameId: number, damage: readonly Rect[], read: Read): GraphicsUpdate {
  const small = damage.filter(isSmall);
  const large = damage.filter((rect) => !isSmall(rect));
  const pdus: GfxPdu[] = [
    ...(frameId === 0 ? surfaceSetUp(size) : []),
    { kind: 'start-frame', timestamp: 0, frameId },
    ...(large.length > 0 ? [progressive(size, large, read)] : []),
    ...small.map((rect) => planar(rect, read)),
    { kind: 'end-frame', frameId },
  ];
  return { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeKnownPdu)) };
}

const SURFACE_ID = 1;
const SMALL_AREA = TILE * TILE * 2;

function isSmall({ width, height }: Rect): boolean {
  return width * height <= SMALL_AREA;
}

function surfaceSetUp({ width, height }: Size): GfxPdu[] {
  const primary = { left: 0, top: 0, right: width - 1, bottom: height - 1, flags: 1 };
  return [
    { kind: 'reset-graphics', width, height, monitors: [primary] },
    { kind: 'create-surface', surfaceId: SURFACE_ID, width, height, pixelFormat: GfxPixelFormat.xrgb8888 },
    { kind: 'map-surface-to-output', surfaceId: SURFACE_ID, outputOriginX: 0, outputOriginY: 0 },
  ];
}

function progressive(size: Size, rects: readonly Rect[], read: Read): GfxPdu {
  const tiles = tilesOf(rects).map((place) =>
    new ProgressiveTileEncoder(readTile(size, place, read), EXTRAPOLATED_LAYOUT, QUANTIZATION).first(
      place,
      FULL_QUALITY,
    ),
  );
  const bitmapData = encodeProgressiveStream({
    withContext: true,
    regions: [{ kind: 'region', extrapolated: true, quantization: [QUANTIZATION], progressive: [], rects, tiles }],
  });
  return {
    ...{ kind: 'wire-to-surface-2', surfaceId: SURFACE_ID, codecId: GfxCodecId.progressive, codecContextId: 1 },
    ...{ pixelFormat: GfxPixelFormat.xrgb8888, bitmapData },
  };
}

function planar(rect: Rect, read: Read): GfxPdu {
  const { x, y, width, height } = rect;
  const source = createPixelTarget(read(rect), width, { x: 0, y: 0, width, height });
  return {
    ...{ kind: 'wire-to-surface-1', surfaceId: SURFACE_ID, codecId: GfxCodecId.planar },
    ...{ pixelFormat: GfxPixelFormat.xrgb8888, destRect: { left: x, top: y, right: x + width, bottom: y + height } },
    bitmapData: encodePlanar(source, 'top-down'),
  };
}

function encodeKnownPdu(pdu: GfxPdu): Uint8Array {
  if (pdu.kind === 'unknown') throw new TypeError('nothing to encode');
  return encodeGfxPdu(pdu);
}

type Read = (rect: Rect) => Uint8Array | Uint8ClampedArray;

interface Place {
  readonly xIdx: number;
  readonly yIdx: number;
}

/** The tiles that rectangles touch, each once. */
function tilesOf(rects: readonly Rect[]): Place[] {
  const places = new Map<number, Place>();
  for (const { x, y, width, height } of rects) {
    for (let yIdx = Math.floor(y / TILE); yIdx * TILE < y + height; yIdx++) {
      for (let xIdx = Math.floor(x / TILE); xIdx * TILE < x + width; xIdx++) {
        places.set(yIdx * 0x1_0000 + xIdx, { xIdx, yIdx });
      }
    }
  }
  return [...places.values()];
}

/** A tile's pixels `0xAABBGGRR`; what lies past the desktop's edge repeats it. */
function readTile({ width, height }: Size, { xIdx, yIdx }: Place, read: Read): Uint32Array {
  const rect = { x: xIdx * TILE, y: yIdx * TILE, width: TILE, height: TILE };
  rect.width = Math.min(TILE, width - rect.x);
  rect.height = Math.min(TILE, height - rect.y);
  const pixels = read(rect);
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, rect.width * rect.height);
  if (rect.width === TILE && rect.height === TILE) return words;
  const tile = new Uint32Array(TILE * TILE);
  for (let y = 0; y < TILE; y++) {
    const row = Math.min(y, rect.height - 1) * rect.width;
    for (let x = 0; x < TILE; x++) tile[y * TILE + x] = words[row + Math.min(x, rect.width - 1)] ?? 0;
  }
  return tile;
}
