// The hot loops of RemoteFX tiles, in AssemblyScript: entropy decoding, the inverse wavelet and the colours, with the results of
// rlgr.ts, wavelet.ts and colour.ts to the bit. `npm run build:wasm` makes ../tile-module.ts of it.
//
// Memory is laid out by hand, since nothing is ever allocated: three components of 64×64 16-bit numbers, scratch memory, pixels, and
// the stream to decode.

const TILE_PIXELS: i32 = 4096;
const COMPONENT_SIZE: usize = 8192;

export const components: usize = 1024;
export const scratch: usize = components + 3 * COMPONENT_SIZE;
/** Bytes from one row of the scratch memory to the next: a line's vectors may reach past its end. */
const SCRATCH_ROW: usize = 160;
/** High-pass coefficients of a line, with those that reflection puts before and behind them. */
const HIGH_PASS: usize = scratch + SCRATCH_ROW * 66;
/** Even samples of a line. */
const EVENS: usize = HIGH_PASS + 128;
export const pixels: usize = EVENS + 128;
export const stream: usize = pixels + 4 * TILE_PIXELS;
/** Longest stream that is decoded here. Behind it are zeros. */
export const streamSize: usize = 65536;

// ---------------------------------------------------------------- entropy decoding, see rlgr.ts

const MAXIMUM: u32 = 80;
const SCALE_BITS: u32 = 3;
const RUN_UP: u32 = 4;
const RUN_DOWN: u32 = 6;
const ZERO_UP: u32 = 3;
const NONZERO_DOWN: u32 = 3;
const LONGEST_UNARY: u32 = 32768;

/** The next 57 bits and more, from the highest down; past the stream's end come zeros. */
// @ts-ignore: decorator
@inline
function bitsAt(bitAt: u32): u64 {
  return bswap<u64>(load<u64>(stream + (bitAt >>> 3))) << (bitAt & 7);
}

// @ts-ignore: decorator
@inline
function raised(parameter: u32, by: u32): u32 {
  return min<u32>(parameter + by, MAXIMUM);
}

// @ts-ignore: decorator
@inline
function lowered(parameter: u32, by: u32): u32 {
  return parameter > by ? parameter - by : 0;
}

/** An even code is a positive number, an odd one a negative. */
// @ts-ignore: decorator
@inline
function signed(code: u32): i32 {
  return (code & 1) != 0 ? -(((code + 1) >>> 1) as i32) : ((code >>> 1) as i32);
}

// @ts-ignore: decorator
@inline
function put(output: usize, at: u32, value: i32): void {
  store<i16>(output + ((at as usize) << 1), value as i16);
}

/**
 * Decodes the stream, `size` bytes at `stream`, into the component at `output`.
 * @returns false where the stream is damaged: rlgr.ts says how
 */
