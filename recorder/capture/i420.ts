import type { Rect } from '#protocol/graphics/geometry.ts';
import { createI420Kernel, type I420Kernel, LEAST_PIXELS } from './i420-kernel.ts';

/**
 * RGBA to I420, BT.709 limited range, for damaged rectangles only.
 *
 * Chroma is the mean of each 2×2 block, because nearest sampling gives one-pixel strokes of coloured text the
 * background's colour. The stream is tagged bt709/tv (see `ffmpeg.ts`), so that players show the same colours.
 */

/** Fixed-point BT.709 weights, 16 fractional bits, already scaled from 0…255 to 16…235 (luma) and 16…240 (chroma). */
const Y_R = 11966;
const Y_G = 40254;
const Y_B = 4064;
const CB_R = -6596;
const CB_G = -22188;
const CB_B = 28784;
const CR_R = 28784;
const CR_G = -26145;
const CR_B = -2639;
const HALF_16 = 1 << 15;
/** Chroma sums four pixels, so it has two bits more. */
const HALF_18 = 1 << 17;

const BLACK_LUMA = 16;
const NEUTRAL_CHROMA = 128;

/** One picture: Y, U and V planes one after another in one buffer, as rawvideo's `yuv420p` lays them out. */
export class I420Picture {
  /** Even, in pixels. */
  readonly width: number;
  readonly height: number;
  /** `width * height * 3 / 2` bytes. */
  readonly bytes: Uint8Array;
  readonly #y: Uint8Array;
  readonly #u: Uint8Array;
  readonly #v: Uint8Array;
  readonly #kernel: I420Kernel | undefined;

  /**
   * Black, `width × height` rounded up to even.
   * @param createKernel what converts rows of some length; what is here does without, to the same samples
   */
  constructor(width: number, height: number, createKernel: typeof createI420Kernel = createI420Kernel) {
    this.width = roundUpToEven(width);
    this.height = roundUpToEven(height);
    const luma = this.width * this.height;
    const chroma = luma / 4;
    const size = luma + 2 * chroma;
    this.#kernel = createKernel(this.width, size);
    this.bytes = this.#kernel?.bytes ?? new Uint8Array(size);
    this.#y = this.bytes.subarray(0, luma);
    this.#u = this.bytes.subarray(luma, luma + chroma);
    this.#v = this.bytes.subarray(luma + chroma);
    this.clear();
  }

  /** All of it. */
  get bounds(): Rect {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  clear(): void {
    this.#y.fill(BLACK_LUMA);
    this.#u.fill(NEUTRAL_CHROMA);
    this.#v.fill(NEUTRAL_CHROMA);
  }

  /**
   * Converts one rectangle of an RGBA image and says whether any sample of the picture changed by it.
   * The rectangle is in the image's pixels and widened to whole 2×2 blocks; `left` and `top` (even) say where
   * the image's origin lies in this picture. A last odd column or row is repeated to fill its block.
   */
  convert(image: RgbaImage, rect: Rect, left = 0, top = 0): boolean {
    const x0 = Math.max(0, rect.x) & ~1;
    const y0 = Math.max(0, rect.y) & ~1;
    const x1 = Math.min(image.width, rect.x + rect.width, this.width - left);
    const y1 = Math.min(image.height, rect.y + rect.height, this.height - top);
    if (this.#kernel !== undefined && x1 - x0 >= LEAST_PIXELS) {
      return this.#convertRows(this.#kernel, image, x0, y0, x1, y1, left, top);
    }
    const lastColumn = image.width - 1;
    const lastRow = image.height - 1;
    const source = image.words;
    const yPlane = this.#y;
    const uPlane = this.#u;
    const vPlane = this.#v;
    const stride = this.width;
    const chromaStride = stride >> 1;
    let difference = 0;
    for (let y = y0; y < y1; y += 2) {
      const row0 = y * image.width;
      const row1 = (y < lastRow ? y + 1 : y) * image.width;
      let luma = (top + y) * stride + left + x0;
      let chroma = ((top + y) >> 1) * chromaStride + ((left + x0) >> 1);
      for (let x = x0; x < x1; x += 2) {
        const right = x < lastColumn ? x + 1 : x;
        const a = source[row0 + x] as number;
        const b = source[row0 + right] as number;
        const c = source[row1 + x] as number;
        const d = source[row1 + right] as number;
        const aR = a & 255;
        const aG = (a >>> 8) & 255;
        const aB = (a >>> 16) & 255;
        let r = aR << 2;
        let g = aG << 2;
        let bl = aB << 2;
        const ya = 16 + ((Y_R * aR + Y_G * aG + Y_B * aB + HALF_16) >> 16);
        let yb = ya;
        let yc = ya;
        let yd = ya;
        // Flat blocks are most of a desktop: one pixel's arithmetic does for all four.
        if (a !== b || a !== c || a !== d) {
          const bR = b & 255;
          const bG = (b >>> 8) & 255;
          const bB = (b >>> 16) & 255;
          const cR = c & 255;
          const cG = (c >>> 8) & 255;
          const cB = (c >>> 16) & 255;
          const dR = d & 255;
          const dG = (d >>> 8) & 255;
          const dB = (d >>> 16) & 255;
          yb = 16 + ((Y_R * bR + Y_G * bG + Y_B * bB + HALF_16) >> 16);
          yc = 16 + ((Y_R * cR + Y_G * cG + Y_B * cB + HALF_16) >> 16);
          yd = 16 + ((Y_R * dR + Y_G * dG + Y_B * dB + HALF_16) >> 16);
          r = aR + bR + cR + dR;
          g = aG + bG + cG + dG;
          bl = aB + bB + cB + dB;
        }
        const u = 128 + ((CB_R * r + CB_G * g + CB_B * bl + HALF_18) >> 18);
        const v = 128 + ((CR_R * r + CR_G * g + CR_B * bl + HALF_18) >> 18);
        const below = luma + stride;
        difference |=
          ((yPlane[luma] as number) ^ ya) |
          ((yPlane[luma + 1] as number) ^ yb) |
          ((yPlane[below] as number) ^ yc) |
          ((yPlane[below + 1] as number) ^ yd) |
          ((uPlane[chroma] as number) ^ u) |
          ((vPlane[chroma] as number) ^ v);
        yPlane[luma] = ya;
        yPlane[luma + 1] = yb;
        yPlane[below] = yc;
        yPlane[below + 1] = yd;
        uPlane[chroma] = u;
        vPlane[chroma] = v;
        luma += 2;
        chroma += 1;
      }
    }
    return difference !== 0;
  }

  #convertRows(
    kernel: I420Kernel,
    { words, width, height }: RgbaImage,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    left: number,
    top: number,
  ): boolean {
    const stride = this.width;
    const cbAt = this.#y.length;
    const crAt = cbAt + this.#u.length;
    const [row0, row1] = kernel.rows;
    const count = roundUpToEven(x1 - x0);
    let changed = false;
    for (let y = y0; y < y1; y += 2) {
      const from = y * width;
      row0.set(words.subarray(from + x0, from + x1));
      const below = y + 1 < height ? from + width : from;
      row1.set(words.subarray(below + x0, below + x1));
      if (count > x1 - x0) {
        // The image may go on there, where the rectangle ends.
        const right = Math.min(x1, width - 1);
        row0[count - 1] = words[from + right]!;
        row1[count - 1] = words[below + right]!;
      }
      const chroma = ((top + y) >> 1) * (stride >> 1) + ((left + x0) >> 1);
      const luma = (top + y) * stride + left + x0;
      if (kernel.convert(count, luma, stride, cbAt + chroma, crAt + chroma)) changed = true;
    }
    return changed;
  }

