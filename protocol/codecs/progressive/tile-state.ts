import type { Quantization } from '../remotefx/quantization.ts';
import { RlgrMode } from '../remotefx/rlgr.ts';
import { firstNonzero, type TileKernels } from '../remotefx/tile-kernels.ts';
import type { UpgradeStreams } from './blocks.ts';
import { SrlReader, UpgradeBits } from './srl.ts';
import { type BandLayout, TILE_PIXELS } from './wavelet.ts';

/** The quantization values are 6 at least; what lies below is the fraction that coefficients carry. */
const QUANTIZATION_BASE = 1;
const LL3 = 9;

/**
 * What one component of a tile has come to: its coefficients, and for the passes that may follow how many low bits
 * each band still lacks and which sign each coefficient has.
 */
export class ComponentState {
  readonly #coefficients = new Int16Array(TILE_PIXELS);
  /** Sign of each coefficient as far as it is known; absent once nothing can be upgraded. */
  #signs: Int8Array | undefined;
  readonly #bitPositions = new Uint8Array(10);
  /** All coefficients before this one are zero. */
  #detailAt = TILE_PIXELS;

  /**
   * [MS-RDPEGFX] 3.2.8.1.5.1: a first pass, entropy-coded with RLGR1.
   *
   * @param extra the progressive quantization, bits that later passes bring
   * @param samples takes the tile's samples; one of the kernels' components
   */
  first(
    source: Uint8Array,
    layout: BandLayout,
    quant: Quantization,
    extra: Quantization | undefined,
    difference: boolean,
    samples: Int16Array,
    kernels: TileKernels,
  ): void {
    const from = kernels.decodeRlgr(RlgrMode.rlgr1, source, samples);
    this.#detailAt = difference ? Math.min(from, this.#detailAt) : from;
    this.#signs = extra === undefined ? undefined : signsOf(samples);
    for (let i = layout.bands[LL3]!.offset + 1; i < TILE_PIXELS; i++) samples[i] = samples[i]! + samples[i - 1]!;
    for (let band = 0; band <= LL3; band++) {
      const { offset, size } = layout.bands[band]!;
      const bitPosition = quant[band]! + (extra?.[band] ?? 0);
      this.#bitPositions[band] = bitPosition;
      const shift = bitPosition - QUANTIZATION_BASE;
      const at = Math.max(offset, from);
      if (shift > 0 && at < offset + size) kernels.shiftLeft(samples, at, offset + size - at, shift);
    }
    const coefficients = this.#coefficients;
    if (difference) for (let i = 0; i < TILE_PIXELS; i++) samples[i] = samples[i]! + coefficients[i]!;
    coefficients.set(samples);
    kernels.inverseWavelet(samples, layout.levels, this.#detailAt);
  }

  /**
   * [MS-RDPEGFX] 3.2.8.1.5.2: an upgrade pass. Coefficients with a known sign get raw bits, those that were zero so
   * far come from the SRL stream, and the coarsest band gets raw bits throughout.
   */
  upgrade(
    streams: UpgradeStreams,
    layout: BandLayout,
    quant: Quantization,
    extra: Quantization | undefined,
    samples: Int16Array,
    kernels: TileKernels,
  ): void {
    const srl = new SrlReader(streams.srl);
    const raw = new UpgradeBits(streams.raw);
    const signs = this.#signs ?? signsOf(this.#coefficients);
    layout.bands.forEach(({ offset, size }, band) => {
      const bitPosition = (quant[band] ?? 0) + (extra?.[band] ?? 0);
      const bitCount = (this.#bitPositions[band] ?? 0) - bitPosition;
      // A server that lowers the quality again brings nothing new for this band.
      if (bitCount <= 0) return;
      this.#bitPositions[band] = bitPosition;
      const shift = Math.max(0, bitPosition - QUANTIZATION_BASE);
      const count = Math.min(bitCount, 15);
      if (band === LL3) this.#upgradeCoarsest(raw, offset, size, count, shift);
      else this.#upgradeBand(srl, raw, signs, offset, size, count, shift);
    });
    this.#signs = extra === undefined ? undefined : signs;
    this.#detailAt = firstNonzero(this.#coefficients);
    samples.set(this.#coefficients);
    kernels.inverseWavelet(samples, layout.levels, this.#detailAt);
  }

  /** Forgets what only an upgrade would need; the coefficients stay, for differences to come. */
  endPasses(): void {
    this.#signs = undefined;
  }

  #upgradeCoarsest(raw: UpgradeBits, offset: number, size: number, bitCount: number, shift: number): void {
    const coefficients = this.#coefficients;
    for (let i = offset; i < offset + size; i++) {
      coefficients[i] = (coefficients[i] ?? 0) + (raw.read(bitCount) << shift);
    }
  }

  #upgradeBand(
    srl: SrlReader,
    raw: UpgradeBits,
    signs: Int8Array,
    offset: number,
    size: number,
    bitCount: number,
    shift: number,
  ): void {
    const coefficients = this.#coefficients;
    for (let i = offset; i < offset + size; i++) {
      const sign = signs[i] ?? 0;
      let bits: number;
      if (sign === 0) {
        bits = srl.read(bitCount);
        if (bits === 0) continue;
        signs[i] = Math.sign(bits);
      } else {
        bits = sign * raw.read(bitCount);
      }
      coefficients[i] = (coefficients[i] ?? 0) + bits * (1 << shift);
    }
  }
}

function signsOf(values: Int16Array): Int8Array {
  const signs = new Int8Array(values.length);
  for (let i = 0; i < TILE_PIXELS; i++) signs[i] = Math.sign(values[i]!);
  return signs;
}