export function decodeRlgr(rlgr1: bool, size: u32, output: usize): bool {
  const count: u32 = TILE_PIXELS;
  const bitCount: u32 = size << 3;
  memory.fill(stream + (size as usize), 0, 32);
  memory.fill(output, 0, COMPONENT_SIZE);
  let bitAt: u32 = 0;
  let at: u32 = 0;
  let kp: u32 = 1 << SCALE_BITS;
  let krp: u32 = 1 << SCALE_BITS;
  while (at < count && bitAt < bitCount) {
    let k = kp >>> SCALE_BITS;
    const inRun = k > 0;
    let sign: u32 = 0;
    let window = bitsAt(bitAt);
    if (inRun) {
      let wholeRuns = min<u32>(clz(window) as u32, 48);
      while (true) {
        for (let i: u32 = 0; i < wholeRuns && at < count; i++) {
          at += 1 << k;
          kp = raised(kp, RUN_UP);
          k = kp >>> SCALE_BITS;
        }
        bitAt += wholeRuns;
        if (at >= count || bitAt >= bitCount) return true;
        window = bitsAt(bitAt);
        if (wholeRuns < 48) break;
        wholeRuns = min<u32>(clz(window) as u32, 48);
      }
      // The one bit that ended the runs, at most ten bits of zeros that are left, and the sign.
      bitAt++;
      if (bitAt >= bitCount) return true;
      const zerosAndSign = ((window << 1) >>> ((63 - k) as u64)) as u32;
      window <<= (k + 2) as u64;
      bitAt += k + 1;
      at += zerosAndSign >>> 1;
      sign = zerosAndSign & 1;
      if (at >= count || bitAt > bitCount) return true;
    }

    // At least 45 bits of the window are good here: a short prefix and its end leave enough for the code, and for what follows it.
    const kr = krp >>> SCALE_BITS;
    let unary = clz(~window) as u32;
    if (unary < 20) {
      window <<= (unary + 1) as u64;
      bitAt += unary + 1 + kr;
    } else {
      unary = 0;
      let ones: u32 = 48;
      while (ones == 48) {
        ones = min<u32>(clz(~bitsAt(bitAt)) as u32, 48);
        unary += ones;
        bitAt += ones;
        if (unary > LONGEST_UNARY) return false;
      }
      bitAt++;
      window = bitsAt(bitAt);
      bitAt += kr;
    }
    const code: u64 = ((unary as u64) << (kr as u64)) + ((window >>> 1) >>> ((63 - kr) as u64));
    if (code > 0xffff) return false;
    const value = code as u32;
    if (unary == 0) krp = lowered(krp, 2);
    else if (unary > 1) krp = raised(krp, unary);

    if (inRun) {
      put(output, at++, sign == 1 ? -((value + 1) as i32) : ((value + 1) as i32));
      kp = lowered(kp, RUN_DOWN);
    } else if (rlgr1) {
      if (value != 0) {
        put(output, at, signed(value));
        kp = lowered(kp, NONZERO_DOWN);
      } else kp = raised(kp, ZERO_UP);
      at++;
    } else if (value == 0) {
      kp = raised(kp, 2 * ZERO_UP);
      at += 2;
    } else {
      const sumBits = 32 - (clz<u32>(value) as u32);
      const first = (bitsAt(bitAt) >>> ((64 - sumBits) as u64)) as u32;
      bitAt += sumBits;
      if (first > value) return false;
      const second = value - first;
      if (first != 0 && second != 0) kp = lowered(kp, 2 * NONZERO_DOWN);
      put(output, at++, signed(first));
      if (at < count) put(output, at++, signed(second));
    }
  }
  return true;
}

// ---------------------------------------------------------------- quantization, see tile-codec.ts

/** Shifts `count` coefficients from `at` on. */
export function shiftLeft(at: usize, count: i32, by: i32): void {
  if (by > 15) {
    memory.fill(at, 0, bytesOf(count));
    return;
  }
  const end = at + bytesOf(count);
  for (; at + 16 <= end; at += 16) v128.store(at, i16x8.shl(v128.load(at), by));
  for (; at < end; at += 2) store<i16>(at, load<i16>(at) << (by as i16));
}

/** Index of the first number of a component that is not zero. */
export function firstNonzero(component: usize): i32 {
  let at: i32 = 0;
  while (at < TILE_PIXELS && !v128.any_true(v128.load(component + bytesOf(at)))) at += 8;
  while (at < TILE_PIXELS && load<i16>(component + bytesOf(at)) == 0) at++;
  return at;
}

/** Of so many 16-bit numbers. */
// @ts-ignore: decorator
@inline
function bytesOf(count: i32): usize {
  return (count as usize) << 1;
}

// ---------------------------------------------------------------- wavelet, see wavelet.ts

/** `(a + b + 1) >> 1` of eight 16-bit numbers, as if with more bits. */
// @ts-ignore: decorator
@inline
function meanUp(a: v128, b: v128): v128 {
  return i16x8.sub(v128.or(a, b), i16x8.shr_s(v128.xor(a, b), 1));
}

/** `(a + b) >> 1`. */
// @ts-ignore: decorator
@inline
function meanDown(a: v128, b: v128): v128 {
  return i16x8.add(v128.and(a, b), i16x8.shr_s(v128.xor(a, b), 1));
}

