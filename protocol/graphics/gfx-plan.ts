import { decodeGfxPdu, PDU_LENGTH_OFFSET } from '../channels/rdpgfx/decode-pdu.ts';
import { GfxCodecId, type GfxPdu, type GfxRect } from '../channels/rdpgfx/pdu.ts';
import { outlineClearCodec } from '../codecs/clearcodec/outline.ts';
import { MAX_PICTURE_PIXELS } from '../codecs/pixel-target.ts';
import { MAX_FRAME_RECTS, withoutTiles } from '../codecs/progressive/blocks.ts';
import type { TileNeed } from '../codecs/progressive/decoder.ts';
import {
  MAX_DRAWS,
  MAX_PAIRS,
  type ProgressiveFrame,
  ProgressiveTrace,
  type TracedStream,
} from '../codecs/progressive/trace.ts';
import { withoutTiles as withoutRemoteFxTiles } from '../codecs/remotefx/blocks.ts';
import { outlineRemoteFx } from '../codecs/remotefx/outline.ts';
import { ByteCut, copyOf, sizeOfParts } from '../core/byte-cut.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { Coverage } from './coverage.ts';
import type { Rect } from './geometry.ts';

/** Pixels of all surfaces together; a desktop of 8192×4320 has one surface of its own size. */
export const MAX_SURFACE_PIXELS = 2 * MAX_PICTURE_PIXELS;
/** One for the desktop, and a few that servers keep windows and pictures in. */
export const MAX_SURFACES = 4096;

/**
 * Pixels of all surfaces that one plan has met, those among them that are gone: each has a bit for a pixel of its own until the plan is made. What is
 * drawn on those past this is all worth drawing.
 */
const MAX_COVERED_PIXELS = 2 * MAX_SURFACE_PIXELS;
/** The same, of which each tile is some bytes. */
const MAX_FOLLOWED_PIXELS = 64 * MAX_SURFACE_PIXELS;

/** Parts of tiles that a plan remembers: a queue of pictures has thousands. */
const MAX_PLANNED_DRAWS = 1 << 18;
/** Tiles times rectangles that a plan looks at, as many as words of a coverage; a large desktop's frame has some ten thousand. */
const MAX_PLANNED_PAIRS = 1 << 24;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A command, and what of it nobody will see. */
export interface PlannedGfx extends GfxToRun {
  /** Where its message is in the update's data. */
  readonly start: number;
  readonly end: number;
  /** Nothing of the message has to stay for who runs those that are left. */
  isDone: boolean;
}

export interface GfxToRun {
  readonly pdu: GfxPdu;
  /** All pixels that it draws are drawn again before anybody looks, and nothing else depends on it. */
  hidden: boolean;
  /** What is needed of each tile of its picture, in the order of its stream; pixels of all where it is left out. */
  tiles: readonly TileNeed[] | undefined;
  /** A progressive picture's structure. */
  stream?: TracedStream;
}

/** What of a pipeline a plan begins with. */
export interface GfxOutline {
  readonly inFrame: boolean;
  /** By their numbers. There may be thousands, of which a plan looks at those that its messages name. */
  readonly surfaces: ReadonlyMap<number, GfxSurfaceOutline>;
  /** Pixels of all of them. */
  readonly surfacePixels: number;
  /** Numbers of those that have something of a progressive frame which the next end of one takes back. */
  readonly open: Iterable<number>;
  /** Size of what is in a slot of the bitmap cache. */
  cached(slot: number): Size | undefined;
}

export interface GfxSurfaceOutline {
  readonly width: number;
  readonly height: number;
  readonly frame: ProgressiveFrame | undefined;
}

/**
 * Finds out what of queued messages of the graphics pipeline need not be decoded, by their headers alone: pictures that later ones on
 * the same surface cover before anybody looks. Who looks: the desktop at the end of a frame, and commands that copy from a surface.
 *
 * Messages are read in order (`read`), with what they do to surfaces and the cache, and then walked back from the newest
 * (`finish`), with what is covered.
 */
