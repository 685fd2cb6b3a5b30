import { withoutTiles } from '../codecs/remotefx/blocks.ts';
import { ByteCut, copyOf, sizeOfParts } from '../core/byte-cut.ts';
import { joinBytes } from '../core/bytes.ts';
import { ReadCursor } from '../core/cursor.ts';
import { type BitmapRectangle, decodeBitmapUpdate } from '../pdu/bitmap-update.ts';
import { decodeSurfaceCommand, FrameAction, type SurfaceCommand } from '../pdu/surface-command.ts';
import type { Compositor } from './compositor.ts';
import { Coverage } from './coverage.ts';
import type { QueuedDesktop } from './desktop-outline.ts';
import type { Rect } from './geometry.ts';
import { type PlannedGfx, restOfGraphics } from './gfx-plan.ts';
import { hasTiles, outlineSurfaceBits } from './surface-outline.ts';
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
  #work = 0;

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#updates.length;
  }

  /** What drawing all of it takes at most, beyond what its bytes have paid for: `GraphicsUpdate.work`. */
  get work(): number {
    return this.#work;
  }

  /** Keeps `update.data`: the caller gives it away. */
  push(update: GraphicsUpdate): void {
    this.#updates.push(update);
    this.#bytes += update.data.length;
    this.#work += update.work ?? 0;
  }

  /** Those held, in order. */
  get updates(): readonly GraphicsUpdate[] {
    return this.#updates;
  }

  /** Forgets all. */
  clear(): void {
    this.#updates = [];
    this.#bytes = 0;
    this.#work = 0;
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
   * @param keep joins the parts that are left of an update
   * @throws {DecodeError} as `Compositor.apply` does; the queue is empty then
   */
  compact(desktop: QueuedDesktop, keep: (parts: readonly Uint8Array[]) => Uint8Array = joined): void {
    for (const { update, rest } of this.#takePlanned(desktop)) {
      const parts = rest();
      if (parts.length > 0) this.push({ ...update, data: keep(parts) });
    }
  }

  #takePlanned(desktop: QueuedDesktop): PlannedUpdate[] {
    const updates = this.#updates;
    this.clear();
    if (updates.length === 0) return [];
    const graphics = planGraphics(updates, desktop);
    const later = { coverage: coverageOf(desktop, graphics), ...NOTHING_YET };
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

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : joinBytes(parts);
}

/** An update, knowing what comes after it. */
interface PlannedUpdate {
  readonly update: GraphicsUpdate;
  /** Draws what is visible of it. */
  draw(compositor: Compositor): void;
  /** What of its data is needed to draw that later, in parts. */
  rest(): readonly Uint8Array[];
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
  const { data } = update;
  const { rectangles } = decodeBitmapUpdate(new ReadCursor(data, 'TS_UPDATE_BITMAP_DATA'));
  const visible = rectangles.toReversed().filter((rectangle) => coverage.add(shownPart(rectangle)));
  visible.reverse();
  return {
    update,
    draw: (compositor) => {
      for (const rectangle of visible) compositor.drawBitmap(rectangle);
    },
    rest: () => {
      if (visible.length === rectangles.length) return [data];
      if (visible.length === 0) return [];
      const cut = new ByteCut(data);
      const head = copyOf(data, 0, BITMAP_UPDATE_HEADER_SIZE);
      new DataView(head.buffer).setUint16(2, visible.length, true); // numberRectangles
      cut.insert(head);
      const left = new Set(visible);
      let start = BITMAP_UPDATE_HEADER_SIZE;
      for (const rectangle of rectangles) {
        const end = rectangle.data.byteOffset + rectangle.data.length - data.byteOffset;
        if (left.has(rectangle)) cut.keep(start, end);
        start = end;
      }
      return cut.finish();
    },
  };
}

const BITMAP_UPDATE_HEADER_SIZE = 2 + 2; // updateType, numberRectangles

interface PlannedCommand extends PlacedCommand {
  readonly hidden: ReadonlySet<number>;
  /** Nothing is left that is needed. */
  readonly isDone: boolean;
}

