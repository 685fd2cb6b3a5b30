import {
  type OpenFrame,
  Work,
  workOfClearCodec,
  workOfProgressive,
  workOfRemoteFx,
} from '../../codecs/decoding-work.ts';
import { MAX_PICTURE_PIXELS } from '../../codecs/pixel-target.ts';
import { GFX_HEADER_SIZE, GfxCodecId, GfxCommand } from './pdu.ts';

/**
 * What it takes to draw the graphics channel's messages, by their heads: [MS-RDPEGFX] 2.2.2. Knows how large surfaces and cached pictures are
 * and where they show, and nothing else; what it does not understand costs what a command costs.
 */
export class GfxWork {
  readonly #surfaces = new Map<number, KnownSurface>();
  /** Pixels of what is in a slot of the cache. */
  readonly #slots = new Map<number, number>();
  readonly #frame: OpenFrame = { rects: 0, tiles: 0 };
  /** Rectangles since the desktop was brought up to date: of many, parts of the desktop are shown that were not drawn. */
  #parts = 0;
  readonly #shown: KnownSurface[] = [];
  #inFrame = false;
  #desktop = 0;
  /** To show all that is mapped. */
  #mapped = 0;
  #work = 0;

  /** What there was since the last call, in units of `Work`. */
  take(): number {
    if (!this.#inFrame) this.#presented();
    const work = this.#work;
    this.#work = 0;
    return Math.ceil(work);
  }

  /** A message at `bytes[start..end)`, with its header; `view` is of the same bytes. */
  add(cmdId: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#work += Work.command;
    const least = LEAST_SIZES.get(cmdId);
    if (least === undefined || end - start < GFX_HEADER_SIZE + least) return;
    const at = start + GFX_HEADER_SIZE;
    switch (cmdId) {
      case GfxCommand.wireToSurface1: {
        const pixels = areaOf(u16(view, at + 5), u16(view, at + 7), u16(view, at + 9), u16(view, at + 11));
        this.#work += workOfPicture(u16(view, at + 2), pixels, bytes, at + WIRE_TO_SURFACE_1, end);
        this.#drawn(u16(view, at), pixels);
        return;
      }
      case GfxCommand.wireToSurface2: {
        const { tiles } = this.#frame;
        const codecId = u16(view, at + 2);
        if (codecId !== GfxCodecId.progressive && codecId !== GfxCodecId.progressiveV2) return;
        this.#work += workOfProgressive(bytes, at + WIRE_TO_SURFACE_2, end, this.#frame);
        this.#drawn(u16(view, at), (this.#frame.tiles - tiles) * TILE_PIXELS);
        return;
      }
      case GfxCommand.solidFill: {
        const count = Math.min(u16(view, at + 6), Math.floor((end - at - SOLID_FILL) / RECT_SIZE));
        const most = this.#surfaces.get(u16(view, at))?.pixels ?? 0;
        let pixels = 0;
        for (let offset = SOLID_FILL; offset < SOLID_FILL + count * RECT_SIZE; offset += RECT_SIZE) {
          pixels += Math.min(
            most,
            areaOf(
              u16(view, at + offset),
              u16(view, at + offset + 2),
              u16(view, at + offset + 4),
              u16(view, at + offset + 6),
            ),
          );
        }
        this.#pasted(u16(view, at), pixels, count);
        return;
      }
      case GfxCommand.surfaceToSurface: {
        const pixels = areaOf(u16(view, at + 4), u16(view, at + 6), u16(view, at + 8), u16(view, at + 10));
        const count = Math.min(u16(view, at + 12), Math.floor((end - at - SURFACE_TO_SURFACE) / POINT_SIZE));
        this.#work += pixels * Work.make;
        this.#pasted(u16(view, at + 2), this.#within(u16(view, at + 2), pixels) * count, count);
        return;
      }
      case GfxCommand.cacheToSurface: {
        const count = Math.min(u16(view, at + 4), Math.floor((end - at - CACHE_TO_SURFACE) / POINT_SIZE));
        this.#pasted(
          u16(view, at + 2),
          this.#within(u16(view, at + 2), this.#slots.get(u16(view, at)) ?? 0) * count,
          count,
        );
        return;
      }
      case GfxCommand.surfaceToCache: {
        const pixels = areaOf(u16(view, at + 12), u16(view, at + 14), u16(view, at + 16), u16(view, at + 18));
        this.#work += pixels * Work.make;
        this.#slots.set(u16(view, at + 10), pixels);
        return;
      }
      case GfxCommand.evictCacheEntry:
        this.#slots.delete(u16(view, at));
        return;
      case GfxCommand.createSurface: {
        const pixels = u16(view, at + 2) * u16(view, at + 4);
        this.#forget(u16(view, at));
        if (pixels > 0) this.#surfaces.set(u16(view, at), { pixels, shows: 0, reach: 1, shown: 0 });
        this.#work += pixels * Work.make;
        return;
      }
      case GfxCommand.deleteSurface:
        this.#forget(u16(view, at));
        return;
      case GfxCommand.mapSurfaceToOutput:
        this.#map(u16(view, at), this.#surfaces.get(u16(view, at))?.pixels ?? 0, 1);
        return;
      case GfxCommand.mapSurfaceToScaledOutput:
        this.#map(u16(view, at), Math.min(this.#desktop, u32(view, at + 12) * u32(view, at + 16)) * Work.scale, REACH);
        return;
      case GfxCommand.resetGraphics:
        this.#desktop = Math.min(MAX_PICTURE_PIXELS, u32(view, at) * u32(view, at + 4));
        this.#work += this.#desktop * Work.make + this.#mapped;
        return;
      case GfxCommand.endFrame:
        this.#frame.rects = 0;
        this.#frame.tiles = 0;
        this.#inFrame = false;
        this.#presented();
        return;
      case GfxCommand.startFrame:
        this.#inFrame = true;
        return;
      case GfxCommand.capsConfirm:
        this.#surfaces.clear();
        this.#slots.clear();
        this.#shown.length = 0;
        this.#mapped = 0;
        this.#inFrame = false;
        return;
    }
  }