export class GfxPlan {
  /** What there was before, as far as it is still there. */
  #before: ReadonlyMap<number, GfxSurfaceOutline>;
  /** Those of it that are gone, or have been made again. */
  readonly #gone = new Set<number>();
  /** Surfaces that messages have named. */
  readonly #surfaces = new Map<number, TracedSurface>();
  #surfaceCount: number;
  readonly #slots = new Map<number, Size | undefined>();
  #cached: (slot: number) => Size | undefined;
  #cacheIsNew = false;
  #surfacePixels = 0;
  /** Of all surfaces that were there at any time. */
  #followedPixels = 0;
  /** Surfaces with something of a progressive frame that the next end of one takes back: only these need be told of it. */
  readonly #inOpenFrame = new Set<TracedSurface>();
  /** Rectangles of the frame's progressive regions, which count until it ends. */
  #frameRects = 0;
  /** What of pictures of tiles is remembered one by one, so far. */
  #draws = 0;
  #pairs = 0;
  readonly #beganInFrame: boolean;
  #inFrame: boolean;
  /** Pictures of RemoteFX, whose decoder all surfaces share, say behind the one that is looked at what streams build on. */
  #hasLaterChannels = false;
  #hasLaterRegion = false;
  /** How to walk back over each command that was read. */
  readonly #back: ((command: PlannedGfx) => void)[] = [];
  readonly #commands: PlannedGfx[] = [];
  /** How many commands the desktop has shown so far. */
  #shown = 0;
  /** Surfaces of which the desktop keeps what it has shown after so many commands: nothing later covers that. */
  readonly #kept = new Map<number, TracedSurface[]>();
  /** Whether there are tiles or rectangles of a frame that the next end of one takes back. */
  readonly #hasOpenTiles: boolean;

  constructor({ inFrame, surfaces, surfacePixels, open, cached }: GfxOutline) {
    this.#beganInFrame = inFrame;
    this.#inFrame = inFrame;
    this.#cached = cached;
    this.#before = surfaces;
    this.#surfaceCount = surfaces.size;
    this.#surfacePixels = surfacePixels;
    this.#followedPixels = surfacePixels;
    let hasOpenTiles = false;
    for (const id of open) hasOpenTiles = this.#surface(id) !== undefined || hasOpenTiles;
    this.#hasOpenTiles = hasOpenTiles;
  }

