import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import {
  type BitmapRectangle,
  decodeBitmapUpdate,
  encodeBitmapUpdate,
  sizeOfBitmapUpdate,
} from '../pdu/bitmap-update.ts';
import {
  decodeSurfaceCommand,
  encodeSurfaceCommand,
  type SurfaceCommand,
  sizeOfSurfaceCommand,
} from '../pdu/surface-command.ts';
import type { Compositor } from './compositor.ts';
import { Coverage } from './coverage.ts';
import type { Rect } from './geometry.ts';
import { type PlannedGfx, restOfGraphics } from './gfx-plan.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

/**
 * Drawing updates that nobody has looked at yet. Decoding waits until somebody needs pixels, and pictures that later
 * ones cover whole are never decoded: what a video or a scrolling window draws between two looks costs nothing.
 *
 * Holds drawing updates only (`isDrawing`); others change what these mean and must not be reordered with them, so apply the queue first.
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
    for (const { draw } of this.#takePlanned(compositor)) draw();
  }

  /**
   * Forgets pictures that later ones cover, and draws nothing. What stays is as much as a picture of the desktop, or little more.
   * @param compositor that of `applyTo`
   * @throws {DecodeError} as `Compositor.apply` does; the queue is empty then
   */
  compact(compositor: Compositor): void {
    for (const { rest } of this.#takePlanned(compositor)) {
      const update = rest();
      if (update !== undefined) this.push(update);
    }
  }

  #takePlanned(compositor: Compositor): PlannedUpdate[] {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    if (updates.length === 0) return [];
    const coverage = new Coverage(compositor.width, compositor.height);
    const graphics = planGraphics(updates, compositor);
    const planned: PlannedUpdate[] = [];
    // Newest first: a picture is worth decoding unless those after it hide it.
    for (let i = updates.length - 1; i >= 0; i--) {
      const update = updates[i]!;
      if (update.code === UpdateCode.bitmap) planned.push(planBitmaps(update, compositor, coverage));
      else if (update.code === UpdateCode.surfaceCommands) planned.push(planCommands(update, compositor, coverage));
      else planned.push({ draw: () => compositor.runGraphics(graphics[i]!), rest: () => restOf(update, graphics[i]!) });
    }
    return planned.reverse();
  }
}

/** An update, knowing what comes after it. */
interface PlannedUpdate {
  /** Draws what is visible of it. */
  draw(): void;
  /** What of it is needed to draw that later. */
  rest(): GraphicsUpdate | undefined;
}

function planBitmaps(update: GraphicsUpdate, compositor: Compositor, coverage: Coverage): PlannedUpdate {
  const { rectangles } = decodeBitmapUpdate(new ReadCursor(update.data, 'TS_UPDATE_BITMAP_DATA'));
  const visible = rectangles.toReversed().filter((rectangle) => coverage.add(shownPart(rectangle)));
  visible.reverse();
  return {
    draw: () => {
      for (const rectangle of visible) compositor.drawBitmap(rectangle);
    },
    rest: () => {
      if (visible.length === rectangles.length) return update;
      if (visible.length === 0) return undefined;
      const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles: visible }));
      encodeBitmapUpdate({ rectangles: visible }, cursor);
      return { code: update.code, data: cursor.finish() };
    },
  };
}

function planCommands(update: GraphicsUpdate, compositor: Compositor, coverage: Coverage): PlannedUpdate {
  const commands = commandsOf(update).map((command) => ({ command, tiles: 0, hidden: NOTHING }));
  for (const each of commands.toReversed()) {
    const tiles = each.command.kind === 'bits' ? compositor.tilesOf(each.command) : undefined;
    each.tiles = tiles?.length ?? 0;
    each.hidden = tiles === undefined ? NOTHING : hiddenTiles(tiles, coverage);
  }
  return {
    draw: () => {
      for (const { command, hidden } of commands) compositor.runSurfaceCommand(command, (tile) => hidden.has(tile));
    },
    rest: () => {
      const isHidden = ({ tiles, hidden }: { tiles: number; hidden: ReadonlySet<number> }) =>
        tiles > 0 && hidden.size === tiles;
      if (!commands.some(isHidden)) return update;
      const kept = commands.flatMap((each) =>
        each.command.kind === 'bits' && isHidden(each) ? (compositor.hiddenRest(each.command) ?? []) : each.command,
      );
      if (kept.length === 0) return undefined;
      const cursor = new WriteCursor(kept.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
      for (const command of kept) encodeSurfaceCommand(command, cursor);
      return { code: update.code, data: cursor.finish() };
    },
  };
}

const NOTHING: ReadonlySet<number> = new Set();

function restOf(update: GraphicsUpdate, planned: readonly PlannedGfx[]): GraphicsUpdate {
  const rest = restOfGraphics(planned);
  if (rest.length === planned.length && rest.every((pdu, i) => pdu === planned[i]!.pdu)) return update;
  return {
    code: update.code,
    data: concatBytes(...rest.map((pdu) => (pdu.kind === 'unknown' ? EMPTY : encodeGfxPdu(pdu)))),
  };
}

const EMPTY = new Uint8Array(0);

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
function hiddenTiles(tiles: readonly (readonly Rect[])[], coverage: Coverage): ReadonlySet<number> {
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
