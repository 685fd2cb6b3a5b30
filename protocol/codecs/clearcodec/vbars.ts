import type { ReadCursor } from '../../core/cursor.ts';
import { readBgr } from './runs.ts';

/** [MS-RDPEGFX] 3.3.8.1: entries of the V-Bar and the Short V-Bar storage, and a band's greatest height. */
export const VBAR_ENTRIES = 32_768;
export const SHORT_VBAR_ENTRIES = 16_384;
export const MAX_BAND_HEIGHT = 52;

/** Top bits of a V-Bar's first word, [MS-RDPEGFX] 2.2.4.1.1.2.1.1. */
const VBAR_HIT = 0x8000;
const SHORT_VBAR_HIT = 0x4000;

/**
 * The two storages of ClearCodec's bands: whole columns of pixels, and the part of a column that differs from its
 * background. Both fill round and round, and a hit names an entry by its index.
 */
export class VBarStorage {
  readonly #columns: (Uint32Array | undefined)[] = [];
  readonly #shorts: (Uint32Array | undefined)[] = [];
  #columnAt = 0;
  #shortAt = 0;

  /** The server starts to fill from the front again; entries stay until they are written over. */
  resetCursors(): void {
    this.#columnAt = 0;
    this.#shortAt = 0;
  }

  /** Reads the next column of a band. The result is the storage's own: copy it to change it. */
  read(cursor: ReadCursor, height: number, background: number): Uint32Array {
    const header = cursor.u16('vBarHeader');
    if (header & VBAR_HIT) {
      const index = header & 0x7fff;
      const column = this.#columns[index];
      if (column === undefined) throw cursor.error('invalid_value', 'vBarIndex', `entry ${index} is empty`);
      if (column.length === height) return column;
      // A column that was stored for a band of another height: what it lacks is background.
      const fitted = new Uint32Array(height).fill(background);
      fitted.set(column.subarray(0, height));
      this.#columns[index] = fitted;
      return fitted;
    }
    let short: Uint32Array;
    let yOn: number;
    if (header & SHORT_VBAR_HIT) {
      const index = header & 0x3fff;
      const stored = this.#shorts[index];
      if (stored === undefined) throw cursor.error('invalid_value', 'shortVBarIndex', `entry ${index} is empty`);
      short = stored;
      yOn = cursor.u8('shortVBarYOn');
    } else {
      yOn = header & 0xff;
      const yOff = (header >> 8) & 0x3f;
      if (yOff < yOn) throw cursor.error('invalid_value', 'shortVBarYOff', `${yOff} is before ${yOn}`);
      if (yOff > MAX_BAND_HEIGHT) throw cursor.error('limit_exceeded', 'shortVBarYOff', `${yOff}`);
      short = new Uint32Array(yOff - yOn);
      for (let i = 0; i < short.length; i++) short[i] = readBgr(cursor, 'shortVBarPixels');
      this.#shorts[this.#shortAt] = short;
      this.#shortAt = (this.#shortAt + 1) % SHORT_VBAR_ENTRIES;
    }
    const column = new Uint32Array(height).fill(background);
    if (yOn < height) column.set(short.subarray(0, height - yOn), yOn);
    this.#columns[this.#columnAt] = column;
    this.#columnAt = (this.#columnAt + 1) % VBAR_ENTRIES;
    return column;
  }
}
