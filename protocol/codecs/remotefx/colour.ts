import { OPAQUE_BLACK } from '../pixel-target.ts';
import { TILE_PIXELS } from './wavelet.ts';

/**
 * [MS-RDPRFX] 3.1.8.2.5: RemoteFX keeps Y, Cb and Cr as signed values with five bits of fraction, Y lowered by 128.
 * The factors here are the specification's, scaled by two to the fourteenth: the most that leaves every sum of
 * 16-bit components inside 32 bits. Its share of Cr in blue, 0.000013, is less than that resolves.
 */
const SCALE_BITS = 14;
const CR_TO_RED = Math.round(1.402525 * (1 << SCALE_BITS));
const CB_TO_GREEN = Math.round(0.34373 * (1 << SCALE_BITS));
const CR_TO_GREEN = Math.round(0.714401 * (1 << SCALE_BITS));
const CB_TO_BLUE = Math.round(1.769905 * (1 << SCALE_BITS));
const FRACTION_BITS = 5;
const LUMA_SHIFT = 128 << FRACTION_BITS;

/** Colours are rounded to the nearest, as the picture in [MS-RDPRFX] 4.2.4.4 is. */
const HALF = 1 << (FRACTION_BITS - 1);

/** What `limitToByte` has, in this module, where the compiler knows it for a constant: that saves a tenth of the whole. */
const LIMITED_ZERO = 4096;
const LIMITED = Uint8Array.from({ length: 2 * LIMITED_ZERO }, (_, i) => Math.min(Math.max(i - LIMITED_ZERO, 0), 255));

/** A tile's three components into 64×64 pixels, each `0xAABBGGRR` with full alpha. */
export function yCbCrToRgba(y: Int16Array, cb: Int16Array, cr: Int16Array, pixels: Uint32Array): void {
  for (let i = 0; i < TILE_PIXELS; i++) {
    const luma = (y[i]! + LUMA_SHIFT + HALF) << SCALE_BITS;
    const blueness = cb[i]!;
    const redness = cr[i]!;
    const red = luma + Math.imul(redness, CR_TO_RED);
    const green = luma - Math.imul(blueness, CB_TO_GREEN) - Math.imul(redness, CR_TO_GREEN);
    const blue = luma + Math.imul(blueness, CB_TO_BLUE);
    pixels[i] = OPAQUE_BLACK | (limit(blue) << 16) | (limit(green) << 8) | limit(red);
  }
}

/** The same for a tile without colour. */
export function lumaToRgba(y: Int16Array, pixels: Uint32Array): void {
  for (let i = 0; i < TILE_PIXELS; i++) {
    const grey = limit((y[i]! + LUMA_SHIFT + HALF) << SCALE_BITS);
    pixels[i] = OPAQUE_BLACK | (grey * 0x010101);
  }
}

/** A value with all its fraction bits to an 8-bit sample. */
function limit(value: number): number {
  return LIMITED[(value >> (SCALE_BITS + FRACTION_BITS)) + LIMITED_ZERO]!;
}

/** 64×64 pixels into a tile's three components; the server's side. */
export function rgbaToYCbCr(pixels: Uint32Array, y: Int16Array, cb: Int16Array, cr: Int16Array): void {
  for (let i = 0; i < TILE_PIXELS; i++) {
    const pixel = pixels[i] ?? 0;
    const red = pixel & 0xff;
    const green = (pixel >>> 8) & 0xff;
    const blue = (pixel >>> 16) & 0xff;
    const scale = 1 << FRACTION_BITS;
    y[i] = Math.round((0.299 * red + 0.587 * green + 0.114 * blue) * scale) - LUMA_SHIFT;
    cb[i] = Math.round((-0.168935 * red - 0.331665 * green + 0.50059 * blue) * scale);
    cr[i] = Math.round((0.499813 * red - 0.418531 * green - 0.081282 * blue) * scale);
  }
}
