import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import { createPixelTarget, type RowOrder } from './pixel-target.ts';
import { decodePlanar } from './planar.ts';

/** Streams worked out by hand from [MS-RDPEGDI] 2.2.2.5.1 and 3.1.9. */

/** Decodes and gives back RGB values row by row, top row first. */
function decode(stream: number[], width: number, height: number, order?: RowOrder): number[][] {
  const bytes = new Uint8Array(width * height * 4).fill(0x55);
  const target = createPixelTarget(bytes, width, { x: 0, y: 0, width, height });
  decodePlanar(Uint8Array.from(stream), target, order);
  return Array.from({ length: height }, (_, row) =>
    [...target.words.subarray(row * width, (row + 1) * width)].map((word) => {
      assert.equal(word >>> 24, 255, 'a pixel is not opaque');
      return ((word & 0xff) << 16) | (word & 0xff00) | ((word >>> 16) & 0xff);
    }),
  );
}

const RLE = 0x10;
const NO_ALPHA = 0x20;
const SUBSAMPLED = 0x08;

describe('planar, RGB', () => {
  it('raw planes, bottom row first, with the pad byte and without', () => {
    const planes = [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24];
    const expected = [
      [0x030d17, 0x040e18],
      [0x010b15, 0x020c16],
    ];
    assert.deepEqual(decode([NO_ALPHA, ...planes, 0], 2, 2), expected);
    assert.deepEqual(decode([NO_ALPHA, ...planes], 2, 2), expected);
    assert.deepEqual(decode([NO_ALPHA, ...planes], 2, 2, 'top-down'), expected.toReversed());
  });

  it('raw planes behind an alpha plane', () => {
    assert.deepEqual(decode([0, 0x80, 0x70, 1, 2, 11, 12, 21, 22, 0], 2, 1), [[0x010b15, 0x020c16]]);
  });

  it('segments: raw values and a run of the last; a row that begins with a run begins with zero', () => {
    // Red: 5, 6, then 6 three times. Green: zero five times. Blue: 7 five times.
    const stream = [RLE | NO_ALPHA, 0x23, 5, 6, 0x05, 0x14, 7];
    assert.deepEqual(decode(stream, 5, 1), [[0x050007, 0x060007, 0x060007, 0x060007, 0x060007]]);
  });

  it('long runs: low nibble 1 adds 16, low nibble 2 adds 32', () => {
    const row = [...Array(17).fill(9), ...Array(33).fill(9)];
    const plane = [0x10, 9, 0x01, 0x12];
    const stream = [RLE | NO_ALPHA, ...plane, ...plane, ...plane];
    assert.deepEqual(decode(stream, 50, 1), [row.map((value) => value * 0x010101)]);
    // 47 and 31 are the longest of each kind.
    const zeros = [0xf2, 0xf1];
    assert.deepEqual(decode([RLE | NO_ALPHA, ...zeros, ...zeros, ...zeros], 78, 1), [Array(78).fill(0)]);
  });

  it('further rows: differences with the sign in the lowest bit, modulo 256', () => {
    // 10 + 3 = 13 (6), 10 - 3 = 7 (5), 10 + 0 (0), 10 - 128 = 138 (255).
    const plane = [0x13, 10, 0x40, 6, 5, 0, 255];
    const stream = [RLE | NO_ALPHA, ...plane, ...plane, ...plane];
    assert.deepEqual(decode(stream, 4, 2), [[13, 7, 10, 138].map((v) => v * 0x010101), Array(4).fill(0x0a0a0a)]);
    // A run repeats the difference, not the value; 250 + 3 * 2 wraps.
    const run = [0x13, 250, 0x13, 4, 0x13, 4, 0x13, 4];
    assert.deepEqual(decode([RLE | NO_ALPHA, ...run, ...run, ...run], 4, 4)[0], Array(4).fill(0x000000));
  });

  it('passes over a run-length encoded alpha plane', () => {
    assert.deepEqual(decode([RLE, 0x13, 0xff, 0x13, 2, 0x13, 3, 0x04], 4, 1), [Array(4).fill(0x020300)]);
  });
});

