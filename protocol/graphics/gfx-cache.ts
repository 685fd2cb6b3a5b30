import { DecodeError } from '../core/errors.ts';

/** Slots of the bitmap cache, [MS-RDPEGFX] 3.3.1.4; a small cache uses the first 4,096. */
export const MAX_CACHE_SLOT = 25_600;
/** Most bytes in the cache, what the specification gives a client with a large one. */
export const MAX_CACHE_BYTES = 100 * 1024 * 1024;

export interface CachedBitmap {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

/** The bitmap cache of the graphics pipeline: the server fills, uses and evicts its slots. */
export class GfxCache {
  readonly #slots = new Map<number, CachedBitmap>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  put(slot: number, bitmap: CachedBitmap): void {
    if (slot < 1 || slot > MAX_CACHE_SLOT) {
      throw new DecodeError('invalid_value', 'RDPGFX_SURFACE_TO_CACHE_PDU', 'cacheSlot', 0, `${slot}`);
    }
    this.evict(slot);
    if (this.#bytes + bitmap.pixels.byteLength > MAX_CACHE_BYTES) {
      throw new DecodeError('limit_exceeded', 'RDPGFX_SURFACE_TO_CACHE_PDU', 'rectSrc', 0, 'the bitmap cache is full');
    }
    this.#bytes += bitmap.pixels.byteLength;
    this.#slots.set(slot, bitmap);
  }

  get(slot: number): CachedBitmap | undefined {
    return this.#slots.get(slot);
  }

  evict(slot: number): void {
    const old = this.#slots.get(slot);
    if (old === undefined) return;
    this.#bytes -= old.pixels.byteLength;
    this.#slots.delete(slot);
  }
}
