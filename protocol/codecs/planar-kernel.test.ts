import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PixelTarget } from './pixel-target.ts';
import { decodePlanar, FormatHeader } from './planar.ts';
import { encodePlanar } from './planar-encoder.ts';
import { type PlanarKernel, planarKernel } from './planar-kernel.ts';

assert.ok(planarKernel !== undefined, 'Node has WebAssembly with vectors');
const fast: PlanarKernel = planarKernel;
/** The oracle: without a kernel, plain TypeScript decodes all there is. */
const none: PlanarKernel = () => false;

const MARGIN = 3;
const { rle, noAlpha } = FormatHeader;

function frame(width: number, height: number): PixelTarget {
  const stride = width + 2 * MARGIN;
  const words = new Uint32Array(stride * (height + 2 * MARGIN)).fill(0x12345678);
  return { words, stride, x: MARGIN, y: MARGIN, width, height };
}

/** The buffer behind the picture, or what was wrong. */
function decoded(stream: Uint8Array, width: number, height: number, kernel: PlanarKernel): unknown {
  const target = frame(width, height);
  try {
    decodePlanar(stream, target, 'bottom-up', kernel);
    return target.words;
  } catch (error) {
    return error;
  }
}

const side = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }) }, fc.constantFrom(64, 128));

describe('the planar kernel in WebAssembly does what plain TypeScript does', () => {
  it('with what our encoder wrote, which it decodes itself', () => {
    fc.assert(
      fc.property(side, side, fc.array(fc.nat(0xff_ffff), { minLength: 1, maxLength: 40 }), (width, height, colors) => {
        const source = frame(width, height);
        // Runs, rows that repeat, and where there are many colours planes that are not encoded.
        source.words.forEach((_, i) => {
          source.words[i] = 0xff000000 | colors[((i / 5) ^ (i >> 9)) % colors.length]!;
        });
        const stream = encodePlanar(source);
        const planes = { at: 1, withAlpha: false, runLength: (stream[0]! & rle) !== 0 };
        const target = frame(width, height);
        assert.ok(fast(stream, planes, target, 'bottom-up'));
        assert.deepEqual(target.words, decoded(stream, width, height, none));
      }),
      { numRuns: 100 },
    );
  });

  it('with any segments, whole and cut off, with and without alpha', () => {
    // Controls that fill rows of any width, and often leave them.
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0x04, 0x03, 0x10, 0x13, 0x01, 0x02, 0xf2, 0x31, 0x00));
    const bytes = fc.array(byte, { maxLength: 600 }).map((all) => Uint8Array.from(all));
    fc.assert(
      fc.property(
        fc.constantFrom(0, rle, noAlpha, rle | noAlpha),
        bytes,
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 6 }),
        (header, stream, width, height) => {
          const all = Uint8Array.of(header, ...stream);
          assert.deepEqual(decoded(all, width, height, fast), decoded(all, width, height, none));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('with rows of every width, alpha before them', () => {
    for (let width = 1; width <= 70; width++) {
      const plane = (value: number) => {
        const row = [];
        for (let left = width; left > 0; left -= 15)
          row.push(Math.min(15, left) << 4, ...Array(Math.min(15, left)).fill(value));
        return [...row, ...row, ...row];
      };
      const stream = Uint8Array.of(rle, ...plane(1), ...plane(20), ...plane(31), ...plane(255));
      const target = frame(width, 3);
      assert.ok(fast(stream, { at: 1, withAlpha: true, runLength: true }, target, 'bottom-up'));
      assert.deepEqual(target.words, decoded(stream, width, 3, none));
    }
  });

  it('leaves what its memory does not hold to it', () => {
    const [width, height] = [1024, 300];
    const source = frame(width, height);
    const stream = encodePlanar(source);
    const target = frame(width, height);
    assert.equal(fast(stream, { at: 1, withAlpha: false, runLength: true }, target, 'bottom-up'), false);
    assert.deepEqual(decoded(stream, width, height, fast), decoded(stream, width, height, none));
  });
});