  /**
   * Reads the messages of one update. What is found out about them is there after `finish`.
   * @throws DecodeError
   */
  read(pdus: Uint8Array): PlannedGfx[] {
    const cursor = new ReadCursor(pdus, 'RDPGFX_HEADER');
    const from = this.#commands.length;
    while (cursor.remaining > 0) {
      const start = cursor.position;
      const pdu = decodeGfxPdu(cursor);
      this.#back.push(this.#follow(pdu));
      this.#commands.push({ pdu, hidden: false, tiles: undefined, start, end: cursor.position, isDone: false });
      if (pdu.kind === 'end-frame') this.#shown = this.#commands.length;
    }
    if (!this.#inFrame) this.#shown = this.#commands.length;
    return this.#commands.slice(from);
  }

  finish(): void {
    for (const surface of this.#surfaces.values()) {
      surface.trace.leaveOpen();
      this.#keepShown(surface);
    }
    for (let i = this.#commands.length - 1; i >= 0; i--) {
      for (const { coverage } of this.#kept.get(i + 1) ?? []) coverage.clear();
      this.#back[i]!(this.#commands[i]!);
    }
    this.#forgetEmptyFrames();
  }

  /** Markers of frames in which nothing is left. */
  #forgetEmptyFrames(): void {
    let begin: PlannedGfx | undefined;
    let inFrame = this.#beganInFrame;
    // An end is more than a marker where it takes back what progressive streams have said of their frame, and where it shows what was
    // drawn in the same update before it began: a surface may be gone by the end of that.
    let isOpen = this.#hasOpenTiles;
    let isUnshown = this.#beganInFrame;
    for (const command of this.#commands) {
      const { kind } = command.pdu;
      if (command.start === 0 && !inFrame) isUnshown = false;
      if (kind === 'start-frame') {
        begin = inFrame || isOpen || isUnshown ? undefined : command;
        inFrame = true;
      } else if (kind === 'end-frame') {
        if (begin !== undefined) {
          begin.isDone = true;
          command.isDone = true;
        }
        begin = undefined;
        inFrame = false;
        isOpen = false;
        isUnshown = false;
      } else if (!command.isDone) {
        begin = undefined;
        isUnshown = true;
        if (kind === 'wire-to-surface-2') isOpen = true;
        if (kind === 'caps-confirm') inFrame = false;
      }
    }
  }

  /**
   * Where a pipeline is that has run what was read.
   * @param slots sizes of what its cache held before; brought up to date
   * @param surfaces that it had before; brought up to date
   */
  end(slots: Map<number, Size>, surfaces: Map<number, GfxSurfaceOutline>): GfxOutline {
    if (this.#cacheIsNew) slots.clear();
    for (const [slot, size] of this.#slots) {
      if (size === undefined) slots.delete(slot);
      else slots.set(slot, size);
    }
    if (this.#before !== surfaces) surfaces.clear();
    for (const id of this.#gone) surfaces.delete(id);
    const open: number[] = [];
    for (const [id, { width, height, trace }] of this.#surfaces) {
      surfaces.set(id, { width, height, frame: trace.frame });
      if (trace.isOpen) open.push(id);
    }
    return {
      inFrame: this.#inFrame,
      surfaces,
      surfacePixels: this.#surfacePixels,
      open,
      cached: (slot) => slots.get(slot),
    };
  }

  #surface(id: number): TracedSurface | undefined {
    const known = this.#surfaces.get(id);
    if (known !== undefined || this.#gone.has(id)) return known;
    const before = this.#before.get(id);
    return before && this.#trace(id, before);
  }

  #trace(id: number, { width, height, frame }: GfxSurfaceOutline): TracedSurface {
    if (frame !== undefined) this.#countRects(frame.rects.length);
    const surface: TracedSurface = {
      width,
      height,
      coverage: new Coverage(width, height, this.#followedPixels > MAX_COVERED_PIXELS ? 0 : undefined),
      trace: new ProgressiveTrace(width, height, frame),
      replaced: undefined,
      nextContext: undefined,
      isBuiltOn: true,
    };
    this.#surfaces.set(id, surface);
    if (frame !== undefined) this.#inOpenFrame.add(surface);
    return surface;
  }

  /** The desktop will show no more of a surface where it shows now: a frame that has not ended does not count. */
  #keepShown(surface: TracedSurface | undefined): void {
    if (surface === undefined) return;
    const kept = this.#kept.get(this.#shown);
    if (kept === undefined) this.#kept.set(this.#shown, [surface]);
    else kept.push(surface);
  }

  /** Follows what a command does. Returns how to walk back over it. */
  #follow(pdu: GfxPdu): (command: PlannedGfx) => void {
    switch (pdu.kind) {
      case 'wire-to-surface-1':
        return this.#picture(pdu);
      case 'wire-to-surface-2':
        return this.#progressive(pdu);
      case 'solid-fill':
        return hideIfCovered(this.#surface(pdu.surfaceId), pdu.fillRects.map(toRect));
      case 'cache-to-surface': {
        const size = this.#slots.has(pdu.cacheSlot) ? this.#slots.get(pdu.cacheSlot) : this.#cached(pdu.cacheSlot);
        return hideIfCovered(
          this.#surface(pdu.surfaceId),
          pdu.destPoints.map(({ x, y }) => ({ x, y, width: size?.width ?? 0, height: size?.height ?? 0 })),
        );
      }
      case 'surface-to-surface': {
        const { rectSrc, destPoints } = pdu;
        const source = this.#surface(pdu.surfaceIdSrc);
        const rect = toRect(rectSrc);
        const draw = hideIfCovered(
          this.#surface(pdu.surfaceIdDest),
          destPoints.map(({ x, y }) => ({ ...rect, x, y })),
        );
        return (command) => {
          draw(command);
          if (!command.hidden) source?.coverage.remove(rect);
        };
      }
      case 'surface-to-cache': {
        const rect = toRect(pdu.rectSrc);
        const { width, height } = rect;
        this.#slots.set(pdu.cacheSlot, { width, height });
        const source = this.#surface(pdu.surfaceId);
        return () => source?.coverage.remove(rect);
      }
      case 'evict-cache-entry':
        this.#slots.set(pdu.cacheSlot, undefined);
        return nothing;
      case 'delete-encoding-context': {
        const surface = this.#surface(pdu.surfaceId);
        return () => {
          if (surface !== undefined) surface.nextContext = undefined;
        };
      }
      case 'create-surface':
        this.#keepShown(this.#surface(pdu.surfaceId));
        this.#add(pdu.surfaceId, pdu.width, pdu.height);
        return nothing;
      case 'delete-surface':
        this.#keepShown(this.#surface(pdu.surfaceId));
        this.#remove(pdu.surfaceId);
        return nothing;
      case 'map-surface-to-output':
      case 'map-surface-to-scaled-output':
        this.#keepShown(this.#surface(pdu.surfaceId));
        return nothing;
      case 'start-frame':
        this.#inFrame = true;
        return nothing;
      case 'end-frame': {
        // Of surfaces that are gone by then nothing is known, and nothing forgotten.
        const ended = [...this.#inOpenFrame];
        this.#inOpenFrame.clear();
        this.#inFrame = false;
        this.#frameRects = 0;
        for (const { trace } of ended) trace.endFrame();
        return () => {
          for (const surface of ended) surface.isBuiltOn = false;
        };
      }
      case 'caps-confirm':
        for (const surface of this.#surfaces.values()) this.#keepShown(surface);
        this.#surfaces.clear();
        this.#before = NO_SURFACES;
        this.#surfaceCount = 0;
        this.#inOpenFrame.clear();
        this.#surfacePixels = 0;
        this.#slots.clear();
        this.#cached = () => undefined;
        this.#cacheIsNew = true;
        this.#inFrame = false;
        return nothing;
      default:
        return nothing;
    }
  }

  /** @throws DecodeError as a pipeline does: what it will refuse is not worth following */
  #add(id: number, width: number, height: number): void {
    this.#remove(id);
    this.#surfacePixels += width * height;
    this.#followedPixels += width * height;
    const isTooMuch = this.#surfacePixels > MAX_SURFACE_PIXELS || this.#followedPixels > MAX_FOLLOWED_PIXELS;
    if (isTooMuch || this.#surfaceCount >= MAX_SURFACES) {
      throw new DecodeError('limit_exceeded', 'RDPGFX_CREATE_SURFACE_PDU', 'width', 10, `${width} x ${height}`);
    }
    this.#surfaceCount++;
    this.#trace(id, { width, height, frame: undefined });
  }

  #countRects(count: number): void {
    this.#frameRects += count;
    if (this.#frameRects <= MAX_FRAME_RECTS) return;
    throw new DecodeError('limit_exceeded', 'RFX_PROGRESSIVE_REGION', 'numRects', 0, `${this.#frameRects} in a frame`);
  }

  #remove(id: number): void {
    const old = this.#surface(id);
    if (old === undefined) return;
    this.#surfacePixels -= old.width * old.height;
    this.#surfaceCount--;
    this.#surfaces.delete(id);
    this.#gone.add(id);
    this.#inOpenFrame.delete(old);
  }

  #picture(pdu: Extract<GfxPdu, { kind: 'wire-to-surface-1' }>): (command: PlannedGfx) => void {
    const surface = this.#surface(pdu.surfaceId);
    if (surface === undefined) return nothing;
    const { coverage } = surface;
    const rect = toRect(pdu.destRect);
    const { width, height } = rect;
    const onSurface = (part: Rect): Rect => ({ ...part, x: rect.x + part.x, y: rect.y + part.y });
    switch (pdu.codecId) {
      case GfxCodecId.uncompressed:
      case GfxCodecId.planar:
        return hideIfCovered(surface, [rect]);
      case GfxCodecId.alpha:
        return (command) => {
          // It changes pixels that are there, and covers none.
          command.hidden = !coverage.shows(rect);
          command.isDone = command.hidden;
        };
      case GfxCodecId.caVideo: {
        const { tiles, hasChannels, hasRegion } = outlineRemoteFx(pdu.bitmapData, rect);
        this.#draws += tiles?.reduce((sum, parts) => sum + parts.length, 0) ?? 0;
        const isFollowed = this.#draws <= MAX_PLANNED_DRAWS;
        return (command) => {
          if (isFollowed) {
            command.tiles = tiles
              ?.toReversed()
              .map((parts) => coverAll(coverage, parts))
              .reverse();
          }
          const saysNothing = this.#hasLaterRegion && (this.#hasLaterChannels || !hasChannels);
          command.isDone = saysNothing && (command.tiles?.every(isNothing) ?? false);
          // A picture of no size is not decoded.
          if (width === 0 || height === 0) return;
          if (tiles === undefined) {
            // It may build on what streams before it say, whatever those behind it say anew.
            this.#hasLaterChannels = false;
            this.#hasLaterRegion = false;
          }
          this.#hasLaterChannels ||= hasChannels;
          this.#hasLaterRegion ||= hasRegion;
        };
      }
      case GfxCodecId.clearCodec: {
        const { parts, fills, reads } = outlineClearCodec(pdu.bitmapData, width, height);
        return (command) => {
          const isSeen = coverAll(coverage, parts.map(onSurface)) === 'pixels';
          command.hidden = !fills && !isSeen;
          command.isDone = command.hidden;
          if (reads) coverage.remove(rect);
        };
      }
      default:
        return nothing;
    }
  }

  #progressive(pdu: Extract<GfxPdu, { kind: 'wire-to-surface-2' }>): (command: PlannedGfx) => void {
    const surface = this.#surface(pdu.surfaceId);
    const isKnown = pdu.codecId === GfxCodecId.progressive || pdu.codecId === GfxCodecId.progressiveV2;
    if (surface === undefined || !isKnown) return nothing;
    this.#inOpenFrame.add(surface);
    const began = surface.trace.inFrame;
    const stream = surface.trace.stream(
      pdu.bitmapData,
      Math.min(MAX_DRAWS, MAX_PLANNED_DRAWS - this.#draws),
      Math.min(MAX_PAIRS, MAX_PLANNED_PAIRS - this.#pairs),
    );
    this.#draws += stream.draws;
    this.#pairs += stream.pairs;
    this.#countRects(stream.rects.length);
    return (command) => {
      const isSeen = stream.cover(surface.coverage);
      surface.replaced ??= new Uint8Array(surface.trace.places);
      const needs = stream.needs(surface.replaced);
      // It may show tiles of the frame's earlier streams without bringing any.
      command.hidden = !isSeen && needs === undefined;
      command.stream = stream;
      // The decoder has to hear of it unless all it would remember is said anew, or taken back, before anything builds on it.
      const isSaidAnew = surface.nextContext === pdu.codecContextId && stream.inFrame === began;
      command.isDone = command.hidden && isSaidAnew && !surface.isBuiltOn;
      if (command.isDone) return;
      command.tiles = needs ?? stream.noNeeds;
      surface.nextContext = pdu.codecContextId;
      surface.isBuiltOn = true;
    };
  }
}

/** What has to stay of the messages of one update, in parts: for who does not run them yet. @param data the update's */
export function restOfGraphics(commands: readonly PlannedGfx[], data: Uint8Array): readonly Uint8Array[] {
  const cut = new ByteCut(data);
  for (const command of commands) {
    const { pdu, isDone, start, end } = command;
    if (isDone) continue;
    const tiles = tilesLeft(command);
    if (tiles !== undefined && 'bitmapData' in pdu) {
      const size = sizeOfParts(tiles);
      const head = copyOf(data, start, end - pdu.bitmapData.length);
      const view = new DataView(head.buffer);
      view.setUint32(PDU_LENGTH_OFFSET, head.length + size, true);
      view.setUint32(head.length - 4, size, true); // bitmapDataLength
      cut.insert(head, ...tiles);
    } else cut.keep(start, end);
  }
  return cut.finish();
}

/** What is left of a picture of tiles where that is not all of it. */
function tilesLeft({ pdu, tiles, stream }: PlannedGfx): readonly Uint8Array[] | undefined {
  if (tiles === undefined || !tiles.includes('nothing')) return undefined;
  const isWanted = (tile: number) => tiles[tile] !== 'nothing';
  if (pdu.kind === 'wire-to-surface-1') return withoutRemoteFxTiles(pdu.bitmapData, isWanted);
  // A frame that goes on behind it is more than its own tiles.
  if (pdu.kind === 'wire-to-surface-2' && stream?.inFrame === false) return withoutTiles(pdu.bitmapData, isWanted);
  return undefined;
}

interface TracedSurface {
  readonly width: number;
  readonly height: number;
  readonly coverage: Coverage;
  readonly trace: ProgressiveTrace;
  /** For each place of a progressive tile, 1 where it begins anew before anything builds on what it is. */
  replaced: Uint8Array | undefined;
  /** Codec context of the next progressive stream that stays, unless one is deleted before it. */
  nextContext: number | undefined;
  /** Whether a progressive stream that stays, or is still to come, may show tiles in what earlier ones of its frame have said. */
  isBuiltOn: boolean;
}

const NO_SURFACES: ReadonlyMap<number, GfxSurfaceOutline> = new Map();

function nothing(): void {}

function isNothing(need: TileNeed): boolean {
  return need === 'nothing';
}

function hideIfCovered(surface: TracedSurface | undefined, rects: readonly Rect[]): (command: PlannedGfx) => void {
  return (command) => {
    if (surface === undefined) return;
    command.hidden = coverAll(surface.coverage, rects) === 'nothing';
    command.isDone = command.hidden;
  };
}

/** Covers rectangles that one drawing draws. Says what is needed of it. */
function coverAll(coverage: Coverage, rects: readonly Rect[]): 'pixels' | 'nothing' {
  let isSeen = false;
  for (const rect of rects) if (coverage.add(rect)) isSeen = true;
  return isSeen ? 'pixels' : 'nothing';
}

function toRect(rect: GfxRect): Rect {
  return { x: rect.left, y: rect.top, width: rect.right - rect.left, height: rect.bottom - rect.top };
}
