import { WriteCursor } from '../core/cursor.ts';
import { nsCodecPlaneSizes } from './nscodec.ts';
import { firstRowStart, type PixelSource, type RowOrder, rowStep } from './pixel-target.ts';

/** The server's side of NSCodec, [MS-RDPNSC] 3.1.8: exact where `colorLossLevel` is 1 up to the halving of chroma. */
export function encodeNsCodec(
  source: PixelSource,
  order: RowOrder,
  options: { readonly colorLossLevel: number; readonly subsampled: boolean },
): Uint8Array {
  const { width, height } = source;
  const sizes = nsCodecPlaneSizes(width, height, options.subsampled);
  const luma = new Uint8Array(sizes.luma);
  const orange = new Float64Array(sizes.chroma);
  const green = new Float64Array(sizes.chroma);
  const samples = new Uint8Array(sizes.chroma);
  const half = options.subsampled ? 1 : 0;
  const step = rowStep(source, order);
  let row = firstRowStart(source, order);
  for (let y = 0; y < height; y++, row += step) {
    for (let x = 0; x < width; x++) {
      const pixel = source.words[row + x] ?? 0;
      const red = pixel & 0xff;
      const greenness = (pixel >>> 8) & 0xff;
      const blue = (pixel >>> 16) & 0xff;
      luma[y * sizes.lumaStride + x] = (red >> 2) + (greenness >> 1) + (blue >> 2);
      const at = (y >> half) * sizes.chromaStride + (x >> half);
      orange[at] = (orange[at] ?? 0) + (red - blue) / 2;
      green[at] = (green[at] ?? 0) + (2 * greenness - red - blue) / 4;
      samples[at] = (samples[at] ?? 0) + 1;
    }
  }
  const reduce = (sums: Float64Array): Uint8Array =>
    Uint8Array.from(
      sums,
      (sum, i) => (Math.round(sum / Math.max(samples[i] ?? 1, 1)) >> (options.colorLossLevel - 1)) & 0xff,
    );
  const planes = [luma, reduce(orange), reduce(green)].map(encodePlane);
  const cursor = new WriteCursor(20 + planes.reduce((sum, plane) => sum + plane.length, 0));
  for (const plane of planes) cursor.u32(plane.length);
  cursor.u32(0);
  cursor.u8(options.colorLossLevel);
  cursor.u8(options.subsampled ? 1 : 0);
  cursor.u16(0);
  for (const plane of planes) cursor.bytes(plane);
  return cursor.finish();
}

/** Run-length encoded when that is shorter, else raw. */
function encodePlane(plane: Uint8Array): Uint8Array {
  const runsEnd = plane.length - 4;
  const bytes: number[] = [];
  for (let at = 0; at < runsEnd; ) {
    const value = plane[at] ?? 0;
    let length = 1;
    while (at + length < runsEnd && plane[at + length] === value) length++;
    at += length;
    if (length === 1) bytes.push(value);
    else if (length - 2 < 0xff) bytes.push(value, value, length - 2);
    else bytes.push(value, value, 0xff, length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, length >>> 24);
  }
  if (runsEnd < 0 || bytes.length >= runsEnd) return plane;
  return Uint8Array.from([...bytes, ...plane.subarray(runsEnd)]);
}
