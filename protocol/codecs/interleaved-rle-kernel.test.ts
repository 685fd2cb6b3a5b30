import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeInterleavedRle } from './interleaved-rle.ts';
import { encodeInterleavedRle } from './interleaved-rle-encoder.ts';
import { type InterleavedRleKernel, interleavedRleKernel } from './interleaved-rle-kernel.ts';
import type { PixelTarget } from './pixel-target.ts';

assert.ok(interleavedRleKernel !== undefined, 'Node has WebAssembly with vectors');
const fast: InterleavedRleKernel = interleavedRleKernel;
/** The oracle: without a kernel, plain TypeScript decodes all there is. */
const none: InterleavedRleKernel = () => false;

const MARGIN = 3;
const DEPTHS = [15, 16, 24] as const;

function frame(width: number, height: number): PixelTarget {
  const stride = width + 2 * MARGIN;
  const words = new Uint32Array(stride * (height + 2 * MARGIN)).fill(0x12345678);
  return { words, stride, x: MARGIN, y: MARGIN, width, height };
}

/** The buffer behind the picture, or what was wrong. */
function decoded(
  stream: Uint8Array,
  width: number,
  height: number,
  depth: (typeof DEPTHS)[number],
  kernel: InterleavedRleKernel,
): unknown {
  const target = frame(width, height);
  try {
    decodeInterleavedRle(stream, target, depth, undefined, kernel);
    return target.words;
  } catch (error) {
    return error;
  }
}

describe('the kernel for interleaved RLE in WebAssembly does what plain TypeScript does', () => {
  it('with what our encoder wrote, which it decodes itself', () => {
    const side = fc.integer({ min: 8, max: 100 });
    const colors = fc.array(fc.nat(0xff_ffff), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(...DEPTHS), colors, fc.nat(40), (width, height, depth, all, noise) => {
        const source = frame(width, height);
        source.words.forEach((_, i) => {
          source.words[i] = 0xff000000 | all[((i / 7) ^ (i % 50 < noise ? i : i >> 8)) % all.length]!;
        });
        if (depth === 15) return;
        const stream = encodeInterleavedRle(source, depth);
        if (stream === undefined) return;
        const target = frame(width, height);
        assert.ok(fast(stream, target, depth));
        assert.deepEqual(target.words, decoded(stream, width, height, depth, none));
      }),
      { numRuns: 100 },
    );
  });

  it('with any orders, whole and cut off, at every depth', () => {
    // Orders that make few pixels, of all kinds and in all their forms; and now and then any byte.
    const word = fc.nat(0xff_ffff).map((color) => [color & 0xff, (color >> 8) & 0xff, color >> 16]);
    const small = fc.integer({ min: 0, max: 20 });
    const order = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.nat(4), small).map(([code, run]) => [(code << 5) | run]) },
      {
        weight: 4,
        arbitrary: fc.tuple(fc.constantFrom(0xc0, 0xd0, 0xe0), fc.nat(15)).map(([code, run]) => [code | run]),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.constantFrom(0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf6, 0xf7, 0xf8), small)
          .map(([code, run]) => [code, run, 0]),
      },
      { weight: 3, arbitrary: fc.constantFrom([0xf9], [0xfa], [0xfd], [0xfe], [0x00], [0x01, 0x01]) },
      { weight: 1, arbitrary: fc.nat(255).map((byte) => [byte]) },
      { weight: 3, arbitrary: word },
    );
    const streams = fc.array(order, { maxLength: 60 }).map((orders) => Uint8Array.from(orders.flat()));
    let whole = 0;
    fc.assert(
      fc.property(
        ...([
          streams,
          fc.integer({ min: 1, max: 70 }),
          fc.integer({ min: 1, max: 12 }),
          fc.constantFrom(...DEPTHS),
        ] as const),
        (stream, width, height, depth) => {
          if (fast(stream, frame(width, height), depth)) whole++;
          assert.deepEqual(decoded(stream, width, height, depth, fast), decoded(stream, width, height, depth, none));
        },
      ),
      { numRuns: 3000 },
    );
    assert.ok(whole > 300, `${whole} streams were decoded by the kernel`);
  });

  it('with every pixel of 15 and 16 bits', () => {
    for (const depth of [15, 16] as const) {
      const stream = new Uint8Array(3 + 2 * 0x8000);
      for (const high of [0, 0x8000]) {
        stream.set([0xf4, 0x00, 0x80]);
        for (let i = 0; i < 0x8000; i++) stream.set([(high + i) & 0xff, (high + i) >> 8], 3 + 2 * i);
        const target = frame(256, 128);
        assert.ok(fast(stream, target, depth));
        assert.deepEqual(target.words, decoded(stream, 256, 128, depth, none));
      }
    }
  });
});
