import { GfxCodecId, GfxPixelFormat, type GfxRect } from '../channels/rdpgfx/pdu.ts';
import type { SentGfxPdu } from '../channels/rdpgfx/server-graphics.ts';
import { ClearCodecEncoder } from '../codecs/clearcodec/encoder.ts';
import { MAX_BAND_HEIGHT } from '../codecs/clearcodec/vbars.ts';
import type { PixelSource } from '../codecs/pixel-target.ts';
import { encodePlanar } from '../codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY } from '../codecs/progressive/blocks.ts';
import { ProgressiveTileEncoder } from '../codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '../codecs/progressive/wavelet.ts';
import { encodeFrame } from '../codecs/remotefx/blocks.ts';
import { RlgrMode } from '../codecs/remotefx/rlgr.ts';
import { encodeTile } from '../codecs/remotefx/tile-codec.ts';
import { TILE_PIXELS, TILE_SIZE } from '../codecs/remotefx/wavelet.ts';
import type { Rect } from './geometry.ts';

/** Codecs that a server of ours sends pictures of the graphics pipeline in. */
export type GfxPictureCodec = 'uncompressed' | 'planar' | 'clearcodec' | 'remotefx' | 'progressive';

/** Quantization of the lossy codecs: fine enough that text keeps its edges. */
const FINE = new Uint8Array(10).fill(6);
const SURFACE_ID = 1;
const CONTEXT_ID = 1;

/**
 * The server's side of the graphics pipeline for a desktop of one surface: turns changed rectangles of a framebuffer
 * into frames. For our own servers (demo, load generator, tests).
 */
