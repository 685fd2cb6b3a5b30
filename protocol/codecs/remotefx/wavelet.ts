import { SUB_BANDS, type SubBand } from './quantization.ts';

/**
 * The 5/3 wavelet of RemoteFX ([MS-RDPRFX] 3.1.8.1.4, 3.1.8.2.4): three levels over a 64×64 tile, reflected at its edges.
 * High-pass coefficients are stored halved, as the specification has them.
 *
 * A tile's coefficients lie one sub-band after another, finest first: HL1 LH1 HH1 HL2 LH2 HH2 HL3 LH3 HH3 LL3.
 */
export const TILE_SIZE = 64;
export const TILE_PIXELS = TILE_SIZE * TILE_SIZE;

/** One level of a transform: how many low- and high-pass coefficients a line has, and where its bands begin. */
export interface WaveletLevel {
  readonly low: number;
  readonly high: number;
  /** HL of `low` rows and `high` columns, LH of `high` and `low`, HH of `high` and `high`, LL of `low` and `low`. */
  readonly offset: number;
}

/** Samples of scratch memory that a transform may use: 64 rows of 66. */
export const WAVELET_SCRATCH = TILE_SIZE * 66;

/** Coarsest first. */
export const LEVELS: readonly WaveletLevel[] = [
  { low: 8, high: 8, offset: 3840 },
  { low: 16, high: 16, offset: 3072 },
  { low: 32, high: 32, offset: 0 },
];

/** A sub-band among a tile's coefficients. */
export interface Band {
  readonly name: SubBand;
  readonly offset: number;
  readonly size: number;
}

/** How a tile is cut into bands. */
export interface TileLayout {
  /** In the order of `SUB_BANDS`. */
  readonly bands: readonly Band[];
  /** Of the inverse transform, coarsest first. */
  readonly levels: readonly WaveletLevel[];
}

/** That of RemoteFX itself. */
export const LAYOUT: TileLayout = { bands: bandsOf(LEVELS), levels: LEVELS };

/** The bands that levels are made of, these coarsest first. */
export function bandsOf(levels: readonly WaveletLevel[]): Band[] {
  let offset = 0;
  const sizes = levels.toReversed().flatMap(({ low, high }) => [high * low, low * high, high * high]);
  sizes.push(levels[0]!.low ** 2);
  return sizes.map((size, i) => {
    const band = { name: SUB_BANDS[i]!, offset, size };
    offset += size;
    return band;
  });
}

/**
 * Turns coefficients into samples in place: afterwards `tile` holds 64 rows of 64 samples.
 *
 * @param scratch at least as large as the tile; its content is lost
 * @param detailAt all coefficients before this one are zero; levels that have no others take a fraction of the time
 */
export function inverseWavelet(tile: Int16Array, scratch: Int16Array, detailAt = 0): void {
  for (const level of LEVELS) inverseLevel(tile, level, scratch, detailAt);
}

/** Turns samples into coefficients in place: the inverse of `inverseWavelet` up to rounding. */
export function forwardWavelet(tile: Int16Array, scratch: Int16Array): void {
  for (const { high, offset } of LEVELS.toReversed()) forwardLevel(tile, offset, high, scratch);
}

/** One level: HL, LH, HH and LL become (low + high)² samples at `offset`. [MS-RDPRFX] 3.1.8.2.4. */
export function inverseLevel(tile: Int16Array, level: WaveletLevel, scratch: Int16Array, detailAt: number): void {
  const { low, high, offset } = level;
  const size = low + high;
  const hl = offset;
  const lh = hl + high * low;
  const hh = lh + low * high;
  const ll = hh + high * high;
  if (detailAt >= ll) {
    interpolate(tile, ll, low, size, offset, scratch);
    return;
  }
  // Rows first: low rows into the upper part of the scratch, high rows into the lower.
  for (let y = 0; y < low; y++) inverseLine(tile, ll + y * low, hl + y * high, 1, scratch, y * size, 1, low, high);
  for (let y = 0; y < high; y++) {
    inverseLine(tile, lh + y * low, hh + y * high, 1, scratch, (low + y) * size, 1, low, high);
  }
  // Then columns, one after another: both buffers fit the processor's nearest cache, and a column's neighbours stay in
  // registers.
  for (let x = 0; x < size; x++) {
    inverseLine(scratch, x, low * size + x, size, tile, offset + x, size, low, high);
  }
}

/**
 * One row or column of low- and high-pass coefficients, `step` apart, into samples. Lines are reflected at their ends.
 * With as many low-pass coefficients as high-pass ones the sample past the end repeats the last even one; with one
 * more, the high-pass coefficient past the end repeats the last; with two more (where the last even sample is an
 * extrapolated one, which only its neighbour needs) it is zero.
 */
