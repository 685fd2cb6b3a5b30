import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { limitToByte } from './limit-to-byte.ts';
import { firstRowStart, OPAQUE_BLACK, type PixelTarget, type RowOrder, rowStep } from './pixel-target.ts';

const CONTEXT = 'NSCODEC_BITMAP_STREAM';
/** The last bytes of a run-length encoded plane are always raw: [MS-RDPNSC] 2.2.2.1 `EndData`. */
const RAW_TAIL = 4;
const LONG_RUN = 0xff;

/** Sizes of the planes of a `width` × `height` picture. [MS-RDPNSC] 3.1.8.1.3, chroma at half size. */
export function nsCodecPlaneSizes(
  width: number,
  height: number,
  subsampled: boolean,
): { readonly lumaStride: number; readonly luma: number; readonly chromaStride: number; readonly chroma: number } {
  if (!subsampled) return { lumaStride: width, luma: width * height, chromaStride: width, chroma: width * height };
  const lumaStride = (width + 7) & ~7;
  const chromaStride = lumaStride >> 1;
  return { lumaStride, luma: lumaStride * height, chromaStride, chroma: chromaStride * ((height + 1) >> 1) };
}

/**
 * NSCodec, [MS-RDPNSC] 2.2.2 and 3.1.8: AYCoCg planes, run-length encoded or raw, with chroma of reduced depth
 * and, if the stream says so, of half the size. Alpha is read past: a desktop is opaque.
 */
export function decodeNsCodec(source: Uint8Array, target: PixelTarget, order: RowOrder): void {
  const cursor = new ReadCursor(source, CONTEXT);
  const lumaBytes = cursor.u32('LumaPlaneByteCount');
  const orangeBytes = cursor.u32('OrangeChromaPlaneByteCount');
  const greenBytes = cursor.u32('GreenChromaPlaneByteCount');
  const alphaBytes = cursor.u32('AlphaPlaneByteCount');
  const colorLossLevel = cursor.u8('ColorLossLevel');
  if (colorLossLevel < 1 || colorLossLevel > 7) {
    throw new DecodeError('invalid_value', CONTEXT, 'ColorLossLevel', 16, `${colorLossLevel} is not 1 to 7`);
  }
  const subsampled = cursor.u8('ChromaSubsamplingLevel') !== 0;
  cursor.skip(2, 'Reserved');

  const { words, width, height } = target;
  const sizes = nsCodecPlaneSizes(width, height, subsampled);
  const luma = readPlane(cursor, lumaBytes, sizes.luma, 'LumaPlane');
  const orange = readPlane(cursor, orangeBytes, sizes.chroma, 'OrangeChromaPlane');
  const green = readPlane(cursor, greenBytes, sizes.chroma, 'GreenChromaPlane');
  cursor.skip(alphaBytes, 'AlphaPlane');

  // The chroma was shifted right to lose depth; shifted back, its top bit is the sign.
  const shift = colorLossLevel - 1 + 24;
  const half = subsampled ? 1 : 0;
  const step = rowStep(target, order);
  let row = firstRowStart(target, order);
  for (let y = 0; y < height; y++, row += step) {
    const lumaRow = y * sizes.lumaStride;
    const chromaRow = (y >> half) * sizes.chromaStride;
    for (let x = 0; x < width; x++) {
      const chromaAt = chromaRow + (x >> half);
      const co = (orange[chromaAt]! << shift) >> 24;
      const cg = (green[chromaAt]! << shift) >> 24;
      const brightness = luma[lumaRow + x]!;
      const red = limitToByte(brightness + co - cg);
      const greenness = limitToByte(brightness + cg);
      const blue = limitToByte(brightness - co - cg);
      words[row + x] = OPAQUE_BLACK | (blue << 16) | (greenness << 8) | red;
    }
  }
}

/** A plane of `size` bytes from `byteCount` encoded ones; raw when the counts are the same. */
function readPlane(cursor: ReadCursor, byteCount: number, size: number, field: string): Uint8Array {
  const start = cursor.position;
  const encoded = cursor.bytes(byteCount, field);
  if (byteCount === size) return encoded;
  if (byteCount > size) {
    throw new DecodeError('invalid_value', CONTEXT, field, start, `${byteCount} bytes for a plane of ${size}`);
  }
  if (size < RAW_TAIL) throw new DecodeError('invalid_value', CONTEXT, field, start, 'too small to be encoded');
  return decodeRuns(encoded, size, field, start);
}

/** [MS-RDPNSC] 2.2.2.1 NSCODEC_COMPRESSED_PLANE: a value twice and a count is a run, a value alone is itself. */
function decodeRuns(encoded: Uint8Array, size: number, field: string, offset: number): Uint8Array {
  const plane = new Uint8Array(size);
  const runsEnd = size - RAW_TAIL;
  const sourceEnd = encoded.length - RAW_TAIL;
  let at = 0;
  let from = 0;
  const fail = (detail: string): DecodeError =>
    new DecodeError('invalid_value', CONTEXT, field, offset + Math.min(from, encoded.length), detail);
  while (at < runsEnd) {
    if (from >= sourceEnd) throw fail('the plane is not filled');
    const value = encoded[from++] ?? 0;
    if (from >= sourceEnd || encoded[from] !== value || runsEnd - at < 2) {
      plane[at++] = value;
      continue;
    }
    from++;
    if (from >= sourceEnd) throw fail('a run without its length');
    const short = encoded[from++] ?? 0;
    let length = short + 2;
    if (short === LONG_RUN) {
      if (from + 4 > sourceEnd) throw fail('a long run without its length');
      length =
        ((encoded[from] ?? 0) |
          ((encoded[from + 1] ?? 0) << 8) |
          ((encoded[from + 2] ?? 0) << 16) |
          ((encoded[from + 3] ?? 0) << 24)) >>>
        0;
      from += 4;
    }
    if (length > runsEnd - at) throw fail(`a run of ${length} runs past the plane`);
    plane.fill(value, at, at + length);
    at += length;
  }
  if (from !== sourceEnd) throw fail('bytes are left over');
  plane.set(encoded.subarray(sourceEnd), runsEnd);
  return plane;
}
