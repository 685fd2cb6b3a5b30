import { rgbaToYCbCr } from '../remotefx/colour.ts';
import type { Quantization } from '../remotefx/quantization.ts';
import { RlgrMode } from '../remotefx/rlgr.ts';
import { encodeRlgr } from '../remotefx/rlgr-encoder.ts';
import type { FirstTile, UpgradeStreams, UpgradeTile } from './blocks.ts';
import { SrlWriter } from './srl.ts';
import { type BandLayout, TILE_PIXELS, WAVELET_SCRATCH } from './wavelet.ts';

const QUANTIZATION_BASE = 1;
const LL3 = 9;
const NOTHING_EXTRA: Quantization = new Uint8Array(10);

interface Place {
  readonly xIdx: number;
  readonly yIdx: number;
}

/**
 * The server's side of one tile: its quantized coefficients, from which any pass can be cut. Uses quantization
 * value 0 of the region, and the same progressive quantization for all three components.
 */
export class ProgressiveTileEncoder {
  readonly #layout: BandLayout;
  readonly #components: readonly Int16Array[];

  constructor(pixels: Uint32Array, layout: BandLayout, quant: Quantization) {
    this.#layout = layout;
    const samples = [new Int16Array(TILE_PIXELS), new Int16Array(TILE_PIXELS), new Int16Array(TILE_PIXELS)] as const;
    rgbaToYCbCr(pixels, ...samples);
    this.#components = samples.map((tile) => {
      layout.forward(tile, new Int16Array(WAVELET_SCRATCH));
      layout.bands.forEach(({ offset, size }, band) => {
        const shift = Math.max(0, (quant[band] ?? 0) - QUANTIZATION_BASE);
        for (let i = offset; i < offset + size; i++) tile[i] = reduce(tile[i] ?? 0, shift, band);
      });
      return tile;
    });
  }

  /** @param before the tile whose coefficients the client holds, to send the difference to it */
  first(place: Place, quality: number, extra = NOTHING_EXTRA, before?: ProgressiveTileEncoder): FirstTile {
    const references = before === undefined ? [] : before.#components;
    const [y, cb, cr] = this.#components.map((component, index) => {
      const reference = references[index];
      const values = component.map((value, i) => value - (reference?.[i] ?? 0));
      this.#layout.bands.forEach(({ offset, size }, band) => {
        for (let i = offset; i < offset + size; i++) values[i] = reduce(values[i] ?? 0, extra[band] ?? 0, band);
      });
      const coarsest = this.#layout.bands[LL3]?.offset ?? 0;
      for (let i = TILE_PIXELS - 1; i > coarsest; i--) values[i] = (values[i] ?? 0) - (values[i - 1] ?? 0);
      return encodeRlgr(RlgrMode.rlgr1, values);
    }) as [Uint8Array, Uint8Array, Uint8Array];
    const difference = before !== undefined;
    return { kind: 'first', ...place, quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, difference, quality, y, cb, cr };
  }

  /** From the bits that `from` left out to those that `to` leaves out. */
  upgrade(place: Place, quality: number, from: Quantization, to = NOTHING_EXTRA): UpgradeTile {
    const [y, cb, cr] = this.#components.map((component) => this.#upgradeComponent(component, from, to)) as [
      UpgradeStreams,
      UpgradeStreams,
      UpgradeStreams,
    ];
    return { kind: 'upgrade', ...place, quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, quality, y, cb, cr };
  }

  #upgradeComponent(component: Int16Array, from: Quantization, to: Quantization): UpgradeStreams {
    const srl = new SrlWriter();
    const raw = new SrlWriter();
    this.#layout.bands.forEach(({ offset, size }, band) => {
      const [old, next] = [from[band] ?? 0, to[band] ?? 0];
      const bitCount = old - next;
      if (bitCount <= 0) return;
      const mask = (1 << bitCount) - 1;
      for (let i = offset; i < offset + size; i++) {
        const value = component[i] ?? 0;
        if (band === LL3) raw.raw((value >> next) & mask, bitCount);
        else if (reduce(value, old, band) !== 0) raw.raw((Math.abs(value) >> next) & mask, bitCount);
        else srl.coefficient(reduce(value, next, band), bitCount);
      }
    });
    return { srl: srl.finish(), raw: raw.finish() };
  }
}

/** Drops low bits: of the magnitude, but in the coarsest band of the value itself, whose bits come back raw. */
function reduce(value: number, bits: number, band: number): number {
  if (band === LL3) return value >> bits;
  return value < 0 ? -(-value >> bits) : value >> bits;
}
