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
export const pixels: usize = scratch + SCRATCH_ROW * 66;
export const stream: usize = pixels + 4 * TILE_PIXELS;
/** Longest stream that is decoded here. */
export const streamSize: usize = 65536;

// ---------------------------------------------------------------- entropy decoding, see rlgr.ts

const MAXIMUM: u32 = 80;
const SCALE_BITS: u32 = 3;
const RUN_UP: u32 = 4;
const RUN_DOWN: u32 = 6;
const ZERO_UP: u32 = 3;
const NONZERO_DOWN: u32 = 3;
const LONGEST_UNARY: u32 = 32768;

/** The stream's last byte first, so that its bits can be read as numbers: WebAssembly reads little-endian ones only. Before it are zeros. */
const reversed: usize = stream + streamSize + 16;
/** Bits of a window that are good, wherever in a byte it begins. */
const GOOD_BITS: u32 = 57;

// Whole runs and prefixes up to these are decoded from one window. With ten bits of zeros that are left, a sign, and ten bits behind
// the prefix it is good for them; so it is for a prefix, a code and the first of its two parts (RLGR3).
const FEW_RUNS: u32 = 15;
const SHORT_PREFIX: u32 = 17;
/** Codes of RLGR1 that are read from one window, if it is good for so many: few enough that their end can be foretold. */
const CODES: i32 = 4;

/** By `kp` and a number of whole runs: the zeros in them. */
const runZeros: usize = reversed + streamSize + 16;
const RUN_ZEROS_ROW: usize = 2 * (FEW_RUNS + 1);
/** By a `kp` that is in no run, and whether the number is zero: the `kp` that follows. */
const nextKp: usize = 768;
const NEXT_KP_ROW: u32 = 1 << SCALE_BITS;
/** By `krp` and the length of a prefix: what follows, as `packed` has it. */
const nextKrp: usize = runZeros + (MAXIMUM + 1) * RUN_ZEROS_ROW;
const NEXT_KRP_ROW_BITS: u32 = 7;
/** Where in a packed `krp` its row is. */
const ROW_MASK: u32 = 0x7f << NEXT_KRP_ROW_BITS;

for (let parameter: u32 = 0; parameter <= MAXIMUM; parameter++) {
  let zeros: u32 = 0;
  let kp = parameter;
  for (let runs: u32 = 0; runs <= FEW_RUNS; runs++) {
    store<u16>(runZeros + parameter * RUN_ZEROS_ROW + 2 * runs, zeros as u16);
    zeros += 1 << (kp >>> SCALE_BITS);
    kp = raised(kp, RUN_UP);
  }
  for (let unary: u32 = 0; unary <= SHORT_PREFIX; unary++) {
    store<u32>(nextKrp + (parameter << NEXT_KRP_ROW_BITS) + 4 * unary, packed(adapted(parameter, unary)));
  }
}

for (let kp: u32 = 0; kp < NEXT_KP_ROW; kp++) {
  store<u8>(nextKp + kp, lowered(kp, NONZERO_DOWN) as u8);
  store<u8>(nextKp + NEXT_KP_ROW + kp, (kp + ZERO_UP) as u8);
}

/** A window of bits, from the highest down; past the stream's end come zeros. */
// @ts-ignore: decorator
@inline
function bitsAt(top: usize, bitAt: u32): u64 {
  return load<u64>(top - (bitAt >>> 3)) << (bitAt & 7);
}

// @ts-ignore: decorator
@inline
function raised(parameter: u32, by: u32): u32 {
  return min<u32>(parameter + by, MAXIMUM);
}

// @ts-ignore: decorator
@inline
function lowered(parameter: u32, by: u32): u32 {
  const difference = (parameter as i32) - (by as i32);
  return (difference & ~(difference >> 31)) as u32;
}

/** `krp` after a prefix. */
function adapted(krp: u32, unary: u32): u32 {
  return unary == 0 ? lowered(krp, 2) : unary > 1 ? raised(krp, unary) : krp;
}

/** `kr` in the lowest bits, then the offset of the row of `krp`, and above a mask of `kr` bits: shifts by a number that varies are dear. */
// @ts-ignore: decorator
@inline
function packed(krp: u32): u32 {
  const kr = krp >>> SCALE_BITS;
  return kr | (krp << NEXT_KRP_ROW_BITS) | (((1 << kr) - 1) << 16);
}