function inverseLine(
  from: Int16Array,
  lowAt: number,
  highAt: number,
  step: number,
  to: Int16Array,
  outAt: number,
  outStep: number,
  low: number,
  high: number,
): void {
  let before = from[highAt]!;
  let even = to16(from[lowAt]! - before);
  let lowIndex = lowAt + step;
  let highIndex = highAt + step;
  let out = outAt;
  to[out] = even;
  for (let n = 1; n < high; n++) {
    const here = from[highIndex]!;
    const next = to16(from[lowIndex]! - ((before + here + 1) >> 1));
    to[out + outStep] = (before << 1) + ((even + next) >> 1);
    out += 2 * outStep;
    to[out] = next;
    even = next;
    before = here;
    lowIndex += step;
    highIndex += step;
  }
  if (low === high) {
    to[out + outStep] = (before << 1) + even;
    return;
  }
  const dropped = low - high === 2;
  const past = dropped ? 0 : before;
  const next = to16(from[lowIndex]! - ((before + past + 1) >> 1));
  to[out + outStep] = (before << 1) + ((even + next) >> 1);
  to[out + 2 * outStep] = next;
  if (!dropped) return;
  to[out + 3 * outStep] = (next + from[lowIndex + step]!) >> 1;
}

/** As a sample is stored: vectors of 16-bit numbers have no more bits in between either. */
function to16(value: number): number {
  return (value << 16) >> 16;
}

/** What `inverseLevel` comes to where all high-pass coefficients are zero: a sample halfway between any two. */
function interpolate(
  tile: Int16Array,
  ll: number,
  low: number,
  size: number,
  offset: number,
  scratch: Int16Array,
): void {
  for (let y = 0; y < low; y++) {
    let from = ll + y * low;
    let to = y * size;
    let even = tile[from]!;
    for (const end = to + size - 2; to < end; to += 2) {
      const next = tile[++from]!;
      scratch[to] = even;
      scratch[to + 1] = (even + next) >> 1;
      even = next;
    }
    const past = from + 1 < ll + (y + 1) * low ? tile[from + 1]! : even;
    scratch[to] = even;
    if (to + 1 < (y + 1) * size) scratch[to + 1] = (even + past) >> 1;
  }
  // An even row is a row of the scratch; an odd one lies between two, or repeats the last.
  for (let y = 0, above = 0; y < size; y += 2, above += size) {
    const even = offset + y * size;
    const odd = even + size;
    if (y + 1 === size) {
      tile.set(scratch.subarray(above, above + size), even);
      return;
    }
    const below = (y >> 1) + 1 < low ? above + size : above;
    for (let x = 0; x < size; x++) {
      const sample = scratch[above + x]!;
      tile[even + x] = sample;
      tile[odd + x] = (sample + scratch[below + x]!) >> 1;
    }
  }
}

function forwardLevel(tile: Int16Array, offset: number, half: number, scratch: Int16Array): void {
  const size = half * 2;
  const band = half * half;
  const high = half * size;
  // Columns first, mirroring the inverse.
  for (let x = 0; x < size; x++) {
    for (let n = 0; n < half; n++) {
      const even = tile[offset + 2 * n * size + x] ?? 0;
      const odd = tile[offset + (2 * n + 1) * size + x] ?? 0;
      const next = tile[offset + Math.min(2 * n + 2, size - 2) * size + x] ?? 0;
      scratch[high + n * size + x] = (odd - ((even + next) >> 1)) >> 1;
    }
    for (let n = 0; n < half; n++) {
      const before = scratch[high + Math.max(n - 1, 0) * size + x] ?? 0;
      const here = scratch[high + n * size + x] ?? 0;
      scratch[n * size + x] = (tile[offset + 2 * n * size + x] ?? 0) + ((before + here + 1) >> 1);
    }
  }
  for (let y = 0; y < half; y++) {
    forwardRow(scratch, y * size, tile, offset + 3 * band + y * half, offset + y * half, half);
    forwardRow(scratch, (half + y) * size, tile, offset + band + y * half, offset + 2 * band + y * half, half);
  }
}

function forwardRow(from: Int16Array, at: number, to: Int16Array, low: number, high: number, half: number): void {
  for (let n = 0; n < half; n++) {
    const even = from[at + 2 * n] ?? 0;
    const next = from[at + Math.min(2 * n + 2, 2 * half - 2)] ?? 0;
    to[high + n] = ((from[at + 2 * n + 1] ?? 0) - ((even + next) >> 1)) >> 1;
  }
  for (let n = 0; n < half; n++) {
    const before = to[high + Math.max(n - 1, 0)] ?? 0;
    to[low + n] = (from[at + 2 * n] ?? 0) + ((before + (to[high + n] ?? 0) + 1) >> 1);
  }
}
