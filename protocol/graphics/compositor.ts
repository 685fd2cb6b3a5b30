import { decodeInterleavedRle } from '../codecs/interleaved-rle.ts';
import { MAX_PICTURE_PIXELS, OPAQUE_BLACK, type PixelTarget } from '../codecs/pixel-target.ts';
import { decodePlanar } from '../codecs/planar.ts';
import { decodeRawBitmap } from '../codecs/raw-bitmap.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { StateLimitError, StateReader, StateWriter } from '../core/state.ts';
import { type BitmapRectangle, decodeBitmapUpdate } from '../pdu/bitmap-update.ts';
import { decodePaletteUpdate } from '../pdu/palette.ts';
import {
  decodeCachedPointer,
  decodeColorPointer,
  decodeLargePointer,
  decodeNewPointer,
  decodePointerPosition,
  type PointerShape as PointerMasks,
} from '../pdu/pointer.ts';
import { decodeSurfaceCommand, FrameAction, type SurfaceBits, type SurfaceCommand } from '../pdu/surface-command.ts';
import { DamageList } from './damage.ts';
import { checkDesktopSize } from './desktop-size.ts';
import { intersect, type Rect } from './geometry.ts';
import { GfxPipeline } from './gfx-pipeline.ts';
import type { GfxPlan, PlannedGfx } from './gfx-plan.ts';
import type { ScreenLender } from './gfx-presenter.ts';
import { defaultPalette, paletteWords } from './palette.ts';
import {
  decodePointerShape,
  loadPointer,
  type PointerLook,
  type PointerState,
  pointerCursor,
  savePointer,
} from './pointer.ts';
import { loadPicture, savePicture } from './state-pictures.ts';
import { hasTiles } from './surface-outline.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

export type { PointerShape, PointerState } from './pointer.ts';

/** A decoder for surface bits with a codec id of its own, such as NSCodec or RemoteFX; may hold state. */
export interface SurfaceCodec {
  /**
   * Decodes one picture into `target`, which is exactly as large as the picture.
   * Returns the parts it drew, in the picture's coordinates, or `undefined` when it drew all of it.
   * @param isHidden whether a tile, counted through the picture, need not be drawn; 0 is all of it where it has none
   */
  decode(
    source: Uint8Array,
    target: PixelTarget,
    bitsPerPixel: number,
    isHidden?: (tile: number) => boolean,
  ): readonly Rect[] | undefined;
  /** Writes what later pictures may build on; absent for codecs whose pictures do not. */
  save?(state: StateWriter): void;
  /** Reads it back, into a decoder that has decoded nothing. */
  load?(state: StateReader): void;
}

export interface CompositorOptions {
  /**
   * Whether `pixels` are looked at right after `takeDamage` and only where it says, as who draws them on a canvas does. They need not be copied from
   * the graphics pipeline's surfaces then, and elsewhere may be half drawn.
   */
  readonly borrows?: boolean;
}

/**
 * A session's desktop as the server has drawn it: applies graphics updates to one RGBA framebuffer and remembers
 * what changed. Runs in the browser's worker and in the pixel host alike.
 */
export class Compositor {
  #width = 0;
  #height = 0;
  /** The desktop is made when somebody first draws or looks: a session that nobody watches may never need them. */
  #picture: { readonly pixels: Uint8ClampedArray<ArrayBuffer>; readonly words: Uint32Array } | undefined;
  /** What is shown in place of that: a surface of the graphics pipeline. */
  #lent: { readonly pixels: Uint8ClampedArray<ArrayBuffer>; readonly words: Uint32Array } | undefined;
  readonly #borrows: boolean;
  readonly #damage = new DamageList();
  /** Between a Frame Marker that begins a frame and the one that ends it, or a drawing of another kind. */
  #inSurfaceFrame = false;
  readonly #codecs: ReadonlyMap<number, SurfaceCodec>;
  #palette = defaultPalette();
  #pointer: PointerState = { kind: 'default', version: 0 };
  #pointerPosition: { x: number; y: number } | undefined;
  readonly #pointerCache = new Map<number, Exclude<PointerLook, 'default'>>();
  #skipped = 0;
  /** Made with the first message of the graphics channel: most servers of the lab never open it. */
  #pipeline: GfxPipeline | undefined;

