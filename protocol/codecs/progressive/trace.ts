import { ReadCursor } from '../../core/cursor.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import { MAX_TILE_INDEX, outlineProgressiveBlock, outlineTile, TILE_BUILDS } from './blocks.ts';
import type { TileNeed } from './decoder.ts';
import { TILE_SIZE } from './wavelet.ts';

/** What of a surface's progressive tiles is open: the frame that a decoder is in. */
export interface ProgressiveFrame {
  readonly inFrame: boolean;
  /** `yIdx * MAX_TILE_INDEX + xIdx` of each. */
  readonly tiles: Iterable<number>;
  readonly rects: readonly RegionRect[];
}

/** What is drawn over a surface, from the newest on back: `Coverage`. */
export interface Covering {
  /** Covers a part. Returns whether anything of it was not covered before. */
  cover(x: number, y: number, width: number, height: number): boolean;
}

/** Draws of one stream that are told one by one: a desktop of 8192×4320 pixels has 8,704 tiles. */
export const MAX_DRAWS = 16_384;
/** Tiles times rectangles of one stream that are looked at for that. */
export const MAX_PAIRS = 1 << 16;

/** Tiles that a decoder passes over have no place: they lie outside of the surface, or of any frame. */
const NOWHERE = -1;

const BUILDS = 1;
const SEEN = 2;

const DRAW_SIZE = 5;
/** Tiles and draws that there is room for at first. */
const LEAST_SIZE = 256;
const NO_NUMBERS = new Int32Array(0);
const NO_FLAGS = new Uint8Array(0);

/**
 * What streams bring to one surface and draw on it, in the order in which they came. Numbers in a few arrays: what waits to be drawn has
 * thousands of tiles, and as objects they cost more than all that is found out about them.
 */
class TraceLog {
  // Made with the first tile, as `drawn` is with the first draw: most surfaces have none, and a server may make thousands of surfaces.
  /** Of each tile: where on the surface it is, row by row, and what is known of it. */
  places = NO_NUMBERS;
  flags = NO_FLAGS;
  tiles = 0;
  /** Of each draw: the tile, and the part of the surface, as x, y, width and height. */
  drawn = NO_NUMBERS;
  draws = 0;

  tile(place: number, flags: number): number {
    if (this.tiles === this.places.length) {
      const size = Math.max(LEAST_SIZE, 2 * this.tiles);
      this.places = larger(this.places, new Int32Array(size));
      this.flags = larger(this.flags, new Uint8Array(size));
    }
    this.places[this.tiles] = place;
    this.flags[this.tiles] = flags;
    return this.tiles++;
  }

  draw(tile: number, x: number, y: number, width: number, height: number): void {
    const at = this.draws * DRAW_SIZE;
    if (at === this.drawn.length) {
      this.drawn = larger(this.drawn, new Int32Array(Math.max(LEAST_SIZE * DRAW_SIZE, 2 * at)));
    }
    const { drawn } = this;
    drawn[at] = tile;
    drawn[at + 1] = x;
    drawn[at + 2] = y;
    drawn[at + 3] = width;
    drawn[at + 4] = height;
    this.draws++;
  }
}

function larger<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** One stream, and what is found out about it from what comes after. */
export class TracedStream {
  /** The rectangles of its regions, as far as those count: all that a decoder has to know of it where no tile is needed. */
  readonly rects: readonly RegionRect[];
  /** Whether a frame goes on behind it. */
  readonly inFrame: boolean;
  /** Tiles times rectangles that were looked at: few bytes that add a tile to a frame of many rectangles cost that much. */
  readonly pairs: number;
  readonly #log: TraceLog;
  readonly #tiles: Range;
  readonly #draws: Range | undefined;

  constructor(log: TraceLog, { rects, inFrame, pairs, tiles, draws }: StreamFacts) {
    this.rects = rects;
    this.inFrame = inFrame;
    this.pairs = pairs;
    this.#log = log;
    this.#tiles = tiles;
    this.#draws = draws;
  }

  /** How many draws are told one by one. */
  get draws(): number {
    return this.#draws === undefined ? 0 : this.#draws.end - this.#draws.start;
  }

