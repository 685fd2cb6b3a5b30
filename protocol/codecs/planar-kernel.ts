import { rowCopier } from './kernel-rows.ts';
import type { PixelTarget, RowOrder } from './pixel-target.ts';
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

/** Undefined where `compile` says so. */
export const planarKernel: PlanarKernel | undefined = webAssemblyPlanarKernel();

function webAssemblyPlanarKernel(): PlanarKernel | undefined {
  const module = compile<PlanarModule>(PLANAR_MODULE)?.();
  if (module === undefined) return undefined;
  const { buffer } = module.memory;
  const maxPixels = module.maxPixels.value;
  const stream = new Uint8Array(buffer, module.stream.value, module.maxBytes.value);
  const copyRows = rowCopier(new Uint32Array(buffer, module.pixels.value, maxPixels));
  return (source, { at, withAlpha, runLength }, target, order) => {
    const { width, height } = target;
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
    copyRows(target, order, count);
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
