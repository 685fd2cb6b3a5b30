import { UsageError } from '../core/errors.ts';
import type { PixelSource } from './pixel-target.ts';

/**
 * Encodes a picture as RLE_BITMAP_STREAM, [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4, bottom row first. Lossless at 24 bpp, and
 * at 16 bpp for pictures whose colours 5-6-5 can hold. What our own server sends.
 *
 * Returns `undefined` when the stream would not be smaller than the pixels themselves: send those instead.
 */
export function encodeInterleavedRle(source: PixelSource, depth: 16 | 24): Uint8Array<ArrayBuffer> | undefined {
  if (source.width * source.height === 0) throw new UsageError('empty picture');
  return new StreamWriter(source, depth).write();
}

/** One pixel at 16 bpp: the top bits of each colour. */
export function packRgb565(word: number): number {
  return ((word & 0xf8) << 8) | ((word >>> 5) & 0x7e0) | ((word >>> 19) & 0x1f);
}

/** A run shorter than this is cheaper inside a color image. */
const MIN_RUN = 4;
const MAX_RUN = 0xffff;

const Code = { background: 0, foreground: 1, color: 3, image: 4 } as const;

class StreamWriter {
  readonly #pixels: Uint32Array;
  readonly #width: number;
  readonly #depth: 16 | 24;
  readonly #output: Uint8Array<ArrayBuffer>;
  #at = 0;
  /** Colour that foreground runs XOR onto the row before. White until an order sets another. */
  #foreground: number;

  constructor(source: PixelSource, depth: 16 | 24) {
    this.#width = source.width;
    this.#depth = depth;
    this.#foreground = depth === 16 ? 0xffff : 0xffffff;
    this.#pixels = readPixels(source, depth);
    this.#output = new Uint8Array(this.#pixels.length * (depth >>> 3));
  }

  write(): Uint8Array<ArrayBuffer> | undefined {
    const total = this.#pixels.length;
    let imageStart = 0;
    let at = 0;
    let afterBackground = false;
    while (at < total) {
      // Orders are cut at the first row's end: whether they are on it is settled where they start.
      const limit = Math.min(at < this.#width ? this.#width : total, at + MAX_RUN);
      const background = this.#backgroundRun(at, limit);
      const color = this.#colorRun(at, limit);
      const change = this.#change(at);
      const foreground = change === 0 ? 0 : this.#foregroundRun(at, limit, change);
      const longest = Math.max(background, color, foreground);
      const atRowOne = at === this.#width;
      // Two background runs in a row would put a foreground pixel between them.
      const mayBeBackground = imageStart < at || !afterBackground || atRowOne;
      if (longest < MIN_RUN) {
        at++;
        if (at === this.#width) {
          if (!this.#image(imageStart, at)) return undefined;
          imageStart = at;
          afterBackground = false;
        }
        continue;
      }
      if (!this.#image(imageStart, at)) return undefined;
      let ok: boolean;
      let length = longest;
      if (background === longest && mayBeBackground) {
        ok = this.#order(Code.background, background);
        afterBackground = true;
      } else if (foreground === longest) {
        ok = this.#foregroundOrder(foreground, change);
        afterBackground = false;
      } else {
        length = Math.max(color, 1);
        ok = this.#order(Code.color, length) && this.#pixel(this.#pixels[at]!);
        afterBackground = false;
      }
      if (!ok) return undefined;
      at += length;
      imageStart = at;
    }
    if (!this.#image(imageStart, total)) return undefined;
    return this.#output.slice(0, this.#at);
  }

  /** XOR of this pixel and the one before it in the row before; black stands for that on the first row. */
  #change(at: number): number {
    return this.#pixels[at]! ^ (at < this.#width ? 0 : this.#pixels[at - this.#width]!);
  }

  #backgroundRun(at: number, limit: number): number {
    let end = at;
    while (end < limit && this.#change(end) === 0) end++;
    return end - at;
  }

  #foregroundRun(at: number, limit: number, change: number): number {
    let end = at;
    while (end < limit && this.#change(end) === change) end++;
    return end - at;
  }

  #colorRun(at: number, limit: number): number {
    const pixel = this.#pixels[at]!;
    let end = at;
    while (end < limit && this.#pixels[end] === pixel) end++;
    return end - at;
  }

  #foregroundOrder(run: number, color: number): boolean {
    if (color === this.#foreground) return this.#order(Code.foreground, run);
    this.#foreground = color;
    if (run < 16) return this.#byte(0xc0 | run) && this.#pixel(color);
    if (run < 16 + 256) return this.#byte(0xc0) && this.#byte(run - 16) && this.#pixel(color);
    return this.#byte(0xf6) && this.#byte(run & 0xff) && this.#byte(run >>> 8) && this.#pixel(color);
  }

  #image(from: number, to: number): boolean {
    for (let start = from; start < to; start += MAX_RUN) {
      const end = Math.min(to, start + MAX_RUN);
      if (!this.#order(Code.image, end - start)) return false;
      for (let i = start; i < end; i++) if (!this.#pixel(this.#pixels[i]!)) return false;
    }
    return true;
  }

  /** An order header in the shortest form that holds the run. */
  #order(code: number, run: number): boolean {
    if (run < 32) return this.#byte((code << 5) | run);
    if (run < 32 + 256) return this.#byte(code << 5) && this.#byte(run - 32);
    return this.#byte(0xf0 | code) && this.#byte(run & 0xff) && this.#byte(run >>> 8);
  }

  #pixel(value: number): boolean {
    const low = this.#byte(value & 0xff) && this.#byte((value >>> 8) & 0xff);
    return low && (this.#depth === 16 || this.#byte(value >>> 16));
  }

  /** False when the stream has become as long as the pixels. */
  #byte(value: number): boolean {
    if (this.#at >= this.#output.length) return false;
    this.#output[this.#at++] = value;
    return true;
  }
}

/** Wire pixels, bottom row first. */
function readPixels(source: PixelSource, depth: 16 | 24): Uint32Array {
  const { words, stride, width, height } = source;
  const pixels = new Uint32Array(width * height);
  let to = 0;
  for (let row = height - 1; row >= 0; row--) {
    const start = (source.y + row) * stride + source.x;
    for (let i = start; i < start + width; i++) {
      const word = words[i]!;
      pixels[to++] = depth === 16 ? packRgb565(word) : ((word & 0xff) << 16) | (word & 0xff00) | ((word >>> 16) & 0xff);
    }
  }
  return pixels;
}
