// The hot loops of planar bitmaps, in AssemblyScript: run-length encoded planes and what pixels they make, with the results of ../planar.ts to
// the bit. `npm run build:wasm` makes ../planar-module.ts of it.
//
// Memory is laid out by hand, since nothing is ever allocated: three planes, pixels, and the stream to decode. Vectors are stored whole
// and only so much of them counted, so what comes next in a plane is written after what came before; behind each area is room for the last.

export const maxPixels: u32 = 512 * 512;
/** Longest stream that is decoded here. */
export const maxBytes: usize = 1024 * 1024;
/** A segment's run is 47 bytes at most. */
const SLACK: usize = 64;
const PLANE: usize = maxPixels + SLACK;

const planes: usize = 1024;
export const pixels: usize = planes + 3 * PLANE;
export const stream: usize = pixels + 4 * maxPixels + SLACK;

/**
 * Decodes the planes of a picture that begin `at` bytes into the stream, `end` bytes long, into `pixels`.
 * @param withAlpha whether a fourth plane comes before them, to be passed over
 * @returns false where the stream is damaged: planar.ts says how
 */
export function decodeRuns(at: u32, end: u32, width: u32, height: u32, withAlpha: bool): bool {
  const streamEnd = stream + end;
  let from = stream + at;
  if (withAlpha) from = decodePlane(from, streamEnd, planes, width, height);
  for (let plane: usize = 0; plane < 3 && from != 0; plane++) {
    from = decodePlane(from, streamEnd, planes + plane * PLANE, width, height);
  }
  if (from == 0) return false;
  interleave(planes, planes + PLANE, planes + 2 * PLANE, width * height);
  return true;
}

/** The same for planes that are not encoded, `at` bytes into the stream. */
export function combineRaw(at: u32, count: u32): void {
  const red = stream + at;
  interleave(red, red + count, red + 2 * count, count);
}

/** RDP6_RLE_SEGMENTS into a plane. @returns where the next one begins; 0 where this one is damaged */
function decodePlane(start: usize, end: usize, plane: usize, width: u32, height: u32): usize {
  let from = start;
  let to = plane;
  for (let row: u32 = 0; row < height; row++) {
    const rowStart = to;
    const rowEnd = to + width;
    let value: u32 = 0;
    while (to < rowEnd) {
      if (from >= end) return 0;
      const control: u32 = load<u8>(from++);
      const low = control & 0x0f;
      const high = control >>> 4;
      const isLongRun = low - 1 < 2;
      const run = select<u32>(high + (low << 4), low, isLongRun);
      const raw = select<u32>(0, high, isLongRun);
      if (raw + run > ((rowEnd - to) as u32) || from + raw > end) return 0;
      if (raw > 0) {
        const coded = v128.load(from);
        v128.store(to, row == 0 ? coded : differences(coded));
        from += raw;
        to += raw;
        value = load<u8>(to - 1);
      }
      const repeated = i8x16.splat(value as i8);
      v128.store(to, repeated);
      if (run > 16) {
        v128.store(to, repeated, 16);
        v128.store(to, repeated, 32);
      }
      to += run;
    }
    if (row == 0) continue;
    // Differences to the row before: all of them at once.
    for (let x: usize = rowStart; x < rowEnd; x += 16) {
      v128.store(x, i8x16.add(v128.load(x), v128.load(x - width)));
    }
  }
  return from;
}

/** Sixteen differences, whose sign is in the lowest bit. */
// @ts-ignore: decorator
@inline
function differences(coded: v128): v128 {
  const one = i8x16.splat(1);
  return v128.xor(i8x16.shr_u(coded, 1), i8x16.neg(v128.and(coded, one)));
}

/** Three planes into pixels `0xAABBGGRR`, with full alpha. */
function interleave(red: usize, green: usize, blue: usize, count: u32): void {
  const opaque = i8x16.splat(-1);
  let to = pixels;
  for (let i: u32 = 0; i < count; i += 16) {
    const r = v128.load(red + i);
    const g = v128.load(green + i);
    const b = v128.load(blue + i);
    const redGreen0 = v128.shuffle<i8>(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const redGreen1 = v128.shuffle<i8>(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const blueAlpha0 = v128.shuffle<i8>(b, opaque, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const blueAlpha1 = v128.shuffle<i8>(b, opaque, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(to, v128.shuffle<i16>(redGreen0, blueAlpha0, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to, v128.shuffle<i16>(redGreen0, blueAlpha0, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    v128.store(to, v128.shuffle<i16>(redGreen1, blueAlpha1, 0, 8, 1, 9, 2, 10, 3, 11), 32);
    v128.store(to, v128.shuffle<i16>(redGreen1, blueAlpha1, 4, 12, 5, 13, 6, 14, 7, 15), 48);
    to += 64;
  }
}
