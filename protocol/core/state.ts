import { ReadCursor } from './cursor.ts';

/**
 * State that one of our decoders hands to another of its kind. What has state writes it with `save` and reads it back with `load`, side by
 * side in one file; the two agree by being of one build. Numbers are little-endian, and so are arrays of numbers.
 */

/** There is more of it than the writer was allowed to take. */
export class StateLimitError extends Error {
  override readonly name = 'StateLimitError';
}

/** Writes state, whose size nobody knows beforehand, up to a limit. */
export class StateWriter {
  readonly #limit: number;
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #position = 0;

  /** @param limit bytes; what goes past it throws `StateLimitError` */
  constructor(limit: number) {
    this.#limit = limit;
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** The numbers of an array as they lie in memory. Says nothing of how many there are. */
  array(values: Uint8Array | Uint8ClampedArray | Int8Array | Int16Array | Uint32Array): void {
    const at = this.#take(values.byteLength);
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }

  /** What has been written; a view of the writer's own bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#position);
  }

  /** May make the bytes anew, so it is called before they are taken hold of. */
  #take(length: number): number {
    const at = this.#position;
    const end = at + length;
    if (end > this.#limit) throw new StateLimitError(`state of more than ${this.#limit} bytes`);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#limit, Math.max(end, this.#bytes.length * 2)));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#position = end;
    return at;
  }
}

/** Reads what a `StateWriter` wrote. It comes from a peer, so it is checked like any message. */
export class StateReader extends ReadCursor {
  flag(field: string): boolean {
    const value = this.u8(field);
    if (value > 1) throw this.error('invalid_value', field, `${value}`);
    return value === 1;
  }

  /** A number that must not be larger than `most`. */
  count(most: number, field: string): number {
    const value = this.u32(field);
    if (value > most) throw this.error('limit_exceeded', field, `${value}`);
    return value;
  }

  /** Fills an array with the numbers that were written of one of its kind and length. */
  array(into: Uint8Array | Uint8ClampedArray | Int8Array | Int16Array | Uint32Array, field: string): void {
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(this.bytes(into.byteLength, field));
  }
}
