/** Text in fields of a fixed or counted size, as many [MS-RDPBCGR] structures have it. */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf16le, encodeUtf16le, untilNul } from '../core/text.ts';

/** Reads a UTF-16LE field of `size` bytes up to its first NUL. */
export function readFixedUtf16(cursor: ReadCursor, size: number, field: string): string {
  return untilNul(decodeUtf16le(cursor.bytes(size, field)));
}

/** Writes a UTF-16LE field of `size` bytes, cut so that a NUL always ends it. */
export function writeFixedUtf16(text: string, size: number, cursor: WriteCursor): void {
  const bytes = encodeUtf16le(text.slice(0, size / 2 - 1));
  cursor.bytes(bytes);
  cursor.zeros(size - bytes.length);
}

/** Writes an ASCII field of `size` bytes with a NUL at its end, for static channel names. */
export function writeFixedAscii(text: string, size: number, cursor: WriteCursor): void {
  if (text.length >= size) throw new UsageError(`"${text}" does not fit ${size - 1} characters`);
  for (let i = 0; i < text.length; i++) cursor.u8(text.charCodeAt(i) & 0x7f);
  cursor.zeros(size - text.length);
}

export function readFixedAscii(cursor: ReadCursor, size: number, field: string): string {
  const bytes = cursor.bytes(size, field);
  return untilNul(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
