import type { StateReader, StateWriter } from '../../core/state.ts';
import { QUANTIZATION_BASE, type Quantization } from '../remotefx/quantization.ts';
import { RlgrMode } from '../remotefx/rlgr.ts';
import { firstNonzero, type TileKernels } from '../remotefx/tile-kernels.ts';
import type { UpgradeStreams } from './blocks.ts';
import { SrlReader, UpgradeBits } from './srl.ts';
import { type BandLayout, EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT, TILE_PIXELS } from './wavelet.ts';

const LL3 = 9;

/** Streams larger than this are not kept: coefficients take no more. */
const MAX_KEPT_STREAM = 2 * TILE_PIXELS;

/**
 * What one component of a tile has come to: its coefficients, and for the passes that may follow how many low bits
 * each band still lacks and which sign each coefficient has.
 *
 * Most tiles come whole and are replaced whole. So of a first pass at full quality only the stream is kept, a tenth of its
 * coefficients' memory, until something asks for them.
 */
export class ComponentState {
  /** Good where no stream is kept. Absent until somebody asks. */
  #coefficients: Int16Array | undefined;
  /** The stream that the coefficients would come from, in as many of its bytes as `#streamSize` says. */
  #stream = new Uint8Array(0);
  #streamSize: number | undefined;
  #layout = ORIGINAL_LAYOUT;
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
   * @param draws whether the samples are wanted, beyond the coefficients
   * @returns whether any of them can be other than zero
   */
  first(
    source: Uint8Array,
    layout: BandLayout,
    quant: Quantization,
    extra: Quantization | undefined,
    difference: boolean,
    samples: Int16Array,
    kernels: TileKernels,
    draws = true,
  ): boolean {
    const before = difference ? this.#restored(samples, kernels) : undefined;
    for (let band = 0; band <= LL3; band++) this.#bitPositions[band] = quant[band]! + (extra?.[band] ?? 0);
    this.#layout = layout;
    const isKept = before === undefined && extra === undefined && source.length <= MAX_KEPT_STREAM;
    if (isKept) {
      this.#signs = undefined;
      this.#keepStream(source);
      if (!draws) return false;
    }
    const from = kernels.decodeRlgr(RlgrMode.rlgr1, source, samples);
    this.#signs = extra === undefined ? undefined : signsOf(samples);
    this.#dequantize(samples, from, kernels);
    if (!isKept) {
      if (before !== undefined) {
        for (let i = 0; i < TILE_PIXELS; i++) samples[i] = samples[i]! + before[i]!;
        this.#detailAt = firstNonzero(samples);
      }
      this.#keepCoefficients(samples);
    }
    return draws && this.#transform(samples, kernels);
  }

