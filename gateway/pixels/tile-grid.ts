import type { Rect } from '#protocol/graphics/geometry.ts';

/** Side of a tile. */
export const TILE = 64;
/** Longest side of a rectangle of tiles: keeps the choice of encoding local and the time until something appears short. */
export const MAX_PIECE_SIDE = 512;

/** A picture's tiles of 64 pixels. */
export class TileGrid {
  readonly columns: number;
  readonly rows: number;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.columns = Math.ceil(width / TILE);
    this.rows = Math.ceil(height / TILE);
  }

  get size(): number {
    return this.columns * this.rows;
  }

  rectOf(tile: number): Rect {
    const x = (tile % this.columns) * TILE;
    const y = Math.floor(tile / this.columns) * TILE;
    return { x, y, width: Math.min(TILE, this.#width - x), height: Math.min(TILE, this.#height - y) };
  }

  /** Calls `visit` for each tile that a rectangle touches. */
  forEachIn(rect: Rect, visit: (tile: number) => void): void {
    const lastColumn = Math.min(this.columns, Math.ceil((rect.x + rect.width) / TILE));
    const lastRow = Math.min(this.rows, Math.ceil((rect.y + rect.height) / TILE));
    for (let row = Math.floor(rect.y / TILE); row < lastRow; row++) {
      for (let column = Math.floor(rect.x / TILE); column < lastColumn; column++) visit(row * this.columns + column);
    }
  }

  /**
   * Groups the tiles that have a kind (not 0) to disjoint rectangles of one kind, none longer than `MAX_PIECE_SIDE`; clears
   * `kinds`.
   */
  group(kinds: Uint8Array): { readonly kind: number; readonly tiles: readonly number[] }[] {
    const groups: { kind: number; tiles: number[] }[] = [];
    const limit = MAX_PIECE_SIDE / TILE;
    for (let tile = 0; tile < kinds.length; tile++) {
      const kind = kinds[tile]!;
      if (kind === 0) continue;
      const left = tile % this.columns;
      let columns = 1;
      while (columns < limit && left + columns < this.columns && kinds[tile + columns] === kind) columns++;
      const tiles: number[] = [];
      for (let rows = 0, start = tile; rows < limit && start < kinds.length; rows++, start += this.columns) {
        if (kinds.subarray(start, start + columns).some((other) => other !== kind)) break;
        for (let i = start; i < start + columns; i++) {
          tiles.push(i);
          kinds[i] = 0;
        }
      }
      groups.push({ kind, tiles });
    }
    return groups;
  }
}
