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
const WHOLE = -1;
const PART = 1 << 24;

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
   * What is known to be covered of cells of 64 by 64 pixels, so that their bits need not be looked at: servers draw the same tiles over and
   * over. `WHOLE`, or a part of the cell as `packPart` makes it, or 0. INVARIANT: what is covered here is so in the bits.
   */
  #cells: Int32Array | undefined;
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
  add({ x, y, width, height }: Rect): boolean {
    return this.cover(x, y, width, height);
  }

  /** As `add`. */
  cover(x: number, y: number, width: number, height: number): boolean {
    const left = Math.max(0, x);
    const right = Math.min(this.#width, x + width) - 1;
    const top = Math.max(0, y);
    const bottom = Math.min(this.#height, y + height);
    if (right < left || bottom <= top) return false;
    const isInCell = left >>> CELL_SHIFT === right >>> CELL_SHIFT && top >>> CELL_SHIFT === (bottom - 1) >>> CELL_SHIFT;
    const part = isInCell ? packPart(left, top, right, bottom) : 0;
    if (isInCell ? this.#hasPart(left, top, part) : this.#hasAllCells(left, top, right, bottom)) return false;
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
    for (let row = top * stride, end = bottom * stride; row < end; row += stride) {
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
    this.#setCells(left, top, right, bottom, part);
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

  /** Whether a part of one cell is known to be covered. Counts as work as a word does. */
  #hasPart(left: number, top: number, part: number): boolean {
    const known = this.#cells?.[(top >>> CELL_SHIFT) * this.#cellsInRow + (left >>> CELL_SHIFT)] ?? 0;
    return (known === WHOLE || (known !== 0 && isWithin(part, known))) && this.#mayVisit(1);
  }

  /** Whether the cells that a rectangle touches are known to be covered. Counts as work as words do. */
  #hasAllCells(left: number, top: number, right: number, bottom: number): boolean {
    const cells = this.#cells;
    if (cells === undefined) return false;
    const first = left >>> CELL_SHIFT;
    const last = right >>> CELL_SHIFT;
    const end = (bottom - 1) >>> CELL_SHIFT;
    for (let y = top >>> CELL_SHIFT; y <= end; y++) {
      const row = y * this.#cellsInRow;
      for (let x = first; x <= last; x++) if (cells[row + x] !== WHOLE) return false;
    }
    return this.#mayVisit((last - first + 1) * (end + 1 - (top >>> CELL_SHIFT)));
  }

  /**
   * Notes the cells that are whole within a rectangle that was covered: at the right and lower edge there are smaller ones.
   * @param part the rectangle, where it is a part of one cell: the larger one is noted
   */
  #setCells(left: number, top: number, right: number, bottom: number, part: number): void {
    const first = (left + CELL - 1) >>> CELL_SHIFT;
    const end = right === this.#width - 1 ? this.#cellsInRow : (right + 1) >>> CELL_SHIFT;
    const firstRow = (top + CELL - 1) >>> CELL_SHIFT;
    const endRow = bottom === this.#height ? this.#cellRows : bottom >>> CELL_SHIFT;
    const isWhole = first < end && firstRow < endRow;
    if (!isWhole && part === 0) return;
    this.#cells ??= new Int32Array(this.#cellsInRow * this.#cellRows);
    if (!isWhole) {
      const cell = (top >>> CELL_SHIFT) * this.#cellsInRow + (left >>> CELL_SHIFT);
      const known = this.#cells[cell]!;
      if (known !== WHOLE && areaOf(part) > areaOf(known)) this.#cells[cell] = part;
      return;
    }
    for (let y = firstRow; y < endRow; y++) {
      this.#cells.fill(WHOLE, y * this.#cellsInRow + first, y * this.#cellsInRow + end);
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

/** A part of a cell in 25 bits: from where to where it goes, within the cell. Never 0. */
function packPart(left: number, top: number, right: number, bottom: number): number {
  const inCell = (at: number): number => at & (CELL - 1);
  return PART | inCell(left) | (inCell(top) << 6) | (inCell(right) << 12) | (inCell(bottom - 1) << 18);
}

function isWithin(part: number, whole: number): boolean {
  return (
    (part & 0x3f) >= (whole & 0x3f) &&
    ((part >>> 6) & 0x3f) >= ((whole >>> 6) & 0x3f) &&
    ((part >>> 12) & 0x3f) <= ((whole >>> 12) & 0x3f) &&
    ((part >>> 18) & 0x3f) <= ((whole >>> 18) & 0x3f)
  );
}

function areaOf(part: number): number {
  if (part === 0) return 0;
  const width = ((part >>> 12) & 0x3f) - (part & 0x3f) + 1;
  return width * (((part >>> 18) & 0x3f) - ((part >>> 6) & 0x3f) + 1);
}

function workFor(width: number, height: number): number {
  return Math.max(LEAST_WORK, Math.min(MAX_WORK, MAX_ROUNDS * Math.ceil(width / 32) * height));
}