function planCommands(update: GraphicsUpdate, later: Later): PlannedUpdate {
  const { data } = update;
  const commands = commandsOf(data)
    .toReversed()
    .map((command) => planCommand(command, later))
    .reverse();
  return {
    update,
    draw: (compositor) => {
      for (const { command, hidden } of commands) compositor.runSurfaceCommand(command, (tile) => hidden.has(tile));
    },
    rest: () => {
      const cut = new ByteCut(data);
      for (const { command, start, end, hidden, isDone } of commands) {
        if (isDone) continue;
        if (command.kind === 'frame' || hidden.size === 0) {
          cut.keep(start, end);
          continue;
        }
        const tiles = withoutTiles(command.data, (tile) => !hidden.has(tile));
        const head = copyOf(data, start, end - command.data.length);
        new DataView(head.buffer).setUint32(BITMAP_DATA_LENGTH_OFFSET, sizeOfParts(tiles), true);
        cut.insert(head, ...tiles);
      }
      return cut.finish();
    },
  };
}

/** In a command with a picture: cmdType, destLeft to destBottom, bpp, flags, reserved, codecID, width, height. */
const BITMAP_DATA_LENGTH_OFFSET = 2 + 4 * 2 + 4 + 2 * 2;

function planCommand(placed: PlacedCommand, later: Later): PlannedCommand {
  const { command } = placed;
  if (command.kind === 'frame') {
    const isDone = later.hasFrameEnd;
    later.hasFrameEnd ||= command.action !== FrameAction.begin;
    return { ...placed, hidden: NOTHING, isDone };
  }
  const { tiles, hasChannels, hasRegion } = outlineSurfaceBits(command);
  const hidden = tiles === undefined ? NOTHING : hiddenTiles(tiles, later.coverage);
  const saysNothing = !hasTiles(command) || (later.hasRegion && (later.hasChannels || !hasChannels));
  const isDone = tiles !== undefined && hidden.size === tiles.length && saysNothing;
  // Where tiles are not known, it may build on what streams before it say, whatever those behind it say anew.
  later.hasChannels = hasChannels || (later.hasChannels && tiles !== undefined);
  later.hasRegion = hasRegion || (later.hasRegion && tiles !== undefined);
  return { ...placed, hidden, isDone };
}

const NOTHING: ReadonlySet<number> = new Set();

function planOfGraphics(update: GraphicsUpdate, planned: readonly PlannedGfx[]): PlannedUpdate {
  return {
    update,
    draw: (compositor) => compositor.runGraphics(planned),
    rest: () => restOfGraphics(planned, update.data),
  };
}

/** The messages of the graphics pipeline in each update, and what of them later ones cover. */
function planGraphics(updates: readonly GraphicsUpdate[], desktop: QueuedDesktop): readonly (readonly PlannedGfx[])[] {
  if (!updates.some(isGraphics)) return [];
  const plan = desktop.planGraphics();
  const planned = updates.map((update) => (isGraphics(update) ? plan.read(update.data) : []));
  plan.finish();
  return planned;
}

/** A desktop that changes its size on the way is not followed. */
function coverageOf({ width, height }: QueuedDesktop, graphics: readonly (readonly PlannedGfx[])[]): Coverage {
  const changes = graphics.some((commands) =>
    commands.some(({ pdu }) => pdu.kind === 'reset-graphics' && (pdu.width !== width || pdu.height !== height)),
  );
  return changes ? Coverage.unknown() : new Coverage(width, height);
}

function isGraphics({ code }: GraphicsUpdate): boolean {
  return code === UpdateCode.graphicsPipeline;
}

/** A command, and where it is in the update's data. */
interface PlacedCommand {
  readonly command: SurfaceCommand;
  readonly start: number;
  readonly end: number;
}

function commandsOf(data: Uint8Array): PlacedCommand[] {
  const commands: PlacedCommand[] = [];
  const cursor = new ReadCursor(data, 'TS_SURFCMD');
  while (cursor.remaining > 0) {
    const start = cursor.position;
    const command = decodeSurfaceCommand(cursor);
    commands.push({ command, start, end: cursor.position });
  }
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
