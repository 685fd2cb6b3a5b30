// Interleaved RLE of 15, 16 and 24 bits per pixel, in AssemblyScript, with the results of ../interleaved-rle.ts to the bit, which says what the
// orders mean. `npm run build:wasm` makes ../interleaved-rle-module.ts of it.
//
// Rows lie one behind another, so that an order is one run of pixels wherever rows end. Vectors are stored whole and only so much of them
// counted: what comes next is written over the rest, and behind each area is room for the last.

export const maxPixels: u32 = 512 * 512;
/** Longest stream that is decoded here. */
export const maxBytes: usize = 1024 * 1024;
/** A vector's pixels at least stand between one and the one above it. */
export const leastWidth: u32 = 8;
const SLACK: usize = 64;

export const pixels: usize = 1024;
export const stream: usize = pixels + 4 * maxPixels + SLACK;

const BACKGROUND: u32 = 0;
const FOREGROUND: u32 = 1;
const FOREGROUND_BACKGROUND: u32 = 2;
const COLOR: u32 = 3;
const IMAGE: u32 = 4;
const DITHERED: u32 = 5;

const BLACK: u32 = 0xff000000;
const COLOR_MASK: u32 = 0x00ffffff;

/**
 * Decodes the stream, `size` bytes at `stream`, into `pixels`, in the order of the stream.
 * @returns how many pixels it held; -1 where it is damaged: interleaved-rle.ts says how
 */
export function decode(size: u32, width: u32, height: u32, depth: u32): i32 {
  const end = stream + size;
  const bytesPerPixel: usize = depth == 24 ? 3 : 2;
  const above: usize = 4 * width;
  const secondRow = pixels + above;
  const last = pixels + 4 * width * height;
  let from: usize = stream;
  let to: usize = pixels;
  let foreground: u32 = COLOR_MASK;
  let insertForeground = false;
  let firstRow = true;
  while (to < last && from < end) {
    if (firstRow && to >= secondRow) {
      firstRow = false;
      insertForeground = false;
    }
    const header: u32 = load<u8>(from++);
    let order: u32;
    let run: u32;
    let setsForeground = false;
    let first: u32 = BLACK;
    let second: u32 = 0;
    let mask: u32 = 0;
    let masksAreSent = true;
    if (header < 0xa0) {
      order = header >>> 5;
      run = header & 0x1f;
      if (run == 0) {
        if (from >= end) return -1;
        run = (load<u8>(from++) as u32) + (order == FOREGROUND_BACKGROUND ? 1 : 32);
      } else if (order == FOREGROUND_BACKGROUND) run *= 8;
    } else if (header >= 0xc0 && header < 0xf0) {
      run = header & 0x0f;
      order = header < 0xd0 ? FOREGROUND : header < 0xe0 ? FOREGROUND_BACKGROUND : DITHERED;
      setsForeground = order != DITHERED;
      if (run == 0) {
        if (from >= end) return -1;
        run = (load<u8>(from++) as u32) + (order == FOREGROUND_BACKGROUND ? 1 : 16);
      } else if (order == FOREGROUND_BACKGROUND) run *= 8;
    } else if (header >= 0xf0 && header <= 0xf8 && header != 0xf5) {
      if (from + 2 > end) return -1;
      run = load<u16>(from);
      from += 2;
      order = header & 0x0f;
      if (header == 0xf8) order = DITHERED;
      else if (header >= 0xf6) {
        order = header == 0xf6 ? FOREGROUND : FOREGROUND_BACKGROUND;
        setsForeground = true;
      }
    } else if (header == 0xf9 || header == 0xfa) {
      order = FOREGROUND_BACKGROUND;
      run = 8;
      mask = header == 0xf9 ? 0x03 : 0x05;
      masksAreSent = false;
    } else if (header == 0xfd || header == 0xfe) {
      order = COLOR;
      run = 1;
      if (header == 0xfd) first = 0xffffffff;
    } else return -1;

    if (order == DITHERED) run *= 2;
    if (run > (((last - to) as u32) >>> 2)) return -1;
    if (setsForeground) {
      if (from + bytesPerPixel > end) return -1;
      foreground = pixelAt(from, depth) & COLOR_MASK;
      from += bytesPerPixel;
    } else if (order == IMAGE) {
      if (from + run * bytesPerPixel > end) return -1;
    } else if (order == DITHERED || (order == COLOR && header < 0xfd)) {
      if (from + bytesPerPixel > end) return -1;
      first = pixelAt(from, depth);
      from += bytesPerPixel;
      if (order == DITHERED) {
        if (from + bytesPerPixel > end) return -1;
        second = pixelAt(from, depth);
        from += bytesPerPixel;
      }
    }

    const stop = to + 4 * run;
    if (order == BACKGROUND) {
      let at = to;
      if (insertForeground && run > 0) {
        store<u32>(at, (firstRow ? BLACK : load<u32>(at - above)) ^ foreground);
        at += 4;
      }
      if (firstRow) fill(at, stop, i32x4.splat(BLACK));
      else for (; at < stop; at += 16) v128.store(at, v128.load(at - above));
    } else if (order == FOREGROUND) {
      const paint = i32x4.splat(foreground);
      if (firstRow) fill(to, stop, i32x4.splat(BLACK ^ foreground));
      else for (let at = to; at < stop; at += 16) v128.store(at, v128.xor(v128.load(at - above), paint));
    } else if (order == FOREGROUND_BACKGROUND) {
      const paint = i32x4.splat(foreground);
      for (let at = to; at < stop; at += 32) {
        if (masksAreSent) {
          if (from >= end) return -1;
          mask = load<u8>(from++);
        }
        const black = i32x4.splat(BLACK);
        const before0 = firstRow ? black : v128.load(at - above);
        v128.store(at, v128.xor(before0, v128.and(paint, chosen(mask))));
        const before1 = firstRow ? black : v128.load(at + 16 - above);
        v128.store(at + 16, v128.xor(before1, v128.and(paint, chosen(mask >>> 4))));
      }
    } else if (order == COLOR) fill(to, stop, i32x4.splat(first));
    else if (order == DITHERED) fill(to, stop, i64x2.splat((first as u64) | ((second as u64) << 32)));
    else {
      for (let at = to; at < stop; at += 16, from += 4 * bytesPerPixel) v128.store(at, fourPixels(from, depth));
      // The last four may have been fewer.
      from -= (4 * bytesPerPixel * ((run + 3) >>> 2)) as usize;
      from += run * bytesPerPixel;
    }
    to = stop;
    insertForeground = order == BACKGROUND;
  }
  return ((to - pixels) >>> 2) as i32;
}

