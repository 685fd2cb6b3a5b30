/** What a clipboard holds, by format: [MS-RDPECLIP] 2.2.3.1. */
import type { ReadCursor, WriteCursor } from '../../core/cursor.ts';
import { decodeUtf16le, decodeWindows1252, encodeUtf16le, untilNul } from '../../core/text.ts';

/** A format that data can be had in. */
export interface ClipboardFormat {
  readonly id: number;
  /** Empty for the formats that everybody knows by their number. */
  readonly name: string;
}

/**
 * How format lists name formats. `long` where both ends have said that they can; else `short`: 16 UTF-16 units at most,
 * or 32 characters of `ascii` in messages that say so.
 */
export type FormatNames = 'long' | 'short' | 'ascii';

/** [MS-RDPECLIP] 1.3.1.2: formats known by their number, as in Windows itself. */
export const StandardFormat = { text: 1, dib: 8, unicodeText: 13 } as const;

/** Formats known by a name; each end chooses numbers of its own from `FIRST_REGISTERED_FORMAT` on. */
export const FormatName = {
  html: 'HTML Format',
  /** [MS-RDPECLIP] 3.1.1.2, note 3: a file list. */
  files: 'FileGroupDescriptorW',
} as const;

/** RegisterClipboardFormat gives numbers from here to 0xffff. */
export const FIRST_REGISTERED_FORMAT = 0xc000;

/** Office programs offer some forty; any program may offer more, of which these first ones count. */
export const MAX_CLIPBOARD_FORMATS = 1000;

/** The best of these formats to ask for text in; none where there is no text. */
export function textFormatOf(formats: readonly ClipboardFormat[]): number | undefined {
  return [StandardFormat.unicodeText, StandardFormat.text].find((id) => formats.some((format) => format.id === id));
}

/** The number of the format of this name; none where it is not among them. */
export function formatNamed(formats: readonly ClipboardFormat[], name: string): number | undefined {
  return formats.find((format) => format.name === name)?.id;
}

/** @pdu [MS-RDPECLIP] 2.2.3.1.2 CLIPRDR_LONG_FORMAT_NAMES */
export function decodeFormatList(cursor: ReadCursor, names: FormatNames): ClipboardFormat[] {
  const formats: ClipboardFormat[] = [];
  // What is left over is no format: some peers pad their lists.
  while (cursor.remaining >= (names === 'long' ? MIN_LONG_SIZE : SHORT_SIZE)) {
    if (formats.length === MAX_CLIPBOARD_FORMATS) break;
    const id = cursor.u32('formatId');
    formats.push({ id, name: names === 'long' ? readLongName(cursor) : readShortName(cursor, names) });
  }
  return formats;
}

export function sizeOfFormatList(formats: readonly ClipboardFormat[], names: FormatNames): number {
  if (names !== 'long') return formats.length * SHORT_SIZE;
  return formats.reduce((size, { name }) => size + 4 + (name.length + 1) * 2, 0); // formatId, wszFormatName
}

export function encodeFormatList(formats: readonly ClipboardFormat[], names: FormatNames, cursor: WriteCursor): void {
  for (const { id, name } of formats) {
    cursor.u32(id);
    if (names === 'long') {
      cursor.bytes(encodeUtf16le(name));
      cursor.u16(0);
    } else writeShortName(cursor, name, names);
  }
}

/** @pdu [MS-RDPECLIP] 2.2.3.1.1.1 CLIPRDR_SHORT_FORMAT_NAME, `formatName` */
function readShortName(cursor: ReadCursor, names: FormatNames): string {
  const bytes = cursor.bytes(SHORT_NAME_SIZE, 'formatName');
  return untilNul(names === 'ascii' ? decodeWindows1252(bytes) : decodeUtf16le(bytes));
}

function writeShortName(cursor: WriteCursor, name: string, names: FormatNames): void {
  // What does not fit is cut off, and a NUL ends it in any case.
  const bytes =
    names === 'ascii'
      ? Uint8Array.from(name.slice(0, SHORT_NAME_SIZE - 1), (character) => character.charCodeAt(0) & 0x7f)
      : encodeUtf16le(name.slice(0, SHORT_NAME_SIZE / 2 - 1));
  cursor.bytes(bytes);
  cursor.zeros(SHORT_NAME_SIZE - bytes.length);
}

/** @pdu [MS-RDPECLIP] 2.2.3.1.2.1 CLIPRDR_LONG_FORMAT_NAME, `wszFormatName`; the end of the list ends a name, too. */
function readLongName(cursor: ReadCursor): string {
  const units: number[] = [];
  while (cursor.remaining >= 2) {
    const unit = cursor.u16('wszFormatName');
    if (unit === 0) break;
    if (units.length < MAX_FORMAT_NAME) units.push(unit);
  }
  return String.fromCharCode(...units);
}

const SHORT_NAME_SIZE = 32;
const SHORT_SIZE = 4 + SHORT_NAME_SIZE;
/** No name that Windows registers is longer. */
const MAX_FORMAT_NAME = 255;
/** A number and the NUL of an empty name. */
const MIN_LONG_SIZE = 4 + 2;
