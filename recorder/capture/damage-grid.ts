import type { Rect } from '#protocol/graphics/geometry.ts';

/** Side, in pixels. Small enough that a caret or a key costs little, large enough that a full screen is a few thousand marks. */
export const TILE = 32;

/** Damage between two captures as marked tiles: bounded memory, and a place hit a hundred times is converted once. */
export class DamageGrid {
  readonly #width: number;
  readonly #height: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #tiles: Uint8Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#columns = Math.ceil(width / TILE);
    this.#rows = Math.ceil(height / TILE);
    this.#tiles = new Uint8Array(this.#columns * this.#rows);
  }

  /** Parts outside the desktop are ignored. */
  add(rect: Rect): void {
    const right = Math.min(this.#width, rect.x + rect.width);
    const bottom = Math.min(this.#height, rect.y + rect.height);
    if (right <= 0 || bottom <= 0 || rect.x >= right || rect.y >= bottom) return;
    const c0 = Math.floor(Math.max(0, rect.x) / TILE);
    const c1 = Math.ceil(right / TILE);
    const r1 = Math.ceil(bottom / TILE);
    for (let row = Math.floor(Math.max(0, rect.y) / TILE); row < r1; row++) {
      this.#tiles.fill(1, row * this.#columns + c0, row * this.#columns + c1);
    }
  }

  addAll(): void {
    this.#tiles.fill(1);
  }

  /** What was marked, as one rectangle for each run of tiles in a row; clears. */
  take(): Rect[] {
    const rects: Rect[] = [];
    for (let row = 0; row < this.#rows; row++) {
      const start = row * this.#columns;
      let column = this.#tiles.indexOf(1, start) - start;
      while (column >= 0 && column < this.#columns) {
        const gap = this.#tiles.indexOf(0, start + column) - start;
        const end = gap < 0 || gap > this.#columns ? this.#columns : gap;
        const x = column * TILE;
        const y = row * TILE;
        rects.push({
          x,
          y,
          width: Math.min(this.#width, end * TILE) - x,
          height: Math.min(this.#height, y + TILE) - y,
        });
        column = end < this.#columns ? this.#tiles.indexOf(1, start + end) - start : -1;
      }
    }
    this.#tiles.fill(0);
    return rects;
  }
}
