import { MAX_DESKTOP_SIDE } from './desktop-size.ts';
import type { Rect } from './geometry.ts';

/**
 * Each word that is looked at counts as work: so often is a picture gone over, or so many words of a very large one. Whoever draws
 * more between two looks is not followed any further.
 */
const MAX_ROUNDS = 256;
const MAX_WORK = 1 << 24;
const LEAST_WORK = 1 << 16;
/** Pixels of a cell's side: tiles of RemoteFX are as large. */
const CELL_SHIFT = 6;
const CELL = 1 << CELL_SHIFT;

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
  /**
   * Cells of 64 by 64 pixels that are known to be covered whole, so that their bits need not be looked at: servers draw the same tiles
   * over and over. INVARIANT: where a cell is set, so are all its bits.
   */
  #cells: Uint8Array | undefined;
  readonly #cellsInRow: number;
  /** What is left of it. Where nothing is, everything counts as seen. */
  #work: number;

  /** @param work how many words may be looked at */
  constructor(width: number, height: number, work = workFor(width, height)) {
    this.#width = width;
    this.#height = height;
    this.#stride = Math.ceil(width / 32);
    this.#cellsInRow = (width + CELL - 1) >>> CELL_SHIFT;
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
    if (this.#hasAllCells(left, top, right, bottom)) return false;
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
    this.#setCells(left, top, right, bottom);
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
    this.#clearCells(rect);
    this.#eachWord(rect, (at, mask) => {
      bits[at] = bits[at]! & ~mask;
    });
  }

  /** Somebody looks at all of it. */
  clear(): void {
    if (this.#bits === undefined || !this.#mayVisit(this.#bits.length)) return;
    this.#bits.fill(0);
    this.#cells?.fill(0);
  }

  /** Whether the cells that a rectangle touches are known to be covered. Counts as work as words do. */
  #hasAllCells(left: number, top: number, right: number, bottom: number): boolean {
    const cells = this.#cells;
    if (cells === undefined) return false;
    const [first, last] = [left >>> CELL_SHIFT, right >>> CELL_SHIFT];
    const end = (bottom - 1) >>> CELL_SHIFT;
    for (let y = top >>> CELL_SHIFT; y <= end; y++) {
      const row = y * this.#cellsInRow;
      for (let x = first; x <= last; x++) if (cells[row + x] === 0) return false;
    }
    return this.#mayVisit((last - first + 1) * (end + 1 - (top >>> CELL_SHIFT)));
  }

  /** Notes the cells that are whole within a rectangle that was covered: at the right and lower edge there are smaller ones. */
  #setCells(left: number, top: number, right: number, bottom: number): void {
    const first = (left + CELL - 1) >>> CELL_SHIFT;
    const end = right === this.#width - 1 ? this.#cellsInRow : (right + 1) >>> CELL_SHIFT;
    const firstRow = (top + CELL - 1) >>> CELL_SHIFT;
    const endRow = bottom === this.#height ? this.#cellRows : bottom >>> CELL_SHIFT;
    if (first >= end || firstRow >= endRow) return;
    this.#cells ??= new Uint8Array(this.#cellsInRow * this.#cellRows);
    for (let y = firstRow; y < endRow; y++) {
      this.#cells.fill(1, y * this.#cellsInRow + first, y * this.#cellsInRow + end);
    }
  }

  #clearCells({ x, y, width, height }: Rect): void {
    const cells = this.#cells;
    if (cells === undefined || width <= 0 || height <= 0) return;
    const first = Math.max(0, x >> CELL_SHIFT);
    const end = Math.min(this.#cellsInRow, ((x + width - 1) >> CELL_SHIFT) + 1);
    const endRow = Math.min(this.#cellRows, ((y + height - 1) >> CELL_SHIFT) + 1);
    for (let row = Math.max(0, y >> CELL_SHIFT); row < endRow; row++) {
      if (end > first) cells.fill(0, row * this.#cellsInRow + first, row * this.#cellsInRow + end);
    }
  }

  get #cellRows(): number {
    return (this.#height + CELL - 1) >>> CELL_SHIFT;
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
