/**
 * The 5/3 wavelet of RemoteFX ([MS-RDPRFX] 3.1.8.1.4, 3.1.8.2.4): three levels over a 64×64 tile, reflected at its edges.
 * High-pass coefficients are stored halved, as the specification has them.
 *
 * A tile's coefficients lie one sub-band after another, finest first: HL1 LH1 HH1 HL2 LH2 HH2 HL3 LH3 HH3 LL3.
 */
export const TILE_SIZE = 64;
export const TILE_PIXELS = TILE_SIZE * TILE_SIZE;

/** Half-widths of the three levels' bands, coarsest first, and where each level's bands begin. */
const LEVELS = [
  { half: 8, offset: 3840 },
  { half: 16, offset: 3072 },
  { half: 32, offset: 0 },
] as const;

/**
 * Turns coefficients into samples in place: afterwards `tile` holds 64 rows of 64 samples.
 *
 * @param scratch at least as large as the tile; its content is lost
 */
export function inverseWavelet(tile: Int16Array, scratch: Int16Array): void {
  for (const { half, offset } of LEVELS) inverseLevel(tile, offset, half, scratch);
}

/** Turns samples into coefficients in place: the inverse of `inverseWavelet` up to rounding. */
export function forwardWavelet(tile: Int16Array, scratch: Int16Array): void {
  for (let i = LEVELS.length - 1; i >= 0; i--) {
    const level = LEVELS[i];
    if (level !== undefined) forwardLevel(tile, level.offset, level.half, scratch);
  }
}

/** One level: HL, LH, HH and LL of `half`² each at `offset` become (2·half)² samples at `offset`. */
function inverseLevel(tile: Int16Array, offset: number, half: number, scratch: Int16Array): void {
  const size = half * 2;
  const band = half * half;
  const hl = offset;
  const lh = offset + band;
  const hh = offset + 2 * band;
  const ll = offset + 3 * band;
  // Rows first: low rows into the upper half of the scratch, high rows into the lower.
  for (let y = 0; y < half; y++) {
    inverseLine(tile, ll + y * half, hl + y * half, 1, scratch, y * size, 1, half);
    inverseLine(tile, lh + y * half, hh + y * half, 1, scratch, (half + y) * size, 1, half);
  }
  // Then columns, one after another: both buffers fit the processor's nearest cache, and a column's neighbours stay in
  // registers.
  for (let x = 0; x < size; x++) inverseLine(scratch, x, half * size + x, size, tile, offset + x, size, half);
}

/** One row or column: `half` low-pass and high-pass coefficients, `step` apart, into twice as many samples. */
function inverseLine(
  from: Int16Array,
  lowAt: number,
  highAt: number,
  step: number,
  to: Int16Array,
  outAt: number,
  outStep: number,
  half: number,
): void {
  let before = from[highAt]!;
  let even = from[lowAt]! - ((before + before + 1) >> 1);
  let low = lowAt + step;
  let high = highAt + step;
  let out = outAt;
  to[out] = even;
  for (let n = 1; n < half; n++) {
    const here = from[high]!;
    const next = from[low]! - ((before + here + 1) >> 1);
    to[out + outStep] = (before << 1) + ((even + next) >> 1);
    out += 2 * outStep;
    to[out] = next;
    even = next;
    before = here;
    low += step;
    high += step;
  }
  to[out + outStep] = (before << 1) + even;
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
