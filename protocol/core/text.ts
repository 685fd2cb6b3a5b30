const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8');
const windows1252Decoder = new TextDecoder('windows-1252');
const utf16Decoder = new TextDecoder('utf-16le');

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8Encoder.encode(text);
}

/** Ill-formed sequences become U+FFFD: text from a peer is for people to read, never for matching. */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

/** UTF-16LE without a terminator: the Unicode strings of all [MS-RDP*] and [MS-NLMP] messages. */
export function encodeUtf16le(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[i * 2] = unit & 0xff;
    bytes[i * 2 + 1] = unit >>> 8;
  }
  return bytes;
}

/** Decodes UTF-16LE. A terminating NUL, where the message has one, is left to the caller (`untilNul`). */
export function decodeUtf16le(bytes: Uint8Array): string {
  return utf16Decoder.decode(bytes);
}

/** The ANSI texts of clients that have no Unicode. */
export function decodeWindows1252(bytes: Uint8Array): string {
  return windows1252Decoder.decode(bytes);
}

/** The part of a fixed-width text field before its first NUL. */
export function untilNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
