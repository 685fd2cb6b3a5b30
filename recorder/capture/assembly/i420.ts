// RGBA to I420, in AssemblyScript, with the results of ../i420.ts to the bit. `npm run build:wasm` makes ../i420-module.ts of it. The memory is the
// caller's to lay out and to grow: the picture lies in it, so that samples are compared and written where they stay.

// The weights of ../i420.ts for two channels side by side. Green's share of luma comes in two halves: it is more than 16 bits hold.
const LUMA_RED: i32 = 11966;
const LUMA_HALF_GREEN: i32 = 20127;
const LUMA_BLUE: i32 = 4064;
const CB_RED: i32 = -6596;
const CB_GREEN: i32 = -22188;
const CB_BLUE: i32 = 28784;
const CR_RED: i32 = 28784;
const CR_GREEN: i32 = -26145;
const CR_BLUE: i32 = -2639;

/**
 * Converts `count` pixels of two rows, an even number and 16 at least, into as many samples of luma each and half as many of chroma.
 * @returns whether any sample is another than it was
 */
export function convert(
  row0: usize,
  row1: usize,
  count: usize,
  luma0: usize,
  luma1: usize,
  cb: usize,
  cr: usize,
): bool {
  let difference = i32x4.splat(0);
  const last = count - 16;
  let at: usize = 0;
  while (true) {
    const above = row0 + 4 * at;
    const below = row1 + 4 * at;
    // Of four pixels each: red and green, then blue and green.
    const redGreen0 = redGreen(above, 0);
    const redGreen1 = redGreen(above, 16);
    const redGreen2 = redGreen(above, 32);
    const redGreen3 = redGreen(above, 48);
    const blueGreen0 = blueGreen(above, 0);
    const blueGreen1 = blueGreen(above, 16);
    const blueGreen2 = blueGreen(above, 32);
    const blueGreen3 = blueGreen(above, 48);
    const redGreen4 = redGreen(below, 0);
    const redGreen5 = redGreen(below, 16);
    const redGreen6 = redGreen(below, 32);
    const redGreen7 = redGreen(below, 48);
    const blueGreen4 = blueGreen(below, 0);
    const blueGreen5 = blueGreen(below, 16);
    const blueGreen6 = blueGreen(below, 32);
    const blueGreen7 = blueGreen(below, 48);
    const luma0Samples = lumaSamples(
      i16x8.narrow_i32x4_s(luma(redGreen0, blueGreen0), luma(redGreen1, blueGreen1)),
      i16x8.narrow_i32x4_s(luma(redGreen2, blueGreen2), luma(redGreen3, blueGreen3)),
    );
    const luma1Samples = lumaSamples(
      i16x8.narrow_i32x4_s(luma(redGreen4, blueGreen4), luma(redGreen5, blueGreen5)),
      i16x8.narrow_i32x4_s(luma(redGreen6, blueGreen6), luma(redGreen7, blueGreen7)),
    );
    difference = v128.or(difference, v128.xor(luma0Samples, v128.load(luma0 + at)));
    difference = v128.or(difference, v128.xor(luma1Samples, v128.load(luma1 + at)));
    v128.store(luma0 + at, luma0Samples);
    v128.store(luma1 + at, luma1Samples);
    // Sums of two by two pixels.
    const redGreenLow = squares(i16x8.add(redGreen0, redGreen4), i16x8.add(redGreen1, redGreen5));
    const redGreenHigh = squares(i16x8.add(redGreen2, redGreen6), i16x8.add(redGreen3, redGreen7));
    const blueLow = squares(i16x8.add(blueGreen0, blueGreen4), i16x8.add(blueGreen1, blueGreen5));
    const blueHigh = squares(i16x8.add(blueGreen2, blueGreen6), i16x8.add(blueGreen3, blueGreen7));
    const half = at >> 1;
    const cbSamples = chroma(redGreenLow, redGreenHigh, blueLow, blueHigh, pair(CB_RED, CB_GREEN), pair(CB_BLUE, 0));
    const crSamples = chroma(redGreenLow, redGreenHigh, blueLow, blueHigh, pair(CR_RED, CR_GREEN), pair(CR_BLUE, 0));
    difference = v128.or(difference, v128.xor(cbSamples, v128.load64_zero(cb + half)));
    difference = v128.or(difference, v128.xor(crSamples, v128.load64_zero(cr + half)));
    v128.store64_lane(cb + half, cbSamples, 0);
    v128.store64_lane(cr + half, crSamples, 0);
    if (at == last) return v128.any_true(difference);
    // The last sixteen may overlap those before them.
    at = min(at + 16, last);
  }
}

/** Sixteen samples, from without their offset. */
// @ts-ignore: decorator
@inline
function lumaSamples(low: v128, high: v128): v128 {
  return i8x16.add(i8x16.narrow_i16x8_u(low, high), i8x16.splat(16));
}

/** Of four pixels, without the offset. */
// @ts-ignore: decorator
@inline
function luma(redGreen: v128, blueGreen: v128): v128 {
  const weighted = i32x4.add(
    i32x4.dot_i16x8_s(redGreen, pair(LUMA_RED, LUMA_HALF_GREEN)),
    i32x4.dot_i16x8_s(blueGreen, pair(LUMA_BLUE, LUMA_HALF_GREEN)),
  );
  return i32x4.shr_s(i32x4.add(weighted, i32x4.splat(1 << 15)), 16);
}

/** Red and green of four pixels, as 16-bit numbers. */
// @ts-ignore: decorator
@inline
function redGreen(from: usize, offset: usize): v128 {
  const zero = i32x4.splat(0);
  return v128.shuffle<i8>(v128.load(from + offset), zero, 0, 16, 1, 16, 4, 16, 5, 16, 8, 16, 9, 16, 12, 16, 13, 16);
}

// @ts-ignore: decorator
@inline
function blueGreen(from: usize, offset: usize): v128 {
  const zero = i32x4.splat(0);
  return v128.shuffle<i8>(v128.load(from + offset), zero, 2, 16, 1, 16, 6, 16, 5, 16, 10, 16, 9, 16, 14, 16, 13, 16);
}

/** Two channels of eight columns into four sums of neighbours. */
// @ts-ignore: decorator
@inline
function squares(left: v128, right: v128): v128 {
  return i16x8.add(v128.shuffle<i32>(left, right, 0, 2, 4, 6), v128.shuffle<i32>(left, right, 1, 3, 5, 7));
}

/** Eight samples, in the lower half; the upper is zero. */
// @ts-ignore: decorator
@inline
function chroma(redGreen0: v128, redGreen1: v128, blue0: v128, blue1: v128, weights: v128, blueWeights: v128): v128 {
  const half = i32x4.splat(1 << 17);
  const low = i32x4.add(i32x4.dot_i16x8_s(redGreen0, weights), i32x4.dot_i16x8_s(blue0, blueWeights));
  const high = i32x4.add(i32x4.dot_i16x8_s(redGreen1, weights), i32x4.dot_i16x8_s(blue1, blueWeights));
  const words = i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(low, half), 18),
    i32x4.shr_s(i32x4.add(high, half), 18),
  );
  return i8x16.narrow_i16x8_u(i16x8.add(words, i16x8.splat(128)), i16x8.splat(0));
}

/** Two 16-bit numbers, over and over. */
// @ts-ignore: decorator
@inline
function pair(first: i32, second: i32): v128 {
  return i32x4.splat((first & 0xffff) | (second << 16));
}
