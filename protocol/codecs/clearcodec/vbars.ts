import type { ReadCursor } from '../../core/cursor.ts';
import type { StateReader, StateWriter } from '../../core/state.ts';
import { OPAQUE_BLACK } from '../pixel-target.ts';

/** [MS-RDPEGFX] 3.3.1.10 and .12: entries of the V-Bar and the Short V-Bar storage; 2.2.4.1.1.2: a band's greatest height. */
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
  readonly #columns = new ColumnRing(VBAR_ENTRIES);
  readonly #shorts = new ColumnRing(SHORT_VBAR_ENTRIES);

  /** The server starts to fill from the front again; entries stay until they are written over. */
  resetCursors(): void {
    this.#columns.cursor = 0;
    this.#shorts.cursor = 0;
  }

  save(state: StateWriter): void {
    this.#columns.save(state);
    this.#shorts.save(state);
  }

  /** Into one that nothing was stored in. */
  load(state: StateReader): void {
    this.#columns.load(state);
    this.#shorts.load(state);
  }

  /** Reads a band's next column and draws it downwards from `words[at]`. */
  draw(cursor: ReadCursor, height: number, background: number, words: Uint32Array, at: number, stride: number): void {
    const header = cursor.u16('vBarHeader');
    const index = header & VBAR_HIT ? header & 0x7fff : this.#readShort(cursor, header, height, background);
    const columns = this.#columns;
    const stored = columns.height(index);
    if (stored === undefined) throw cursor.error('invalid_value', 'vBarIndex', `entry ${index} is empty`);
    const pixels = columns.page(index);
    let from = columns.offset(index);
    if (stored !== height) {
      // A column that was stored for a band of another height: what it lacks is background.
      if (stored < height) pixels.fill(background, from + stored, from + height);
      columns.setHeight(index, height);
    }
    let to = at;
    for (const end = from + height; from < end; to += stride) words[to] = pixels[from++]!;
  }

  /** A column that is told by its short part, which is sent or stored. Returns where it is stored now. */
  #readShort(cursor: ReadCursor, header: number, height: number, background: number): number {
    const shorts = this.#shorts;
    let short: number;
    let yOn: number;
    if (header & SHORT_VBAR_HIT) {
      short = header & 0x3fff;
      yOn = cursor.u8('shortVBarYOn');
    } else {
      yOn = header & 0xff;
      const yOff = (header >> 8) & 0x3f;
      if (yOff < yOn) throw cursor.error('invalid_value', 'shortVBarYOff', `${yOff} is before ${yOn}`);
      if (yOff > MAX_BAND_HEIGHT) throw cursor.error('limit_exceeded', 'shortVBarYOff', `${yOff}`);
      const bytes = cursor.bytes(3 * (yOff - yOn), 'shortVBarPixels');
      short = shorts.next(yOff - yOn);
      const pixels = shorts.page(short);
      for (let i = 0, to = shorts.offset(short); i < bytes.length; i += 3) {
        pixels[to++] = OPAQUE_BLACK | (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
      }
    }
    const count = shorts.height(short);
    if (count === undefined) throw cursor.error('invalid_value', 'shortVBarIndex', `entry ${short} is empty`);
    const index = this.#columns.next(height);
    const column = this.#columns.page(index);
    const start = this.#columns.offset(index);
    const pixels = shorts.page(short);
    const from = shorts.offset(short) - yOn;
    const off = Math.min(yOn + count, height);
    let y = 0;
    for (const on = Math.min(yOn, height); y < on; y++) column[start + y] = background;
    for (; y < off; y++) column[start + y] = pixels[from + y]!;
    for (; y < height; y++) column[start + y] = background;
    return index;
  }
}

/** Passes over a band's next column. */
export function skipVBar(cursor: ReadCursor): void {
  const header = cursor.u16('vBarHeader');
  if (header & VBAR_HIT) return;
  if (header & SHORT_VBAR_HIT) cursor.skip(1, 'shortVBarYOn');
  else cursor.skip(3 * Math.max(0, ((header >> 8) & 0x3f) - (header & 0xff)), 'shortVBarPixels');
}

/** Entries a page; pages are made when the first of their entries is filled. */
const PAGE_ENTRIES = 1024;

/** Columns of up to 52 pixels, side by side in pages: a storage of single arrays would be thousands of small objects. */
class ColumnRing {
  /** Where the next entry goes. */
  cursor = 0;
  readonly #pages: Uint32Array[] = [];
  /** Pixels of each entry and one more; zero for entries that were never filled. */
  readonly #heights: Uint8Array;

  constructor(entries: number) {
    this.#heights = new Uint8Array(entries);
  }

  /** Takes the next entry for `height` pixels, which the caller writes. Returns its index. */
  next(height: number): number {
    const index = this.cursor;
    this.cursor = (index + 1) % this.#heights.length;
    this.setHeight(index, height);
    return index;
  }

  save(state: StateWriter): void {
    state.u16(this.cursor);
    state.array(this.#heights);
    this.#forEach((pixels) => state.array(pixels));
  }

  load(state: StateReader): void {
    this.cursor = state.u16('cursor');
    if (this.cursor >= this.#heights.length) throw state.error('invalid_value', 'cursor', `${this.cursor}`);
    state.array(this.#heights, 'heights');
    for (const height of this.#heights) {
      if (height > MAX_BAND_HEIGHT + 1) throw state.error('limit_exceeded', 'heights', `${height}`);
    }
    this.#forEach((pixels) => state.array(pixels, 'pixels'));
  }

  /** The pixels of each entry that was ever filled. */
  #forEach(visit: (pixels: Uint32Array) => void): void {
    for (let index = 0; index < this.#heights.length; index++) {
      const height = this.height(index);
      if (height === undefined || height === 0) continue;
      const offset = this.offset(index);
      visit(this.page(index).subarray(offset, offset + height));
    }
  }

  height(index: number): number | undefined {
    const height = this.#heights[index]!;
    return height === 0 ? undefined : height - 1;
  }

  setHeight(index: number, height: number): void {
    this.#heights[index] = height + 1;
  }

  page(index: number): Uint32Array {
    const number = Math.floor(index / PAGE_ENTRIES);
    this.#pages[number] ??= new Uint32Array(PAGE_ENTRIES * MAX_BAND_HEIGHT);
    return this.#pages[number];
  }

  /** Where in its page an entry begins. */
  offset(index: number): number {
    return (index % PAGE_ENTRIES) * MAX_BAND_HEIGHT;
  }
}
