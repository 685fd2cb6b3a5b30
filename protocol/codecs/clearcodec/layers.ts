import type { ReadCursor } from '../../core/cursor.ts';

/** [MS-RDPEGFX] 2.2.4.1 CLEARCODEC_BITMAP_STREAM, `flags`. */
export const ClearCodecFlags = { glyphIndex: 0x01, glyphHit: 0x02, cacheReset: 0x04 } as const;

/** The parts of a picture, drawn one over the other in this order; each may be empty. */
export interface Layers {
  readonly residual: ReadCursor;
  readonly bands: ReadCursor;
  readonly subcodecs: ReadCursor;
}

/**
 * [MS-RDPEGFX] 2.2.4.1.1 CLEARCODEC_COMPOSITE_PAYLOAD.
 * @throws DecodeError where a layer is longer than what is left
 */
export function readLayers(cursor: ReadCursor): Layers {
  const residualBytes = cursor.u32('residualByteCount');
  const bandsBytes = cursor.u32('bandsByteCount');
  const subcodecBytes = cursor.u32('subcodecByteCount');
  return {
    residual: cursor.sub(residualBytes, 'residualData', 'CLEARCODEC_RESIDUAL_DATA'),
    bands: cursor.sub(bandsBytes, 'bandsData', 'CLEARCODEC_BANDS_DATA'),
    subcodecs: cursor.sub(subcodecBytes, 'subcodecData', 'CLEARCODEC_SUBCODEC_DATA'),
  };
}
