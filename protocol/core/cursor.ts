import { DecodeError, UsageError } from './errors.ts';

/**
 * Reads fields from a byte array, front to back. Every read names the field it is for, so that a short or
 * wrong message is reported by name and offset. Multi-byte values are little-endian unless the name says `Be`.
 *
 * A cursor never copies: `bytes()` and `rest()` return subarrays. Who keeps one past the call, copies it.
 * Read byte by byte: a `DataView` for each would cost more than the few fields that most cursors are made for.
 */
export class ReadCursor {
  readonly context: string;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  /**
   * @param bytes what to read
   * @param context the message's name in the specification, for errors
   * @param start first byte to read; errors count offsets from the array's own start
   * @param end one past the last byte to read
   */
  constructor(bytes: Uint8Array, context: string, start = 0, end = bytes.length) {
    if (start < 0 || end > bytes.length || start > end) throw new UsageError('cursor range outside its bytes');
    this.#bytes = bytes;
    this.context = context;
    this.#position = start;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  u8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  /** Reads one byte without moving on. */
  peekU8(field: string): number {
    this.#need(1, field);
    return this.#bytes[this.#position]!;
  }

  i8(field: string): number {
    return (this.u8(field) << 24) >> 24;
  }

  u16(field: string): number {
    const at = this.#take(2, field);
    const bytes = this.#bytes;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }

  u16Be(field: string): number {
    const at = this.#take(2, field);
    const bytes = this.#bytes;
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }

  i16(field: string): number {
    return (this.u16(field) << 16) >> 16;
  }

  u32(field: string): number {
    return this.i32(field) >>> 0;
  }

  u32Be(field: string): number {
    const at = this.#take(4, field);
    const bytes = this.#bytes;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  i32(field: string): number {
    const at = this.#take(4, field);
    const bytes = this.#bytes;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  u64(field: string): bigint {
    return this.#view(8, field).getBigUint64(0, true);
  }

  f64(field: string): number {
    return this.#view(8, field).getFloat64(0, true);
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  /** A view of everything that is left, not a copy. */
  rest(): Uint8Array {
    const at = this.#position;
    this.#position = this.#end;
    return this.#bytes.subarray(at, this.#end);
  }

  skip(length: number, field: string): void {
    this.#take(length, field);
  }

  /** A cursor over the next `length` bytes, with a context of its own; this one moves past them. */
  sub(length: number, field: string, context: string = this.context): ReadCursor {
    const at = this.#take(length, field);
    return new ReadCursor(this.#bytes, context, at, at + length);
  }

  /** Call where the specification allows nothing more. */
  expectEnd(field = 'end'): void {
    if (this.remaining > 0) throw this.error('trailing_bytes', field, `${this.remaining} bytes left over`);
  }

  /** A `DecodeError` at the current position; for values that are read but not allowed. */
  error(code: DecodeError['code'], field: string, detail?: string): DecodeError {
    return new DecodeError(code, this.context, field, this.#position, detail);
  }

  #need(length: number, field: string): void {
    if (!(length >= 0 && length <= this.remaining)) {
      throw new DecodeError(
        'truncated',
        this.context,
        field,
        this.#position,
        `needs ${length} bytes, ${this.remaining} are left`,
      );
    }
  }

  #view(length: number, field: string): DataView {
    const { buffer, byteOffset } = this.#bytes;
    return new DataView(buffer, byteOffset + this.#take(length, field), length);
  }

  #take(length: number, field: string): number {
    this.#need(length, field);
    const at = this.#position;
    this.#position += length;
    return at;
  }
}

/**
 * Writes fields into a buffer whose size is known beforehand (`sizeOfX`). Running past it or stopping short
 * is our own bug and throws `UsageError`. Little-endian unless the name says `Be`.
 *
 * Written byte by byte: a `DataView` would take the memory of a short message out of the heap, at ten times the cost.
 */
export class WriteCursor {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #position = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get position(): number {
    return this.#position;
  }

  u8(value: number): void {
    this.#bytes[this.#take(1)] = value;
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  u16Be(value: number): void {
    const at = this.#take(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  i16(value: number): void {
    this.u16(value);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value >>> 16;
    this.#bytes[at + 3] = value >>> 24;
  }

  u32Be(value: number): void {
    const at = this.#take(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
  }

  i32(value: number): void {
    this.u32(value);
  }

  u64(value: bigint): void {
    new DataView(this.#bytes.buffer).setBigUint64(this.#take(8), value, true);
  }

  f64(value: number): void {
    new DataView(this.#bytes.buffer).setFloat64(this.#take(8), value, true);
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#take(value.length));
  }

  /** `length` zero bytes: padding and reserved fields. */
  zeros(length: number): void {
    this.#take(length);
  }

  /** The finished message. Throws when the size given was not what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#position !== this.#bytes.length) {
      throw new UsageError(`wrote ${this.#position} bytes into a message of ${this.#bytes.length}`);
    }
    return this.#bytes;
  }

  #take(length: number): number {
    const at = this.#position;
    if (at + length > this.#bytes.length) {
      throw new UsageError(`writing ${length} bytes at ${at} runs past a message of ${this.#bytes.length}`);
    }
    this.#position = at + length;
    return at;
  }
}
