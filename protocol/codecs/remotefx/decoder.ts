import { ReadCursor } from '../../core/cursor.ts';
import type { StateReader, StateWriter } from '../../core/state.ts';
import type { PixelTarget } from '../pixel-target.ts';
import { decodeBlock, type RegionRect } from './blocks.ts';
import { clip, drawTile } from './draw-tile.ts';
import { TileDecoder } from './tile-codec.ts';
import { type TileKernels, tileKernels } from './tile-kernels.ts';

/**
 * RemoteFX, [MS-RDPRFX]: image and video mode, RLGR1 and RLGR3. One instance a codec context, because in video mode
 * the header blocks come with the first frame only.
 */
export class RemoteFxDecoder {
  readonly #kernels: TileKernels;
  readonly #tile: TileDecoder;
  #channel: { readonly width: number; readonly height: number } | undefined;
  #region: readonly RegionRect[] = [];

  constructor(kernels: TileKernels = tileKernels) {
    this.#kernels = kernels;
    this.#tile = new TileDecoder(kernels);
  }

  /**
   * Decodes one encoded bitmap stream.
   *
   * @param target where the picture's top left corner is and how far it reaches; nothing is drawn outside it
   * @param isHidden whether a tile, counted from 0 through the stream, is left out: nobody will see it
   * @returns the rectangles that changed, relative to the target's corner
   */
  decode(source: Uint8Array, target: PixelTarget, isHidden?: (tile: number) => boolean): RegionRect[] {
    let count = 0;
    const cursor = new ReadCursor(source, 'TS_RFX_BLOCKT');
    const changed: RegionRect[] = [];
    // Once for all tile sets of a region: thousands of them, with thousands of rectangles, would be more than memory has.
    let isTold = false;
    while (cursor.remaining > 0) {
      const block = decodeBlock(cursor);
      switch (block.kind) {
        case 'channels':
          this.#channel = { width: block.width, height: block.height };
          break;
        case 'region':
          this.#region = block.rects;
          isTold = false;
          if (block.rects.length === 0) {
            // The channel's whole frame, [MS-RDPRFX] 2.2.2.3.3; all of the picture for who has not heard of a channel.
            const { width, height } = this.#channel ?? target;
            this.#region = [{ x: 0, y: 0, width, height }];
          }
          break;
        case 'tile-set':
          for (const tile of block.tiles) {
            if (isHidden?.(count++)) continue;
            this.#tile.decode(tile, block.entropy, block.quantization);
            drawTile(this.#kernels, tile, this.#region, target);
          }
          if (isTold || block.tiles.length === 0) break;
          isTold = true;
          for (const rect of this.#region) {
            const visible = clip(rect, 0, 0, target.width, target.height);
            if (visible !== undefined) changed.push(visible);
          }
          break;
        case 'sync':
        case 'codec-versions':
        case 'context':
        case 'frame-begin':
        case 'frame-end':
        case 'unknown':
          break;
        default:
          block satisfies never;
      }
    }
    return changed;
  }

  /** What headers of earlier streams said of those to come. */
  save(state: StateWriter): void {
    state.flag(this.#channel !== undefined);
    if (this.#channel !== undefined) {
      state.u16(this.#channel.width);
      state.u16(this.#channel.height);
    }
    saveRects(state, this.#region);
  }

  load(state: StateReader): void {
    this.#channel = state.flag('channel') ? { width: state.u16('width'), height: state.u16('height') } : undefined;
    this.#region = loadRects(state);
  }
}

/** Rectangles of a region, whose fields have sixteen bits. */
export function saveRects(state: StateWriter, rects: readonly RegionRect[]): void {
  state.u32(rects.length);
  for (const rect of rects) for (const value of [rect.x, rect.y, rect.width, rect.height]) state.u16(value);
}

export function loadRects(state: StateReader): RegionRect[] {
  const rects: RegionRect[] = [];
  for (let left = state.count(MAX_SAVED_RECTS, 'rects'); left > 0; left--) {
    rects.push({ x: state.u16('x'), y: state.u16('y'), width: state.u16('width'), height: state.u16('height') });
  }
  return rects;
}

/** A frame may have several regions, and each has 16 bits for their number. */
const MAX_SAVED_RECTS = 0xfffff;
