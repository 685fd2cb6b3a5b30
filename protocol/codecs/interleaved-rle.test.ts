import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import { decodeInterleavedRle, type InterleavedDepth } from './interleaved-rle.ts';
import { createPixelTarget } from './pixel-target.ts';

/** Streams worked out by hand from [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4 and 3.1.9. */

/** Decodes and gives back RGB values row by row, top row first. */
function decode(depth: InterleavedDepth, width: number, height: number, ...stream: number[]): number[][] {
  const bytes = new Uint8Array(width * height * 4).fill(0x55);
  const target = createPixelTarget(bytes, width, { x: 0, y: 0, width, height });
  decodeInterleavedRle(Uint8Array.from(stream), target, depth, GREY);
  return Array.from({ length: height }, (_, row) =>
    [...target.words.subarray(row * width, (row + 1) * width)].map((word) => {
      assert.equal(word >>> 24, 255, 'a pixel is not opaque');
      return ((word & 0xff) << 16) | (word & 0xff00) | ((word >>> 16) & 0xff);
    }),
  );
}

const GREY = Uint32Array.from({ length: 256 }, (_, i) => (0xff000000 | (i << 16) | (i << 8) | i) >>> 0);

const RED = 0xff0000;
const GREEN = 0x00ff00;
const WHITE = 0xffffff;
const BLACK = 0;
/** Wire forms: blue, green, red. */
const red = [0x00, 0x00, 0xff];
const green = [0x00, 0xff, 0x00];

describe('interleaved RLE orders at 24 bpp', () => {
  it('background run: black on the first row, the row before on the others', () => {
    assert.deepEqual(decode(24, 3, 1, 0x03), [[BLACK, BLACK, BLACK]]);
    // Bottom row is a color image; the row above it copies.
    assert.deepEqual(decode(24, 2, 2, 0x82, ...red, ...green, 0x02), [
      [RED, GREEN],
      [RED, GREEN],
    ]);
  });

  it('background run after background run: a foreground pixel between them', () => {
    assert.deepEqual(decode(24, 5, 1, 0x02, 0x03), [[BLACK, BLACK, WHITE, BLACK, BLACK]]);
    const stream = [0x84, ...red, ...red, ...red, ...red, 0x02, 0x02];
    assert.deepEqual(decode(24, 4, 2, ...stream)[0], [RED, RED, RED ^ WHITE, RED]);
  });

  it('background run that begins the second row after one that ended the first: no foreground pixel', () => {
    assert.deepEqual(decode(24, 2, 2, 0x02, 0x02), [
      [BLACK, BLACK],
      [BLACK, BLACK],
    ]);
  });

  it('foreground run: the foreground on the first row, XOR with the row before on the others', () => {
    assert.deepEqual(decode(24, 2, 1, 0x22), [[WHITE, WHITE]]);
    assert.deepEqual(decode(24, 2, 2, 0x82, ...red, ...green, 0x22), [
      [RED ^ WHITE, GREEN ^ WHITE],
      [RED, GREEN],
    ]);
  });

  it('set foreground, foreground run: keeps the new foreground', () => {
    assert.deepEqual(decode(24, 5, 1, 0xc3, ...red, 0x22), [[RED, RED, RED, RED, RED]]);
    assert.deepEqual(decode(24, 3, 1, 0xf6, 3, 0, ...green), [[GREEN, GREEN, GREEN]]);
  });

  it('foreground/background image: one mask bit a pixel, lowest first', () => {
    // Regular form counts in eights; length zero: the next byte plus one.
    assert.deepEqual(decode(24, 8, 1, 0x41, 0b10000101), [[WHITE, BLACK, WHITE, BLACK, BLACK, BLACK, BLACK, WHITE]]);
    assert.deepEqual(decode(24, 3, 1, 0x40, 2, 0b110), [[BLACK, WHITE, WHITE]]);
    assert.deepEqual(decode(24, 3, 2, 0x63, ...red, 0xd0, 2, ...green, 0b011), [
      [RED ^ GREEN, RED ^ GREEN, RED],
      [RED, RED, RED],
    ]);
    // A mask that spans rows goes on with its next bit.
    assert.deepEqual(decode(24, 2, 2, 0x62, ...red, 0x40, 1, 0b10), [
      [RED, RED ^ WHITE],
      [RED, RED],
    ]);
  });

  it('special foreground/background images: fixed masks 3 and 5', () => {
    assert.deepEqual(decode(24, 8, 1, 0xf9), [[WHITE, WHITE, BLACK, BLACK, BLACK, BLACK, BLACK, BLACK]]);
    assert.deepEqual(decode(24, 8, 1, 0xfa), [[WHITE, BLACK, WHITE, BLACK, BLACK, BLACK, BLACK, BLACK]]);
  });

  it('color run, in all three lengths', () => {
    assert.deepEqual(decode(24, 4, 1, 0x64, ...red), [[RED, RED, RED, RED]]);
    assert.deepEqual(decode(24, 33, 1, 0x60, 1, ...red), [Array(33).fill(RED)]);
    assert.deepEqual(decode(24, 300, 1, 0xf3, 0x2c, 0x01, ...red), [Array(300).fill(RED)]);
  });

  it('color image, in all three lengths', () => {
    assert.deepEqual(decode(24, 2, 1, 0x82, ...red, ...green), [[RED, GREEN]]);
    assert.deepEqual(decode(24, 32, 1, 0x80, 0, ...Array(32).fill(red).flat()), [Array(32).fill(RED)]);
    assert.deepEqual(decode(24, 2, 1, 0xf4, 2, 0, ...red, ...green), [[RED, GREEN]]);
  });

  it('dithered run: pairs, also across rows', () => {
    assert.deepEqual(decode(24, 4, 1, 0xe2, ...red, ...green), [[RED, GREEN, RED, GREEN]]);
    assert.deepEqual(decode(24, 3, 2, 0xf8, 3, 0, ...red, ...green), [
      [GREEN, RED, GREEN],
      [RED, GREEN, RED],
    ]);
  });

  it('black and white pixels', () => {
    assert.deepEqual(decode(24, 3, 1, 0xfd, 0xfe, 0xfd), [[WHITE, BLACK, WHITE]]);
  });

  it('a run over three rows', () => {
    assert.deepEqual(decode(24, 2, 3, 0x65, ...red, 0x81, ...green), [
      [RED, GREEN],
      [RED, RED],
      [RED, RED],
    ]);
  });
});