// @ts-ignore: decorator
@inline
function fill(from: usize, stop: usize, value: v128): void {
  for (let at = from; at < stop; at += 16) v128.store(at, value);
}

/** All bits of each lane whose bit, from the lowest on, is set. */
// @ts-ignore: decorator
@inline
function chosen(mask: u32): v128 {
  const bits = i32x4(1, 2, 4, 8);
  return i32x4.eq(v128.and(i32x4.splat(mask), bits), bits);
}

function pixelAt(from: usize, depth: u32): u32 {
  return i32x4.extract_lane(fourPixels(from, depth), 0);
}

/** Four pixels of the stream to words `0xAABBGGRR`. */
// @ts-ignore: decorator
@inline
function fourPixels(from: usize, depth: u32): v128 {
  const opaque = i32x4.splat(BLACK);
  if (depth == 24) {
    return v128.shuffle<i8>(v128.load(from), opaque, 2, 1, 0, 31, 5, 4, 3, 31, 8, 7, 6, 31, 11, 10, 9, 31);
  }
  const words = v128.load_ext<u16>(from);
  const five = i32x4.splat(0x1f);
  const blue = v128.and(words, five);
  let green: v128;
  let red: v128;
  if (depth == 16) {
    green = v128.and(i32x4.shr_u(words, 5), i32x4.splat(0x3f));
    red = v128.and(i32x4.shr_u(words, 11), five);
    green = v128.or(i32x4.shl(green, 2), i32x4.shr_u(green, 4));
  } else {
    green = v128.and(i32x4.shr_u(words, 5), five);
    red = v128.and(i32x4.shr_u(words, 10), five);
    green = widen5(green);
  }
  return v128.or(v128.or(opaque, i32x4.shl(widen5(blue), 16)), v128.or(i32x4.shl(green, 8), widen5(red)));
}

/** Top bits repeat into the low ones. */
// @ts-ignore: decorator
@inline
function widen5(value: v128): v128 {
  return v128.or(i32x4.shl(value, 3), i32x4.shr_u(value, 2));
}