  /**
   * [MS-RDPEGFX] 3.2.8.1.5.2: an upgrade pass. Coefficients with a known sign get raw bits, those that were zero so
   * far come from the SRL stream, and the coarsest band gets raw bits throughout.
   * @returns as `first` does
   */
  upgrade(
    streams: UpgradeStreams,
    layout: BandLayout,
    quant: Quantization,
    extra: Quantization | undefined,
    samples: Int16Array,
    kernels: TileKernels,
    draws = true,
  ): boolean {
    const coefficients = this.#restored(samples, kernels);
    const srl = new SrlReader(streams.srl);
    const raw = new UpgradeBits(streams.raw);
    const signs = this.#signs ?? signsOf(coefficients);
    layout.bands.forEach(({ offset, size }, band) => {
      const bitPosition = (quant[band] ?? 0) + (extra?.[band] ?? 0);
      const bitCount = (this.#bitPositions[band] ?? 0) - bitPosition;
      // A server that lowers the quality again brings nothing new for this band.
      if (bitCount <= 0) return;
      this.#bitPositions[band] = bitPosition;
      const shift = Math.max(0, bitPosition - QUANTIZATION_BASE);
      const count = Math.min(bitCount, 15);
      if (band === LL3) upgradeCoarsest(coefficients, raw, offset, size, count, shift);
      else upgradeBand(coefficients, srl, raw, signs, offset, size, count, shift);
    });
    this.#signs = extra === undefined ? undefined : signs;
    this.#layout = layout;
    this.#detailAt = firstNonzero(coefficients);
    if (!draws) return false;
    samples.set(coefficients);
    return this.#transform(samples, kernels);
  }

  /** The samples as the last pass left them. @returns as `first` does */
  again(samples: Int16Array, kernels: TileKernels): boolean {
    if (this.#streamSize === undefined) samples.set(this.#restored(samples, kernels));
    else this.#decodeStream(this.#streamSize, samples, kernels);
    return this.#transform(samples, kernels);
  }

  /** Forgets what only an upgrade would need; the coefficients stay, for differences to come. */
  endPasses(): void {
    this.#signs = undefined;
  }

  save(state: StateWriter): void {
    state.flag(this.#layout === EXTRAPOLATED_LAYOUT);
    state.array(this.#bitPositions);
    state.u16(this.#detailAt);
    const kept = this.#streamSize;
    state.flag(kept !== undefined);
    if (kept !== undefined) {
      state.u16(kept);
      state.array(this.#stream.subarray(0, kept));
    } else if (this.#coefficients !== undefined) state.array(this.#coefficients.subarray(this.#detailAt));
    else state.array(new Int16Array(TILE_PIXELS - this.#detailAt));
    state.flag(this.#signs !== undefined);
    if (this.#signs !== undefined) state.array(this.#signs);
  }

  /** Into one that nothing was decoded with. */
  load(state: StateReader): void {
    this.#layout = state.flag('isExtrapolated') ? EXTRAPOLATED_LAYOUT : ORIGINAL_LAYOUT;
    state.array(this.#bitPositions, 'bitPositions');
    this.#detailAt = state.u16('detailAt');
    if (this.#detailAt > TILE_PIXELS) throw state.error('invalid_value', 'detailAt', `${this.#detailAt}`);
    if (state.flag('isStream')) this.#keepStream(state.bytes(state.u16('streamSize'), 'stream'));
    else {
      this.#coefficients = new Int16Array(TILE_PIXELS);
      state.array(this.#coefficients.subarray(this.#detailAt), 'coefficients');
    }
    if (!state.flag('signs')) return;
    this.#signs = new Int8Array(TILE_PIXELS);
    state.array(this.#signs, 'signs');
  }

  #transform(samples: Int16Array, kernels: TileKernels): boolean {
    if (this.#detailAt === TILE_PIXELS) return false;
    kernels.inverseWavelet(samples, this.#layout, this.#detailAt);
    return true;
  }

  /** What `decodeRlgr` has left in `samples`, of which those before `from` are zero, into coefficients. */
  #dequantize(samples: Int16Array, from: number, kernels: TileKernels): void {
    this.#detailAt = from;
    if (from < TILE_PIXELS) kernels.dequantize(samples, this.#layout, this.#bitPositions, from);
  }

  #decodeStream(size: number, samples: Int16Array, kernels: TileKernels): void {
    const from = kernels.decodeRlgr(RlgrMode.rlgr1, this.#stream.subarray(0, size), samples);
    this.#dequantize(samples, from, kernels);
  }

  #keepStream(source: Uint8Array): void {
    if (this.#stream.length < source.length) this.#stream = new Uint8Array(2 ** Math.ceil(Math.log2(source.length)));
    this.#stream.set(source);
    this.#streamSize = source.length;
  }

  #keepCoefficients(samples: Int16Array): Int16Array {
    this.#coefficients ??= new Int16Array(TILE_PIXELS);
    this.#coefficients.set(samples);
    this.#streamSize = undefined;
    return this.#coefficients;
  }

  /** The coefficients; what is in `samples` is lost. */
  #restored(samples: Int16Array, kernels: TileKernels): Int16Array {
    if (this.#streamSize === undefined) {
      this.#coefficients ??= new Int16Array(TILE_PIXELS);
      return this.#coefficients;
    }
    this.#decodeStream(this.#streamSize, samples, kernels);
    return this.#keepCoefficients(samples);
  }
}

function upgradeCoarsest(
  coefficients: Int16Array,
  raw: UpgradeBits,
  offset: number,
  size: number,
  bitCount: number,
  shift: number,
): void {
  for (let i = offset; i < offset + size; i++) {
    coefficients[i] = (coefficients[i] ?? 0) + (raw.read(bitCount) << shift);
  }
}

function upgradeBand(
  coefficients: Int16Array,
  srl: SrlReader,
  raw: UpgradeBits,
  signs: Int8Array,
  offset: number,
  size: number,
  bitCount: number,
  shift: number,
): void {
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

function signsOf(values: Int16Array): Int8Array {
  const signs = new Int8Array(values.length);
  for (let i = 0; i < TILE_PIXELS; i++) signs[i] = Math.sign(values[i]!);
  return signs;
}
