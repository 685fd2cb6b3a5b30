import { MAX_DESKTOP_SIDE } from './desktop-size.ts';
import type { Rect } from './geometry.ts';

/**
 * Each word that is looked at counts as work: so often is a picture gone over, or so many words of a very large one. Whoever draws
 * more between two looks is not followed any further.
 */
const MAX_ROUNDS = 256;
const MAX_WORK = 1 << 24;
const LEAST_WORK = 1 << 16;

/**
 * The pixels of a picture that are drawn again before anybody looks, one bit each. Walking back from the newest drawing to the
 * oldest, a drawing that finds all its pixels here need not be decoded.
 */
export class Coverage {
  readonly #width: number;
  readonly #height: number;
  /** Words of 32 pixels in a row. */
  readonly #stride: number;
  /** Made with the first rectangle: most surfaces are not drawn on between two looks. */
  #bits: Uint32Array | undefined;
  /** What is left of it. Where nothing is, everything counts as seen. */
  #work: number;

  /** @param work how many words may be looked at */
  constructor(width: number, height: number, work = workFor(width, height)) {
    this.#width = width;
    this.#height = height;
    this.#stride = Math.ceil(width / 32);
    this.#work = work;
  }

  /** Of a picture that nothing is known of: all that is drawn is worth drawing. */
  static unknown(): Coverage {
    return new Coverage(MAX_DESKTOP_SIDE, MAX_DESKTOP_SIDE, 0);
  }

  /** Covers what of a rectangle is inside. Returns whether any of that was not covered before: whether it is worth drawing. */
  add(rect: Rect): boolean {
    const left = Math.max(0, rect.x);
    const right = Math.min(this.#width, rect.x + rect.width) - 1;
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.#height, rect.y + rect.height);
    if (right < left || bottom <= top) return false;
    const first = left >>> 5;
    const last = right >>> 5;
    if (!this.#mayVisit((last - first + 1) * (bottom - top))) return true;
    this.#bits ??= new Uint32Array(this.#stride * this.#height);
    const bits = this.#bits;
    const firstMask = -1 << (left & 31);
    const lastMask = -1 >>> (31 - (right & 31));
    let open = 0;
    // Not by way of `#eachWord`: of all that compacting a queue does, this is most.
    const stride = this.#stride;
    const mask = first === last ? firstMask & lastMask : firstMask;
    for (let y = top, row = top * stride; y < bottom; y++, row += stride) {
      let word = bits[row + first]!;
      open |= mask & ~word;
      bits[row + first] = word | mask;
      if (first === last) continue;
      for (let at = row + first + 1; at < row + last; at++) {
        open |= ~bits[at]!;
        bits[at] = -1;
      }
      word = bits[row + last]!;
      open |= lastMask & ~word;
      bits[row + last] = word | lastMask;
    }
    return open !== 0;
  }

  /** Whether anything of a rectangle that is inside is not covered. */
  shows(rect: Rect): boolean {
    const bits = this.#bits;
    let open = 0;
    const isKnown = this.#eachWord(rect, (at, mask) => {
      open |= bits === undefined ? mask : mask & ~bits[at]!;
    });
    return open !== 0 || !isKnown;
  }

  /** Somebody looks at a rectangle: what was drawn there before is needed. */
  remove(rect: Rect): void {
    const bits = this.#bits;
    if (bits === undefined) return;
    this.#eachWord(rect, (at, mask) => {
      bits[at] = bits[at]! & ~mask;
    });
  }

  /** Somebody looks at all of it. */
  clear(): void {
    if (this.#bits !== undefined && this.#mayVisit(this.#bits.length)) this.#bits.fill(0);
  }

  /** Once it is false, it is for good: what is covered is not known any more. */
  #mayVisit(words: number): boolean {
    this.#work -= words;
    if (this.#work >= 0) return true;
    this.#work = Number.NEGATIVE_INFINITY;
    return false;
  }

  #eachWord(rect: Rect, visit: (at: number, mask: number) => void): boolean {
    const left = Math.max(0, rect.x);
    const right = Math.min(this.#width, rect.x + rect.width) - 1;
    const top = Math.max(0, rect.y);
    const bottom = Math.min(this.#height, rect.y + rect.height);
    if (right < left || bottom <= top) return true;
    const first = left >>> 5;
    const last = right >>> 5;
    if (!this.#mayVisit((last - first + 1) * (bottom - top))) return false;
    const firstMask = -1 << (left & 31);
    const lastMask = -1 >>> (31 - (right & 31));
    for (let y = top; y < bottom; y++) {
      const row = y * this.#stride;
      if (first === last) visit(row + first, firstMask & lastMask);
      else {
        visit(row + first, firstMask);
        for (let word = first + 1; word < last; word++) visit(row + word, -1);
        visit(row + last, lastMask);
      }
    }
    return true;
  }
}

function workFor(width: number, height: number): number {
  return Math.max(LEAST_WORK, Math.min(MAX_WORK, MAX_ROUNDS * Math.ceil(width / 32) * height));
}
