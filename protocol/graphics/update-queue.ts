import { ReadCursor } from '../core/cursor.ts';
import { type BitmapRectangle, decodeBitmapUpdate } from '../pdu/bitmap-update.ts';
import { decodeSurfaceCommand, type SurfaceCommand } from '../pdu/surface-command.ts';
import type { Compositor } from './compositor.ts';
import { intersect, type Rect } from './geometry.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

/**
 * Drawing updates that nobody has looked at yet. Decoding waits until somebody needs pixels, and pictures that later
 * ones cover whole are never decoded: what a video or a scrolling window draws between two looks costs nothing.
 *
 * Holds drawing updates only (`bitmap`, `surfaceCommands`, `graphicsPipeline`); others change what these mean and must not be reordered
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
    const steps: (() => void)[] = [];
    // Newest first: a picture is worth decoding unless those after it hide it.
    for (let i = updates.length - 1; i >= 0; i--) {
      const update = updates[i]!;
      if (update.code === UpdateCode.bitmap) {
        const { rectangles } = decodeBitmapUpdate(new ReadCursor(update.data, 'TS_UPDATE_BITMAP_DATA'));
        for (let j = rectangles.length - 1; j >= 0; j--) {
          const rectangle = rectangles[j]!;
          if (coverage.add(shownPart(rectangle))) steps.push(() => compositor.drawBitmap(rectangle));
        }
      } else if (update.code === UpdateCode.surfaceCommands) {
        for (const command of commandsOf(update).reverse()) {
          const hidden = command.kind === 'bits' ? hiddenTiles(compositor.tilesOf(command), coverage) : undefined;
          steps.push(() => compositor.runSurfaceCommand(command, (tile) => hidden?.has(tile) ?? false));
        }
      } else steps.push(() => compositor.apply(update));
    }
    for (let i = steps.length - 1; i >= 0; i--) steps[i]!();
  }
}

function commandsOf({ data }: GraphicsUpdate): SurfaceCommand[] {
  const commands: SurfaceCommand[] = [];
  const cursor = new ReadCursor(data, 'TS_SURFCMD');
  while (cursor.remaining > 0) commands.push(decodeSurfaceCommand(cursor));
  return commands;
}

/** The tiles of a picture that those after it hide. A picture of one piece is one tile; its decoder is told, too. */
function hiddenTiles(
  tiles: readonly (readonly Rect[])[] | undefined,
  coverage: Coverage,
): ReadonlySet<number> | undefined {
  if (tiles === undefined) return undefined;
  const hidden = new Set<number>();
  for (let tile = tiles.length - 1; tile >= 0; tile--) {
    let isHidden = true;
    for (const part of tiles[tile]!) if (coverage.add(part)) isHidden = false;
    if (isHidden) hidden.add(tile);
  }
  return hidden;
}

function shownPart(bitmap: BitmapRectangle): Rect {
  return {
    x: bitmap.destLeft,
    y: bitmap.destTop,
    width: Math.min(bitmap.width, bitmap.destRight - bitmap.destLeft + 1),
    height: Math.min(bitmap.height, bitmap.destBottom - bitmap.destTop + 1),
  };
}

/** Side of a bucket: servers draw in tiles of 64 pixels, so a picture meets four buckets and few others in them. */
const BUCKET = 64;
/** Most pictures that a bucket remembers, and most pieces that a picture is cut into: past either we decode instead. */
const MAX_IN_BUCKET = 24;
const MAX_PIECES = 24;

/** The area that pictures seen so far cover. Exact where it says "covered"; may forget some of what is. */
class Coverage {
  readonly #desktop: Rect;
  readonly #columns: number;
  readonly #buckets: Rect[][];

  constructor(width: number, height: number) {
    this.#desktop = { x: 0, y: 0, width, height };
    this.#columns = Math.ceil(width / BUCKET);
    this.#buckets = Array.from({ length: this.#columns * Math.ceil(height / BUCKET) }, () => []);
  }

  /** Adds a rectangle; false when it was covered already. Pictures off the desktop are never covered. */
  add(rect: Rect): boolean {
    const visible = intersect(rect, this.#desktop);
    if (visible === undefined) return true;
    const buckets = this.#bucketsOf(visible);
    if (this.#cornersCovered(visible) && isCovered(visible, buckets)) return false;
    for (const bucket of buckets) if (bucket.length < MAX_IN_BUCKET) bucket.push(visible);
    return true;
  }

  /** A quick look that most pictures worth decoding do not pass. */
  #cornersCovered({ x, y, width, height }: Rect): boolean {
    const right = x + width - 1;
    const bottom = y + height - 1;
    return (
      this.#isPointCovered(x, y) &&
      this.#isPointCovered(right, bottom) &&
      this.#isPointCovered(right, y) &&
      this.#isPointCovered(x, bottom) &&
      this.#isPointCovered((x + right) >>> 1, (y + bottom) >>> 1)
    );
  }

  #isPointCovered(x: number, y: number): boolean {
    const bucket = this.#buckets[Math.floor(y / BUCKET) * this.#columns + Math.floor(x / BUCKET)]!;
    for (const rect of bucket) {
      if (x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height) return true;
    }
    return false;
  }

  #bucketsOf({ x, y, width, height }: Rect): Rect[][] {
    const found: Rect[][] = [];
    const lastColumn = Math.floor((x + width - 1) / BUCKET);
    const lastRow = Math.floor((y + height - 1) / BUCKET);
    for (let row = Math.floor(y / BUCKET); row <= lastRow; row++) {
      for (let column = Math.floor(x / BUCKET); column <= lastColumn; column++) {
        found.push(this.#buckets[row * this.#columns + column]!);
      }
    }
    return found;
  }
}

function isCovered(rect: Rect, buckets: readonly (readonly Rect[])[]): boolean {
  let open: Rect[] = [rect];
  for (const bucket of buckets) {
    for (const cover of bucket) {
      open = subtract(open, cover);
      if (open.length === 0) return true;
      if (open.length > MAX_PIECES) return false;
    }
  }
  return false;
}

/** What is left of rectangles without `cover`. */
function subtract(rects: Rect[], cover: Rect): Rect[] {
  const left: Rect[] = [];
  for (const rect of rects) {
    const common = intersect(rect, cover);
    if (common === undefined) {
      left.push(rect);
      continue;
    }
    const { x, y, width, height } = rect;
    const below = common.y + common.height;
    const beside = common.x + common.width;
    if (common.y > y) left.push({ x, y, width, height: common.y - y });
    if (below < y + height) left.push({ x, y: below, width, height: y + height - below });
    if (common.x > x) left.push({ x, y: common.y, width: common.x - x, height: common.height });
    if (beside < x + width) left.push({ x: beside, y: common.y, width: x + width - beside, height: common.height });
  }
  return left;
}
