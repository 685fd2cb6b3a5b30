/**
 * The few forms of ALIGNED BASIC-PER ([X691]) that MCS domain PDUs and GCC use.
 */
import { concatBytes } from '../core/bytes.ts';
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';

/** Length determinants up to here fit their two-byte form ([X691] 10.9.3.6). */
export const MAX_PER_LENGTH = 0x3fff;

const TWO_BYTES = 0x80;
const FRAGMENTED = 0xc0;
/** [X691] 10.9.3.8: a fragment is one to four of these. */
const FRAGMENT_UNIT = 0x4000;
const MAX_FRAGMENT_UNITS = 4;

export function sizeOfPerLength(length: number): number {
  return length < 0x80 ? 1 : 2;
}

export function writePerLength(length: number, cursor: WriteCursor): void {
  if (length > MAX_PER_LENGTH) throw new UsageError(`length ${length} does not fit an unfragmented per length`);
  if (length < 0x80) cursor.u8(length);
  else cursor.u16Be(0x8000 | length);
}

/** Length determinants as some servers write them, see `readPerLength`: up to here they fit two bytes. */
export const MAX_PER_LENGTH_15 = 0x7fff;

/** What `readPerLength` reads of more than 14 bits, with the size that `sizeOfPerLength` gives. For what such a server has sent. */
export function writePerLength15(length: number, cursor: WriteCursor): void {
  if (length > MAX_PER_LENGTH_15) throw new UsageError(`length ${length} does not fit 15 bits`);
  if (length < 0x80) cursor.u8(length);
  else cursor.u16Be(0x8000 | length);
}

/** Reads an unfragmented length determinant. */
export function readPerLength(cursor: ReadCursor, field: string): number {
  const first = cursor.u8(field);
  if (!(first & TWO_BYTES)) return first;
  // Real servers (xrdp among them) put 15-bit lengths here, where the standard has a fragment count.
  return ((first & ~TWO_BYTES) << 8) | cursor.u8(field);
}

/**
 * Reads an OCTET STRING that ends the message: one length determinant and bytes, or fragments ([X691] 10.9.3.8).
 * Where a first byte 0xc1 to 0xc4 could be either a fragment count or a 15-bit length, the one that the message's
 * own size agrees with is meant.
 */
export function readPerOctetsToEnd(cursor: ReadCursor, field: string): Uint8Array {
  const first = cursor.peekU8(field);
  if ((first & FRAGMENTED) !== FRAGMENTED) return cursor.bytes(readPerLength(cursor, field), field);
  const remaining = cursor.remaining;
  const units = first & ~FRAGMENTED;
  const fragment = units * FRAGMENT_UNIT;
  if (units < 1 || units > MAX_FRAGMENT_UNITS || remaining < 1 + fragment + 1) {
    return cursor.bytes(readPerLength(cursor, field), field);
  }
  const second = cursor.sub(2, field);
  const length15 = readPerLength(second, field);
  if (length15 === cursor.remaining) return cursor.rest();
  // The second byte read above is the fragment's first.
  const parts: Uint8Array[] = [Uint8Array.of(length15 & 0xff), cursor.bytes(fragment - 1, field)];
  parts.push(readPerOctetsToEnd(cursor, field));
  return concatBytes(...parts);
}

/** INTEGER (0..MAX): length in bytes, then the value. */
export function readPerInteger(cursor: ReadCursor, field: string): number {
  const length = readPerLength(cursor, field);
  if (length === 0 || length > 4) throw cursor.error('invalid_value', field, `integer of ${length} bytes`);
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + cursor.u8(field);
  return value;
}

/** INTEGER (0..MAX) below 65536. */
export function writePerInteger(value: number, cursor: WriteCursor): void {
  if (value < 0x100) {
    cursor.u8(1);
    cursor.u8(value);
  } else {
    cursor.u8(2);
    cursor.u16Be(value);
  }
}

export function sizeOfPerInteger(value: number): number {
  return value < 0x100 ? 2 : 3;
}

/** INTEGER (minimum..65535+): 16 bits, counted from the minimum. */
export function readPerU16(cursor: ReadCursor, minimum: number, field: string): number {
  const value = cursor.u16Be(field) + minimum;
  if (value > 0xffff) throw cursor.error('invalid_value', field, `${value} is past 65535`);
  return value;
}

export function writePerU16(value: number, minimum: number, cursor: WriteCursor): void {
  if (value < minimum || value > 0xffff) throw new UsageError(`${value} is not between ${minimum} and 65535`);
  cursor.u16Be(value - minimum);
}
