import type { EncodedTile } from './blocks.ts';
import { rgbaToYCbCr } from './colour.ts';
import type { Quantization } from './quantization.ts';
import type { RlgrMode } from './rlgr.ts';
import { encodeRlgr } from './rlgr-encoder.ts';
import { type TileKernels, tileKernels } from './tile-kernels.ts';
import { forwardWavelet, LEVELS, TILE_PIXELS } from './wavelet.ts';

/** Coefficients of each sub-band, in the order of `SUB_BANDS`. */
const BAND_SIZES = [1024, 1024, 1024, 256, 256, 256, 64, 64, 64, 64] as const;
const LL3_OFFSET = 4032;

/** The quantization values are 6 at least; what lies below is the fraction that coefficients carry. */
const QUANTIZATION_BASE = 1;

/** Decodes single tiles. */
export class TileDecoder {
  readonly #kernels: TileKernels;

  constructor(kernels: TileKernels = tileKernels) {
    this.#kernels = kernels;
  }

  /** Decodes a tile into the kernels' rows, where it is until anything else is decoded. */
  decode(tile: EncodedTile, mode: RlgrMode, quantization: readonly Quantization[]): void {
    const { y, cb, cr } = this.#kernels;
    this.#component(tile.y, mode, quantization[tile.quantIdxY], y);
    const hasCb = this.#component(tile.cb, mode, quantization[tile.quantIdxCb], cb);
    const hasCr = this.#component(tile.cr, mode, quantization[tile.quantIdxCr], cr);
    this.#kernels.paint(hasCb || hasCr);
  }

  /** Returns whether any sample can be other than zero. */
  #component(source: Uint8Array, mode: RlgrMode, quant: Quantization | undefined, output: Int16Array): boolean {
    const kernels = this.#kernels;
    const detailAt = kernels.decodeRlgr(mode, source, output);
    if (detailAt === TILE_PIXELS) return false;
    // The coarsest band is sent as differences, [MS-RDPRFX] 3.1.8.1.6.
    for (let i = LL3_OFFSET + 1; i < TILE_PIXELS; i++) output[i] = output[i]! + output[i - 1]!;
    if (quant !== undefined) scaleUp(kernels, output, quant, detailAt);
    kernels.inverseWavelet(output, LEVELS, detailAt);
    return true;
  }
}

/** [MS-RDPRFX] 3.1.8.2.3: each band is multiplied by the power of two that its quantization value names. */
function scaleUp(kernels: TileKernels, coefficients: Int16Array, quant: Quantization, detailAt: number): void {
  let end = 0;
  for (let band = 0; band < BAND_SIZES.length; band++) {
    const at = Math.max(end, detailAt);
    end += BAND_SIZES[band]!;
    const bits = quant[band]! - QUANTIZATION_BASE;
    if (bits > 0 && at < end) kernels.shiftLeft(coefficients, at, end - at, bits);
  }
}

/** The server's side: 64×64 pixels into one encoded tile that uses quantization value 0 throughout. */
export function encodeTile(
  pixels: Uint32Array,
  place: { readonly xIdx: number; readonly yIdx: number },
  mode: RlgrMode,
  quant: Quantization,
): EncodedTile {
  const components = [new Int16Array(TILE_PIXELS), new Int16Array(TILE_PIXELS), new Int16Array(TILE_PIXELS)] as const;
  rgbaToYCbCr(pixels, ...components);
  const [y, cb, cr] = components.map((component) => {
    forwardWavelet(component, new Int16Array(TILE_PIXELS));
    scaleDown(component, quant);
    for (let i = TILE_PIXELS - 1; i > LL3_OFFSET; i--) component[i] = (component[i] ?? 0) - (component[i - 1] ?? 0);
    return encodeRlgr(mode, component);
  }) as [Uint8Array, Uint8Array, Uint8Array];
  return { ...place, quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, y, cb, cr };
}

function scaleDown(coefficients: Int16Array, quant: Quantization): void {
  let at = 0;
  BAND_SIZES.forEach((size, band) => {
    const shift = Math.max(0, (quant[band] ?? 0) - QUANTIZATION_BASE);
    const half = shift > 0 ? 1 << (shift - 1) : 0;
    for (const end = at + size; at < end; at++) coefficients[at] = ((coefficients[at] ?? 0) + half) >> shift;
  });
}
