import { MAX_PICTURE_PIXELS, type PixelTarget } from '../codecs/pixel-target.ts';
import { ProgressiveDecoder } from '../codecs/progressive/decoder.ts';
import type { ProgressiveFrame } from '../codecs/progressive/trace.ts';
import { TILE_SIZE } from '../codecs/progressive/wavelet.ts';
import type { StateReader, StateWriter } from '../core/state.ts';
import { DamageList } from './damage.ts';
import { intersect, type Rect } from './geometry.ts';
import { loadPicture, savePicture } from './state-pictures.ts';

/** Where a surface shows on the desktop: at its own size, or scaled to a given one. */
export interface OutputMapping {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An off-screen picture of the graphics pipeline, [MS-RDPEGFX] 3.3.1.3. Pixels are `0xAABBGGRR`. */
export class GfxSurface {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly damage = new DamageList();
  mapping: OutputMapping | undefined;
  /** Made with the first picture that needs it: tiles take four times the memory of their pixels. */
  #progressive: ProgressiveDecoder | undefined;
  readonly #contexts = new Set<number>();

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.words = new Uint32Array(width * height);
    this.words.fill(0xff000000);
  }

  get bounds(): Rect {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /** A part of the surface to decode into; the caller has checked that it lies inside. */
  target(rect: Rect): PixelTarget {
    return { words: this.words, stride: this.width, ...rect };
  }

  /**
   * The decoder that holds the surface's tiles, which all its codec contexts share.
   * [MS-RDPEGFX] 3.3.1.1 to 3.3.1.3: contexts come and go, coefficients stay as long as the surface.
   */
  progressive(contextId: number): ProgressiveDecoder {
    // A server has one context a surface; the bound keeps a hostile one from filling memory with their numbers.
    if (this.#contexts.size < MAX_CONTEXTS) this.#contexts.add(contextId);
    this.#progressive ??= new ProgressiveDecoder();
    return this.#progressive;
  }

  /** Where its progressive tiles are in a frame, if it has any. */
  get frame(): ProgressiveFrame | undefined {
    return this.#progressive?.frame;
  }

  /** Whether there is anything in that frame. */
  get isOpen(): boolean {
    return this.#progressive?.isOpen ?? false;
  }

  deleteContext(contextId: number): void {
    if (this.#contexts.delete(contextId) && this.#contexts.size === 0) this.#progressive?.endPasses();
  }

  endFrame(): void {
    this.#progressive?.endFrame();
  }

  save(state: StateWriter): void {
    savePicture(state, this.words, this.width);
    this.damage.save(state);
    state.flag(this.mapping !== undefined);
    if (this.mapping !== undefined) {
      const { x, y, width, height } = this.mapping;
      for (const value of [x, y, width, height]) state.u32(value);
    }
    state.u8(this.#contexts.size);
    for (const context of this.#contexts) state.u32(context);
    state.flag(this.#progressive !== undefined);
    this.#progressive?.save(state);
  }

  /** Into one that nothing was drawn on. */
  load(state: StateReader): void {
    loadPicture(state, this.words, this.width, 'pixels');
    this.damage.load(state, this.bounds);
    if (state.flag('isMapped')) {
      const [x, y, width, height] = [state.u32('x'), state.u32('y'), state.u32('width'), state.u32('height')];
      if (width === 0 || height === 0 || width * height > MAX_PICTURE_PIXELS) {
        throw state.error('limit_exceeded', 'mapping', `${width} x ${height}`);
      }
      this.mapping = { x, y, width, height };
    }
    for (let left = state.u8('contexts'); left > 0; left--) this.#contexts.add(state.u32('context'));
    if (!state.flag('isProgressive')) return;
    this.#progressive = new ProgressiveDecoder();
    this.#progressive.load(state, Math.ceil(this.width / TILE_SIZE) * Math.ceil(this.height / TILE_SIZE));
  }

  fill(rect: Rect, word: number): void {
    const part = intersect(rect, this.bounds);
    if (part === undefined) return;
    for (let y = part.y; y < part.y + part.height; y++) {
      const row = y * this.width + part.x;
      this.words.fill(word, row, row + part.width);
    }
    this.damage.add(part);
  }

  /** A copy of a part of the surface, which lies inside it. */
  cut(rect: Rect): Uint32Array {
    const pixels = new Uint32Array(rect.width * rect.height);
    for (let y = 0; y < rect.height; y++) {
      const from = (rect.y + y) * this.width + rect.x;
      pixels.set(this.words.subarray(from, from + rect.width), y * rect.width);
    }
    return pixels;
  }

  /** Puts a picture of `width` pixels a row at a place, clipped to the surface. */
  paste(pixels: Uint32Array, width: number, height: number, x: number, y: number): void {
    const part = intersect({ x, y, width, height }, this.bounds);
    if (part === undefined) return;
    for (let row = part.y; row < part.y + part.height; row++) {
      const from = (row - y) * width + part.x - x;
      this.words.set(pixels.subarray(from, from + part.width), row * this.width + part.x);
    }
    this.damage.add(part);
  }
}

const MAX_CONTEXTS = 16;