/** What is behind a prefix in a packed `krp`'s row. */
// @ts-ignore: decorator
@inline
function following(krp: u32, unary: u32): u32 {
  return load<u32>(nextKrp + (krp & ROW_MASK) + 4 * unary);
}

/** All bits, if a number below 2^31 is zero, and none otherwise. */
// @ts-ignore: decorator
@inline
function ifZero(value: u32): u32 {
  return (((value - 1) as i32) >> 31) as u32;
}

/** An even code is a positive number, an odd one a negative. Without a branch, which nothing could foretell. */
// @ts-ignore: decorator
@inline
function signed(code: u32): i32 {
  const sign = code & 1;
  return (((code + sign) >>> 1) ^ (0 - sign)) + sign;
}

// @ts-ignore: decorator
@inline
function put(output: usize, at: u32, value: i32): void {
  store<i16>(output + ((at as usize) << 1), value as i16);
}

/** The top `count` bits of a window, of which there may be none. */
// @ts-ignore: decorator
@inline
function top(window: u64, count: u32): u32 {
  return ((window >>> 1) >>> ((63 - count) as u64)) as u32;
}

/** Turns the stream around, and puts zeros behind its end. @returns where a window at its first bit is read */
function reverse(size: u32): usize {
  memory.fill(reversed - 16, 0, 32);
  const whole = (size + 15) & ~15;
  // What lies behind the end would come before the stream.
  memory.fill(stream + size, 0, whole - size);
  for (let from: u32 = 0; from < whole; from += 16) {
    const bytes = v128.load(stream + from);
    v128.store(
      reversed + whole - 16 - from,
      v128.shuffle<i8>(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    );
  }
  return reversed + whole - 8;
}

/**
 * Decodes the stream, `size` bytes at `stream`, into the component at `output`.
 * @returns false where the stream is damaged: rlgr.ts says how
 */
export function decodeRlgr(rlgr1: bool, size: u32, output: usize): bool {
  return rlgr1 ? decode(true, size, output) : decode(false, size, output);
}

/** There are two of it, one for each mode: loops that need not ask are faster by a twentieth. */
// @ts-ignore: decorator
@inline
function decode(rlgr1: bool, size: u32, output: usize): bool {
  const count: u32 = TILE_PIXELS;
  const bitCount: u32 = size << 3;
  /** Before this bit a window's good bits are all the stream's own. */
  const wholeWindows: u32 = bitCount > GOOD_BITS ? bitCount - GOOD_BITS : 0;
  /** Codes of RLGR3 are of two numbers; the last one alone is left to who can say so. */
  const lastAt = rlgr1 ? count : count - 1;
  const start = reverse(size);
  memory.fill(output, 0, COMPONENT_SIZE);
  let bitAt: u32 = 0;
  let at: u32 = 0;
  let kp: u32 = 1 << SCALE_BITS;
  let krp: u32 = 1 << SCALE_BITS;
  while (at < count && bitAt < bitCount) {
    // The common case, again and again: everything about one number is in one window, which is turned so that what was read last is at its end.
    let state = packed(krp);
    while (bitAt < wholeWindows && at < lastAt) {
      let window = bitsAt(start, bitAt);
      if (kp >= 1 << SCALE_BITS) {
        const runs = clz(window) as u32;
        if (runs > FEW_RUNS) break;
        const raisedKp = raised(kp, runs * RUN_UP);
        const k = raisedKp >>> SCALE_BITS;
        window = rotl(window, (runs + k + 2) as u64);
        const zerosAndSign = (window as u32) & ((2 << k) - 1);
        const unary = clz(~window) as u32;
        if (unary > SHORT_PREFIX) break;
        at += (load<u16>(runZeros + kp * RUN_ZEROS_ROW + 2 * runs) as u32) + (zerosAndSign >>> 1);
        if (at >= count) return true;
        const kr = state & 0xf;
        window = rotl(window, (unary + 1 + kr) as u64);
        const value = (unary << kr) + ((window as u32) & (state >>> 16)) + 1;
        const sign = zerosAndSign & 1;
        put(output, at++, (value ^ (0 - sign)) + sign);
        bitAt += runs + k + unary + kr + 3;
        kp = lowered(raisedKp, RUN_DOWN);
        state = following(state, unary);
        continue;
      }
      const first = bitAt;
      const end = first + GOOD_BITS;
      let left = CODES;
      do {
        const unary = clz(~window) as u32;
        if (unary > SHORT_PREFIX) break;
        const kr = state & 0xf;
        const length = unary + 1 + kr;
        if (bitAt + length > end) break;
        window = rotl(window, length as u64);
        const code = (unary << kr) + ((window as u32) & (state >>> 16));
        bitAt += length;
        state = following(state, unary);
        const isZero = ifZero(code);
        if (rlgr1) {
          put(output, at++, signed(code));
          kp = load<u8>(nextKp + kp + (isZero & NEXT_KP_ROW));
          continue;
        }
        const sumBits = 32 - (clz<u32>(code) as u32);
        window = rotl(window, sumBits as u64);
        bitAt += sumBits;
        const one = (window as u32) & ((1 << sumBits) - 1);
        if (one > code) return false;
        const other = code - one;
        put(output, at, signed(one));
        put(output, at + 1, signed(other));
        at += 2;
        kp = lowered(kp, 2 * NONZERO_DOWN & ~ifZero(one) & ~ifZero(other)) + (2 * ZERO_UP & isZero);
        break;
      } while (--left != 0 && kp < 1 << SCALE_BITS && at < count);
      if (bitAt == first) break;
    }
    krp = (state & ROW_MASK) >>> NEXT_KRP_ROW_BITS;
    if (at >= count) return true;

    // Anything: long runs and prefixes, the stream's end.
    let k = kp >>> SCALE_BITS;
    const inRun = k > 0;
    let sign: u32 = 0;
    let window = bitsAt(start, bitAt);
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
        window = bitsAt(start, bitAt);
        if (wholeRuns < 48) break;
        wholeRuns = min<u32>(clz(window) as u32, 48);
      }
      // The one bit that ended the runs, at most ten bits of zeros that are left, and the sign.
      bitAt++;
      if (bitAt >= bitCount) return true;
      const zerosAndSign = top(window << 1, k + 1);
      bitAt += k + 1;
      at += zerosAndSign >>> 1;
      sign = zerosAndSign & 1;
      if (at >= count || bitAt > bitCount) return true;
    }

    const kr = krp >>> SCALE_BITS;
    let unary: u32 = 0;
    let ones: u32 = 48;
    while (ones == 48) {
      ones = min<u32>(clz(~bitsAt(start, bitAt)) as u32, 48);
      unary += ones;
      bitAt += ones;
      // A stream without an end of ones must not be read past its own.
      if (unary > LONGEST_UNARY) return false;
    }
    bitAt++;
    const code: u64 = ((unary as u64) << (kr as u64)) + (top(bitsAt(start, bitAt), kr) as u64);
    bitAt += kr;
    if (code > 0xffff) return false;
    const value = code as u32;
    krp = adapted(krp, unary);

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
      const first = top(bitsAt(start, bitAt), sumBits);
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

// ---------------------------------------------------------------- quantization, see tile-kernels.ts

const LEVELS: i32 = 3;
const QUANTIZATION_BASE: i32 = 1;

/** The ten quantization values of a component, a byte each, finest band first. */
export const quantization: usize = 512;

/** Low-pass coefficients of a line, on a level counted from the finest: half of what is left, and one more if the tile's edge is extrapolated. */
// @ts-ignore: decorator
@inline
function lowCount(level: i32, extrapolated: bool): i32 {
  return (32 >> level) + (extrapolated ? 1 : 0);
}

/** High-pass ones. The finest level has extrapolated a 65th sample. */
// @ts-ignore: decorator
@inline
function highCount(level: i32, extrapolated: bool): i32 {
  return (32 >> level) - (extrapolated && level == 0 ? 1 : 0);
}

/** What was decoded into coefficients. All before `detailAt` are zero. */
export function dequantize(component: usize, extrapolated: bool, detailAt: i32): void {
  const detail = component + bytesOf(detailAt);
  let at = component;
  let value = quantization;
  for (let level: i32 = 0; level < LEVELS; level++) {
    const low = lowCount(level, extrapolated);
    const high = highCount(level, extrapolated);
    at = scaleBand(at, high * low, value, detail);
    at = scaleBand(at, low * high, value + 1, detail);
    at = scaleBand(at, high * high, value + 2, detail);
    value += 3;
  }
  let sum = load<i16>(at);
  for (let from = at + 2; from < component + COMPONENT_SIZE; from += 2) {
    sum += load<i16>(from);
    store<i16>(from, sum);
  }
  const low = lowCount(LEVELS - 1, extrapolated);
  scaleBand(at, low * low, value, at);
}

/** Scales a band, of which all before `detail` is zero. @returns its end */
function scaleBand(band: usize, count: i32, value: usize, detail: usize): usize {
  const bits = (load<u8>(value) as i32) - QUANTIZATION_BASE;
  const end = band + bytesOf(count);
  let at = max(band, detail);
  if (bits <= 0 || at >= end) return end;
  if (bits > 15) memory.fill(at, 0, end - at);
  else {
    for (; at + 16 <= end; at += 16) v128.store(at, i16x8.shl(v128.load(at), bits));
    for (; at < end; at += 2) store<i16>(at, load<i16>(at) << (bits as i16));
  }
  return end;
}

/** Index of the first number of a component that is not zero. */
export function firstNonzero(component: usize): i32 {
  let at: i32 = 0;
  while (at < TILE_PIXELS && !v128.any_true(ofFour(component + bytesOf(at)))) at += 32;
  while (at < TILE_PIXELS && load<i16>(component + bytesOf(at)) == 0) at++;
  return at;
}

/** Bits that are in any of four vectors: most of what is looked through is zero. */
// @ts-ignore: decorator
@inline
function ofFour(at: usize): v128 {
  return v128.or(v128.or(v128.load(at), v128.load(at, 16)), v128.or(v128.load(at, 32), v128.load(at, 48)));
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

/** Coefficients into samples, in place, coarsest level first. */
export function inverseWavelet(component: usize, extrapolated: bool): void {
  // Where a level's bands begin, counted back from the end: before what the coarser ones have become.
  let tile = component + COMPONENT_SIZE - bytesOf(lowCount(LEVELS - 1, extrapolated) * lowCount(LEVELS - 1, extrapolated));
  for (let level = LEVELS - 1; level >= 0; level--) {
    const low = lowCount(level, extrapolated);
    const high = highCount(level, extrapolated);
    tile -= bytesOf(high * (2 * low + high));
    inverseLevel(tile, low, high);
  }
}

/** One level: `low + high` lines of as many samples from `tile` on. */
function inverseLevel(tile: usize, low: i32, high: i32): void {
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

/** A row of coefficients into samples, eight pairs at a time. */
function inverseRow(lowAt: usize, highAt: usize, to: usize, low: i32, high: i32): void {
  const dropped = low - high == 2;
  // Reflected before the first, in the lane that the vector behind takes its neighbour from.
  let before = i16x8.splat(load<i16>(highAt));
  let here = v128.load(highAt);
  let even = i16x8.sub(v128.load(lowAt), meanUp(neighbours(before, here), here));
  for (let at: usize = 16; at < bytesOf(high); at += 16) {
    before = here;
    here = v128.load(highAt + at);
    // There is one less than vectors take, and zero in its place.
    if (dropped && at == 48) here = i16x8.replace_lane(here, 7, 0);
    const next = i16x8.sub(v128.load(lowAt + at), meanUp(neighbours(before, here), here));
    interleave(to, even, before, v128.shuffle<i16>(even, next, 1, 2, 3, 4, 5, 6, 7, 8));
    to += 32;
    even = next;
  }
  // What stands past the last vector.
  let past = v128.shuffle<i16>(even, even, 7, 7, 7, 7, 7, 7, 7, 7);
  if (low > high) {
    const last = v128.shuffle<i16>(here, here, 7, 7, 7, 7, 7, 7, 7, 7);
    past = i16x8.sub(i16x8.splat(load<i16>(lowAt + bytesOf(low - 1))), meanUp(last, last));
  }
  interleave(to, even, here, v128.shuffle<i16>(even, past, 1, 2, 3, 4, 5, 6, 7, 8));
  v128.store(to + 32, past);
}

/** Eight numbers that stand one place before those of `here`. */
// @ts-ignore: decorator
@inline
function neighbours(before: v128, here: v128): v128 {
  return v128.shuffle<i16>(before, here, 7, 8, 9, 10, 11, 12, 13, 14);
}

/** Eight even samples, and the odd ones between them and the even ones behind. */
// @ts-ignore: decorator
@inline
function interleave(to: usize, even: v128, high: v128, next: v128): void {
  const odd = i16x8.add(i16x8.shl(high, 1), meanDown(even, next));
  v128.store(to, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to + 16, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
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
const CR_TO_RED: i32 = 22979;
const CB_TO_GREEN: i32 = 5632;
const CR_TO_GREEN: i32 = 11705;
const CB_TO_BLUE: i32 = 28998;
const FRACTION_BITS: i32 = 5;
/** Luma is lowered by 128; a half is for rounding. */
const LUMA_OFFSET: i32 = ((128 << FRACTION_BITS) + (1 << (FRACTION_BITS - 1))) << COLOUR_BITS;

/** The three components into `pixels`. */
export function paint(): void {
  // Two factors for two components side by side: both products and their sum are one instruction.
  const toRed = pair(1 << COLOUR_BITS, CR_TO_RED);
  const toGreen = pair(-CB_TO_GREEN, -CR_TO_GREEN);
  const toBlue = pair(1 << COLOUR_BITS, CB_TO_BLUE);
  const offset = i32x4.splat(LUMA_OFFSET);
  let from = components;
  let to = pixels;
  for (const end = components + COMPONENT_SIZE; from < end; from += 16) {
    const y = v128.load(from);
    const cb = v128.load(from + COMPONENT_SIZE);
    const cr = v128.load(from + 2 * COMPONENT_SIZE);
    const luma0 = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(y), COLOUR_BITS), offset);
    const luma1 = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(y), COLOUR_BITS), offset);
    const red = samples(
      i32x4.add(i32x4.dot_i16x8_s(lowPairs(y, cr), toRed), offset),
      i32x4.add(i32x4.dot_i16x8_s(highPairs(y, cr), toRed), offset),
    );
    const green = samples(
      i32x4.add(i32x4.dot_i16x8_s(lowPairs(cb, cr), toGreen), luma0),
      i32x4.add(i32x4.dot_i16x8_s(highPairs(cb, cr), toGreen), luma1),
    );
    const blue = samples(
      i32x4.add(i32x4.dot_i16x8_s(lowPairs(y, cb), toBlue), offset),
      i32x4.add(i32x4.dot_i16x8_s(highPairs(y, cb), toBlue), offset),
    );
    storePixels(to, red, green, blue);
    to += 32;
  }
}

/** The first component into `pixels`, for a tile without colour. */
export function paintLuma(): void {
  const offset = i16x8.splat((LUMA_OFFSET >> COLOUR_BITS) as i16);
  const opaque = i32x4.splat(0xff000000);
  let from = components;
  let to = pixels;
  for (const end = components + COMPONENT_SIZE; from < end; from += 16) {
    // What is past 16 bits is far past a byte, too.
    const luma = i16x8.shr_s(i16x8.add_sat_s(v128.load(from), offset), FRACTION_BITS);
    const grey = i8x16.narrow_i16x8_u(luma, luma);
    v128.store(to, v128.or(opaque, v128.shuffle<i8>(grey, grey, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)));
    v128.store(to + 16, v128.or(opaque, v128.shuffle<i8>(grey, grey, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7)));
    to += 32;
  }
}

/** Two 16-bit numbers, over and over. */
// @ts-ignore: decorator
@inline
function pair(first: i32, second: i32): v128 {
  return i32x4.splat((first & 0xffff) | (second << 16));
}

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Eight values with all their fraction bits into 16-bit numbers, not limited to bytes yet. */
// @ts-ignore: decorator
@inline
function samples(low: v128, high: v128): v128 {
  const shift = COLOUR_BITS + FRACTION_BITS;
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift));
}

/** Eight pixels `0xAABBGGRR`, with full alpha. */
// @ts-ignore: decorator
@inline
function storePixels(to: usize, red: v128, green: v128, blue: v128): void {
  const redBlue = i8x16.narrow_i16x8_u(red, blue);
  const greenAlpha = i8x16.narrow_i16x8_u(green, i16x8.splat(255));
  const redGreen = v128.shuffle<i8>(redBlue, greenAlpha, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const blueAlpha = v128.shuffle<i8>(redBlue, greenAlpha, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(to, lowPairs(redGreen, blueAlpha));
  v128.store(to + 16, highPairs(redGreen, blueAlpha));
}
