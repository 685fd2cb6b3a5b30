import { firstRowStart, type PixelTarget, type RowOrder, rowStep } from './pixel-target.ts';

/** Side of the bitmaps that servers send. */
const TILE = 64;

/**
 * @param pixels of a kernel's memory, where it leaves a picture's rows without gaps
 * @returns what copies the first `count` of them into `target`; the last row may be cut short
 */
export function rowCopier(pixels: Uint32Array): (target: PixelTarget, order: RowOrder, count: number) => void {
  const tileRows = Array.from({ length: TILE }, (_, y) => pixels.subarray(y * TILE, (y + 1) * TILE));
  return (target, order, count) => {
    const { words, width } = target;
    const step = rowStep(target, order);
    let to = firstRowStart(target, order);
    for (let from = 0; from < count; from += width, to += step) {
      // Making a view takes longer than copying what it shows, so those of the usual size are kept.
      const kept = width === TILE && from + TILE <= count ? tileRows[from / TILE] : undefined;
      words.set(kept ?? pixels.subarray(from, Math.min(from + width, count)), to);
    }
  };
}