  /** @param codecs decoders of surface bits by codec id; pictures with other ids are skipped */
  constructor(codecs: ReadonlyMap<number, SurfaceCodec> = new Map(), { borrows = false }: CompositorOptions = {}) {
    this.#codecs = codecs;
    this.#borrows = borrows;
  }

  get width(): number {
    return this.#width;
  }

  get height(): number {
    return this.#height;
  }

  /** RGBA, `width * height * 4` bytes, alpha always 255. Another array after each desktop reset, and any time with `borrows`. */
  get pixels(): Uint8ClampedArray<ArrayBuffer> {
    return (this.#lent ?? this.#canvas).pixels;
  }

  get pointer(): PointerState {
    return this.#pointer;
  }

  /** How many updates, commands or pictures were left out because this build does not know them. */
  get skipped(): number {
    return this.#skipped + (this.#pipeline?.skipped ?? 0);
  }

  /** @throws {DecodeError} when the server's bytes break the protocol; the desktop may be half drawn then */
  apply(update: GraphicsUpdate): void {
    const { code, data } = update;
    switch (code) {
      case UpdateCode.bitmap:
        this.#drawBitmaps(new ReadCursor(data, 'TS_UPDATE_BITMAP_DATA'));
        return;
      case UpdateCode.palette:
        this.#palette = paletteWords(decodePaletteUpdate(new ReadCursor(data, 'TS_UPDATE_PALETTE')));
        return;
      case UpdateCode.synchronize:
        return;
      case UpdateCode.surfaceCommands:
        this.#runSurfaceCommands(data);
        return;
      case UpdateCode.pointerHidden:
        this.#setPointer('hidden');
        return;
      case UpdateCode.pointerDefault:
        this.#setPointer('default');
        return;
      case UpdateCode.pointerPosition:
        this.#pointerPosition = decodePointerPosition(pointerCursor(data));
        return;
      case UpdateCode.pointerColor:
        this.#definePointer(decodeColorPointer(pointerCursor(data)));
        return;
      case UpdateCode.pointerCached:
        this.#useCachedPointer(decodeCachedPointer(pointerCursor(data)).cacheIndex);
        return;
      case UpdateCode.pointerNew:
        this.#definePointer(decodeNewPointer(pointerCursor(data)));
        return;
      case UpdateCode.pointerLarge:
        this.#definePointer(decodeLargePointer(pointerCursor(data)));
        return;
      case UpdateCode.desktopReset: {
        const cursor = new ReadCursor(data, 'desktop reset');
        this.#reset(cursor.u16('width'), cursor.u16('height'));
        return;
      }
      case UpdateCode.graphicsPipeline:
        this.#inSurfaceFrame = false;
        this.#gfx.process(data);
        return;
      default:
        this.#skipped++;
    }
  }

  /**
   * Draws one picture of a bitmap update; for callers that leave out pictures which later ones cover.
   * @throws {DecodeError} as `apply` does
   */
  drawBitmap(bitmap: BitmapRectangle): void {
    const { width, height, bitsPerPixel, data } = bitmap;
    this.#inSurfaceFrame = false;
    if (width === 0 || height === 0) return;
    const decode = (target: PixelTarget): undefined => {
      if (bitsPerPixel === 32) {
        if (bitmap.compressed) decodePlanar(data, target);
        else decodeRawBitmap(data, target, 32);
        return;
      }
      if (bitsPerPixel !== 8 && bitsPerPixel !== 15 && bitsPerPixel !== 16 && bitsPerPixel !== 24) {
        throw new DecodeError('invalid_value', 'TS_BITMAP_DATA', 'bitsPerPixel', 0, `${bitsPerPixel}`);
      }
      if (bitmap.compressed) decodeInterleavedRle(data, target, bitsPerPixel, this.#palette);
      else decodeRawBitmap(data, target, bitsPerPixel, this.#palette);
    };
    this.#draw(
      {
        x: bitmap.destLeft,
        y: bitmap.destTop,
        width: Math.min(width, bitmap.destRight - bitmap.destLeft + 1),
        height: Math.min(height, bitmap.destBottom - bitmap.destTop + 1),
      },
      width,
      height,
      decode,
    );
  }

  /**
   * Runs one surface command; for callers that leave out what later ones cover.
   * @param isHidden whether a tile of its picture, as `outlineSurfaceBits` counts them, need not be drawn
   * @throws {DecodeError} as `apply` does
   */
  runSurfaceCommand(command: SurfaceCommand, isHidden?: (tile: number) => boolean): void {
    if (command.kind === 'bits') this.#drawSurfaceBits(command, isHidden);
    // A server that begins a frame within a frame leaves the ends out: waiting for one would hold the picture for good.
    else this.#inSurfaceFrame = command.action === FrameAction.begin && !this.#inSurfaceFrame;
  }

  /** A plan for messages of the graphics pipeline that are to come; for callers that leave out what later ones cover. */
  planGraphics(): GfxPlan {
    return this.#gfx.plan();
  }

  /**
   * Runs the messages of one update that was planned.
   * @throws {DecodeError} as `apply` does
   */
  runGraphics(commands: readonly PlannedGfx[]): void {
    this.#inSurfaceFrame = false;
    this.#gfx.run(commands);
  }

  /** Whether `takeDamage` has anything to say. */
  get isDamaged(): boolean {
    return !this.#inSurfaceFrame && !this.#damage.empty;
  }

  /**
   * What has changed since the last call, as a bounded number of rectangles inside the desktop. Nothing within a frame of
   * surface commands, which is presented as one: [MS-RDPBCGR] 2.2.9.2.3.
   * @param evenHalfDrawn also within a frame, where it is time to show all that `pixels` has
   */
  takeDamage(evenHalfDrawn = false): Rect[] {
    return this.#inSurfaceFrame && !evenHalfDrawn ? [] : this.#damage.take();
  }

  /**
   * Everything that another compositor needs to go on from here: the picture, and what the updates to come may build on.
   * @param limit bytes; `undefined` when there is more
   */
  saveState(limit: number): Uint8Array<ArrayBuffer> | undefined {
    try {
      const state = new StateWriter(limit);
      this.#save(state);
      return state.finish();
    } catch (error) {
      if (error instanceof StateLimitError) return undefined;
      throw error;
    }
  }

  /**
   * A compositor that goes on from where another one's `saveState` was. Everything counts as changed.
   * @param codecs as the other had them, new
   * @throws {DecodeError} when these are no compositor's bytes
   */
  static fromState(
    bytes: Uint8Array,
    codecs: ReadonlyMap<number, SurfaceCodec> = new Map(),
    options: CompositorOptions = {},
  ): Compositor {
    const compositor = new Compositor(codecs, options);
    const state = new StateReader(bytes, 'compositor state');
    compositor.#load(state);
    state.expectEnd();
    return compositor;
  }

  #save(state: StateWriter): void {
    state.u16(this.#width);
    state.u16(this.#height);
    state.flag(this.#inSurfaceFrame);
    state.array(this.#palette);
    for (const codec of this.#codecs.values()) codec.save?.(state);
    savePointer(state, this.#pointer.shape ?? (this.#pointer.kind === 'hidden' ? 'hidden' : 'default'));
    state.u32(this.#pointerCache.size);
    for (const [index, look] of this.#pointerCache) {
      state.u16(index);
      savePointer(state, look);
    }
    state.flag(this.#pipeline !== undefined);
    this.#pipeline?.save(state);
    // Mostly the surfaces say it all.
    savePicture(state, this.#words, this.#width, this.#mappedPicture());
  }

  #load(state: StateReader): void {
    const width = state.u16('width');
    const height = state.u16('height');
    if (width * height * 4 > state.remaining) throw state.error('truncated', 'pixels');
    if (width > 0) this.#reset(width, height);
    this.#inSurfaceFrame = state.flag('inSurfaceFrame');
    state.array(this.#palette, 'palette');
    for (const codec of this.#codecs.values()) codec.load?.(state);
    this.#setPointer(loadPointer(state));
    for (let left = state.count(MAX_POINTER_CACHE, 'pointerCache'); left > 0; left--) {
      const index = state.u16('cacheIndex');
      const look = loadPointer(state);
      if (index >= MAX_POINTER_CACHE || look === 'default') throw state.error('invalid_value', 'cacheIndex');
      this.#pointerCache.set(index, look);
    }
    if (state.flag('graphicsPipeline')) this.#gfx.load(state);
    loadPicture(state, this.#words, width, 'pixels', this.#mappedPicture());
  }

  #mappedPicture(): Uint32Array {
    const words = new Uint32Array(this.#words.length).fill(OPAQUE_BLACK);
    this.#pipeline?.drawMapped(words, this.#width, this.#height);
    return words;
  }

  /** Where the server has moved the pointer since the last call, if it did. */
  takePointerPosition(): { x: number; y: number } | undefined {
    const position = this.#pointerPosition;
    this.#pointerPosition = undefined;
    return position;
  }

  #drawBitmaps(cursor: ReadCursor): void {
    for (const rectangle of decodeBitmapUpdate(cursor).rectangles) this.drawBitmap(rectangle);
  }

  #runSurfaceCommands(data: Uint8Array): void {
    const cursor = new ReadCursor(data, 'TS_SURFCMD');
    while (cursor.remaining > 0) this.runSurfaceCommand(decodeSurfaceCommand(cursor));
  }

  #drawSurfaceBits(bits: SurfaceBits, isHidden?: (tile: number) => boolean): void {
    const { width, height, bitsPerPixel, data } = bits;
    if (width === 0 || height === 0) return;
    const place = { x: bits.destLeft, y: bits.destTop, width, height };
    const codec = this.#codecs.get(bits.codecId);
    // What has tiles is told which to leave out; its picture says more than pixels.
    if (!hasTiles(bits) && isHidden?.(0)) return;
    if (bits.codecId === 0) {
      if (
        bitsPerPixel !== 32 &&
        bitsPerPixel !== 24 &&
        bitsPerPixel !== 16 &&
        bitsPerPixel !== 15 &&
        bitsPerPixel !== 8
      ) {
        throw new DecodeError('invalid_value', 'TS_BITMAP_DATA_EX', 'bpp', 0, `${bitsPerPixel}`);
      }
      this.#draw(place, width, height, (target) => {
        decodeRawBitmap(data, target, bitsPerPixel, this.#palette);
        return undefined;
      });
      return;
    }
    if (codec === undefined) this.#skipped++;
    else this.#draw(place, width, height, (target) => codec.decode(data, target, bitsPerPixel, isHidden));
  }

  /**
   * Draws a picture of `width` by `height` pixels, of which `place` shows the upper left part. A picture that is
   * shown whole is decoded where it belongs; any other goes by way of a buffer of its own.
   */
  #draw(
    place: Rect,
    width: number,
    height: number,
    decode: (target: PixelTarget) => readonly Rect[] | undefined,
  ): void {
    if (width * height > MAX_PICTURE_PIXELS) {
      throw new DecodeError('limit_exceeded', 'bitmap', 'width', 0, `${width} x ${height} pixels`);
    }
    const visible = intersect(place, { x: 0, y: 0, width: this.#width, height: this.#height });
    if (visible !== undefined && visible.width === width && visible.height === height) {
      const target = { words: this.#words, stride: this.#width, x: place.x, y: place.y, width, height };
      this.#addDamage(decode(target), visible);
      return;
    }
    const words = new Uint32Array(width * height);
    // A picture may leave some of itself out: what is there now stays.
    if (visible !== undefined) {
      for (let y = visible.y; y < visible.y + visible.height; y++) {
        const from = y * this.#width + visible.x;
        words.set(this.#words.subarray(from, from + visible.width), (y - place.y) * width + visible.x - place.x);
      }
    }
    const drawn = decode({ words, stride: width, x: 0, y: 0, width, height });
    if (visible === undefined) return;
    for (const part of drawn ?? [{ x: 0, y: 0, width, height }]) {
      const to = intersect(
        { x: place.x + part.x, y: place.y + part.y, width: part.width, height: part.height },
        visible,
      );
      if (to === undefined) continue;
      for (let y = to.y; y < to.y + to.height; y++) {
        const from = (y - place.y) * width + to.x - place.x;
        this.#words.set(words.subarray(from, from + to.width), y * this.#width + to.x);
      }
      this.#damage.add(to);
    }
  }

  #addDamage(parts: readonly Rect[] | undefined, visible: Rect): void {
    if (parts === undefined) {
      this.#damage.add(visible);
      return;
    }
    for (const part of parts) {
      const rect = { x: visible.x + part.x, y: visible.y + part.y, width: part.width, height: part.height };
      const inside = intersect(rect, visible);
      if (inside !== undefined) this.#damage.add(inside);
    }
  }

  #setPointer(look: PointerLook): void {
    const version = this.#pointer.version + 1;
    this.#pointer = typeof look === 'string' ? { kind: look, version } : { kind: 'shape', version, shape: look };
  }

  #definePointer(masks: PointerMasks): void {
    if (masks.cacheIndex >= MAX_POINTER_CACHE) {
      const detail = `${masks.cacheIndex}`;
      throw new DecodeError('limit_exceeded', 'TS_COLORPOINTERATTRIBUTE', 'cacheIndex', 0, detail);
    }
    const look = decodePointerShape(masks, this.#palette) ?? 'hidden';
    this.#pointerCache.set(masks.cacheIndex, look);
    this.#setPointer(look);
  }

  #useCachedPointer(index: number): void {
    const look = this.#pointerCache.get(index);
    // An entry that was never filled is the server's mistake, but no reason to end a session over its pointer.
    if (look === undefined) this.#skipped++;
    else this.#setPointer(look);
  }

  get #gfx(): GfxPipeline {
    const compositor = this;
    this.#pipeline ??= new GfxPipeline({
      get width() {
        return compositor.#width;
      },
      get height() {
        return compositor.#height;
      },
      get words() {
        return compositor.#canvas.words;
      },
      ...(this.#borrows ? { lender: this.#lender() } : {}),
      reset: (width, height) => this.#reset(width, height),
      damaged: (rect) => this.#damage.add(rect),
    });
    return this.#pipeline;
  }

  get #canvas() {
    if (this.#picture === undefined) {
      const pixels = new Uint8ClampedArray(this.#width * this.#height * 4);
      this.#picture = { pixels, words: new Uint32Array(pixels.buffer).fill(OPAQUE_BLACK) };
    }
    return this.#picture;
  }

  #lender(): ScreenLender {
    const compositor = this;
    return {
      get isWaiting() {
        return !compositor.#damage.empty;
      },
      lend: (words) => {
        if (words === compositor.#lent?.words) return;
        compositor.#lent = words && { words, pixels: new Uint8ClampedArray(words.buffer) };
      },
    };
  }

  /** The desktop's own pixels, for who draws on them. */
  get #words(): Uint32Array {
    this.#pipeline?.returnDesktop();
    return this.#canvas.words;
  }

  #reset(width: number, height: number): void {
    checkDesktopSize(width, height);
    this.#width = width;
    this.#height = height;
    this.#picture = undefined;
    this.#lent = undefined;
    this.#pipeline?.desktopIsNew();
    this.#inSurfaceFrame = false;
    this.#damage.clear();
    this.#damage.add({ x: 0, y: 0, width, height });
  }
}

/** Cached pointer shapes; the Pointer Capability Set asks for far fewer. */
const MAX_POINTER_CACHE = 256;
