import { ReadCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import type { StateReader, StateWriter } from '../../core/state.ts';
import type { PixelTarget } from '../pixel-target.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import { loadRects, saveRects } from '../remotefx/decoder.ts';
import { clip, drawTile } from '../remotefx/draw-tile.ts';
import { type TileKernels, tileKernels } from '../remotefx/tile-kernels.ts';
import {
  decodeProgressiveBlock,
  FULL_QUALITY,
  MAX_FRAME_RECTS,
  MAX_TILE_INDEX,
  type ProgressiveRegion,
  type ProgressiveTile,
} from './blocks.ts';
import { ComponentState } from './tile-state.ts';
import type { ProgressiveFrame, TracedStream } from './trace.ts';
import { EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT, TILE_SIZE } from './wavelet.ts';

/** Parts of tiles that one frame may draw: a rectangle may lie over many tiles, and a tile under many rectangles. */
export const MAX_FRAME_PARTS = 1 << 17;
/** Largest key of a tile's place. */
const LAST_TILE = MAX_TILE_INDEX * MAX_TILE_INDEX - 1;

/**
 * What is needed of a tile. Coefficients alone are for who knows that later pictures cover the tile, and later passes build on it;
 * nothing, that none does before it begins anew.
 */
export type TileNeed = 'pixels' | 'coefficients' | 'nothing';

interface TileState {
  readonly y: ComponentState;
  readonly cb: ComponentState;
  readonly cr: ComponentState;
}

/**
 * RemoteFX Progressive, [MS-RDPEGFX] 2.2.4.2 and 3.3.8.2: tiles of 64×64 that come coarse and are refined, or come
 * as differences to what they were. One instance a surface, whose codec contexts share its tiles: coefficients live
 * as long as the surface does (3.3.1.3).
 */
export class ProgressiveDecoder {
  readonly #tiles = new Map<number, TileState>();
  /** Between the blocks that begin and end a frame; a frame may span streams. */
  #inFrame = false;
  /** The tiles of this frame, and the rectangles that show them: a region may use another one's tiles. */
  readonly #frameTiles = new Set<number>();
  #frameRects: RegionRect[] = [];
  #frameParts = 0;
  readonly #kernels: TileKernels;

  constructor(kernels: TileKernels = tileKernels) {
    this.#kernels = kernels;
  }

  /** Where it is in a frame, for a `ProgressiveTrace` that goes on from here. */
  get frame(): ProgressiveFrame {
    return { inFrame: this.#inFrame, tiles: this.#frameTiles, rects: this.#frameRects };
  }

  /** Whether the next end of a graphics frame takes back anything. */
  get isOpen(): boolean {
    return this.#frameTiles.size > 0 || this.#frameRects.length > 0;
  }

  /**
   * Decodes one RFX_PROGRESSIVE_BITMAP_STREAM.
   *
   * @param target the whole surface; nothing is drawn outside it
   * @param needs what is needed of each tile, in the order of the stream; all pixels where it is left out
   * @returns the rectangles that changed, relative to the target's corner
   */
  decode(source: Uint8Array, target: PixelTarget, needs?: readonly TileNeed[]): RegionRect[] {
    const cursor = new ReadCursor(source, 'RFX_PROGRESSIVE_BITMAP_STREAM');
    const changed: RegionRect[] = [];
    let count = 0;
    while (cursor.remaining > 0) {
      const block = decodeProgressiveBlock(cursor);
      if (block.kind === 'frame-begin') this.#inFrame = true;
      else if (block.kind === 'frame-end') this.#inFrame = false;
      if (block.kind !== 'region') continue;
      // Regions elsewhere MUST be ignored, [MS-RDPEGFX] 2.2.4.2.1.5.
      if (this.#inFrame) this.#region(block, target, changed, needs?.slice(count));
      count += block.tiles.length;
    }
    return changed;
  }

  /** In place of `decode`, of a stream of which nothing is needed. */
  pass({ rects, inFrame }: TracedStream): void {
    this.#inFrame = inFrame;
    this.#addRects(rects);
  }

  /** The graphics frame (RDPGFX_END_FRAME) is over: its regions share no tiles with the next one's. */
  endFrame(): void {
    this.#frameTiles.clear();
    this.#frameRects = [];
    this.#frameParts = 0;
  }

  /** No codec context is left: there will be no upgrades, only new tiles and differences to the old. */
  endPasses(): void {
    for (const { y, cb, cr } of this.#tiles.values()) for (const component of [y, cb, cr]) component.endPasses();
  }

  save(state: StateWriter): void {
    state.u32(this.#tiles.size);
    for (const [key, { y, cb, cr }] of this.#tiles) {
      state.u32(key);
      for (const component of [y, cb, cr]) component.save(state);
    }
    state.flag(this.#inFrame);
    state.u32(this.#frameTiles.size);
    for (const key of this.#frameTiles) state.u32(key);
    saveRects(state, this.#frameRects);
  }

  /** Into one that nothing was decoded with. @param most tiles that its surface may have */
  load(state: StateReader, most: number): void {
    for (let left = state.count(most, 'tiles'); left > 0; left--) {
      const key = state.count(LAST_TILE, 'tile');
      const tile = newTile();
      for (const component of [tile.y, tile.cb, tile.cr]) component.load(state);
      this.#tiles.set(key, tile);
    }
    this.#inFrame = state.flag('inFrame');
    for (let left = state.count(most, 'frameTiles'); left > 0; left--) {
      this.#frameTiles.add(state.count(LAST_TILE, 'tile'));
    }
    this.#frameRects = loadRects(state);
  }

  #region(
    region: ProgressiveRegion,
    target: PixelTarget,
    changed: RegionRect[],
    needs: readonly TileNeed[] | undefined,
  ): void {
    const fresh = new Set<number>();
    // New tiles show in the rectangles of the whole frame, earlier tiles in the new rectangles.
    this.#addRects(region.rects);
    const drawn = (part: RegionRect): void => {
      if (++this.#frameParts > MAX_FRAME_PARTS)
        throw tooMuch('numTiles', `${MAX_FRAME_PARTS} parts of tiles in a frame`);
      changed.push(part);
    };
    for (const [i, tile] of region.tiles.entries()) {
      const need = needs?.[i] ?? 'pixels';
      if (need === 'nothing') continue;
      // Tiles that lie outside the surface altogether can show nothing and would only cost memory.
      if (tile.xIdx * TILE_SIZE >= target.width || tile.yIdx * TILE_SIZE >= target.height) continue;
      const key = this.#decodeTile(tile, region, need === 'pixels');
      if (need !== 'pixels') continue;
      fresh.add(key);
      drawTile(this.#kernels, tile, this.#frameRects, target, drawn);
    }
    for (const key of this.#frameTiles) {
      if (fresh.has(key)) continue;
      const place = { xIdx: key % MAX_TILE_INDEX, yIdx: Math.floor(key / MAX_TILE_INDEX) };
      if (!region.rects.some((rect) => showsTile(rect, place))) continue;
      this.#paintAgain(key);
      drawTile(this.#kernels, place, region.rects, target, drawn);
    }
    for (const key of fresh) this.#frameTiles.add(key);
  }

  #addRects(rects: readonly RegionRect[]): void {
    this.#frameRects.push(...rects);
    if (this.#frameRects.length > MAX_FRAME_RECTS) throw tooMuch('numRects', `${this.#frameRects.length} in a frame`);
  }

  /** Decodes a tile, into the kernels' rows if it is drawn. */
  #decodeTile(tile: ProgressiveTile, region: ProgressiveRegion, draws: boolean): number {
    const key = tile.yIdx * MAX_TILE_INDEX + tile.xIdx;
    const state = this.#tiles.get(key) ?? newTile();
    this.#tiles.set(key, state);
    const layout = region.extrapolated ? EXTRAPOLATED_LAYOUT : ORIGINAL_LAYOUT;
    const extra = tile.quality === FULL_QUALITY ? undefined : region.progressive[tile.quality];
    const kernels = this.#kernels;
    const decode = (component: 'y' | 'cb' | 'cr', quantIdx: number): boolean => {
      const [into, samples] = [state[component], kernels[component]];
      const quant = region.quantization[quantIdx] ?? new Uint8Array(10);
      const more = extra?.[component];
      return tile.kind === 'first'
        ? into.first(tile[component], layout, quant, more, tile.difference, samples, kernels, draws)
        : into.upgrade(tile[component], layout, quant, more, samples, kernels, draws);
    };
    decode('y', tile.quantIdxY);
    const hasCb = decode('cb', tile.quantIdxCb);
    const hasCr = decode('cr', tile.quantIdxCr);
    if (draws) kernels.paint(hasCb || hasCr);
    return key;
  }

  /** Brings an earlier tile of the frame back into the kernels' rows. */
  #paintAgain(key: number): void {
    const state = this.#tiles.get(key);
    if (state === undefined) return;
    const kernels = this.#kernels;
    state.y.again(kernels.y, kernels);
    const hasCb = state.cb.again(kernels.cb, kernels);
    const hasCr = state.cr.again(kernels.cr, kernels);
    kernels.paint(hasCb || hasCr);
  }
}

function newTile(): TileState {
  return { y: new ComponentState(), cb: new ComponentState(), cr: new ComponentState() };
}

function tooMuch(field: string, detail: string): DecodeError {
  return new DecodeError('limit_exceeded', 'RFX_PROGRESSIVE_REGION', field, 0, detail);
}

function showsTile(rect: RegionRect, { xIdx, yIdx }: { readonly xIdx: number; readonly yIdx: number }): boolean {
  const left = xIdx * TILE_SIZE;
  const top = yIdx * TILE_SIZE;
  return clip(rect, left, top, left + TILE_SIZE, top + TILE_SIZE) !== undefined;
}