describe('planar, AYCoCg', () => {
  const LOSS_1 = 1;
  const LOSS_3 = 3;

  it('loss level 1: chroma as it is', () => {
    // R = Y + Co - Cg, G = Y + Cg, B = Y - Co - Cg with Y 100, Co 20, Cg -10; the first byte is alpha.
    assert.deepEqual(decode([LOSS_1, 0xff, 100, 20, 0xf6, 0], 1, 1), [[(130 << 16) | (90 << 8) | 90]]);
  });

  it('without alpha, red and blue change places: [MS-RDPEGDI] 3.1.9.1.2', () => {
    assert.deepEqual(decode([NO_ALPHA | LOSS_1, 100, 20, 0xf6, 0], 1, 1), [[(90 << 16) | (90 << 8) | 130]]);
  });

  it('loss levels 2 to 7: chroma shifted left, keeping its sign', () => {
    assert.deepEqual(decode([LOSS_3, 0xff, 100, 5, 0xfd, 0], 1, 1), [[(132 << 16) | (88 << 8) | 92]]);
    for (let level = 1; level <= 7; level++) {
      // The smallest chroma of each sign that the level leaves: a bit of weight 2^level, of which half enters.
      const step = 1 << (level - 1);
      const expected = ((100 + 2 * step) << 16) | ((100 - step) << 8) | 100;
      assert.deepEqual(decode([level, 0xff, 100, 1, 0xff, 0], 1, 1), [[expected]], `level ${level}`);
    }
  });

  it('limits colours to a byte', () => {
    assert.deepEqual(decode([LOSS_1, 0xff, 250, 100, 0, 0], 1, 1), [[(255 << 16) | (250 << 8) | 150]]);
    assert.deepEqual(decode([LOSS_1, 0xff, 10, 0, 0x9c, 0], 1, 1), [[(110 << 16) | (0 << 8) | 110]]);
  });

  it('subsampled chroma of odd sizes is rounded up: each sample serves two by two pixels', () => {
    const luma = Array(9).fill(100);
    const orange = [0, 10, 20, 30];
    const green = [0, 0, 0, 0];
    const pixel = (co: number) => ((100 - co) << 16) | (100 << 8) | (100 + co);
    const raw = [NO_ALPHA | SUBSAMPLED | LOSS_1, ...luma, ...orange, ...green, 0];
    const expected = [
      [pixel(20), pixel(20), pixel(30)],
      [pixel(0), pixel(0), pixel(10)],
      [pixel(0), pixel(0), pixel(10)],
    ];
    assert.deepEqual(decode(raw, 3, 3), expected);
    // The same run-length encoded: luma rows of three, chroma rows of two with differences of 20.
    const planes = [0x30, 100, 100, 100, 0x03, 0x03, 0x20, 0, 10, 0x20, 40, 40, 0x20, 0, 0, 0x20, 0, 0];
    assert.deepEqual(decode([RLE | NO_ALPHA | SUBSAMPLED | LOSS_1, ...planes], 3, 3), expected);
  });
});

describe('planar padding', () => {
  it('is passed over, whatever its length', () => {
    const black = [Array(4).fill(0), Array(4).fill(0)];
    for (const padding of [[], [0], [7, 7, 7]]) {
      assert.deepEqual(decode([RLE | NO_ALPHA, ...Array(6).fill(0x04), ...padding], 4, 2), black);
      assert.deepEqual(decode([NO_ALPHA, ...Array(24).fill(0), ...padding], 4, 2), black);
    }
  });
});

describe('planar refusals', () => {
  const refuse = (stream: number[], code: string, field: string) =>
    assert.throws(() => decode(stream, 4, 2), { name: 'DecodeError', code, field });

  it('names the plane that is short', () => {
    refuse([], 'truncated', 'FormatHeader');
    refuse([NO_ALPHA, 1, 2, 3], 'truncated', 'LumaOrRedPlane');
    refuse([RLE, 0x04], 'truncated', 'AlphaPlane');
    refuse([RLE | NO_ALPHA, 0x04, 0x04, 0x04], 'truncated', 'OrangeChromaOrGreenPlane');
    refuse([RLE | NO_ALPHA, 0x04, 0x04, 0x04, 0x04, 0x04, 0x40, 1, 2], 'truncated', 'GreenChromaOrBluePlane');
    refuse([RLE | NO_ALPHA | 1, 0x04, 0x04, 0x04], 'truncated', 'OrangeChromaOrGreenPlane');
  });

  it('refuses segments that leave their row, and subsampling without chroma', () => {
    refuse([RLE | NO_ALPHA, 0x05], 'invalid_value', 'LumaOrRedPlane');
    refuse([RLE | NO_ALPHA, 0x32, 1, 2, 3], 'invalid_value', 'LumaOrRedPlane');
    refuse([RLE | NO_ALPHA | 1, 0x05], 'invalid_value', 'LumaOrRedPlane');
    refuse([RLE | NO_ALPHA | SUBSAMPLED, ...Array(6).fill(0x04)], 'invalid_value', 'FormatHeader');
  });

  it('takes any bytes without harm', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x03, 0x04, 0x10, 0x13, 0x01, 0x02, 0x20));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.array(byte, { maxLength: 300 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        (header, stream, width, height) => {
          const bytes = new Uint8Array((width + 2) * (height + 2) * 4).fill(0x55);
          const target = createPixelTarget(bytes, width + 2, { x: 1, y: 1, width, height });
          try {
            decodePlanar(Uint8Array.of(header, ...stream), target);
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