describe('interleaved RLE at other depths', () => {
  it('16 bpp: 5-6-5, widened so that full intensity is 255', () => {
    assert.deepEqual(decode(16, 3, 1, 0x83, 0x00, 0xf8, 0xe0, 0x07, 0x1f, 0x00), [[RED, GREEN, 0x0000ff]]);
    assert.deepEqual(decode(16, 1, 1, 0x81, 0x21, 0x08), [[(1 << 19) | (1 << 10) | (1 << 3)]]);
    // The foreground XORs the pixel as sent, not the widened one.
    assert.deepEqual(decode(16, 1, 2, 0x61, 0x10, 0x84, 0xc1, 0xff, 0xff), [[0x7b7d7b], [0x848284]]);
  });

  it('15 bpp: 5-5-5', () => {
    assert.deepEqual(decode(15, 3, 1, 0x83, 0x00, 0x7c, 0xe0, 0x03, 0x1f, 0x00), [[RED, GREEN, 0x0000ff]]);
    assert.deepEqual(decode(15, 1, 1, 0xfd), [[WHITE]]);
  });

  it('8 bpp: indexes are XORed, then looked up', () => {
    assert.deepEqual(decode(8, 2, 2, 0x82, 0x0f, 0x30, 0xc2, 0x01), [
      [0x0e0e0e, 0x313131],
      [0x0f0f0f, 0x303030],
    ]);
    assert.deepEqual(decode(8, 2, 1, 0xfd, 0xfe), [[WHITE, BLACK]]);
  });
});

