// The part of the web platform that `protocol/` may rely on, because Node and every browser have it under the same name.
// Kept to what is listed here: adding Node's or the DOM's own types would let platform code leak in.
// (Where the real types are loaded too, these are declared identically and merge.)
interface TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}
declare var TextEncoder: { new (): TextEncoder };
interface TextDecoder {
  decode(input?: ArrayBufferView | ArrayBuffer): string;
}
declare var TextDecoder: { new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder };
