/** The part of the platform that only kernels need; neither Node nor browsers have to have it. */
interface Platform {
  readonly WebAssembly?: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: object };
  };
  readonly atob: (base64: string) => string;
}

/**
 * What a module exports, which needs nothing. The caller says what that is: modules are ours, kept in the repository with their sources.
 *
 * @returns undefined where there is no WebAssembly, or none with vectors, or where a page's policy forbids it
 */
export function instantiate<Exports extends object>(base64: string): Exports | undefined {
  const { WebAssembly, atob } = globalThis as unknown as Platform;
  if (WebAssembly === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  } catch {
    // An engine without vectors refuses the module, and a page's policy may forbid all of them.
    return undefined;
  }
}

/** A number that a module exports. */
export interface Exported {
  readonly value: number;
}
