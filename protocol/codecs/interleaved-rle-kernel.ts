import { INTERLEAVED_RLE_MODULE } from './interleaved-rle-module.ts';
import { rowCopier } from './kernel-rows.ts';
import type { PixelTarget } from './pixel-target.ts';
import { compile, type Exported } from './web-assembly.ts';

/**
 * Decodes interleaved RLE of 15, 16 or 24 bits per pixel into `target`, bottom row first.
 * @returns false where the stream is damaged, or the picture too large or too narrow: then nothing is drawn, and plain TypeScript decodes or says what
 *   is wrong
 */
export type InterleavedRleKernel = (source: Uint8Array, target: PixelTarget, depth: 15 | 16 | 24) => boolean;

/** Undefined where `compile` says so. */
export const interleavedRleKernel: InterleavedRleKernel | undefined = webAssemblyKernel();

function webAssemblyKernel(): InterleavedRleKernel | undefined {
  const module = compile<InterleavedRleModule>(INTERLEAVED_RLE_MODULE)?.();
  if (module === undefined) return undefined;
  const { buffer } = module.memory;
  const [maxPixels, leastWidth] = [module.maxPixels.value, module.leastWidth.value];
  const stream = new Uint8Array(buffer, module.stream.value, module.maxBytes.value);
  const copyRows = rowCopier(new Uint32Array(buffer, module.pixels.value, maxPixels));
  return (source, target, depth) => {
    const { width, height } = target;
    if (width < leastWidth || width * height > maxPixels || source.length > stream.length) return false;
    stream.set(source);
    const count = module.decode(source.length, width, height, depth);
    if (count < 0) return false;
    copyRows(target, 'bottom-up', count);
    return true;
  };
}

/** What `assembly/interleaved-rle.ts` exports. Addresses are bytes from the memory's start. */
interface InterleavedRleModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly maxPixels: Exported;
  readonly maxBytes: Exported;
  readonly leastWidth: Exported;
  readonly pixels: Exported;
  readonly stream: Exported;
  readonly decode: (size: number, width: number, height: number, depth: number) => number;
}
