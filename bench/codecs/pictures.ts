import type { PixelSource } from '../../protocol/codecs/pixel-target.ts';

/** Pictures to encode, made by arithmetic alone so that every engine makes the same. Pixels are `0xAABBGGRR`. */

export const WIDTH = 1024;
export const HEIGHT = 768;

/** A desktop as administrators see it: windows of text, flat areas, title bars with a gradient. */
export function officePicture(width = WIDTH, height = HEIGHT): PixelSource {
  const words = new Uint32Array(width * height);
  const random = generator(7);
  words.fill(0xff604020);
  for (let window = 0; window < 4; window++) {
    const left = 30 + window * 120;
    const top = 20 + window * 90;
    fill(words, width, height, left, top, 640, 440, () => 0xfff8f8f8);
    fill(
      words,
      width,
      height,
      left,
      top,
      640,
      24,
      (x) => (0xff000000 | ((200 - (x >> 3)) << 16) | (90 << 8) | 40) >>> 0,
    );
    for (let line = 0; line < 24; line++) {
      for (let column = 0; column < 76; column++) {
        if (random() < 0.18) continue;
        // A glyph: strokes with a grey edge, as smoothed fonts have.
        const glyph = Math.floor(random() * 0xffff);
        fill(words, width, height, left + 10 + column * 8, top + 34 + line * 16, 7, 12, (x, y) => {
          const stroke = ((glyph >> ((x + y * 3) & 15)) & 1) === 1;
          return stroke ? 0xff101010 : ((glyph >> ((x * 5 + y) & 15)) & 3) === 3 ? 0xff909090 : 0xfff8f8f8;
        });
      }
    }
  }
  return { words, stride: width, x: 0, y: 0, width, height };
}

/** Something like a photograph or a film: smooth shapes with noise. */
export function photoPicture(width = WIDTH, height = HEIGHT): PixelSource {
  const words = new Uint32Array(width * height);
  const random = generator(11);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const noise = random() * 8;
      const red = 128 + 90 * Math.sin(x / 61) * Math.cos(y / 83) + noise;
      const green = 128 + 80 * Math.sin((x + y) / 97) + noise;
      const blue = 128 + 100 * Math.cos(x / 140 - y / 45) + noise;
      words[y * width + x] = (0xff000000 | (clamp(blue) << 16) | (clamp(green) << 8) | clamp(red)) >>> 0;
    }
  }
  return { words, stride: width, x: 0, y: 0, width, height };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

function fill(
  words: Uint32Array,
  stride: number,
  rows: number,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: (x: number, y: number) => number,
): void {
  for (let y = 0; y < height && top + y < rows; y++) {
    for (let x = 0; x < width && left + x < stride; x++) words[(top + y) * stride + left + x] = colour(x, y);
  }
}

/** Numbers from 0 to 1, the same on every engine (a 32-bit xorshift). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
