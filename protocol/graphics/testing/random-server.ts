import { encodeGfxPdu } from '../../channels/rdpgfx/encode-pdu.ts';
import { GfxCodecId, type GfxPdu, GfxPixelFormat } from '../../channels/rdpgfx/pdu.ts';
import { ClearCodecEncoder } from '../../codecs/clearcodec/encoder.ts';
import { createPixelTarget, type PixelSource } from '../../codecs/pixel-target.ts';
import { encodePlanar } from '../../codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY, type ProgressiveTile } from '../../codecs/progressive/blocks.ts';
import { ProgressiveTileEncoder } from '../../codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '../../codecs/progressive/wavelet.ts';
import { encodeFrame } from '../../codecs/remotefx/blocks.ts';
import { RlgrMode } from '../../codecs/remotefx/rlgr.ts';
import { encodeTile } from '../../codecs/remotefx/tile-codec.ts';
import { TILE_PIXELS } from '../../codecs/remotefx/wavelet.ts';
import { concatBytes } from '../../core/bytes.ts';
import { WriteCursor } from '../../core/cursor.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '../../pdu/bitmap-update.ts';
import { encodePaletteUpdate, sizeOfPaletteUpdate } from '../../pdu/palette.ts';
import { encodeCachedPointer, encodeNewPointer, sizeOfCachedPointer, sizeOfNewPointer } from '../../pdu/pointer.ts';
import {
  encodeSurfaceCommand,
  FrameAction,
  type SurfaceCommand,
  SurfaceCommandType,
  sizeOfSurfaceCommand,
} from '../../pdu/surface-command.ts';
import type { Rect } from '../geometry.ts';
import { GfxPainter, type GfxPictureCodec } from '../gfx-painter.ts';
import { SurfaceCodecId } from '../surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from '../update.ts';

type Pdu = Exclude<GfxPdu, { kind: 'unknown' }>;

export type RandomServerKind = 'classic' | 'remotefx' | 'gfx';

const FINE = new Uint8Array(10).fill(6);
const COARSE = new Uint8Array(10).fill(4);
const GFX_CODECS: readonly GfxPictureCodec[] = ['uncompressed', 'planar', 'clearcodec', 'remotefx', 'progressive'];
/** Surfaces that the painter does not know of. */
const OTHER_SURFACE = 2;
const TILE_SURFACE = 3;
/** The painter's own. */
const SURFACE = 1;
const SLOTS = 6;

/**
 * A server that draws at random, for tests: each update is right as long as all before it were applied, and many mean nothing without
 * them (caches, codecs that remember, frames that go over several updates). The same seed draws the same.
 */
export class RandomServer {
  readonly width: number;
  readonly height: number;
  readonly #kind: RandomServerKind;
  #seed: number;
  readonly #words: Uint32Array;
  readonly #painter: GfxPainter;
  readonly #clearCodec = new ClearCodecEncoder();
  readonly #slots = new Set<number>();
  readonly #pointers = new Set<number>();
  readonly #glyphs = new Map<number, Rect>();
  #rfxFrames = 0;
  #inFrame = false;
  #upgrade: ProgressiveTileEncoder | undefined;
  #before: ProgressiveTileEncoder | undefined;

  constructor(kind: RandomServerKind, seed: number, width = 150, height = 100) {
    this.#kind = kind;
    this.#seed = seed | 1;
    this.width = width;
    this.height = height;
    this.#words = new Uint32Array(width * height).fill(0xff000000);
    this.#painter = new GfxPainter(width, height);
  }

