import { decodeGfxPdu } from '../channels/rdpgfx/decode-pdu.ts';
import { GfxCodecId, type GfxPdu, type GfxRect } from '../channels/rdpgfx/pdu.ts';
import { decodeAlpha } from '../codecs/alpha.ts';
import { ClearCodecDecoder } from '../codecs/clearcodec/decoder.ts';
import { MAX_PICTURE_PIXELS } from '../codecs/pixel-target.ts';
import { decodePlanar } from '../codecs/planar.ts';
import { decodeRawBitmap } from '../codecs/raw-bitmap.ts';
import { RemoteFxDecoder } from '../codecs/remotefx/decoder.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import type { StateReader, StateWriter } from '../core/state.ts';
import { contains, type Rect } from './geometry.ts';
import { cacheSizeOf, GfxCache } from './gfx-cache.ts';
import { GfxPlan, type GfxToRun, MAX_SURFACE_PIXELS, MAX_SURFACES } from './gfx-plan.ts';
import { GfxPresenter, type GfxScreen } from './gfx-presenter.ts';
import { GfxSurface, type OutputMapping } from './gfx-surface.ts';

/** The desktop that the pipeline draws on. */
export interface GfxOutput extends GfxScreen {
  reset(width: number, height: number): void;
}

/**
 * The graphics pipeline, [MS-RDPEGFX] 3.3.5: surfaces, the bitmap cache, and what of them the desktop shows. What a
 * frame draws becomes visible at its end, all at once.
 */
export class GfxPipeline {
  readonly #output: GfxOutput;
  readonly #presenter: GfxPresenter;
  readonly #surfaces = new Map<number, GfxSurface>();
  #cache = new GfxCache();
  #clearCodec = new ClearCodecDecoder();
  #remoteFx = new RemoteFxDecoder();
  #surfacePixels = 0;
  #inFrame = false;
  #skipped = 0;

  constructor(output: GfxOutput) {
    this.#output = output;
    this.#presenter = new GfxPresenter(output);
  }

  /** Another desktop, which shows nothing of any surface yet. */
  desktopIsNew(): void {
    this.#presenter.forget();
  }

  /** Somebody else is about to use the desktop's own pixels: they are what is shown from now on. */
  returnDesktop(): void {
    this.#presenter.giveBack();
  }

  /** Commands and pictures that were left out because this build does not know their kind or codec. */
  get skipped(): number {
    return this.#skipped;
  }