  /** Pixels that are there already are put on a surface. */
  #pasted(surfaceId: number, pixels: number, parts: number): void {
    this.#work += pixels * Work.paint + parts * Work.part;
    this.#parts += parts;
    this.#drawn(surfaceId, pixels);
  }

  /** What was drawn on a surface is shown, too: at the end of a frame, and all of it once. */
  #drawn(surfaceId: number, pixels: number): void {
    this.#parts++;
    const surface = this.#surfaces.get(surfaceId);
    if (surface === undefined || surface.shows === 0 || surface.shown >= 1) return;
    if (surface.shown === 0) this.#shown.push(surface);
    const share = Math.min(1 - surface.shown, (surface.reach * pixels) / surface.pixels);
    surface.shown += share;
    this.#work += surface.shows * share;
  }

  #presented(): void {
    for (const surface of this.#shown) surface.shown = 0;
    this.#shown.length = 0;
    if (this.#parts > MAX_PARTS) this.#work += this.#desktop * Work.paint;
    this.#parts = 0;
    this.#work += this.#surfaces.size * SURFACE_IN_FRAME;
  }

  #within(surfaceId: number, pixels: number): number {
    return Math.min(pixels, this.#surfaces.get(surfaceId)?.pixels ?? 0);
  }

  #map(surfaceId: number, shows: number, reach: number): void {
    const surface = this.#surfaces.get(surfaceId);
    if (surface === undefined) return;
    this.#mapped += shows - surface.shows;
    surface.shows = shows;
    surface.reach = reach;
    this.#work += shows;
  }

  #forget(surfaceId: number): void {
    this.#mapped -= this.#surfaces.get(surfaceId)?.shows ?? 0;
    this.#surfaces.delete(surfaceId);
  }
}

interface KnownSurface {
  readonly pixels: number;
  /** What it takes to show all of it; nothing where it is not mapped. */
  shows: number;
  /** How many pixels change with one that is drawn. */
  reach: number;
  /** How much of it is counted in this frame, of 1. */
  shown: number;
}

function workOfPicture(codecId: number, pixels: number, bytes: Uint8Array, start: number, end: number): number {
  switch (codecId) {
    case GfxCodecId.caVideo:
      return workOfRemoteFx(bytes, start, end);
    case GfxCodecId.clearCodec:
      return pixels * Work.picture + workOfClearCodec(bytes, start, end);
    case GfxCodecId.alpha:
      return pixels * Work.alpha;
    default:
      return pixels * Work.picture;
  }
}

function areaOf(left: number, top: number, right: number, bottom: number): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

function u16(view: DataView, at: number): number {
  return view.getUint16(at, true);
}

function u32(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

const TILE_PIXELS = 64 * 64;
const RECT_SIZE = 4 * 2;
const POINT_SIZE = 2 * 2;
/** In front of what follows: surfaceId, codecId, pixelFormat, destRect, bitmapDataLength. */
const WIRE_TO_SURFACE_1 = 2 + 2 + 1 + 8 + 4;
/** surfaceId, codecId, codecContextId, pixelFormat, bitmapDataLength. */
const WIRE_TO_SURFACE_2 = 2 + 2 + 4 + 1 + 4;
/** surfaceId, fillPixel, fillRectCount. */
const SOLID_FILL = 2 + 4 + 2;
/** surfaceIdSrc, surfaceIdDest, rectSrc, destPtsCount. */
const SURFACE_TO_SURFACE = 2 + 2 + 8 + 2;
/** cacheSlot, surfaceId, destPtsCount. */
const CACHE_TO_SURFACE = 2 + 2 + 2;

/** Bytes behind the header that are read of each. */
const LEAST_SIZES: ReadonlyMap<number, number> = new Map([
  [GfxCommand.wireToSurface1, WIRE_TO_SURFACE_1],
  [GfxCommand.wireToSurface2, WIRE_TO_SURFACE_2],
  [GfxCommand.solidFill, SOLID_FILL],
  [GfxCommand.surfaceToSurface, SURFACE_TO_SURFACE],
  [GfxCommand.cacheToSurface, CACHE_TO_SURFACE],
  [GfxCommand.surfaceToCache, 2 + 8 + 2 + 8],
  [GfxCommand.evictCacheEntry, 2],
  [GfxCommand.createSurface, 2 + 2 + 2],
  [GfxCommand.deleteSurface, 2],
  [GfxCommand.mapSurfaceToOutput, 2],
  [GfxCommand.mapSurfaceToScaledOutput, 2 + 2 + 4 + 4 + 4 + 4],
  [GfxCommand.resetGraphics, 4 + 4],
  [GfxCommand.startFrame, 0],
  [GfxCommand.endFrame, 0],
  [GfxCommand.capsConfirm, 0],
]);

/** Damaged parts that a surface tells apart. */
const MAX_PARTS = 32;
/** A scaled pixel and those around it. */
const REACH = 9;
/** At the end of a frame all surfaces are gone through. */
const SURFACE_IN_FRAME = 60;
