/**
 * Whether two rectangles of one size look the same. Both pictures are `0xAABBGGRR` words with `stride` pixels a row; the rectangles
 * begin at `from` and at `to`.
 */
export type Likeness = (
  one: Int32Array,
  from: number,
  other: Int32Array,
  to: number,
  stride: number,
  size: { readonly width: number; readonly height: number },
) => boolean;

export const exactly: Likeness = (one, from, other, to, stride, { width, height }) => {
  for (let row = 0; row < height; row++) {
    let a = from + row * stride;
    let b = to + row * stride;
    const end = b + width;
    while (b < end) if (other[b++] !== one[a++]) return false;
  }
  return true;
};

/**
 * What one text differs by from itself elsewhere once a lossy codec has been at it: of RemoteFX as servers send it, 99 of 100 squares
 * of 16 pixels are below this mean of squares (31 dB), and no channel of a pixel differs by more than 47.
 */
const MAX_MEAN_SQUARE = 50;
const MAX_DIFFERENCE = 56;

/** Alike but for the noise of a lossy codec. What is of low contrast may hide in it, until it is drawn exactly. */
export const withinNoise: Likeness = (one, from, other, to, stride, { width, height }) => {
  const limit = MAX_MEAN_SQUARE * 3 * width * height;
  let squares = 0;
  for (let row = 0; row < height; row++) {
    let a = from + row * stride;
    let b = to + row * stride;
    const end = b + width;
    for (; b < end; a++, b++) {
      const p = one[a]!;
      const q = other[b]!;
      if (p === q) continue;
      const red = (p & 0xff) - (q & 0xff);
      const green = ((p >>> 8) & 0xff) - ((q >>> 8) & 0xff);
      const blue = ((p >>> 16) & 0xff) - ((q >>> 16) & 0xff);
      if (Math.max(red, -red, green, -green, blue, -blue) > MAX_DIFFERENCE) return false;
      squares += red * red + green * green + blue * blue;
    }
    if (squares > limit) return false;
  }
  return true;
};
