import type { PixelTarget } from '../pixel-target.ts';
import type { RegionRect } from './blocks.ts';
import type { TileKernels } from './tile-kernels.ts';
import { TILE_SIZE } from './wavelet.ts';

/**
 * Copies what rectangles show of the tile that `kernels` have painted, nothing outside the target.
 *
 * @param drawn is given each part, relative to the target's corner
 */
export function drawTile(
  { rows }: TileKernels,
  { xIdx, yIdx }: { readonly xIdx: number; readonly yIdx: number },
  rects: readonly RegionRect[],
  target: PixelTarget,
  drawn?: (part: RegionRect) => void,
): void {
  const left = xIdx * TILE_SIZE;
  const top = yIdx * TILE_SIZE;
  const right = Math.min(left + TILE_SIZE, target.width);
  const bottom = Math.min(top + TILE_SIZE, target.height);
  const { words, stride } = target;
  for (const rect of rects) {
    const part = clip(rect, left, top, right, bottom);
    if (part === undefined) continue;
    const { x, y, width, height } = part;
    const from = x - left;
    let to = (target.y + y) * stride + target.x + x;
    for (let row = y - top, end = row + height; row < end; row++, to += stride) {
      if (width === TILE_SIZE) words.set(rows[row]!, to);
      else copyPart(rows[row]!, from, words, to, width);
    }
    drawn?.(part);
    if (width === right - left && height === bottom - top) return;
  }
}

/** What of a rectangle lies between these edges. */
export function clip(
  rect: RegionRect,
  left: number,
  top: number,
  right: number,
  bottom: number,
): RegionRect | undefined {
  const x = Math.max(rect.x, left);
  const y = Math.max(rect.y, top);
  const width = Math.min(rect.x + rect.width, right) - x;
  const height = Math.min(rect.y + rect.height, bottom) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

/** A part of a row is shorter than what a call into the engine is worth. */
function copyPart(row: Uint32Array, from: number, words: Uint32Array, to: number, width: number): void {
  for (let i = 0; i < width; i++) words[to + i] = row[from + i]!;
}
