import { concatBytes } from '../core/bytes.ts';
import type { ReadCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';

/**
 * As much of ASN.1 DER ([X.690]) as CredSSP, SPNEGO and certificates need: single-byte tags and definite lengths.
 * Reading tolerates lengths that are not in their shortest form, since some peers write BER.
 */
export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
} as const;

/** The tag of a constructed, context-specific `[number]`. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

/** The tag of a constructed `[APPLICATION number]`. */
export function applicationTag(number: number): number {
  return 0x60 | number;
}

/** Reads one element that must have `tag`; returns a cursor over its contents. */
export function readElement(cursor: ReadCursor, tag: number, field: string): ReadCursor {
  const found = cursor.peekU8(field);
  if (found !== tag) {
    throw cursor.error('invalid_value', field, `tag 0x${found.toString(16)} where 0x${tag.toString(16)} belongs`);
  }
  cursor.skip(1, field);
  return cursor.sub(readLength(cursor, field), field);
}

/** Like `readElement` where the element is optional: undefined when the next one has another tag or none is left. */
export function readOptional(cursor: ReadCursor, tag: number, field: string): ReadCursor | undefined {
  return cursor.remaining > 0 && cursor.peekU8(field) === tag ? readElement(cursor, tag, field) : undefined;
}

/** Reads any element; returns its tag and a cursor over its contents. */
export function readAny(cursor: ReadCursor, field: string): { readonly tag: number; readonly contents: ReadCursor } {
  const tag = cursor.u8(field);
  return { tag, contents: cursor.sub(readLength(cursor, field), field) };
}

/** A definite length, X.690 8.1.3. */
export function readLength(cursor: ReadCursor, field: string): number {
  const first = cursor.u8(field);
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > MAX_LENGTH_BYTES) {
    throw cursor.error('invalid_value', field, `a length of ${count} bytes`);
  }
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + cursor.u8(field);
  return length;
}

/** Reads an INTEGER of at most 32 bits; five bytes are allowed for an unsigned one with its sign byte. */
export function readInteger(cursor: ReadCursor, field: string, tag: number = DerTag.integer): number {
  const contents = readElement(cursor, tag, field);
  const length = contents.remaining;
  if (length === 0 || length > 5) throw contents.error('limit_exceeded', field, `an integer of ${length} bytes`);
  let value = contents.i8(field);
  while (contents.remaining > 0) value = value * 256 + contents.u8(field);
  if (value > 0xffff_ffff || value < -0x8000_0000) throw contents.error('limit_exceeded', field, 'past 32 bits');
  return value;
}

/** Reads an OCTET STRING; a view, not a copy. */
export function readOctetString(cursor: ReadCursor, field: string): Uint8Array {
  return readElement(cursor, DerTag.octetString, field).rest();
}

/** One element: tag, length, contents. */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of contents) length += part.length;
  return concatBytes(Uint8Array.of(tag, ...lengthBytes(length)), ...contents);
}

export function derSequence(...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return derElement(DerTag.sequence, ...contents);
}

/** `[number] EXPLICIT`. */
export function derContext(number: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return derElement(contextTag(number), ...contents);
}

export function derOctetString(contents: Uint8Array): Uint8Array<ArrayBuffer> {
  return derElement(DerTag.octetString, contents);
}

/** An INTEGER (or, by its tag, ENUMERATED) in the shortest two's complement. */
export function derInteger(value: number, tag: number = DerTag.integer): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(value)) throw new UsageError('a DER integer must be whole');
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(((rest % 256) + 256) % 256);
    rest = Math.floor(rest / 256);
  } while (!((rest === 0 && (bytes[0] ?? 0) < 0x80) || (rest === -1 && (bytes[0] ?? 0) >= 0x80)));
  return derElement(tag, Uint8Array.from(bytes));
}

/** Four bytes say up to 4 GiB: more than any message here may have. */
const MAX_LENGTH_BYTES = 4;

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}
