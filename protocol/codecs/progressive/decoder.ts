import { ReadCursor } from '../../core/cursor.ts';
import type { PixelTarget } from '../pixel-target.ts';
import type { RegionRect } from '../remotefx/blocks.ts';
import { type TileKernels, tileKernels } from '../remotefx/tile-kernels.ts';
import {
  decodeProgressiveBlock,
  FULL_QUALITY,
  MAX_TILE_INDEX,
  type ProgressiveRegion,
  type ProgressiveTile,
} from './blocks.ts';
import { ComponentState } from './tile-state.ts';
import { EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT, TILE_PIXELS, TILE_SIZE } from './wavelet.ts';

/** Tiles kept for the next frame's pixels: 4 MB. */
const MAX_SPARE_TILES = 256;

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
  /** Pixels of the tiles of this frame, and the rectangles that show them: a region may use another one's tiles. */
  readonly #framePixels = new Map<number, Uint32Array>();
  /** Pixels of former frames' tiles, to be written over. */
  readonly #spare: Uint32Array[] = [];
  #frameRects: RegionRect[] = [];
  readonly #kernels: TileKernels;

  constructor(kernels: TileKernels = tileKernels) {
    this.#kernels = kernels;
  }

  /**
   * Decodes one RFX_PROGRESSIVE_BITMAP_STREAM.
   *
   * @param target the whole surface; nothing is drawn outside it
   * @returns the rectangles that changed, relative to the target's corner
   */
  decode(source: Uint8Array, target: PixelTarget): RegionRect[] {
    const cursor = new ReadCursor(source, 'RFX_PROGRESSIVE_BITMAP_STREAM');
    const changed: RegionRect[] = [];
    while (cursor.remaining > 0) {
      const block = decodeProgressiveBlock(cursor);
      if (block.kind === 'frame-begin') this.#inFrame = true;
      else if (block.kind === 'frame-end') this.#inFrame = false;
      // Regions elsewhere MUST be ignored, [MS-RDPEGFX] 2.2.4.2.1.5.
      else if (block.kind === 'region' && this.#inFrame) this.#region(block, target, changed);
    }
    return changed;
  }

  /** The graphics frame (RDPGFX_END_FRAME) is over: its regions share no tiles with the next one's. */
  endFrame(): void {
    for (const pixels of this.#framePixels.values()) {
      if (this.#spare.length < MAX_SPARE_TILES) this.#spare.push(pixels);
    }
    this.#framePixels.clear();
    this.#frameRects = [];
  }

  /** No codec context is left: there will be no upgrades, only new tiles and differences to the old. */
  endPasses(): void {
    for (const { y, cb, cr } of this.#tiles.values()) for (const component of [y, cb, cr]) component.endPasses();
  }

  #region(region: ProgressiveRegion, target: PixelTarget, changed: RegionRect[]): void {
    const fresh = new Set<number>();
    for (const tile of region.tiles) {
      // Tiles that lie outside the surface altogether can show nothing and would only cost memory.
      if (tile.xIdx * TILE_SIZE >= target.width || tile.yIdx * TILE_SIZE >= target.height) continue;
      fresh.add(this.#decodeTile(tile, region));
    }
    // New tiles show in the rectangles of the whole frame, earlier tiles in the new rectangles.
    for (const rect of this.#frameRects) for (const key of fresh) this.#draw(key, rect, target, changed);
    for (const rect of region.rects) for (const key of this.#framePixels.keys()) this.#draw(key, rect, target, changed);
    this.#frameRects.push(...region.rects);
  }

  #decodeTile(tile: ProgressiveTile, region: ProgressiveRegion): number {
    const key = tile.yIdx * MAX_TILE_INDEX + tile.xIdx;
    let state = this.#tiles.get(key);
    if (state === undefined) {
      state = { y: new ComponentState(), cb: new ComponentState(), cr: new ComponentState() };
      this.#tiles.set(key, state);
    }
    const layout = region.extrapolated ? EXTRAPOLATED_LAYOUT : ORIGINAL_LAYOUT;
    const extra = tile.quality === FULL_QUALITY ? undefined : region.progressive[tile.quality];
    const kernels = this.#kernels;
    const { y, cb, cr } = kernels;
    const quantOf = (index: number): Uint8Array => region.quantization[index] ?? new Uint8Array(10);
    if (tile.kind === 'first') {
      state.y.first(tile.y, layout, quantOf(tile.quantIdxY), extra?.y, tile.difference, y, kernels);
      state.cb.first(tile.cb, layout, quantOf(tile.quantIdxCb), extra?.cb, tile.difference, cb, kernels);
      state.cr.first(tile.cr, layout, quantOf(tile.quantIdxCr), extra?.cr, tile.difference, cr, kernels);
    } else {
      state.y.upgrade(tile.y, layout, quantOf(tile.quantIdxY), extra?.y, y, kernels);
      state.cb.upgrade(tile.cb, layout, quantOf(tile.quantIdxCb), extra?.cb, cb, kernels);
      state.cr.upgrade(tile.cr, layout, quantOf(tile.quantIdxCr), extra?.cr, cr, kernels);
    }
    let pixels = this.#framePixels.get(key);
    if (pixels === undefined) {
      pixels = this.#spare.pop() ?? new Uint32Array(TILE_PIXELS);
      this.#framePixels.set(key, pixels);
    }
    kernels.paint(true, pixels, 0, TILE_SIZE);
    return key;
  }

  #draw(key: number, rect: RegionRect, target: PixelTarget, changed: RegionRect[]): void {
    const pixels = this.#framePixels.get(key);
    if (pixels === undefined) return;
    const left = (key % MAX_TILE_INDEX) * TILE_SIZE;
    const top = Math.floor(key / MAX_TILE_INDEX) * TILE_SIZE;
    const x = Math.max(rect.x, left);
    const y = Math.max(rect.y, top);
    const right = Math.min(rect.x + rect.width, left + TILE_SIZE, target.width);
    const bottom = Math.min(rect.y + rect.height, top + TILE_SIZE, target.height);
    if (x >= right || y >= bottom) return;
    const { words, stride } = target;
    for (let row = y; row < bottom; row++) {
      let from = (row - top) * TILE_SIZE + x - left;
      let to = (target.y + row) * stride + target.x + x;
      // Rows of a tile are shorter than what a call into the engine is worth.
      for (const end = to + right - x; to < end; to++) words[to] = pixels[from++]!;
    }
    changed.push({ x, y, width: right - x, height: bottom - y });
  }
}
