import type { ReadCursor } from '../../core/cursor.ts';

/**
 * The ten sub-bands of a 64×64 tile in the order their coefficients are stored, finest first. [MS-RDPRFX] 3.1.8.1.5.
 */
export const SUB_BANDS = ['HL1', 'LH1', 'HH1', 'HL2', 'LH2', 'HH2', 'HL3', 'LH3', 'HH3', 'LL3'] as const;
export type SubBand = (typeof SUB_BANDS)[number];

/** A quantization value for each sub-band, in the order of `SUB_BANDS`. */
export type Quantization = Uint8Array;

/** The values are 6 at least; what lies below is the fraction that coefficients carry. */
export const QUANTIZATION_BASE = 1;

/** [MS-RDPRFX] 2.2.2.1.5 TS_RFX_CODEC_QUANT: ten 4-bit values in five bytes, coarsest band first. */
const WIRE_ORDER: readonly SubBand[] = ['LL3', 'LH3', 'HL3', 'HH3', 'LH2', 'HL2', 'HH2', 'LH1', 'HL1', 'HH1'];

export const SIZE_OF_QUANTIZATION = 5;

export function decodeQuantization(cursor: ReadCursor): Quantization {
  return readNibbles(cursor, WIRE_ORDER);
}

/** Reads five bytes as ten nibbles, low half first, for the bands named in `order`. */
export function readNibbles(cursor: ReadCursor, order: readonly SubBand[]): Quantization {
  const values = new Uint8Array(SUB_BANDS.length);
  const bytes = cursor.bytes(SIZE_OF_QUANTIZATION, 'quantVals');
  order.forEach((band, index) => {
    const byte = bytes[index >> 1] ?? 0;
    values[SUB_BANDS.indexOf(band)] = index & 1 ? byte >> 4 : byte & 0x0f;
  });
  return values;
}

export function encodeQuantization(values: Quantization): Uint8Array {
  return packNibbles(values, WIRE_ORDER);
}

/** The ten values as five bytes, low half first, in the order of the bands given: what `readNibbles` reads. */
export function packNibbles(values: Quantization, order: readonly SubBand[]): Uint8Array {
  const bytes = new Uint8Array(SIZE_OF_QUANTIZATION);
  order.forEach((band, index) => {
    const value = (values[SUB_BANDS.indexOf(band)] ?? 0) & 0x0f;
    bytes[index >> 1] = (bytes[index >> 1] ?? 0) | (index & 1 ? value << 4 : value);
  });
  return bytes;
}