export class GfxPainter {
  readonly #width: number;
  readonly #height: number;
  readonly #clearCodec = new ClearCodecEncoder();
  #frameId = 0;
  #remoteFxFrame = 0;
  #progressiveBegun = false;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  /** What comes before the first frame: the desktop's size, its surface, and where that shows. */
  open(): SentGfxPdu[] {
    const [width, height] = [this.#width, this.#height];
    return [
      {
        kind: 'reset-graphics',
        width,
        height,
        monitors: [{ left: 0, top: 0, right: width - 1, bottom: height - 1, flags: 1 }],
      },
      { kind: 'create-surface', surfaceId: SURFACE_ID, width, height, pixelFormat: GfxPixelFormat.xrgb8888 },
      { kind: 'map-surface-to-output', surfaceId: SURFACE_ID, outputOriginX: 0, outputOriginY: 0 },
    ];
  }

  /**
   * One frame that brings `rects` of the desktop up to date.
   *
   * @param desktop the whole framebuffer, as wide and high as this painter
   */
  frame(desktop: PixelSource, rects: readonly Rect[], codec: GfxPictureCodec): SentGfxPdu[] {
    const frameId = ++this.#frameId;
    return [
      { kind: 'start-frame', timestamp: 0, frameId },
      ...(codec === 'progressive'
        ? [this.#progressive(desktop, rects)]
        : rects.map((rect) => this.#picture(desktop, rect, codec))),
      { kind: 'end-frame', frameId },
    ];
  }

  #picture(desktop: PixelSource, rect: Rect, codec: Exclude<GfxPictureCodec, 'progressive'>): SentGfxPdu {
    const source: PixelSource = { words: desktop.words, stride: desktop.stride, ...rect };
    const wire = (codecId: number, bitmapData: Uint8Array): SentGfxPdu => ({
      kind: 'wire-to-surface-1',
      surfaceId: SURFACE_ID,
      codecId,
      pixelFormat: GfxPixelFormat.xrgb8888,
      destRect: toGfxRect(rect),
      bitmapData,
    });
    switch (codec) {
      case 'uncompressed':
        return wire(GfxCodecId.uncompressed, rawPixels(source));
      case 'planar':
        return wire(GfxCodecId.planar, encodePlanar(source, 'top-down'));
      case 'clearcodec':
        return wire(GfxCodecId.clearCodec, this.#clear(source));
      case 'remotefx':
        return wire(GfxCodecId.caVideo, this.#remoteFx(source));
      default:
        return codec satisfies never;
    }
  }

  /** Bands over a picture, which is what text compresses best as. */
  #clear(source: PixelSource): Uint8Array {
    const { width, height } = source;
    const pixels = copyOf(source);
    const background = pixels[0] ?? 0;
    const bands = [];
    for (let y = 0; y < height; y += MAX_BAND_HEIGHT) {
      bands.push({ x: 0, y, width, height: Math.min(MAX_BAND_HEIGHT, height - y), background });
    }
    return this.#clearCodec.encode(pixels, width, { residual: false, bands, subcodecs: [] });
  }

  #remoteFx(source: PixelSource): Uint8Array {
    const { width, height } = source;
    const tiles = tilePlaces(0, 0, width, height).map(({ xIdx, yIdx }) => {
      const pixels = tilePixels(source, source.x + xIdx * TILE_SIZE, source.y + yIdx * TILE_SIZE);
      return encodeTile(pixels, { xIdx, yIdx }, RlgrMode.rlgr3, FINE);
    });
    return encodeFrame({
      frameIdx: this.#remoteFxFrame++,
      ...{ width, height, entropy: RlgrMode.rlgr3, tiles },
      rects: [{ x: 0, y: 0, width, height }],
      quantization: [FINE],
      withHeaders: true,
    });
  }

  #progressive(desktop: PixelSource, rects: readonly Rect[]): SentGfxPdu {
    const places = new Map<number, { xIdx: number; yIdx: number }>();
    for (const { x, y, width, height } of rects) {
      for (const place of tilePlaces(x, y, width, height)) places.set(place.yIdx * 256 + place.xIdx, place);
    }
    const tiles = [...places.values()].map((place) => {
      const pixels = tilePixels(desktop, place.xIdx * TILE_SIZE, place.yIdx * TILE_SIZE);
      return new ProgressiveTileEncoder(pixels, EXTRAPOLATED_LAYOUT, FINE).first(place, FULL_QUALITY);
    });
    const withContext = !this.#progressiveBegun;
    this.#progressiveBegun = true;
    const region = { kind: 'region', extrapolated: true, rects, quantization: [FINE], progressive: [], tiles } as const;
    return {
      kind: 'wire-to-surface-2',
      surfaceId: SURFACE_ID,
      codecId: GfxCodecId.progressive,
      codecContextId: CONTEXT_ID,
      pixelFormat: GfxPixelFormat.xrgb8888,
      bitmapData: encodeProgressiveStream({ withContext, regions: [region] }),
    };
  }
}

function toGfxRect({ x, y, width, height }: Rect): GfxRect {
  return { left: x, top: y, right: x + width, bottom: y + height };
}

/** The tiles of a grid from the origin that a rectangle touches. */
function tilePlaces(x: number, y: number, width: number, height: number): { xIdx: number; yIdx: number }[] {
  const places: { xIdx: number; yIdx: number }[] = [];
  for (let yIdx = Math.floor(y / TILE_SIZE); yIdx * TILE_SIZE < y + height; yIdx++) {
    for (let xIdx = Math.floor(x / TILE_SIZE); xIdx * TILE_SIZE < x + width; xIdx++) places.push({ xIdx, yIdx });
  }
  return places;
}

/** 64×64 pixels at a place; what lies outside the source repeats its last column and row, which costs least. */
function tilePixels(source: PixelSource, left: number, top: number): Uint32Array {
  const pixels = new Uint32Array(TILE_PIXELS);
  const lastX = source.x + source.width - 1;
  const lastY = source.y + source.height - 1;
  for (let y = 0; y < TILE_SIZE; y++) {
    const row = Math.min(top + y, lastY) * source.stride;
    for (let x = 0; x < TILE_SIZE; x++) pixels[y * TILE_SIZE + x] = source.words[row + Math.min(left + x, lastX)] ?? 0;
  }
  return pixels;
}

function copyOf({ words, stride, x, y, width, height }: PixelSource): Uint32Array {
  const pixels = new Uint32Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * stride + x;
    pixels.set(words.subarray(from, from + width), row * width);
  }
  return pixels;
}

function rawPixels(source: PixelSource): Uint8Array {
  const pixels = copyOf(source);
  const bytes = new Uint8Array(pixels.length * 4);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 4) {
    const word = pixels[i] ?? 0;
    bytes[at] = word >>> 16;
    bytes[at + 1] = word >>> 8;
    bytes[at + 2] = word;
    bytes[at + 3] = 0xff;
  }
  return bytes;
}
