import { INTERLEAVED_RLE_MODULE } from './interleaved-rle-module.ts';
import { firstRowStart, type PixelTarget, rowStep } from './pixel-target.ts';
import { compile, type Exported } from './web-assembly.ts';

/**
 * Decodes interleaved RLE of 15, 16 or 24 bits per pixel into `target`, bottom row first.
 * @returns false where the stream is damaged, or the picture too large or too narrow: then nothing is drawn, and plain TypeScript decodes or says what
 *   is wrong
 */
export type InterleavedRleKernel = (source: Uint8Array, target: PixelTarget, depth: 15 | 16 | 24) => boolean;

/** Side of the bitmaps that servers send. */
const TILE = 64;

/** Undefined where `compile` says so. */
export const interleavedRleKernel: InterleavedRleKernel | undefined = webAssemblyKernel();

function webAssemblyKernel(): InterleavedRleKernel | undefined {
  const module = compile<InterleavedRleModule>(INTERLEAVED_RLE_MODULE)?.();
  if (module === undefined) return undefined;
  const { buffer } = module.memory;
  const [maxPixels, leastWidth] = [module.maxPixels.value, module.leastWidth.value];
  const stream = new Uint8Array(buffer, module.stream.value, module.maxBytes.value);
  const pixels = new Uint32Array(buffer, module.pixels.value, maxPixels);
  const tileRows = Array.from({ length: TILE }, (_, y) => pixels.subarray(y * TILE, (y + 1) * TILE));
  return (source, target, depth) => {
    const { words, width, height } = target;
    if (width < leastWidth || width * height > maxPixels || source.length > stream.length) return false;
    stream.set(source);
    const count = module.decode(source.length, width, height, depth);
    if (count < 0) return false;
    const step = rowStep(target, 'bottom-up');
    let to = firstRowStart(target, 'bottom-up');
    for (let from = 0; from < count; from += width, to += step) {
      // Making a view takes longer than copying what it shows, so those of the usual size are kept.
      const kept = width === TILE && from + TILE <= count ? tileRows[from / TILE] : undefined;
      words.set(kept ?? pixels.subarray(from, Math.min(from + width, count)), to);
    }
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
