import { ReadCursor } from '../../core/cursor.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import { clip } from '../remotefx/draw-tile.ts';
import { MAX_TILE_INDEX, outlineProgressiveBlock } from './blocks.ts';
import { TILE_SIZE } from './wavelet.ts';

/** A tile as a stream brings it. */
export interface TracedTile {
  /** Its place: tiles of one surface with the same key are the same tile at different times. */
  readonly key: number;
  /** Whether it needs the coefficients that the tile has had before: an upgrade or a difference. */
  readonly builds: boolean;
  /** Whether anybody sees what it draws: for whoever follows what is drawn over it. */
  isSeen: boolean;
}

/** A tile, or one of an earlier stream of the frame, that is drawn within a rectangle. */
export interface TracedDraw {
  readonly tile: TracedTile;
  readonly part: RegionRect;
}

export interface TracedStream {
  /** The rectangles of its regions, as far as those count: all that a decoder has to know of it where no tile is needed. */
  readonly rects: readonly RegionRect[];
  /** Whether a frame goes on behind it. */
  readonly inFrame: boolean;
  /** In the order of the stream, as `ProgressiveDecoder.decode` counts them; undefined for those that the decoder passes over. */
  readonly tiles: readonly (TracedTile | undefined)[];
  /** What is drawn, in order; undefined where that is too much to be told one by one, and all tiles count as seen. */
  readonly draws: readonly TracedDraw[] | undefined;
}

/** What of a surface's progressive tiles is open: the frame that a decoder is in. */
export interface ProgressiveFrame {
  readonly inFrame: boolean;
  readonly tiles: Iterable<number>;
  readonly rects: readonly RegionRect[];
}

/** Draws of one stream that are told one by one: a desktop of 8192×4320 pixels has 8,704 tiles. */
export const MAX_DRAWS = 16_384;
/** Tiles times rectangles of one stream that are looked at for that. */
const MAX_PAIRS = 1 << 16;

/** Follows what a surface's `ProgressiveDecoder` will draw where, stream by stream, without decoding a tile. */
export class ProgressiveTrace {
  readonly #width: number;
  readonly #height: number;
  #inFrame = false;
  readonly #tiles = new Map<number, TracedTile>();
  #rects: RegionRect[] = [];

  /** @param frame where the decoder is now */
  constructor(width: number, height: number, frame?: ProgressiveFrame) {
    this.#width = width;
    this.#height = height;
    if (frame === undefined) return;
    this.#inFrame = frame.inFrame;
    for (const key of frame.tiles) this.#tiles.set(key, { key, builds: true, isSeen: true });
    this.#rects = [...frame.rects];
  }

  /**
   * @param maxDraws how many draws may be told one by one
   * @throws DecodeError where the stream's structure is broken
   */
  stream(source: Uint8Array, maxDraws = MAX_DRAWS): TracedStream {
    const cursor = new ReadCursor(source, 'RFX_PROGRESSIVE_BITMAP_STREAM');
    const tiles: (TracedTile | undefined)[] = [];
    const draws: TracedDraw[] = [];
    let pairs = 0;
    let isTooMuch = false;
    const draw = (tile: TracedTile, rect: RegionRect): void => {
      const left = (tile.key % MAX_TILE_INDEX) * TILE_SIZE;
      const top = Math.floor(tile.key / MAX_TILE_INDEX) * TILE_SIZE;
      const right = Math.min(left + TILE_SIZE, this.#width);
      const bottom = Math.min(top + TILE_SIZE, this.#height);
      const part = clip(rect, left, top, right, bottom);
      if (part !== undefined) draws.push({ tile, part });
    };
    const rects: RegionRect[] = [];
    while (cursor.remaining > 0) {
      const block = outlineProgressiveBlock(cursor);
      if (block.kind === 'frame-begin') this.#inFrame = true;
      else if (block.kind === 'frame-end') this.#inFrame = false;
      if (block.kind !== 'region') continue;
      // Those of them that rectangles from before it show: none in the first region of a frame.
      const fresh = this.#rects.length > 0 ? new Map<number, TracedTile>() : undefined;
      for (const { xIdx, yIdx, builds } of block.tiles) {
        const isOutside = xIdx * TILE_SIZE >= this.#width || yIdx * TILE_SIZE >= this.#height;
        if (!this.#inFrame || isOutside) {
          tiles.push(undefined);
          continue;
        }
        const key = yIdx * MAX_TILE_INDEX + xIdx;
        const traced = { key, builds, isSeen: false };
        tiles.push(traced);
        fresh?.set(key, traced);
        this.#tiles.set(key, traced);
      }
      if (!this.#inFrame) continue;
      // As `ProgressiveDecoder` does it: new tiles in the rectangles of the whole frame, earlier tiles in the new ones.
      pairs += this.#rects.length * (fresh?.size ?? 0) + block.rects.length * this.#tiles.size;
      isTooMuch ||= pairs > MAX_PAIRS;
      if (!isTooMuch) {
        if (fresh !== undefined) {
          for (const rect of this.#rects) for (const tile of fresh.values()) draw(tile, rect);
        }
        for (const rect of block.rects) for (const tile of this.#tiles.values()) draw(tile, rect);
        isTooMuch = draws.length > maxDraws;
      }
      rects.push(...block.rects);
      this.#rects.push(...block.rects);
    }
    const outline = { tiles, rects, inFrame: this.#inFrame };
    if (!isTooMuch) return { ...outline, draws };
    for (const tile of this.#tiles.values()) tile.isSeen = true;
    for (const tile of tiles) if (tile !== undefined) tile.isSeen = true;
    return { ...outline, draws: undefined };
  }

  /** Whether a frame is open, as blocks of streams begin and end it. */
  get inFrame(): boolean {
    return this.#inFrame;
  }

  /** Where a decoder is that has decoded what was traced. */
  get frame(): ProgressiveFrame {
    return { inFrame: this.#inFrame, tiles: [...this.#tiles.keys()], rects: this.#rects };
  }

  /** The streams that are known end here: rectangles still to come in a frame that has not ended may show its tiles. */
  leaveOpen(): void {
    for (const tile of this.#tiles.values()) tile.isSeen = true;
  }

  /** As `ProgressiveDecoder.endFrame`. */
  endFrame(): void {
    this.#tiles.clear();
    this.#rects = [];
  }
}
