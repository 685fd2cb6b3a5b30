/** Text as Windows keeps it in a clipboard: UTF-16LE, CR LF at the ends of lines, a NUL at its own. */
import { decodeUtf16le, decodeWindows1252, encodeUtf16le, untilNul } from '../../core/text.ts';
import { StandardFormat } from './format-list.ts';

/** [MS-RDPECLIP] 1.3.1.1.1: CF_UNICODETEXT, as `textFormatOf` chose it or CF_TEXT. Lines end in LF, as in browsers. */
export function decodeClipboardText(formatId: number, data: Uint8Array): string {
  const text =
    formatId === StandardFormat.text ? decodeWindows1252(data) : decodeUtf16le(data.subarray(0, data.length & ~1));
  return untilNul(text).replaceAll('\r\n', '\n');
}

/** CF_UNICODETEXT of a text whose lines end in LF or CR LF. What follows a NUL would not be read. */
export function encodeClipboardText(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf16le(`${untilNul(text).replaceAll(/\r?\n/g, '\r\n')}\0`);
}