/** One level, in place: `low + high` lines of as many samples from `tile` on. */
export function inverseLevel(tile: usize, low: i32, high: i32): void {
  const size = low + high;
  const hl = tile;
  const lh = hl + bytesOf(high * low);
  const hh = lh + bytesOf(low * high);
  const ll = hh + bytesOf(high * high);
  let to = scratch;
  for (let y = 0; y < low; y++) {
    inverseRow(ll + bytesOf(y * low), hl + bytesOf(y * high), to, low, high);
    to += SCRATCH_ROW;
  }
  for (let y = 0; y < high; y++) {
    inverseRow(lh + bytesOf(y * low), hh + bytesOf(y * high), to, low, high);
    to += SCRATCH_ROW;
  }
  // Eight columns at a time; the last eight may overlap those before them.
  for (let x = 0; x < size; x += 8) {
    const left = bytesOf(min(x, size - 8));
    inverseColumns(scratch + left, tile + left, bytesOf(size), low, high);
  }
}

/** A row of coefficients into samples, eight pairs at a time; vectors reach past the row's end. */
function inverseRow(lowAt: usize, highAt: usize, to: usize, low: i32, high: i32): void {
  // One place further, for the one that stands before the first.
  for (let n: i32 = 0; n < high; n += 8) {
    const at = bytesOf(n);
    v128.store(HIGH_PASS + 2 + at, v128.load(highAt + at));
  }
  store<i16>(HIGH_PASS, load<i16>(highAt));
  const past = HIGH_PASS + 2 + bytesOf(high);
  const repeats = low - high < 2;
  store<i16>(past, repeats ? load<i16>(past - 2) : 0);
  store<i16>(past + 2, 0);
  for (let n: i32 = 0; n < low; n += 8) {
    const at = bytesOf(n);
    const mean = meanUp(v128.load(HIGH_PASS + at), v128.load(HIGH_PASS + 2 + at));
    v128.store(EVENS + at, i16x8.sub(v128.load(lowAt + at), mean));
  }
  if (low == high) store<i16>(EVENS + bytesOf(low), load<i16>(EVENS + bytesOf(low) - 2));
  for (let n: i32 = 0; n < low; n += 8) {
    const at = bytesOf(n);
    const even = v128.load(EVENS + at);
    const odd = i16x8.add(
      i16x8.shl(v128.load(HIGH_PASS + 2 + at), 1),
      meanDown(even, v128.load(EVENS + 2 + at)),
    );
    v128.store(to + at + at, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to + at + at + 16, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
  }
}

/** Eight columns of the scratch memory into samples `stride` bytes apart. */
function inverseColumns(from: usize, to: usize, stride: usize, low: i32, high: i32): void {
  const step = SCRATCH_ROW;
  let lowAt = from;
  let highAt = from + SCRATCH_ROW * <usize>low;
  let before = v128.load(highAt);
  let even = i16x8.sub(v128.load(lowAt), before);
  v128.store(to, even);
  for (let n: i32 = 1; n < high; n++) {
    lowAt += step;
    highAt += step;
    const here = v128.load(highAt);
    const next = i16x8.sub(v128.load(lowAt), meanUp(before, here));
    v128.store(to + stride, i16x8.add(i16x8.shl(before, 1), meanDown(even, next)));
    to += 2 * stride;
    v128.store(to, next);
    even = next;
    before = here;
  }
  if (low == high) {
    v128.store(to + stride, i16x8.add(i16x8.shl(before, 1), even));
    return;
  }
  const dropped = low - high == 2;
  const past = dropped ? i16x8.splat(0) : before;
  const next = i16x8.sub(v128.load(lowAt + step), meanUp(before, past));
  v128.store(to + stride, i16x8.add(i16x8.shl(before, 1), meanDown(even, next)));
  v128.store(to + 2 * stride, next);
  if (dropped) v128.store(to + 3 * stride, meanDown(next, v128.load(lowAt + 2 * step)));
}

// ---------------------------------------------------------------- colours, see colour.ts

const COLOUR_BITS: i32 = 14;
const CR_TO_RED: i16 = 22979;
const CB_TO_GREEN: i16 = 5632;
const CR_TO_GREEN: i16 = 11705;
const CB_TO_BLUE: i16 = 28998;
const FRACTION_BITS: i32 = 5;
/** Luma is lowered by 128; a half is for rounding. */
const LUMA_OFFSET: i32 = (128 << FRACTION_BITS) + (1 << (FRACTION_BITS - 1));

/** The three components into `pixels`. */
export function paint(): void {
  const offset = i32x4.splat(LUMA_OFFSET);
  const opaque = i8x16.splat(-1);
  let from = components;
  let to = pixels;
  for (const end = components + COMPONENT_SIZE; from < end; from += 16) {
    const y = v128.load(from);
    const cb = v128.load(from + COMPONENT_SIZE);
    const cr = v128.load(from + 2 * COMPONENT_SIZE);
    const luma0 = i32x4.shl(i32x4.add(i32x4.extend_low_i16x8_s(y), offset), COLOUR_BITS);
    const luma1 = i32x4.shl(i32x4.add(i32x4.extend_high_i16x8_s(y), offset), COLOUR_BITS);
    const red = bytes(
      i32x4.add(luma0, i32x4.extmul_low_i16x8_s(cr, i16x8.splat(CR_TO_RED))),
      i32x4.add(luma1, i32x4.extmul_high_i16x8_s(cr, i16x8.splat(CR_TO_RED))),
    );
    const green = bytes(
      i32x4.sub(
        i32x4.sub(luma0, i32x4.extmul_low_i16x8_s(cb, i16x8.splat(CB_TO_GREEN))),
        i32x4.extmul_low_i16x8_s(cr, i16x8.splat(CR_TO_GREEN)),
      ),
      i32x4.sub(
        i32x4.sub(luma1, i32x4.extmul_high_i16x8_s(cb, i16x8.splat(CB_TO_GREEN))),
        i32x4.extmul_high_i16x8_s(cr, i16x8.splat(CR_TO_GREEN)),
      ),
    );
    const blue = bytes(
      i32x4.add(luma0, i32x4.extmul_low_i16x8_s(cb, i16x8.splat(CB_TO_BLUE))),
      i32x4.add(luma1, i32x4.extmul_high_i16x8_s(cb, i16x8.splat(CB_TO_BLUE))),
    );
    const redGreen = v128.shuffle<i8>(red, green, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const blueAlpha = v128.shuffle<i8>(blue, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    v128.store(to, v128.shuffle<i16>(redGreen, blueAlpha, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to + 16, v128.shuffle<i16>(redGreen, blueAlpha, 4, 12, 5, 13, 6, 14, 7, 15));
    to += 32;
  }
}

/** The first component into `pixels`, for a tile without colour. */
export function paintLuma(): void {
  const offset = i32x4.splat(LUMA_OFFSET);
  const opaque = i8x16.splat(-1);
  let from = components;
  let to = pixels;
  for (const end = components + COMPONENT_SIZE; from < end; from += 16) {
    const y = v128.load(from);
    // As with all the fraction bits of colours, whose sums may wrap around.
    const luma0 = i32x4.shl(i32x4.add(i32x4.extend_low_i16x8_s(y), offset), COLOUR_BITS);
    const luma1 = i32x4.shl(i32x4.add(i32x4.extend_high_i16x8_s(y), offset), COLOUR_BITS);
    const grey = bytes(luma0, luma1);
    const redGreen = v128.shuffle<i8>(grey, grey, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const blueAlpha = v128.shuffle<i8>(grey, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    v128.store(to, v128.shuffle<i16>(redGreen, blueAlpha, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to + 16, v128.shuffle<i16>(redGreen, blueAlpha, 4, 12, 5, 13, 6, 14, 7, 15));
    to += 32;
  }
}

/** Eight values with all their fraction bits into eight bytes, limited. */
// @ts-ignore: decorator
@inline
function bytes(low: v128, high: v128): v128 {
  const shift = COLOUR_BITS + FRACTION_BITS;
  const words = i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift));
  return i8x16.narrow_i16x8_u(words, words);
}
