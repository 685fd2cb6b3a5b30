import { compile, type ModuleMemory } from '#protocol/codecs/web-assembly.ts';
import { I420_MODULE } from './i420-module.ts';

/** A picture in the memory of WebAssembly, and what converts pixels into it. */
export interface I420Kernel {
  /** As many as were asked for. */
  readonly bytes: Uint8Array;
  /** Two rows of pixels for `convert` to read. */
  readonly rows: readonly [Uint32Array, Uint32Array];
  /**
   * Converts the first `count` pixels of both rows, an even number and `LEAST_PIXELS` at least.
   * @param luma where the first row's samples begin in `bytes`; the second's are `stride` further on
   * @returns whether any sample is another than it was
   */
  readonly convert: (count: number, luma: number, stride: number, cb: number, cr: number) => boolean;
}

export const LEAST_PIXELS = 16;

/**
 * A kernel for a picture of `size` bytes and rows of up to `width` pixels.
 * @returns undefined where there is no WebAssembly with vectors, or no room
 */
export function createI420Kernel(width: number, size: number): I420Kernel | undefined {
  try {
    const module = instantiate?.();
    return module && layOut(module, width, size);
  } catch {
    // A memory of its own is a reservation of addresses, and those may be limited. V8 collects garbage before it gives up: once is enough.
    instantiate = undefined;
    return undefined;
  }
}

let instantiate = compile<I420Module>(I420_MODULE);

const PAGE = 65_536;

function layOut(module: I420Module, width: number, size: number): I420Kernel {
  const row0 = 0;
  const row1 = row0 + 4 * width;
  const picture = row1 + 4 * width;
  module.memory.grow(Math.ceil((picture + size) / PAGE));
  const { buffer } = module.memory;
  return {
    bytes: new Uint8Array(buffer, picture, size),
    rows: [new Uint32Array(buffer, row0, width), new Uint32Array(buffer, row1, width)],
    convert: (count, luma, stride, cb, cr) =>
      module.convert(row0, row1, count, picture + luma, picture + luma + stride, picture + cb, picture + cr) !== 0,
  };
}

/** What `assembly/i420.ts` exports. */
interface I420Module {
  readonly memory: ModuleMemory;
  readonly convert: (
    row0: number,
    row1: number,
    count: number,
    luma0: number,
    luma1: number,
    cb: number,
    cr: number,
  ) => number;
}
