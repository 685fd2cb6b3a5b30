/** The part of the platform that only kernels need; neither Node nor browsers have to have it. */
interface Platform {
  readonly WebAssembly?: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: object };
  };
  readonly atob: (base64: string) => string;
}

/**
 * Compiles a module of ours, which needs nothing; they are kept in the repository beside their sources. The caller says what it exports.
 *
 * @returns makes instances, each with a memory of its own; undefined where there is no WebAssembly, or none with vectors, or where a page's policy
 *   forbids it
 */
export function compile<Exports extends object>(base64: string): (() => Exports) | undefined {
  const { WebAssembly, atob } = globalThis as unknown as Platform;
  if (WebAssembly === undefined) return undefined;
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    return () => new WebAssembly.Instance(module).exports as Exports;
  } catch {
    // An engine without vectors refuses the module, and a page's policy may forbid all of them.
    return undefined;
  }
}

/** What a module exports as its memory. */
export interface ModuleMemory {
  readonly buffer: ArrayBuffer;
  /** Pages of 64 KB; `buffer` is another one afterwards. Throws a RangeError where there is no room. */
  readonly grow: (pages: number) => number;
}

/** A number that a module exports. */
export interface Exported {
  readonly value: number;
}
