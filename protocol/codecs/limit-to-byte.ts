const ZERO = 4096;
const LIMITED = Uint8Array.from({ length: 2 * ZERO }, (_, i) => Math.min(Math.max(i - ZERO, 0), 255));

/**
 * A sample limited to 0 to 255; `value` is from -4096 to 4095. By a table, which is faster than comparing: pictures of
 * text are full of white, which lies now above 255 and now below, so that a processor cannot guess the comparison.
 */
export function limitToByte(value: number): number {
  return LIMITED[value + ZERO]!;
}
