import type { EncodedTile } from './blocks.ts';
import { rgbaToYCbCr } from './colour.ts';
import { QUANTIZATION_BASE, type Quantization } from './quantization.ts';
import type { RlgrMode } from './rlgr.ts';
import { encodeRlgr } from './rlgr-encoder.ts';
import { type TileKernels, tileKernels } from './tile-kernels.ts';
import { forwardWavelet, LAYOUT, TILE_PIXELS } from './wavelet.ts';

/** For a tile that names no quantization of those there are. */
const UNQUANTIZED = new Uint8Array(LAYOUT.bands.length);

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
    kernels.dequantize(output, LAYOUT, quant ?? UNQUANTIZED, detailAt);
    kernels.inverseWavelet(output, LAYOUT, detailAt);
    return true;
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
    for (let i = TILE_PIXELS - 1; i > LAYOUT.bands.at(-1)!.offset; i--)
      component[i] = (component[i] ?? 0) - (component[i - 1] ?? 0);
    return encodeRlgr(mode, component);
  }) as [Uint8Array, Uint8Array, Uint8Array];
  return { ...place, quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, y, cb, cr };
}

function scaleDown(coefficients: Int16Array, quant: Quantization): void {
  LAYOUT.bands.forEach(({ offset, size }, band) => {
    const shift = Math.max(0, (quant[band] ?? 0) - QUANTIZATION_BASE);
    const half = shift > 0 ? 1 << (shift - 1) : 0;
    for (let at = offset; at < offset + size; at++) coefficients[at] = ((coefficients[at] ?? 0) + half) >> shift;
  });
}
