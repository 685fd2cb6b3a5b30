import type { StateReader, StateWriter } from '../core/state.ts';
import { contains, enclose, type Rect } from './geometry.ts';

/** Most rectangles kept; past it neighbours are merged, at the price of a few unchanged pixels. */
export const MAX_DAMAGE_RECTS = 32;

/** Collects changed rectangles, merged so that there are never more than `MAX_DAMAGE_RECTS`. */
export class DamageList {
  #rects: Rect[] = [];

  get empty(): boolean {
    return this.#rects.length === 0;
  }

  add(rect: Rect): void {
    if (rect.width <= 0 || rect.height <= 0) return;
    let added = rect;
    // Servers draw tile by tile: a tile mostly completes what the ones before it began.
    for (let i = this.#rects.length - 1; i >= 0; i--) {
      const other = this.#rects[i]!;
      if (contains(other, added)) return;
      const union = enclose(other, added);
      if (area(union) <= area(other) + area(added) - overlap(other, added)) {
        this.#rects.splice(i, 1);
        added = union;
        i = this.#rects.length;
      }
    }
    if (this.#rects.length >= MAX_DAMAGE_RECTS) this.#mergeCheapest(added);
    else this.#rects.push(added);
  }

  save(state: StateWriter): void {
    state.u32(this.#rects.length);
    for (const { x, y, width, height } of this.#rects) for (const value of [x, y, width, height]) state.u16(value);
  }

  /** @param bounds what all of it lies in */
  load(state: StateReader, bounds: Rect): void {
    for (let left = state.count(MAX_DAMAGE_RECTS, 'damage'); left > 0; left--) {
      const rect = { x: state.u16('x'), y: state.u16('y'), width: state.u16('width'), height: state.u16('height') };
      if (!contains(bounds, rect)) throw state.error('invalid_value', 'damage');
      this.#rects.push(rect);
    }
  }

  /** What has changed since the last call. */
  take(): Rect[] {
    const rects = this.#rects;
    this.#rects = [];
    return rects;
  }

  clear(): void {
    this.#rects = [];
  }

  #mergeCheapest(added: Rect): void {
    let best = 0;
    let bestWaste = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#rects.length; i++) {
      const other = this.#rects[i]!;
      const waste = area(enclose(other, added)) - area(other) - area(added);
      if (waste < bestWaste) {
        bestWaste = waste;
        best = i;
      }
    }
    const [other] = this.#rects.splice(best, 1);
    this.add(other === undefined ? added : enclose(other, added));
  }
}

function area(rect: Rect): number {
  return rect.width * rect.height;
}

function overlap(a: Rect, b: Rect): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
