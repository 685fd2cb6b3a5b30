import type { Rect } from '#protocol/graphics/geometry.ts';
import type { RgbaImage } from './i420.ts';

/**
 * Takes the grain off photographs before they are converted: it tells nobody anything, and is coded anew wherever it
 * comes into view (docs/recording.md).
 *
 * INVARIANT: what becomes of a block depends on that block and the pixels that touch it alone: with damage widened by one pixel
 * a block that is not converted again would become the same. What is scrolled becomes the same at its new place, edges apart.
 */
export class PhotographFilter {
  #words = new Uint32Array(0);

  /**
   * @param rect whose edges lie on blocks (16 pixels), or on the image's own
   * @returns that part of the image, softened, until the next call; undefined where there is no photograph in it
   */
  soften(image: RgbaImage, rect: Rect): RgbaImage | undefined {
    let softened: RgbaImage | undefined;
    // Blocks cut off by the image's edge are left as they are.
    for (let y = rect.y; y + BLOCK <= rect.y + rect.height; y += BLOCK) {
      for (let x = rect.x; x + BLOCK <= rect.x + rect.width; x += BLOCK) {
        const at = y * image.width + x;
        if (!isPhotograph(image.words, at, image.width)) continue;
        softened ??= this.#copy(image, rect);
        const to = (y - rect.y) * rect.width + x - rect.x;
        softenBlock(image, x, y, softened.words, to, rect.width);
      }
    }
    return softened;
  }

  #copy(image: RgbaImage, { x, y, width, height }: Rect): RgbaImage {
    if (this.#words.length < width * height) this.#words = new Uint32Array(width * height);
    for (let row = 0; row < height; row++) {
      const from = (y + row) * image.width + x;
      this.#words.set(image.words.subarray(from, from + width), row * width);
    }
    return { width, height, words: this.#words };
  }
}

const BLOCK = 16;
/** Of 240 pixels beside another in a block, so many are the same in most of what is drawn, and hardly any in a photograph. */
const MOST_EQUAL = 80;
/** Of 255, in any channel: a larger step is an edge, the stroke of a letter perhaps. Grain is half of that. */
const LARGEST_STEP = 24;

function isPhotograph(words: Uint32Array, at: number, stride: number): boolean {
  let equal = 0;
  for (let y = 0; y < BLOCK; y++) {
    const row = at + y * stride;
    for (let x = row + 1; x < row + BLOCK; x++) {
      const left = words[x - 1] as number;
      const word = words[x] as number;
      if (word === left) {
        if (++equal > MOST_EQUAL) return false;
      } else if (isEdge(word, left)) return false;
      if (y > 0 && isEdge(word, words[x - stride] as number)) return false;
    }
  }
  return true;
}

function isEdge(a: number, b: number): boolean {
  return (
    Math.abs((a & 255) - (b & 255)) > LARGEST_STEP ||
    Math.abs(((a >>> 8) & 255) - ((b >>> 8) & 255)) > LARGEST_STEP ||
    Math.abs(((a >>> 16) & 255) - ((b >>> 16) & 255)) > LARGEST_STEP
  );
}

/** Each pixel becomes the mean of the nine around it, weighted 1 2 1 in both directions; the image's edge is repeated. */
function softenBlock(
  { words, width, height }: RgbaImage,
  left: number,
  top: number,
  to: Uint32Array,
  start: number,
  stride: number,
): void {
  for (let y = 0; y < BLOCK + 2; y++) {
    const row = Math.min(height - 1, Math.max(0, top + y - 1)) * width;
    for (let x = 0; x < BLOCK; x++) {
      const a = words[row + Math.max(0, left + x - 1)] as number;
      const b = words[row + left + x] as number;
      const c = words[row + Math.min(width - 1, left + x + 1)] as number;
      // Two channels in one word: sums of sixteen need twelve bits.
      EVEN[y * BLOCK + x] = (a & LANES) + 2 * (b & LANES) + (c & LANES);
      ODD[y * BLOCK + x] = ((a >>> 8) & LANES) + 2 * ((b >>> 8) & LANES) + ((c >>> 8) & LANES);
    }
  }
  for (let y = 0; y < BLOCK; y++) {
    for (let x = 0; x < BLOCK; x++) {
      const above = y * BLOCK + x;
      to[start + y * stride + x] = weigh(EVEN, above) | (weigh(ODD, above) << 8);
    }
  }
}

/** Three rows' sums into one pixel's. */
function weigh(sums: Uint32Array, above: number): number {
  const sum = (sums[above] as number) + 2 * (sums[above + BLOCK] as number) + (sums[above + 2 * BLOCK] as number);
  return ((sum + ROUNDING) >>> 4) & LANES;
}

const LANES = 0x00ff00ff;
const ROUNDING = 0x00080008;
const EVEN = new Uint32Array(BLOCK * (BLOCK + 2));
const ODD = new Uint32Array(BLOCK * (BLOCK + 2));
