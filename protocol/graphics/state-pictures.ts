import type { StateReader, StateWriter } from '../core/state.ts';

/**
 * Pixels in a saved state. What follows compresses the state, so each row is written as its difference from the row above, byte by
 * byte, and the whole as its difference from a picture that the reader has too.
 */

/** @param known as long as the picture: what the reader knows already; nothing known unless given */
export function savePicture(state: StateWriter, words: Uint32Array, width: number, known?: Uint32Array): void {
  const row = new Uint32Array(width);
  let above = new Uint32Array(width);
  for (let at = 0; at < words.length; at += width) {
    const current = words.slice(at, at + width);
    if (known !== undefined) for (let x = 0; x < width; x++) current[x] = current[x]! ^ known[at + x]!;
    for (let x = 0; x < width; x++) row[x] = subtractBytes(current[x]!, above[x]!);
    state.array(row);
    above = current;
  }
}

/** Fills `words` with what `savePicture` was given. */
export function loadPicture(
  state: StateReader,
  words: Uint32Array,
  width: number,
  field: string,
  known?: Uint32Array,
): void {
  state.array(words, field);
  for (let at = width; at < words.length; at++) words[at] = addBytes(words[at]!, words[at - width]!);
  if (known !== undefined) for (let at = 0; at < words.length; at++) words[at] = words[at]! ^ known[at]!;
}

const LOW = 0x7f7f7f7f;
const HIGH = 0x80808080;

/** Four bytes at once, each modulo 256: the top bits are kept from lending to the byte above. */
function subtractBytes(a: number, b: number): number {
  return ((a | HIGH) - (b & LOW)) ^ ((a ^ ~b) & HIGH);
}

function addBytes(a: number, b: number): number {
  return ((a & LOW) + (b & LOW)) ^ ((a ^ b) & HIGH);
}
