import { GfxCapsFlags, type GfxCapsSet, GfxVersion } from '../channels/rdpgfx/pdu.ts';
import { DecodeError } from '../core/errors.ts';
import type { StateReader, StateWriter } from '../core/state.ts';
import { loadPicture, savePicture } from './state-pictures.ts';

/** How much the bitmap cache holds, [MS-RDPEGFX] 3.3.1.4: slots and bytes. */
export interface GfxCacheSize {
  readonly slots: number;
  readonly bytes: number;
}

const LARGE_CACHE: GfxCacheSize = { slots: 25_600, bytes: 100 * 1024 * 1024 };
const SMALL_CACHE: GfxCacheSize = { slots: 4_096, bytes: 16 * 1024 * 1024 };

/** The size that a server agrees to by the capabilities it confirms. */
export function cacheSizeOf({ version, flags }: GfxCapsSet): GfxCacheSize {
  const isSmall = (flags & (GfxCapsFlags.smallCache | GfxCapsFlags.thinClient)) !== 0;
  return isSmall || version === GfxVersion.v103 ? SMALL_CACHE : LARGE_CACHE;
}

export interface CachedBitmap {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

/** The bitmap cache of the graphics pipeline: the server fills, uses and evicts its slots. */
export class GfxCache {
  readonly #size: GfxCacheSize;
  readonly #slots = new Map<number, CachedBitmap>();
  #bytes = 0;

  constructor(size: GfxCacheSize = LARGE_CACHE) {
    this.#size = size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(slot: number, bitmap: CachedBitmap): void {
    if (slot < 1 || slot > this.#size.slots) {
      throw new DecodeError('invalid_value', 'RDPGFX_SURFACE_TO_CACHE_PDU', 'cacheSlot', 0, `${slot}`);
    }
    this.evict(slot);
    if (this.#bytes + bitmap.pixels.byteLength > this.#size.bytes) {
      throw new DecodeError('limit_exceeded', 'RDPGFX_SURFACE_TO_CACHE_PDU', 'rectSrc', 0, 'the bitmap cache is full');
    }
    this.#bytes += bitmap.pixels.byteLength;
    this.#slots.set(slot, bitmap);
  }

  save(state: StateWriter): void {
    state.flag(this.#size === LARGE_CACHE);
    state.u32(this.#slots.size);
    for (const [slot, { width, height, pixels }] of this.#slots) {
      for (const value of [slot, width, height]) state.u16(value);
      savePicture(state, pixels, width);
    }
  }

  static load(state: StateReader): GfxCache {
    const size = state.flag('isLarge') ? LARGE_CACHE : SMALL_CACHE;
    const cache = new GfxCache(size);
    for (let left = state.count(size.slots, 'slots'); left > 0; left--) {
      const slot = state.u16('cacheSlot');
      const width = state.u16('width');
      const height = state.u16('height');
      if (width * height * 4 > state.remaining) throw state.error('truncated', 'pixels');
      const pixels = new Uint32Array(width * height);
      loadPicture(state, pixels, width, 'pixels');
      cache.put(slot, { width, height, pixels });
    }
    return cache;
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