  /** The samples of an area (even edges), to compare with later or to put back. @param into has room for them */
  copyArea(area: Rect, into?: Uint8Array): Uint8Array {
    const size = (area.width * area.height * 3) / 2;
    const copy = into === undefined ? new Uint8Array(size) : into.subarray(0, size);
    let offset = 0;
    for (const row of this.#rowsOf(area)) {
      copy.set(row, offset);
      offset += row.byteLength;
    }
    return copy;
  }

  equalsCopy(area: Rect, copy: Uint8Array): boolean {
    let offset = 0;
    for (const row of this.#rowsOf(area)) {
      for (let i = 0; i < row.byteLength; i++) if (row[i] !== copy[offset + i]) return false;
      offset += row.byteLength;
    }
    return true;
  }

  /** Puts back what `copyArea` took; areas that lie outside throw a RangeError. */
  pasteArea(area: Rect, copy: Uint8Array): void {
    let offset = 0;
    for (const row of this.#rowsOf(area)) {
      row.set(copy.subarray(offset, offset + row.byteLength));
      offset += row.byteLength;
    }
  }

  /** Takes an area (even edges) over from a picture of the same size. */
  copyFrom(picture: I420Picture, area: Rect): void {
    for (const [start, end] of this.#rangesOf(area)) this.bytes.set(picture.bytes.subarray(start, end), start);
  }

  *#rowsOf(area: Rect): Generator<Uint8Array> {
    for (const [start, end] of this.#rangesOf(area)) yield this.bytes.subarray(start, end);
  }

  /** Where an area's rows of samples begin and end in `bytes`, plane by plane. */
  *#rangesOf(area: Rect): Generator<readonly [start: number, end: number]> {
    const luma = this.width * this.height;
    for (const [plane, scale] of [
      [0, 1],
      [luma, 2],
      [luma * 1.25, 2],
    ] as const) {
      const stride = this.width / scale;
      for (let y = area.y / scale; y < (area.y + area.height) / scale; y++) {
        const start = plane + y * stride + area.x / scale;
        yield [start, start + area.width / scale];
      }
    }
  }
}

/** RGBA pixels seen as one word each; on every machine that Node runs on the lowest byte is red. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array;
}

export function rgbaImage(width: number, height: number, pixels: Uint8ClampedArray | Uint8Array): RgbaImage {
  return { width, height, words: new Uint32Array(pixels.buffer, pixels.byteOffset, width * height) };
}

export function roundUpToEven(value: number): number {
  return value + (value & 1);
}
