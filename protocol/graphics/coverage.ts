import type { Rect } from './geometry.ts';

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

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#stride = Math.ceil(width / 32);
  }

  /** Covers what of a rectangle is inside. Returns whether any of that was not covered before: whether it is worth drawing. */
  add(rect: Rect): boolean {
    this.#bits ??= new Uint32Array(this.#stride * this.#height);
    const bits = this.#bits;
    let open = 0;
    this.#eachWord(rect, (at, mask) => {
      const word = bits[at]!;
      open |= mask & ~word;
      bits[at] = word | mask;
    });
    return open !== 0;
  }

  /** Whether anything of a rectangle that is inside is not covered. */
  shows(rect: Rect): boolean {
    const bits = this.#bits;
    let open = 0;
    this.#eachWord(rect, (at, mask) => {
      open |= bits === undefined ? mask : mask & ~bits[at]!;
    });
    return open !== 0;
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
    this.#bits?.fill(0);
  }

  #eachWord(rect: Rect, visit: (at: number, mask: number) => void): void {
    const left = Math.max(0, rect.x);
    const right = Math.min(this.#width, rect.x + rect.width) - 1;
    const bottom = Math.min(this.#height, rect.y + rect.height);
    if (right < left) return;
    const first = left >>> 5;
    const last = right >>> 5;
    const firstMask = -1 << (left & 31);
    const lastMask = -1 >>> (31 - (right & 31));
    for (let y = Math.max(0, rect.y); y < bottom; y++) {
      const row = y * this.#stride;
      if (first === last) visit(row + first, firstMask & lastMask);
      else {
        visit(row + first, firstMask);
        for (let word = first + 1; word < last; word++) visit(row + word, -1);
        visit(row + last, lastMask);
      }
    }
  }
}