describe('interleaved RLE that ends before its picture does', () => {
  const KEPT = 0xff123456;
  const decodeOnto = (depth: InterleavedDepth, ...stream: number[]) => {
    const words = new Uint32Array(6).fill(KEPT);
    const palette = Uint32Array.from({ length: 256 }, (_, index) => index);
    decodeInterleavedRle(
      Uint8Array.from(stream),
      { words, stride: 3, x: 0, y: 0, width: 3, height: 2 },
      depth,
      palette,
    );
    return [...words];
  };

  it('leaves the rest of the picture as it was', () => {
    const bgr = 0xff0000ff;
    assert.deepEqual(decodeOnto(24), Array(6).fill(KEPT));
    assert.deepEqual(decodeOnto(24, 0x62, ...red), [KEPT, KEPT, KEPT, bgr, bgr, KEPT]);
    assert.deepEqual(decodeOnto(24, 0x64, ...red), [bgr, KEPT, KEPT, bgr, bgr, bgr]);
  });

  it('at 8 bpp as well', () => {
    assert.deepEqual(decodeOnto(8), Array(6).fill(KEPT));
    assert.deepEqual(decodeOnto(8, 0x62, 7), [KEPT, KEPT, KEPT, 7, 7, KEPT]);
    assert.deepEqual(decodeOnto(8, 0x64, 7), [7, KEPT, KEPT, 7, 7, 7]);
    assert.deepEqual(decodeOnto(8, 0x66, 7), Array(6).fill(7));
  });
});

describe('interleaved RLE refusals', () => {
  const refuse = (code: string, field: string, ...stream: number[]) =>
    assert.throws(() => decode(24, 4, 2, ...stream), { name: 'DecodeError', code, field });

  it('names what is missing', () => {
    refuse('truncated', 'runLength', 0x00);
    refuse('truncated', 'runLength', 0xf0, 1);
    refuse('truncated', 'pixelA', 0x64, 0xff);
    refuse('truncated', 'pixelB', 0xe1, ...red, 0xff);
    refuse('truncated', 'pixels', 0x82, ...red);
    refuse('truncated', 'fgPel', 0xc1, 0);
    refuse('truncated', 'bitmask', 0x41);
  });

  it('refuses orders that do not exist and runs past the picture', () => {
    for (const order of [0xa1, 0xbf, 0xf5, 0xfb, 0xfc, 0xff]) refuse('invalid_value', 'orderHeader', order);
    refuse('invalid_value', 'runLength', 0x69, ...red);
    refuse('invalid_value', 'runLength', 0x66, ...red, 0x03);
    refuse('invalid_value', 'runLength', 0xe5, ...red, ...green);
    refuse('invalid_value', 'runLength', 0xf3, 0xff, 0xff, ...red);
  });

  it('takes any bytes without harm', () => {
    const order = fc.oneof(
      fc.integer({ min: 0, max: 0xff }).map((byte) => [byte]),
      fc.constantFrom([0x02], [0x22], [0x41, 0xa5], [0x63, 1, 2, 3], [0xf0, 5, 0], [0xe1, 1, 2, 3, 4, 5, 6], [0xf9]),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<InterleavedDepth>(8, 15, 16, 24),
        fc.array(order, { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        (depth, orders, width, height) => {
          const bytes = new Uint8Array((width + 2) * (height + 2) * 4).fill(0x55);
          const target = createPixelTarget(bytes, width + 2, { x: 1, y: 1, width, height });
          try {
            decodeInterleavedRle(Uint8Array.from(orders.flat()), target, depth, GREY);
          } catch (error) {
            assert.ok(error instanceof DecodeError);
          }
          target.words.forEach((word, at) => {
            const x = at % (width + 2);
            const y = (at - x) / (width + 2);
            if (x >= 1 && x <= width && y >= 1 && y <= height) return;
            assert.equal(word, 0x55555555, 'drew outside the picture');
          });
        },
      ),
      { numRuns: 2000 },
    );
  });
});
