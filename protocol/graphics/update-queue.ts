import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { joinBytes } from '../core/bytes.ts';
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
  FrameAction,
  type SurfaceCommand,
  sizeOfSurfaceCommand,
} from '../pdu/surface-command.ts';
import type { Compositor } from './compositor.ts';
import { Coverage } from './coverage.ts';
import type { QueuedDesktop } from './desktop-outline.ts';
import type { Rect } from './geometry.ts';
import { type PlannedGfx, restOfGraphics } from './gfx-plan.ts';
import { hasTiles, outlineSurfaceBits, withoutHiddenTiles } from './surface-outline.ts';
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

  /** Those held, in order. */
  get updates(): readonly GraphicsUpdate[] {
    return this.#updates;
  }

  /** Forgets all. */
  clear(): void {
    this.#updates = [];
    this.#bytes = 0;
  }

  /**
   * Draws everything that is still visible, and empties the queue, also when it throws.
   * @throws {DecodeError} as `Compositor.apply` does
   */
  applyTo(compositor: Compositor): void {
    for (const { draw } of this.#takePlanned(compositor)) draw(compositor);
  }

  /**
   * Forgets pictures that later ones cover, and draws nothing. What stays is as much as a picture of the desktop, or little more.
   * @param desktop that `applyTo` will draw on, as it is now
   * @throws {DecodeError} as `Compositor.apply` does; the queue is empty then
   */
  compact(desktop: QueuedDesktop): void {
    for (const { rest } of this.#takePlanned(desktop)) {
      const update = rest();
      if (update !== undefined) this.push(update);
    }
  }

  #takePlanned(desktop: QueuedDesktop): PlannedUpdate[] {
    const updates = this.#updates;
    this.clear();
    if (updates.length === 0) return [];
    const later = { coverage: new Coverage(desktop.width, desktop.height), ...NOTHING_YET };
    const graphics = planGraphics(updates, desktop);
    const planned: PlannedUpdate[] = [];
    // Newest first: a picture is worth decoding unless those after it hide it.
    for (let i = updates.length - 1; i >= 0; i--) {
      const update = updates[i]!;
      if (update.code === UpdateCode.bitmap) planned.push(planBitmaps(update, later));
      else if (update.code === UpdateCode.surfaceCommands) planned.push(planCommands(update, later));
      else planned.push(planOfGraphics(update, graphics[i]!));
    }
    return planned.reverse();
  }
}

/** An update, knowing what comes after it. */
interface PlannedUpdate {
  /** Draws what is visible of it. */
  draw(compositor: Compositor): void;
  /** What of it is needed to draw that later. */
  rest(): GraphicsUpdate | undefined;
}

/** What is known of the updates after one. */
interface Later {
  readonly coverage: Coverage;
  /** A frame of surface commands ends there: whether one had begun before says nothing. */
  hasFrameEnd: boolean;
  /** Pictures of tiles say there what those before them said of those to come. */
  hasChannels: boolean;
  hasRegion: boolean;
}

const NOTHING_YET = { hasFrameEnd: false, hasChannels: false, hasRegion: false } as const;

function planBitmaps(update: GraphicsUpdate, { coverage }: Later): PlannedUpdate {
  const { rectangles } = decodeBitmapUpdate(new ReadCursor(update.data, 'TS_UPDATE_BITMAP_DATA'));
  const visible = rectangles.toReversed().filter((rectangle) => coverage.add(shownPart(rectangle)));
  visible.reverse();
  return {
    draw: (compositor) => {
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

interface PlannedCommand {
  readonly command: SurfaceCommand;
  readonly hidden: ReadonlySet<number>;
  /** Nothing is left that is needed. */
  readonly isDone: boolean;
}

function planCommands(update: GraphicsUpdate, later: Later): PlannedUpdate {
  const commands = commandsOf(update)
    .toReversed()
    .map((command) => planCommand(command, later))
    .reverse();
  return {
    draw: (compositor) => {
      for (const { command, hidden } of commands) compositor.runSurfaceCommand(command, (tile) => hidden.has(tile));
    },
    rest: () => {
      if (!commands.some(({ hidden, isDone }) => isDone || hidden.size > 0)) return update;
      const kept = commands.flatMap(({ command, hidden, isDone }) => {
        if (isDone) return [];
        return command.kind === 'bits' && hidden.size > 0 ? withoutHiddenTiles(command, hidden) : command;
      });
      if (kept.length === 0) return undefined;
      const cursor = new WriteCursor(kept.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
      for (const command of kept) encodeSurfaceCommand(command, cursor);
      return { code: update.code, data: cursor.finish() };
    },
  };
}

function planCommand(command: SurfaceCommand, later: Later): PlannedCommand {
  if (command.kind === 'frame') {
    const isDone = later.hasFrameEnd;
    later.hasFrameEnd ||= command.action !== FrameAction.begin;
    return { command, hidden: NOTHING, isDone };
  }
  const { tiles, hasChannels, hasRegion } = outlineSurfaceBits(command);
  const hidden = tiles === undefined ? NOTHING : hiddenTiles(tiles, later.coverage);
  const saysNothing = !hasTiles(command) || (later.hasRegion && (later.hasChannels || !hasChannels));
  const isDone = tiles !== undefined && hidden.size === tiles.length && saysNothing;
  later.hasChannels ||= hasChannels;
  later.hasRegion ||= hasRegion;
  return { command, hidden, isDone };
}

const NOTHING: ReadonlySet<number> = new Set();

function planOfGraphics(update: GraphicsUpdate, planned: readonly PlannedGfx[]): PlannedUpdate {
  return {
    draw: (compositor) => compositor.runGraphics(planned),
    rest: () => {
      const rest = restOfGraphics(planned);
      if (rest.length === planned.length && rest.every((pdu, i) => pdu === planned[i]!.pdu)) return update;
      const bytes = rest.map((pdu) => (pdu.kind === 'unknown' ? EMPTY : encodeGfxPdu(pdu)));
      return { code: update.code, data: joinBytes(bytes) };
    },
  };
}

const EMPTY = new Uint8Array(0);

/** The messages of the graphics pipeline in each update, and what of them later ones cover. */
function planGraphics(updates: readonly GraphicsUpdate[], desktop: QueuedDesktop): readonly (readonly PlannedGfx[])[] {
  if (!updates.some(isGraphics)) return [];
  const plan = desktop.planGraphics();
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
