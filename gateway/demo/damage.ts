import { contains, enclose, intersect, type Rect } from '#protocol/graphics/geometry.ts';

/** More rectangles than this are merged: each costs an encoder call and a header. */
const MAX_RECTS = 16;

/** What has to be drawn and sent, as a bounded number of rectangles inside the desktop. */
export class Damage {
  readonly #bounds: Rect;
  #rects: Rect[] = [];

  constructor(width: number, height: number) {
    this.#bounds = { x: 0, y: 0, width, height };
  }

  get empty(): boolean {
    return this.#rects.length === 0;
  }

  add(rect: Rect): void {
    let added = intersect(rect, this.#bounds);
    if (!added) return;
    // Merging may make the rectangle meet others: again until it stands alone.
    for (let i = 0; i < this.#rects.length; ) {
      const other: Rect = this.#rects[i]!;
      if (contains(other, added)) return;
      if (worthMerging(other, added)) {
        added = enclose(other, added);
        this.#rects.splice(i, 1);
        i = 0;
      } else {
        i++;
      }
    }
    this.#rects.push(added);
    if (this.#rects.length > MAX_RECTS) this.#rects = [this.#rects.reduce(enclose)];
  }

  addAll(): void {
    this.#rects = [this.#bounds];
  }

  take(): Rect[] {
    const rects = this.#rects;
    this.#rects = [];
    return rects;
  }
}

/** Whether one rectangle around both is little more than the two. */
function worthMerging(a: Rect, b: Rect): boolean {
  const both = enclose(a, b);
  const area = both.width * both.height;
  return area <= (a.width * a.height + b.width * b.height) * 1.25;
}