  /** @throws DecodeError; surfaces may be half drawn then */
  process(pdus: Uint8Array): void {
    const cursor = new ReadCursor(pdus, 'RDPGFX_HEADER');
    while (cursor.remaining > 0) this.#apply({ pdu: decodeGfxPdu(cursor), hidden: false, tiles: undefined });
    if (!this.#inFrame) this.#present();
  }

  /** Everything that later messages may build on: surfaces, cache and codecs. What the desktop shows is the compositor's to save. */
  save(state: StateWriter): void {
    state.flag(this.#inFrame);
    state.flag(this.#presenter.hasAlpha);
    state.u32(this.#surfaces.size);
    for (const [id, surface] of this.#surfaces) {
      for (const value of [id, surface.width, surface.height]) state.u16(value);
      surface.save(state);
    }
    this.#cache.save(state);
    this.#clearCodec.save(state);
    this.#remoteFx.save(state);
  }

  /** Into one that has processed nothing. */
  load(state: StateReader): void {
    this.#inFrame = state.flag('inFrame');
    this.#presenter.hasAlpha = state.flag('hasAlpha');
    for (let left = state.count(0xffff, 'surfaces'); left > 0; left--) {
      const id = state.u16('surfaceId');
      const [width, height] = [state.u16('width'), state.u16('height')];
      if (width * height * 4 > state.remaining) throw state.error('truncated', 'surface');
      this.#createSurface(id, width, height);
      this.#surfaces.get(id)?.load(state);
    }
    this.#cache = GfxCache.load(state);
    this.#clearCodec.load(state);
    this.#remoteFx.load(state);
  }

  /** Draws what all mapped surfaces hold, as they are now, on a desktop of this size. */
  drawMapped(words: Uint32Array, width: number, height: number): void {
    const presenter = new GfxPresenter({ words, width, height, damaged: () => {} });
    presenter.hasAlpha = this.#presenter.hasAlpha;
    for (const surface of this.#surfaces.values()) {
      if (surface.mapping !== undefined) presenter.show(surface, surface.mapping, surface.bounds);
    }
  }

  /** A plan of what is to come, for `run`. */
  plan(): GfxPlan {
    const open: number[] = [];
    for (const [id, surface] of this.#surfaces) if (surface.isOpen) open.push(id);
    return new GfxPlan({
      inFrame: this.#inFrame,
      surfaces: this.#surfaces,
      surfacePixels: this.#surfacePixels,
      open,
      cached: (slot) => this.#cache.get(slot),
    });
  }

  /**
   * As `process`, of one update's messages that were planned.
   * @throws DecodeError; surfaces may be half drawn then
   */
  run(commands: readonly GfxToRun[]): void {
    for (const command of commands) this.#apply(command);
    if (!this.#inFrame) this.#present();
  }

  #apply(command: GfxToRun): void {
    const { pdu, hidden } = command;
    if (DRAWING.has(pdu.kind)) this.#presenter.beforeDrawing();
    switch (pdu.kind) {
      case 'wire-to-surface-1':
        this.#wireToSurface1(pdu, command);
        return;
      case 'wire-to-surface-2':
        this.#wireToSurface2(pdu, command);
        return;
      case 'delete-encoding-context':
        this.#surfaces.get(pdu.surfaceId)?.deleteContext(pdu.codecContextId);
        return;
      case 'solid-fill': {
        const surface = this.#surface(pdu.surfaceId, 'RDPGFX_SOLIDFILL_PDU');
        if (hidden) return;
        const word = fromWire(pdu.fillPixel);
        for (const rect of pdu.fillRects) surface.fill(toRect(rect), word);
        return;
      }
      case 'surface-to-surface': {
        const source = this.#surface(pdu.surfaceIdSrc, 'RDPGFX_SURFACE_TO_SURFACE_PDU');
        const target = this.#surface(pdu.surfaceIdDest, 'RDPGFX_SURFACE_TO_SURFACE_PDU');
        const rect = inside(source, pdu.rectSrc, 'RDPGFX_SURFACE_TO_SURFACE_PDU', 'rectSrc');
        if (hidden) return;
        // Cut first: source and target may be the same surface and overlap.
        const pixels = source.cut(rect);
        for (const { x, y } of pdu.destPoints) target.paste(pixels, rect.width, rect.height, x, y);
        return;
      }
      case 'surface-to-cache': {
        const surface = this.#surface(pdu.surfaceId, 'RDPGFX_SURFACE_TO_CACHE_PDU');
        const rect = inside(surface, pdu.rectSrc, 'RDPGFX_SURFACE_TO_CACHE_PDU', 'rectSrc');
        const { width, height } = rect;
        this.#cache.put(pdu.cacheSlot, { width, height, pixels: surface.cut(rect) });
        return;
      }
      case 'cache-to-surface': {
        const surface = this.#surface(pdu.surfaceId, 'RDPGFX_CACHE_TO_SURFACE_PDU');
        const bitmap = this.#cache.get(pdu.cacheSlot);
        if (bitmap === undefined) {
          throw new DecodeError(
            'invalid_value',
            'RDPGFX_CACHE_TO_SURFACE_PDU',
            'cacheSlot',
            8,
            `${pdu.cacheSlot} is empty`,
          );
        }
        if (hidden) return;
        for (const { x, y } of pdu.destPoints) surface.paste(bitmap.pixels, bitmap.width, bitmap.height, x, y);
        return;
      }
      case 'evict-cache-entry':
        this.#cache.evict(pdu.cacheSlot);
        return;
      case 'create-surface':
        this.#createSurface(pdu.surfaceId, pdu.width, pdu.height);
        return;
      case 'delete-surface':
        this.#deleteSurface(pdu.surfaceId);
        return;
      case 'start-frame':
        this.#inFrame = true;
        return;
      case 'end-frame':
        this.#inFrame = false;
        for (const surface of this.#surfaces.values()) surface.endFrame();
        this.#present();
        return;
      case 'reset-graphics':
        if (pdu.width !== this.#output.width || pdu.height !== this.#output.height) {
          this.#output.reset(pdu.width, pdu.height);
        }
        // Whatever stays mapped has to be shown on the new desktop as a whole.
        for (const surface of this.#surfaces.values()) surface.damage.add(surface.bounds);
        return;
      case 'map-surface-to-output': {
        const surface = this.#surface(pdu.surfaceId, 'RDPGFX_MAP_SURFACE_TO_OUTPUT_PDU');
        const { width, height } = surface;
        this.#map(surface, { x: pdu.outputOriginX, y: pdu.outputOriginY, width, height });
        return;
      }
      case 'map-surface-to-scaled-output': {
        const surface = this.#surface(pdu.surfaceId, 'RDPGFX_MAP_SURFACE_TO_SCALED_OUTPUT_PDU');
        const { outputOriginX: x, outputOriginY: y, targetWidth: width, targetHeight: height } = pdu;
        if (width === 0 || height === 0 || width * height > MAX_PICTURE_PIXELS) {
          throw new DecodeError('limit_exceeded', 'RDPGFX_MAP_SURFACE_TO_SCALED_OUTPUT_PDU', 'targetWidth', 20);
        }
        this.#map(surface, { x, y, width, height });
        return;
      }
      case 'map-surface-to-window':
      case 'map-surface-to-scaled-window':
        // Windows of RemoteApp: a session of a whole desktop has none.
        this.#skipped++;
        return;
      case 'caps-confirm':
        // The channel has been opened, or opened again: the server knows nothing of what was before.
        this.#forget();
        this.#cache = new GfxCache(cacheSizeOf(pdu.capsSet));
        return;
      case 'cache-import-reply':
        return;
      case 'frame-acknowledge':
      case 'cache-import-offer':
      case 'caps-advertise':
      case 'qoe-frame-acknowledge':
      case 'unknown':
        this.#skipped++;
        return;
      default:
        pdu satisfies never;
    }
  }

  #forget(): void {
    this.#presenter.giveBack();
    this.#presenter.hasAlpha = false;
    this.#surfaces.clear();
    this.#surfacePixels = 0;
    this.#clearCodec = new ClearCodecDecoder();
    this.#remoteFx = new RemoteFxDecoder();
    this.#inFrame = false;
  }

  #createSurface(id: number, width: number, height: number): void {
    this.#deleteSurface(id);
    const isTooMuch = this.#surfacePixels + width * height > MAX_SURFACE_PIXELS || this.#surfaces.size >= MAX_SURFACES;
    if (width === 0 || height === 0 || isTooMuch) {
      throw new DecodeError('limit_exceeded', 'RDPGFX_CREATE_SURFACE_PDU', 'width', 10, `${width} x ${height}`);
    }
    this.#surfacePixels += width * height;
    this.#surfaces.set(id, new GfxSurface(width, height));
  }

  #deleteSurface(id: number): void {
    const old = this.#surfaces.get(id);
    if (old === undefined) return;
    this.#presenter.giveBack();
    this.#surfacePixels -= old.width * old.height;
    this.#surfaces.delete(id);
  }

  #surface(id: number, context: string): GfxSurface {
    const surface = this.#surfaces.get(id);
    if (surface !== undefined) return surface;
    throw new DecodeError('invalid_value', context, 'surfaceId', 8, `there is no surface ${id}`);
  }

  #wireToSurface1(pdu: Extract<GfxPdu, { kind: 'wire-to-surface-1' }>, { hidden, tiles }: GfxToRun): void {
    const surface = this.#surface(pdu.surfaceId, 'RDPGFX_WIRE_TO_SURFACE_PDU_1');
    const rect = inside(surface, pdu.destRect, 'RDPGFX_WIRE_TO_SURFACE_PDU_1', 'destRect');
    if (rect.width === 0 || rect.height === 0 || hidden) return;
    const target = surface.target(rect);
    switch (pdu.codecId) {
      case GfxCodecId.uncompressed:
        decodeRawBitmap(pdu.bitmapData, target, 32, undefined, 'top-down');
        break;
      case GfxCodecId.planar:
        decodePlanar(pdu.bitmapData, target, 'top-down');
        break;
      case GfxCodecId.clearCodec:
        this.#clearCodec.decode(pdu.bitmapData, target);
        break;
      case GfxCodecId.alpha:
        this.#presenter.giveBack();
        this.#presenter.hasAlpha = true;
        decodeAlpha(pdu.bitmapData, target);
        break;
      case GfxCodecId.caVideo: {
        const isHidden = (tile: number) => tiles?.[tile] === 'nothing';
        for (const part of this.#remoteFx.decode(pdu.bitmapData, target, isHidden)) {
          surface.damage.add({ ...part, x: rect.x + part.x, y: rect.y + part.y });
        }
        return;
      }
      default:
        this.#skipped++;
        return;
    }
    surface.damage.add(rect);
  }

  #wireToSurface2(pdu: Extract<GfxPdu, { kind: 'wire-to-surface-2' }>, { hidden, tiles, stream }: GfxToRun): void {
    const surface = this.#surface(pdu.surfaceId, 'RDPGFX_WIRE_TO_SURFACE_PDU_2');
    if (pdu.codecId !== GfxCodecId.progressive && pdu.codecId !== GfxCodecId.progressiveV2) {
      this.#skipped++;
      return;
    }
    const decoder = surface.progressive(pdu.codecContextId);
    if (hidden && stream !== undefined) {
      decoder.pass(stream);
      return;
    }
    const target = surface.target(surface.bounds);
    for (const part of decoder.decode(pdu.bitmapData, target, tiles)) surface.damage.add(part);
  }

  /** Brings what has changed on mapped surfaces to the desktop. */
  #present(): void {
    for (const surface of this.#surfaces.values()) {
      const { mapping } = surface;
      // What is not shown keeps its damage: mapping a surface shows all of it anyway.
      if (mapping === undefined) {
        surface.damage.clear();
        continue;
      }
      for (const rect of surface.damage.take()) this.#presenter.show(surface, mapping, rect);
    }
  }

  #map(surface: GfxSurface, mapping: OutputMapping): void {
    this.#presenter.giveBack();
    surface.mapping = mapping;
    surface.damage.add(surface.bounds);
  }
}

/** Commands that draw on a surface. */
const DRAWING: ReadonlySet<GfxPdu['kind']> = new Set([
  ...(['wire-to-surface-1', 'wire-to-surface-2', 'solid-fill', 'surface-to-surface', 'cache-to-surface'] as const),
]);

function toRect(rect: GfxRect): Rect {
  return { x: rect.left, y: rect.top, width: rect.right - rect.left, height: rect.bottom - rect.top };
}

function inside(surface: GfxSurface, rect: GfxRect, context: string, field: string): Rect {
  const part = toRect(rect);
  if (contains(surface.bounds, part)) return part;
  const detail = `${rect.left},${rect.top} to ${rect.right},${rect.bottom} on ${surface.width} x ${surface.height}`;
  throw new DecodeError('invalid_value', context, field, 0, detail);
}

/** A pixel read little-endian as B, G, R, X into our order; always opaque, as fills are. */
function fromWire(pixel: number): number {
  return (0xff000000 | ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >>> 16) & 0xff)) >>> 0;
}
