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
    inverseRow(tile, ll + y * half, hl + y * half, scratch, y * size, half);
    inverseRow(tile, lh + y * half, hh + y * half, scratch, (half + y) * size, half);
  }
  // Then columns, a whole row of columns at a time so that memory is walked forwards.
  const high = half * size;
  for (let y = 0; y < half; y++) {
    const low = y * size;
    const here = high + y * size;
    const before = high + Math.max(y - 1, 0) * size;
    const out = offset + 2 * y * size;
    for (let x = 0; x < size; x++) {
      tile[out + x] = (scratch[low + x] ?? 0) - (((scratch[before + x] ?? 0) + (scratch[here + x] ?? 0) + 1) >> 1);
    }
  }
  for (let y = 0; y < half; y++) {
    const here = high + y * size;
    const above = offset + 2 * y * size;
    const below = offset + Math.min(2 * y + 2, size - 2) * size;
    const out = above + size;
    for (let x = 0; x < size; x++) {
      tile[out + x] = ((scratch[here + x] ?? 0) << 1) + (((tile[above + x] ?? 0) + (tile[below + x] ?? 0)) >> 1);
    }
  }
}

function inverseRow(from: Int16Array, low: number, high: number, to: Int16Array, out: number, half: number): void {
  let before = from[high] ?? 0;
  let even = 0;
  for (let n = 0; n < half; n++) {
    const here = from[high + n] ?? 0;
    const next = (from[low + n] ?? 0) - ((before + here + 1) >> 1);
    if (n > 0) to[out + 2 * n - 1] = (before << 1) + ((even + next) >> 1);
    to[out + 2 * n] = next;
    even = next;
    before = here;
  }
  to[out + 2 * half - 1] = (before << 1) + even;
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
