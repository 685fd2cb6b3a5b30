import { ReadCursor } from '../core/cursor.ts';
import { type BitmapRectangle, decodeBitmapUpdate } from '../pdu/bitmap-update.ts';
import { decodeSurfaceCommand, type SurfaceCommand } from '../pdu/surface-command.ts';
import type { Compositor } from './compositor.ts';
import { Coverage } from './coverage.ts';
import type { Rect } from './geometry.ts';
import type { PlannedGfx } from './gfx-plan.ts';
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
    const graphics = planGraphics(updates, compositor);
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
      } else steps.push(() => compositor.runGraphics(graphics[i]!));
    }
    for (let i = steps.length - 1; i >= 0; i--) steps[i]!();
  }
}

/** The messages of the graphics pipeline in each update, and what of them later ones cover. */
function planGraphics(updates: readonly GraphicsUpdate[], compositor: Compositor): readonly (readonly PlannedGfx[])[] {
  if (!updates.some(isGraphics)) return [];
  const plan = compositor.planGraphics();
  const planned = updates.map((update) => (isGraphics(update) ? plan.read(update.data) : []));
  plan.finish();
  return planned;
}

function isGraphics({ code }: GraphicsUpdate): boolean {
  return code === UpdateCode.graphicsPipeline;
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
