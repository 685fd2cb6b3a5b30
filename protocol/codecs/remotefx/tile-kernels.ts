import { compile, type Exported } from '../web-assembly.ts';
import { lumaToRgba, yCbCrToRgba } from './colour.ts';
import { QUANTIZATION_BASE, type Quantization, SUB_BANDS } from './quantization.ts';
import { decodeRlgr, RlgrMode } from './rlgr.ts';
import { TILE_MODULE } from './tile-module.ts';
import { inverseLevel, TILE_PIXELS, TILE_SIZE, type TileLayout, WAVELET_SCRATCH } from './wavelet.ts';

/**
 * The hot loops of decoding a tile, and the memory they work in: 64×64 numbers for each of three components. All decoders share them,
 * so what is in them is good until somebody decodes the next tile.
 *
 * There are two, with the same results to the bit: plain TypeScript, and WebAssembly with vectors of 128 bits.
 */
export interface TileKernels {
  readonly name: 'typescript' | 'webassembly';
  readonly y: Int16Array;
  readonly cb: Int16Array;
  readonly cr: Int16Array;
  /** The painted tile, `0xAABBGGRR`: 64 rows, kept as such, since making a view takes longer than copying what it shows. */
  readonly rows: readonly Uint32Array[];
  /**
   * Decodes a stream into one of the three components ([MS-RDPRFX] 3.1.8.1.7.3).
   * @returns the index of the first coefficient that is not zero, `TILE_PIXELS` where there is none
   * @throws DecodeError where a code runs past what 16 bits can hold
   */
  readonly decodeRlgr: (mode: RlgrMode, source: Uint8Array, component: Int16Array) => number;
  /**
   * Makes coefficients of what `decodeRlgr` has left in a component: those of the coarsest band are sent as differences ([MS-RDPRFX] 3.1.8.1.6), and
   * each band is multiplied by the power of two that its quantization value names (3.1.8.2.3). All before `detailAt` are zero.
   */
  readonly dequantize: (component: Int16Array, layout: TileLayout, quant: Quantization, detailAt: number) => void;
  /** Coefficients of a component into samples, in place; all those before `detailAt` are zero. */
  readonly inverseWavelet: (component: Int16Array, layout: TileLayout, detailAt: number) => void;
  /**
   * The components into `rows`.
   * @param hasColour whether any number of `cb` and `cr` may be other than zero
   */
  readonly paint: (hasColour: boolean) => void;
}

/** The oracle, and what serves where WebAssembly is not to be had. */
export function plainTileKernels(): TileKernels {
  const y = new Int16Array(TILE_PIXELS);
  const cb = new Int16Array(TILE_PIXELS);
  const cr = new Int16Array(TILE_PIXELS);
  const scratch = new Int16Array(WAVELET_SCRATCH);
  const pixels = new Uint32Array(TILE_PIXELS);
  return {
    name: 'typescript',
    y,
    cb,
    cr,
    rows: rowsOf(pixels),
    decodeRlgr(mode, source, component) {
      decodeRlgr(mode, source, component);
      return firstNonzero(component);
    },
    dequantize(component, { bands }, quant, detailAt) {
      for (let i = bands.at(-1)!.offset + 1; i < TILE_PIXELS; i++) component[i] = component[i]! + component[i - 1]!;
      bands.forEach(({ offset, size }, band) => {
        const bits = quant[band]! - QUANTIZATION_BASE;
        if (bits <= 0) return;
        const end = offset + size;
        for (let i = Math.max(offset, detailAt); i < end; i++) component[i] = component[i]! << bits;
      });
    },
    inverseWavelet(component, { levels }, detailAt) {
      for (const level of levels) inverseLevel(component, level, scratch, detailAt);
    },
    paint(hasColour) {
      if (hasColour) yCbCrToRgba(y, cb, cr, pixels);
      else lumaToRgba(y, pixels);
    },
  };
}

/** Undefined where `compile` says so. */
export function webAssemblyTileKernels(): TileKernels | undefined {
  const tile = compile<TileModule>(TILE_MODULE)?.();
  if (tile === undefined) return undefined;
  const { buffer } = tile.memory;
  const [y, cb, cr] = [0, 1, 2].map(
    (index) => new Int16Array(buffer, tile.components.value + index * 2 * TILE_PIXELS, TILE_PIXELS),
  ) as [Int16Array, Int16Array, Int16Array];
  const quantization = new Uint8Array(buffer, tile.quantization.value, SUB_BANDS.length);
  const stream = new Uint8Array(buffer, tile.stream.value, tile.streamSize.value);
  return {
    name: 'webassembly',
    y,
    cb,
    cr,
    rows: rowsOf(new Uint32Array(buffer, tile.pixels.value, TILE_PIXELS)),
    decodeRlgr(mode, source, component) {
      if (source.length <= stream.length) {
        stream.set(source);
        const rlgr1 = mode === RlgrMode.rlgr1 ? 1 : 0;
        const isGood = tile.decodeRlgr(rlgr1, source.length, component.byteOffset);
        if (isGood) return tile.firstNonzero(component.byteOffset);
      }
      // Too long for a tile on the wire, or damaged: who says what is wrong is the other one.
      decodeRlgr(mode, source, component);
      return firstNonzero(component);
    },
    dequantize(component, layout, quant, detailAt) {
      for (let band = 0; band < quantization.length; band++) quantization[band] = quant[band]!;
      tile.dequantize(component.byteOffset, isExtrapolated(layout), detailAt);
    },
    inverseWavelet(component, layout) {
      tile.inverseWavelet(component.byteOffset, isExtrapolated(layout));
    },
    paint(hasColour) {
      if (hasColour) tile.paint();
      else tile.paintLuma();
    },
  };
}

/** The fastest there is. */
export const tileKernels: TileKernels = webAssemblyTileKernels() ?? plainTileKernels();

/** Index of the first coefficient that is not zero; chroma and smooth pictures have none for long. */
export function firstNonzero(coefficients: Int16Array): number {
  let at = 0;
  while (at < TILE_PIXELS && coefficients[at] === 0) at++;
  return at;
}

/** Of the two layouts that there are, as a number for the kernels: whether levels have more low-pass coefficients than high-pass ones. */
function isExtrapolated({ levels }: TileLayout): number {
  return levels[0]!.low > levels[0]!.high ? 1 : 0;
}

function rowsOf(pixels: Uint32Array): Uint32Array[] {
  return Array.from({ length: TILE_SIZE }, (_, y) => pixels.subarray(y * TILE_SIZE, (y + 1) * TILE_SIZE));
}

/** What `assembly/tile.ts` exports. Addresses are bytes from the memory's start. */
interface TileModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly components: Exported;
  readonly pixels: Exported;
  readonly stream: Exported;
  readonly streamSize: Exported;
  readonly quantization: Exported;
  readonly decodeRlgr: (rlgr1: number, size: number, output: number) => number;
  readonly firstNonzero: (component: number) => number;
  readonly dequantize: (component: number, extrapolated: number, detailAt: number) => void;
  readonly inverseWavelet: (component: number, extrapolated: number) => void;
  readonly paint: () => void;
  readonly paintLuma: () => void;
}
