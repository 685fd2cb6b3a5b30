import { ReadCursor } from '../core/cursor.ts';
import { type BitmapRectangle, decodeBitmapUpdate } from '../pdu/bitmap-update.ts';
import type { Compositor } from './compositor.ts';
import { intersect, type Rect } from './geometry.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

/**
 * Drawing updates that nobody has looked at yet. Decoding waits until somebody needs pixels, and pictures that later
 * ones cover whole are never decoded: what a video or a scrolling window draws between two looks costs nothing.
 *
 * Holds drawing updates only (`bitmap`, `surfaceCommands`); others change what these mean and must not be reordered
 * with them, so apply the queue first.
 */
export class UpdateQueue {
  #updates: GraphicsUpdate[] = [];
  #bytes = 0;

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#updates.length;
  }

  /** Keeps `update.data`: the caller gives it away. */
  push(update: GraphicsUpdate): void {
    this.#updates.push(update);
    this.#bytes += update.data.length;
  }

  /**
   * Draws everything that is still visible, and empties the queue, also when it throws.
   * @throws {DecodeError} as `Compositor.apply` does
   */
  applyTo(compositor: Compositor): void {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    if (updates.length === 0) return;
    const coverage = new Coverage(compositor.width, compositor.height);
    const steps: (GraphicsUpdate | BitmapRectangle)[] = [];
    // Newest first: a picture is worth decoding unless those after it hide it.
    for (let i = updates.length - 1; i >= 0; i--) {
      const update = updates[i]!;
      if (update.code !== UpdateCode.bitmap) {
        steps.push(update);
        continue;
      }
      const { rectangles } = decodeBitmapUpdate(new ReadCursor(update.data, 'TS_UPDATE_BITMAP_DATA'));
      for (let j = rectangles.length - 1; j >= 0; j--) {
        const rectangle = rectangles[j]!;
        if (coverage.add(shownPart(rectangle))) steps.push(rectangle);
      }
    }
    for (let i = steps.length - 1; i >= 0; i--) {
      const step = steps[i]!;
      if ('code' in step) compositor.apply(step);
      else compositor.drawBitmap(step);
    }
  }
}

function shownPart(bitmap: BitmapRectangle): Rect {
  return {
    x: bitmap.destLeft,
    y: bitmap.destTop,
    width: Math.min(bitmap.width, bitmap.destRight - bitmap.destLeft + 1),
    height: Math.min(bitmap.height, bitmap.destBottom - bitmap.destTop + 1),
  };
}

/** Servers draw in tiles of 64 pixels, some of 16; a cell counts as covered only when all of it is. */
const CELL = 16;

/** Which cells of the desktop are covered by what was added so far. */
class Coverage {
  readonly #desktop: Rect;
  readonly #columns: number;
  readonly #cells: Uint8Array;

  constructor(width: number, height: number) {
    this.#desktop = { x: 0, y: 0, width, height };
    this.#columns = Math.ceil(width / CELL);
    this.#cells = new Uint8Array(this.#columns * Math.ceil(height / CELL));
  }

  /** Adds a rectangle; false when it was covered already. Pictures off the desktop are never covered. */
  add(rect: Rect): boolean {
    const visible = intersect(rect, this.#desktop);
    if (visible === undefined) return true;
    const right = visible.x + visible.width;
    const bottom = visible.y + visible.height;
    let visibleBefore = false;
    for (let row = Math.floor(visible.y / CELL); row * CELL < bottom; row++) {
      const whole = row * CELL >= visible.y && Math.min((row + 1) * CELL, this.#desktop.height) <= bottom;
      for (let column = Math.floor(visible.x / CELL); column * CELL < right; column++) {
        const at = row * this.#columns + column;
        if (this.#cells[at] === 1) continue;
        visibleBefore = true;
        if (whole && column * CELL >= visible.x && Math.min((column + 1) * CELL, this.#desktop.width) <= right) {
          this.#cells[at] = 1;
        }
      }
    }
    return visibleBefore;
  }
}
