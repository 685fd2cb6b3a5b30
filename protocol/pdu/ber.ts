/**
 * The few BER forms ([X690] section 8) that the MCS connect PDUs use: definite lengths and one- and two-byte tags.
 * Values are written with the shortest length form; any definite form up to four bytes is read.
 */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';

export const BerTag = { boolean: 0x01, integer: 0x02, octetString: 0x04, enumerated: 0x0a, sequence: 0x30 } as const;

/** First byte of a constructed APPLICATION tag whose number follows in a second byte ([X690] 8.1.2.4). */
const APPLICATION_LONG = 0x7f;

const LONG_FORM = 0x80;
/** A length in more bytes than this is past any message we accept. */
const MAX_LENGTH_BYTES = 4;
/** MCS domain parameters are at most 32-bit unsigned: four bytes and a leading zero. */
const MAX_INTEGER_BYTES = 5;

export function readBerTag(cursor: ReadCursor, tag: number, field: string): void {
  const got = cursor.peekU8(field);
  if (got !== tag) throw cursor.error('invalid_value', field, `tag 0x${got.toString(16)} is not 0x${tag.toString(16)}`);
  cursor.skip(1, field);
}

/** Reads `[APPLICATION number]` and its length; returns a cursor over its contents. */
export function readBerApplication(cursor: ReadCursor, number: number, field: string): ReadCursor {
  readBerTag(cursor, APPLICATION_LONG, field);
  const got = cursor.u8(field);
  if (got !== number) throw cursor.error('unexpected_message', field, `application tag ${got} is not ${number}`);
  return cursor.sub(readBerLength(cursor, field), field);
}

export function readBerLength(cursor: ReadCursor, field: string): number {
  const first = cursor.u8(field);
  if (!(first & LONG_FORM)) return first;
  const count = first & ~LONG_FORM;
  if (count === 0 || count > MAX_LENGTH_BYTES) throw cursor.error('invalid_value', field, `length of ${count} bytes`);
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + cursor.u8(field);
  return length;
}

/** Reads a non-negative INTEGER of at most 32 bits. */
export function readBerInteger(cursor: ReadCursor, field: string): number {
  readBerTag(cursor, BerTag.integer, field);
  return readContents(cursor, field);
}

export function readBerEnumerated(cursor: ReadCursor, field: string): number {
  readBerTag(cursor, BerTag.enumerated, field);
  return readContents(cursor, field);
}

export function readBerBoolean(cursor: ReadCursor, field: string): boolean {
  readBerTag(cursor, BerTag.boolean, field);
  return readContents(cursor, field) !== 0;
}

export function readBerOctetString(cursor: ReadCursor, field: string): Uint8Array {
  readBerTag(cursor, BerTag.octetString, field);
  return cursor.bytes(readBerLength(cursor, field), field);
}

export function readBerSequence(cursor: ReadCursor, field: string): ReadCursor {
  readBerTag(cursor, BerTag.sequence, field);
  return cursor.sub(readBerLength(cursor, field), field);
}

/** Size of a length field for `length` bytes of contents. */
export function sizeOfBerLength(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x100) return 2;
  return length < 0x10000 ? 3 : 5;
}

export function writeBerLength(length: number, cursor: WriteCursor): void {
  if (length < 0x80) {
    cursor.u8(length);
    return;
  }
  if (length < 0x100) {
    cursor.u8(LONG_FORM | 1);
    cursor.u8(length);
    return;
  }
  if (length < 0x10000) {
    cursor.u8(LONG_FORM | 2);
    cursor.u16Be(length);
    return;
  }
  cursor.u8(LONG_FORM | 4);
  cursor.u32Be(length);
}

export function writeBerApplication(number: number, length: number, cursor: WriteCursor): void {
  cursor.u8(APPLICATION_LONG);
  cursor.u8(number);
  writeBerLength(length, cursor);
}

export function sizeOfBerApplication(length: number): number {
  return 2 /* tag */ + sizeOfBerLength(length) + length;
}

/** Size of tag, length and contents of `length` bytes. */
export function sizeOfBerValue(length: number): number {
  return 1 /* tag */ + sizeOfBerLength(length) + length;
}

export function sizeOfBerInteger(value: number): number {
  return sizeOfBerValue(integerSize(value));
}

export function writeBerInteger(value: number, cursor: WriteCursor): void {
  cursor.u8(BerTag.integer);
  const size = integerSize(value);
  writeBerLength(size, cursor);
  for (let i = size - 1; i >= 0; i--) cursor.u8(Math.floor(value / 256 ** i) & 0xff);
}

export function writeBerEnumerated(value: number, cursor: WriteCursor): void {
  cursor.u8(BerTag.enumerated);
  cursor.u8(1);
  cursor.u8(value);
}

export function writeBerBoolean(value: boolean, cursor: WriteCursor): void {
  cursor.u8(BerTag.boolean);
  cursor.u8(1);
  cursor.u8(value ? 0xff : 0);
}

export function writeBerOctetString(value: Uint8Array, cursor: WriteCursor): void {
  cursor.u8(BerTag.octetString);
  writeBerLength(value.length, cursor);
  cursor.bytes(value);
}

export function writeBerSequenceHeader(length: number, cursor: WriteCursor): void {
  cursor.u8(BerTag.sequence);
  writeBerLength(length, cursor);
}

function readContents(cursor: ReadCursor, field: string): number {
  const length = readBerLength(cursor, field);
  if (length === 0 || length > MAX_INTEGER_BYTES) throw cursor.error('invalid_value', field, `${length} bytes`);
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + cursor.u8(field);
  return value;
}

/** Bytes of a non-negative INTEGER: the top bit must stay clear, it is the sign ([X690] 8.3). */
function integerSize(value: number): number {
  let size = 1;
  while (size < MAX_INTEGER_BYTES && value >= 2 ** (8 * size - 1)) size++;
  return size;
}
