import { firstRowStart, type PixelTarget, type RowOrder, rowStep } from './pixel-target.ts';
import { PLANAR_MODULE } from './planar-module.ts';
import { compile, type Exported } from './web-assembly.ts';

/** Where and how the red, green and blue planes of a stream lie. */
export interface RgbPlanes {
  /** Of the first plane, alpha's where there is one. */
  readonly at: number;
  readonly withAlpha: boolean;
  readonly runLength: boolean;
}

/**
 * Decodes such planes into the whole of `target`.
 * @returns false where they are damaged, or too large for the kernel's memory: then nothing is drawn, and plain TypeScript decodes or says what is wrong
 */
export type PlanarKernel = (source: Uint8Array, planes: RgbPlanes, target: PixelTarget, order: RowOrder) => boolean;

/** Side of the bitmaps that servers send. */
const TILE = 64;

/** Undefined where `compile` says so. */
export const planarKernel: PlanarKernel | undefined = webAssemblyPlanarKernel();

function webAssemblyPlanarKernel(): PlanarKernel | undefined {
  const module = compile<PlanarModule>(PLANAR_MODULE)?.();
  if (module === undefined) return undefined;
  const { buffer } = module.memory;
  const maxPixels = module.maxPixels.value;
  const stream = new Uint8Array(buffer, module.stream.value, module.maxBytes.value);
  const pixels = new Uint32Array(buffer, module.pixels.value, maxPixels);
  const tileRows = Array.from({ length: TILE }, (_, y) => pixels.subarray(y * TILE, (y + 1) * TILE));
  return (source, { at, withAlpha, runLength }, target, order) => {
    const { words, width, height } = target;
    const count = width * height;
    if (count > maxPixels || source.length > stream.length) return false;
    if (runLength) {
      stream.set(source);
      if (module.decodeRuns(at, source.length, width, height, withAlpha ? 1 : 0) === 0) return false;
    } else {
      const first = withAlpha ? at + count : at;
      if (first + 3 * count > source.length) return false;
      stream.set(source);
      module.combineRaw(first, count);
    }
    const step = rowStep(target, order);
    let to = firstRowStart(target, order);
    for (let row = 0; row < height; row++, to += step) {
      // Making a view takes longer than copying what it shows, so those of the usual size are kept.
      const kept = width === TILE ? tileRows[row] : undefined;
      words.set(kept ?? pixels.subarray(row * width, (row + 1) * width), to);
    }
    return true;
  };
}

/** What `assembly/planar.ts` exports. Addresses are bytes from the memory's start. */
interface PlanarModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly maxPixels: Exported;
  readonly maxBytes: Exported;
  readonly pixels: Exported;
  readonly stream: Exported;
  readonly decodeRuns: (at: number, end: number, width: number, height: number, withAlpha: number) => number;
  readonly combineRaw: (at: number, count: number) => void;
}
