import {
  bandsOf,
  forwardWavelet,
  LAYOUT,
  TILE_PIXELS,
  TILE_SIZE,
  type TileLayout,
  WAVELET_SCRATCH,
  type WaveletLevel,
} from '../remotefx/wavelet.ts';

/**
 * The two ways RemoteFX Progressive cuts a tile into bands: [MS-RDPEGFX] 3.2.8.1.2.1 as RemoteFX does it, and
 * 3.2.8.1.2.2 "reduce-extrapolate", where each level has one low-pass coefficient more than high-pass ones
 * (two more at the finest level, after a 65th sample is extrapolated), so that tile borders do not show.
 */
export interface BandLayout extends TileLayout {
  /** Samples into coefficients, in place; the server's side. `scratch` is as large as `WAVELET_SCRATCH`. */
  readonly forward: (tile: Int16Array, scratch: Int16Array) => void;
}

export const ORIGINAL_LAYOUT: BandLayout = {
  ...LAYOUT,
  forward: forwardWavelet,
};

const EXTRAPOLATED_LEVELS: readonly WaveletLevel[] = [
  { low: 9, high: 8, offset: 3807 },
  { low: 17, high: 16, offset: 3007 },
  { low: 33, high: 31, offset: 0 },
];

export const EXTRAPOLATED_LAYOUT: BandLayout = {
  bands: bandsOf(EXTRAPOLATED_LEVELS),
  levels: EXTRAPOLATED_LEVELS,
  forward: (tile, scratch) => {
    for (const { low, high, offset } of EXTRAPOLATED_LEVELS.toReversed())
      forwardLevel(tile, offset, low, high, scratch);
  },
};

function forwardLevel(tile: Int16Array, offset: number, low: number, high: number, scratch: Int16Array): void {
  const size = low + high;
  const column = new Int16Array(size);
  const line = new Int16Array(size);
  const hl = offset;
  const lh = hl + high * low;
  const hh = lh + low * high;
  const ll = hh + high * high;
  for (let x = 0; x < size; x++) {
    for (let y = 0; y < size; y++) column[y] = tile[offset + y * size + x] ?? 0;
    forwardLine(column, line, low, high);
    for (let y = 0; y < size; y++) scratch[y * size + x] = line[y] ?? 0;
  }
  for (let y = 0; y < size; y++) {
    forwardLine(scratch.subarray(y * size, (y + 1) * size), line, low, high);
    const isLow = y < low;
    tile.set(line.subarray(0, low), isLow ? ll + y * low : lh + (y - low) * low);
    tile.set(line.subarray(low), isLow ? hl + y * high : hh + (y - low) * high);
  }
}

/** Low-pass results first, then high-pass ones. */
function forwardLine(samples: Int16Array, line: Int16Array, low: number, high: number): void {
  const size = low + high;
  const dropped = low - high === 2;
  const sample = (i: number): number => {
    if (i < size) return samples[i] ?? 0;
    return dropped ? 2 * (samples[size - 1] ?? 0) - (samples[size - 2] ?? 0) : (samples[2 * size - 2 - i] ?? 0);
  };
  for (let n = 0; n < high; n++) {
    line[low + n] = (sample(2 * n + 1) - ((sample(2 * n) + sample(2 * n + 2)) >> 1)) >> 1;
  }
  const highPass = (n: number): number => {
    if (n < high) return line[low + Math.max(n, 0)] ?? 0;
    return dropped ? 0 : (line[low + high - 1] ?? 0);
  };
  for (let n = 0; n < low; n++) line[n] = sample(2 * n) + ((highPass(n - 1) + highPass(n) + 1) >> 1);
}

export { TILE_PIXELS, TILE_SIZE, WAVELET_SCRATCH };