  /** Covers what it draws, and notes which tiles anybody sees. Says whether there are any. */
  cover(covering: Covering): boolean {
    if (this.#draws === undefined) return true;
    const { start, end } = this.#draws;
    const { drawn, flags } = this.#log;
    let isSeen = false;
    for (let draw = end - 1; draw >= start; draw--) {
      const at = draw * DRAW_SIZE;
      if (!covering.cover(drawn[at + 1]!, drawn[at + 2]!, drawn[at + 3]!, drawn[at + 4]!)) continue;
      flags[drawn[at]!]! |= SEEN;
      isSeen = true;
    }
    return isSeen;
  }

  /** What is needed of its tiles where nothing is needed of any. */
  get noNeeds(): TileNeed[] {
    return new Array<TileNeed>(this.#tiles.end - this.#tiles.start).fill('nothing');
  }

  /**
   * What is needed of its tiles, in the order in which `ProgressiveDecoder.decode` counts them; after `cover`.
   * @param replaced for each place, 1 where a tile begins anew before anything builds on what it is; brought up to date
   * @returns undefined where nothing is needed of any
   */
  needs(replaced: Uint8Array): TileNeed[] | undefined {
    const { start, end } = this.#tiles;
    const { places, flags } = this.#log;
    let needs: TileNeed[] | undefined;
    for (let tile = end - 1; tile >= start; tile--) {
      const place = places[tile]!;
      if (place === NOWHERE) continue;
      const known = flags[tile]!;
      const isSeen = (known & SEEN) !== 0;
      if (!isSeen && replaced[place] === 1) continue;
      needs ??= this.noNeeds;
      needs[tile - start] = isSeen ? 'pixels' : 'coefficients';
      replaced[place] = known & BUILDS ? 0 : 1;
    }
    return needs;
  }
}

interface StreamFacts extends Pick<TracedStream, 'rects' | 'inFrame' | 'pairs'> {
  readonly tiles: Range;
  /** Undefined where that is too much to be told one by one, and all tiles count as seen. */
  readonly draws: Range | undefined;
}

/** Of a log: from `start` on, up to `end`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Follows what a surface's `ProgressiveDecoder` will draw where, stream by stream, without decoding a tile. */
export class ProgressiveTrace {
  readonly #width: number;
  readonly #height: number;
  readonly #columns: number;
  #inFrame = false;
  readonly #log = new TraceLog();
  /** For each place the tile that came last in the open graphics frame, or `NOWHERE`; and these places, as they came. */
  #newest: Int32Array | undefined;
  #open: number[] = [];
  #rects: RegionRect[] = [];

  /** @param frame where the decoder is now */
  constructor(width: number, height: number, frame?: ProgressiveFrame) {
    this.#width = width;
    this.#height = height;
    this.#columns = Math.ceil(width / TILE_SIZE);
    if (frame === undefined) return;
    this.#inFrame = frame.inFrame;
    for (const key of frame.tiles) {
      const place = this.#placeOf(key);
      if (place !== NOWHERE) this.#opened(this.#log.tile(place, BUILDS | SEEN), place);
    }
    this.#rects = [...frame.rects];
  }

  /** How many tiles the surface has. */
  get places(): number {
    return this.#columns * Math.ceil(this.#height / TILE_SIZE);
  }

  /**
   * @param maxDraws how many draws may be told one by one
   * @param maxPairs how many tiles times rectangles may be looked at
   * @throws DecodeError where the stream's structure is broken
   */
  stream(source: Uint8Array, maxDraws = MAX_DRAWS, maxPairs = MAX_PAIRS): TracedStream {
    const cursor = new ReadCursor(source, 'RFX_PROGRESSIVE_BITMAP_STREAM');
    const log = this.#log;
    const firstTile = log.tiles;
    const firstDraw = log.draws;
    let pairs = 0;
    let isTooMuch = false;
    const rects: RegionRect[] = [];
    while (cursor.remaining > 0) {
      const block = outlineProgressiveBlock(cursor);
      if (block.kind === 'frame-begin') this.#inFrame = true;
      else if (block.kind === 'frame-end') this.#inFrame = false;
      if (block.kind !== 'region') continue;
      const fresh = log.tiles;
      for (let left = block.tileCount; left > 0; left--) this.#tile(outlineTile(block.tileData));
      if (!this.#inFrame) continue;
      // As `ProgressiveDecoder` does it: new tiles in the rectangles of the whole frame, earlier tiles in the new ones.
      const shown = this.#rects.length > 0 ? this.#newestSince(fresh) : NONE;
      const more = this.#rects.length * shown.length + block.rects.length * this.#open.length;
      isTooMuch ||= pairs + more > maxPairs;
      if (!isTooMuch) {
        pairs += more;
        for (const rect of this.#rects) this.#draw(shown, rect);
        for (const rect of block.rects) this.#draw(this.#open, rect);
        isTooMuch = log.draws - firstDraw > maxDraws;
      }
      rects.push(...block.rects);
      this.#rects.push(...block.rects);
    }
    if (isTooMuch) {
      log.draws = firstDraw;
      this.leaveOpen();
      for (let tile = firstTile; tile < log.tiles; tile++) log.flags[tile]! |= SEEN;
    }
    return new TracedStream(log, {
      rects,
      inFrame: this.#inFrame,
      pairs,
      tiles: { start: firstTile, end: log.tiles },
      draws: isTooMuch ? undefined : { start: firstDraw, end: log.draws },
    });
  }

  /** Whether a frame is open, as blocks of streams begin and end it. */
  get inFrame(): boolean {
    return this.#inFrame;
  }

  /** Whether the next end of a graphics frame takes back anything. */
  get isOpen(): boolean {
    return this.#open.length > 0 || this.#rects.length > 0;
  }

  /** Where a decoder is that has decoded what was traced. */
  get frame(): ProgressiveFrame {
    const tiles = this.#open.map(
      (place) => Math.floor(place / this.#columns) * MAX_TILE_INDEX + (place % this.#columns),
    );
    return { inFrame: this.#inFrame, tiles, rects: this.#rects };
  }

  /** The streams that are known end here: rectangles still to come in a frame that has not ended may show its tiles. */
  leaveOpen(): void {
    const { flags } = this.#log;
    for (const place of this.#open) flags[this.#newest![place]!]! |= SEEN;
  }

  /** As `ProgressiveDecoder.endFrame`. */
  endFrame(): void {
    for (const place of this.#open) this.#newest![place] = NOWHERE;
    this.#open.length = 0;
    this.#rects = [];
  }

  #placeOf(key: number): number {
    const xIdx = key % MAX_TILE_INDEX;
    const yIdx = Math.floor(key / MAX_TILE_INDEX);
    if (xIdx * TILE_SIZE >= this.#width || yIdx * TILE_SIZE >= this.#height) return NOWHERE;
    return yIdx * this.#columns + xIdx;
  }

  /** @param outline as `outlineTile` gives it */
  #tile(outline: number): void {
    const builds = outline >= TILE_BUILDS;
    const place = this.#inFrame ? this.#placeOf(builds ? outline - TILE_BUILDS : outline) : NOWHERE;
    const tile = this.#log.tile(place, builds ? BUILDS : 0);
    if (place !== NOWHERE) this.#opened(tile, place);
  }

  #opened(tile: number, place: number): void {
    this.#newest ??= new Int32Array(this.places).fill(NOWHERE);
    if (this.#newest[place] === NOWHERE) this.#open.push(place);
    this.#newest[place] = tile;
  }

  /** Places of the tiles from this one on that none of the same place follows. */
  #newestSince(first: number): readonly number[] {
    const { places, tiles } = this.#log;
    const found: number[] = [];
    for (let tile = first; tile < tiles; tile++) {
      const place = places[tile]!;
      if (place !== NOWHERE && this.#newest![place] === tile) found.push(place);
    }
    return found;
  }

  /** Notes that the newest tiles of these places are drawn within a rectangle. */
  #draw(places: readonly number[], rect: RegionRect): void {
    const rectRight = Math.min(rect.x + rect.width, this.#width);
    const rectBottom = Math.min(rect.y + rect.height, this.#height);
    const newest = this.#newest;
    for (const place of places) {
      const row = Math.floor(place / this.#columns);
      const left = (place - row * this.#columns) * TILE_SIZE;
      const top = row * TILE_SIZE;
      const x = Math.max(rect.x, left);
      const y = Math.max(rect.y, top);
      const width = Math.min(rectRight, left + TILE_SIZE) - x;
      const height = Math.min(rectBottom, top + TILE_SIZE) - y;
      if (width > 0 && height > 0) this.#log.draw(newest![place]!, x, y, width, height);
    }
  }
}

const NONE: readonly number[] = [];