  /** What comes first: the desktop's size, and its surfaces. */
  open(): GraphicsUpdate[] {
    const size = new WriteCursor(4);
    size.u16(this.width);
    size.u16(this.height);
    const reset = { code: UpdateCode.desktopReset, data: size.finish() };
    if (this.#kind !== 'gfx') return [reset];
    const other: Pdu[] = [
      { kind: 'create-surface', surfaceId: OTHER_SURFACE, width: 40, height: 30, pixelFormat: GfxPixelFormat.xrgb8888 },
      { kind: 'create-surface', surfaceId: TILE_SURFACE, width: 64, height: 100, pixelFormat: GfxPixelFormat.xrgb8888 },
      { kind: 'map-surface-to-output', surfaceId: TILE_SURFACE, outputOriginX: 80, outputOriginY: 0 },
      {
        kind: 'map-surface-to-scaled-output',
        surfaceId: OTHER_SURFACE,
        outputOriginX: 9,
        outputOriginY: 4,
        targetWidth: 60,
        targetHeight: 20,
      },
    ];
    return [reset, gfx(...(this.#painter.open() as Pdu[]), ...other)];
  }

  next(): GraphicsUpdate {
    const common = [() => this.#pointer(), () => this.#pointer(), () => this.#paletteUpdate()];
    const kinds = {
      classic: [() => this.#bitmap(), () => this.#bitmap(), () => this.#bitmap()],
      remotefx: [() => this.#remoteFx(), () => this.#remoteFx(), () => this.#frameMarker(), () => this.#bitmap()],
      gfx: [
        () => this.#gfxFrame(),
        () => this.#gfxFrame(),
        () => this.#cache(),
        () => this.#glyph(),
        () => this.#progressive(),
        () => this.#progressive(),
        () => this.#otherSurface(),
        () => this.#gfxMarker(),
      ],
    };
    const choices = [...kinds[this.#kind], ...kinds[this.#kind], ...common];
    return choices[this.#below(choices.length)]!();
  }

  /** Ends what is open: what was drawn is shown. */
  close(): GraphicsUpdate[] {
    if (!this.#inFrame) return [];
    return [this.#kind === 'gfx' ? this.#gfxMarker() : this.#frameMarker()];
  }

  #bitmap(): GraphicsUpdate {
    const rect = this.#paint();
    const { width, height } = rect;
    const edges = { destLeft: rect.x, destTop: rect.y, destRight: rect.x + width - 1, destBottom: rect.y + height - 1 };
    let bitmap: BitmapRectangle;
    if (this.#below(3) === 0) {
      const stride = (width + 3) & ~3;
      const data = Uint8Array.from({ length: stride * height }, () => this.#below(256));
      bitmap = { ...edges, width: stride, height, bitsPerPixel: 8, compressed: false, data };
    } else {
      bitmap = { ...edges, width, height, bitsPerPixel: 32, compressed: true, data: encodePlanar(this.#cut(rect)) };
    }
    const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles: [bitmap] }));
    encodeBitmapUpdate({ rectangles: [bitmap] }, cursor);
    return { code: UpdateCode.bitmap, data: cursor.finish() };
  }

  #paletteUpdate(): GraphicsUpdate {
    const cursor = new WriteCursor(sizeOfPaletteUpdate());
    encodePaletteUpdate({ colors: Uint8Array.from({ length: 768 }, () => this.#below(256)) }, cursor);
    return { code: UpdateCode.palette, data: cursor.finish() };
  }

  #pointer(): GraphicsUpdate {
    const cacheIndex = this.#below(5);
    switch (this.#below(4)) {
      case 0:
        return { code: this.#below(2) ? UpdateCode.pointerHidden : UpdateCode.pointerDefault, data: new Uint8Array() };
      case 1:
        if (this.#pointers.has(cacheIndex)) {
          const cursor = new WriteCursor(sizeOfCachedPointer());
          encodeCachedPointer({ cacheIndex }, cursor);
          return { code: UpdateCode.pointerCached, data: cursor.finish() };
        }
    }
    const xorMask = Uint8Array.from({ length: 8 * 8 * 4 }, () => this.#below(256));
    const shape = { xorBpp: 32, cacheIndex, hotX: 3, hotY: 4, width: 8, height: 8, xorMask, andMask: new Uint8Array() };
    const cursor = new WriteCursor(sizeOfNewPointer(shape));
    encodeNewPointer(shape, cursor);
    this.#pointers.add(cacheIndex);
    return { code: UpdateCode.pointerNew, data: cursor.finish() };
  }

  /** Headers come with the first picture only, and later ones may leave their region to the channel's size. */
  #remoteFx(): GraphicsUpdate {
    const { width, height } = this;
    // A channel that is smaller than the picture: what leaves its region out shows no more than that.
    const channel = { width: 100, height: 80 };
    const tiles = [0, 1].map(() => {
      const place = { xIdx: this.#below(Math.ceil(width / 64)), yIdx: this.#below(Math.ceil(height / 64)) };
      return encodeTile(this.#tile(), place, RlgrMode.rlgr3, FINE);
    });
    const withHeaders = this.#rfxFrames === 0;
    const rects = this.#below(4) === 0 ? [] : [this.#rect(), this.#rect()];
    const frame = { frameIdx: this.#rfxFrames++, ...channel, entropy: RlgrMode.rlgr3, withHeaders };
    const data = encodeFrame({ ...frame, rects, quantization: [FINE], tiles });
    const place = { destLeft: 0, destTop: 0, bitsPerPixel: 32, width, height };
    return surface({
      kind: 'bits',
      type: SurfaceCommandType.setSurfaceBits,
      codecId: SurfaceCodecId.remoteFx,
      ...place,
      data,
    });
  }

  #frameMarker(): GraphicsUpdate {
    this.#inFrame = !this.#inFrame;
    return surface({ kind: 'frame', action: this.#inFrame ? FrameAction.begin : FrameAction.end, frameId: 1 });
  }

  /** Begins or ends a frame; one that is open takes whatever is drawn meanwhile. */
  #gfxMarker(): GraphicsUpdate {
    this.#inFrame = !this.#inFrame;
    return gfx(this.#inFrame ? { kind: 'start-frame', timestamp: 0, frameId: 77 } : { kind: 'end-frame', frameId: 77 });
  }

  #gfxFrame(): GraphicsUpdate {
    const rects = [this.#paint(), this.#paint()];
    const desktop = { words: this.#words, stride: this.width, x: 0, y: 0, width: this.width, height: this.height };
    const frame = this.#painter.frame(desktop, rects, GFX_CODECS[this.#below(GFX_CODECS.length)]!) as Pdu[];
    // Within a frame that goes on only the pictures are sent.
    return gfx(...(this.#inFrame ? frame.filter(({ kind }) => !kind.endsWith('frame')) : frame));
  }

  #cache(): GraphicsUpdate {
    const cacheSlot = 1 + this.#below(SLOTS);
    const point = { x: this.#below(this.width), y: this.#below(this.height) };
    if (!this.#slots.has(cacheSlot)) {
      this.#slots.add(cacheSlot);
      const { x, y, width, height } = this.#rect();
      const rectSrc = { left: x, top: y, right: x + width, bottom: y + height };
      return gfx({ kind: 'surface-to-cache', surfaceId: SURFACE, cacheKey: 5n, cacheSlot, rectSrc });
    }
    if (this.#below(3) > 0) {
      return gfx({ kind: 'cache-to-surface', cacheSlot, surfaceId: SURFACE, destPoints: [point] });
    }
    this.#slots.delete(cacheSlot);
    return gfx({ kind: 'evict-cache-entry', cacheSlot });
  }

  #glyph(): GraphicsUpdate {
    const glyphIndex = this.#below(4);
    const known = this.#glyphs.get(glyphIndex);
    const rect = known ?? { ...this.#rect(), width: 12, height: 9 };
    const at = { x: this.#below(this.width - 12), y: this.#below(this.height - 9) };
    this.#glyphs.set(glyphIndex, rect);
    const pixels = Uint32Array.from({ length: 12 * 9 }, () => this.#colour());
    const bands = [{ x: 0, y: 0, width: 12, height: 9, background: pixels[0]! }];
    const bitmapData =
      known === undefined
        ? this.#clearCodec.encode(pixels, 12, { residual: true, bands, subcodecs: [], glyphIndex })
        : this.#clearCodec.encodeGlyphHit(glyphIndex);
    const destRect = { left: at.x, top: at.y, right: at.x + 12, bottom: at.y + 9 };
    const pixelFormat = GfxPixelFormat.xrgb8888;
    return gfx({
      kind: 'wire-to-surface-1',
      surfaceId: SURFACE,
      codecId: GfxCodecId.clearCodec,
      pixelFormat,
      destRect,
      bitmapData,
    });
  }

  /** A tile that comes coarse, and is refined or changed by a difference the next time. */
  #progressive(): GraphicsUpdate {
    const place = { xIdx: 0, yIdx: 1 };
    let tile: ProgressiveTile;
    if (this.#upgrade !== undefined && this.#below(3) > 0) {
      tile = this.#upgrade.upgrade(place, FULL_QUALITY, COARSE);
      this.#upgrade = undefined;
    } else {
      const before = this.#below(2) === 0 ? this.#before : undefined;
      this.#upgrade = new ProgressiveTileEncoder(this.#tile(), EXTRAPOLATED_LAYOUT, FINE);
      this.#before = this.#upgrade;
      tile = this.#upgrade.first(place, 0, COARSE, before);
    }
    const progressive = [{ quality: 50, y: COARSE, cb: COARSE, cr: COARSE }];
    const rects = [{ x: 0, y: 64, width: 64, height: 36 }];
    const region = {
      kind: 'region',
      extrapolated: true,
      rects,
      quantization: [FINE],
      progressive,
      tiles: [tile],
    } as const;
    return gfx({
      kind: 'wire-to-surface-2',
      surfaceId: TILE_SURFACE,
      codecId: GfxCodecId.progressive,
      codecContextId: 3,
      pixelFormat: GfxPixelFormat.xrgb8888,
      bitmapData: encodeProgressiveStream({ withContext: false, regions: [region] }),
    });
  }

  #otherSurface(): GraphicsUpdate {
    const rectSrc = { left: 5, top: 5, right: 35, bottom: 25 };
    const destPoints = [{ x: this.#below(30), y: this.#below(20) }];
    if (this.#below(2) === 0) {
      const fillRects = [{ left: this.#below(20), top: 2, right: 30, bottom: 28 }];
      return gfx({ kind: 'solid-fill', surfaceId: OTHER_SURFACE, fillPixel: this.#colour() >>> 0, fillRects });
    }
    const [surfaceIdSrc, surfaceIdDest] = this.#below(2) ? [SURFACE, OTHER_SURFACE] : [OTHER_SURFACE, SURFACE];
    return gfx({ kind: 'surface-to-surface', surfaceIdSrc, surfaceIdDest, rectSrc, destPoints });
  }

  /** Paints a rectangle of the desktop, flat or in stripes or as noise. */
  #paint(): Rect {
    const rect = this.#rect();
    const kind = this.#below(3);
    const colours = [this.#colour(), this.#colour()] as const;
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        this.#words[y * this.width + x] =
          kind === 0 ? colours[0] : kind === 1 ? colours[(x >> 2) & 1]! : this.#colour();
      }
    }
    return rect;
  }

  #cut({ x, y, width, height }: Rect): PixelSource {
    const target = createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
    for (let row = 0; row < height; row++) {
      const from = (y + row) * this.width + x;
      target.words.set(this.#words.subarray(from, from + width), row * width);
    }
    return target;
  }

  #tile(): Uint32Array {
    const [one, other] = [this.#colour(), this.#colour()];
    return Uint32Array.from({ length: TILE_PIXELS }, (_, i) => ((i >> 4) & 1 ? one : other));
  }

  #rect(): Rect {
    const width = 1 + this.#below(70);
    const height = 1 + this.#below(50);
    return { x: this.#below(this.width - width), y: this.#below(this.height - height), width, height };
  }

  #colour(): number {
    return (0xff000000 | (this.#below(1 << 24) & 0xffffff)) >>> 0;
  }

  /** Xorshift: random enough, and the same everywhere. */
  #below(limit: number): number {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    return (this.#seed >>> 0) % limit;
  }
}

function gfx(...pdus: Pdu[]): GraphicsUpdate {
  return { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) };
}

function surface(...commands: SurfaceCommand[]): GraphicsUpdate {
  const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
  for (const command of commands) encodeSurfaceCommand(command, cursor);
  return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
}
