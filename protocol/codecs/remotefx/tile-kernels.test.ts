import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT } from '../progressive/wavelet.ts';
import { RlgrMode } from './rlgr.ts';
import { encodeRlgr } from './rlgr-encoder.ts';
import { plainTileKernels, type TileKernels, tileKernels, webAssemblyTileKernels } from './tile-kernels.ts';
import { TILE_PIXELS } from './wavelet.ts';

const plain = plainTileKernels();
const fast = webAssemblyTileKernels();
assert.ok(fast !== undefined, 'Node has WebAssembly with vectors');

/** A small generator of its own: arrays of 4096 from fast-check take longer than what is tested. */
function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state >>> 8;
  };
}

/** Coefficients as pictures have them, most of them zero; and now and then ones that no picture has. */
function coefficients(seed: number, spread: number, density: number): Int16Array {
  const next = noise(seed);
  return Int16Array.from({ length: TILE_PIXELS }, () =>
    next() % 100 < density ? (next() % (2 * spread)) - spread : 0,
  );
}

const ALL = fc.record({
  seed: fc.integer({ min: 1, max: 1 << 30 }),
  spread: fc.constantFrom(1, 8, 300, 4096, 32_768),
  density: fc.constantFrom(0, 1, 10, 60, 100),
});

describe('tile kernels in WebAssembly do what those in TypeScript do, to the bit', () => {
  it('are the ones that decoders take', () => assert.equal(tileKernels.name, 'webassembly'));

  for (const [name, mode] of Object.entries(RlgrMode)) {
    it(`${name}: what our encoder wrote`, () => {
      fc.assert(
        fc.property(ALL, ({ seed, spread, density }) => {
          const stream = encodeRlgr(mode, coefficients(seed, spread, density));
          assert.deepEqual(decoded(fast, mode, stream), decoded(plain, mode, stream));
        }),
        { numRuns: 60 },
      );
    });

    it(`${name}: whatever bytes, cut off anywhere`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(1, 0xff, 0x0f, 0x81), (bytes, mask) => {
          const stream = bytes.map((byte) => (mask === 1 ? byte : byte & mask));
          assert.deepEqual(decoded(fast, mode, stream), decoded(plain, mode, stream));
        }),
        { numRuns: 400 },
      );
    });

    it(`${name}: prefixes that end around the longest there is, and those that do not end`, () => {
      for (const ones of [32_760, 32_767, 32_768, 32_769, 32_775, 32_784, 40_000, 600_000]) {
        const stream = new Uint8Array(Math.ceil(ones / 8) + 8).fill(0xff, 0, ones >> 3);
        stream[ones >> 3] = 0xff00 >> (ones & 7);
        assert.deepEqual(decoded(fast, mode, stream), decoded(plain, mode, stream), `${ones}`);
      }
    });
  }

  for (const [name, layout] of Object.entries({ ORIGINAL_LAYOUT, EXTRAPOLATED_LAYOUT })) {
    it(`makes coefficients: ${name}`, () => {
      const values = fc.uint8Array({ minLength: 10, maxLength: 10, max: 31 });
      fc.assert(
        fc.property(ALL, fc.nat(TILE_PIXELS), values, ({ seed, spread, density }, detailAt, quant) => {
          const input = coefficients(seed, spread, density).fill(0, 0, detailAt);
          for (const kernels of [plain, fast]) {
            kernels.y.fill(-21_555);
            kernels.cr.fill(4711);
            kernels.cb.set(input);
            kernels.dequantize(kernels.cb, layout, quant, detailAt);
          }
          assert.deepEqual(fast.cb, plain.cb);
          assert.deepEqual(fast.y, plain.y);
          assert.deepEqual(fast.cr, plain.cr);
        }),
        { numRuns: 60 },
      );
    });

    it(`transforms back: ${name}`, () => {
      fc.assert(
        fc.property(ALL, fc.nat(TILE_PIXELS), ({ seed, spread, density }, detailAt) => {
          const input = coefficients(seed, spread, density).fill(0, 0, detailAt);
          // Neighbours hold rubbish: vectors reach past a line's end, and must not past the component's.
          for (const kernels of [plain, fast]) {
            kernels.y.fill(-21_555);
            kernels.cr.fill(4711);
            kernels.cb.set(input);
            kernels.inverseWavelet(kernels.cb, layout, detailAt);
          }
          assert.deepEqual(fast.cb, plain.cb);
          assert.deepEqual(fast.y, plain.y);
          assert.deepEqual(fast.cr, plain.cr);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('paints, any numbers', () => {
    fc.assert(
      fc.property(ALL, ALL, fc.boolean(), (luma, chroma, hasColour) => {
        for (const kernels of [plain, fast]) {
          kernels.y.set(coefficients(luma.seed, luma.spread, luma.density));
          kernels.cb.set(coefficients(chroma.seed, chroma.spread, hasColour ? chroma.density : 0));
          kernels.cr.set(coefficients(chroma.seed + 1, chroma.spread, hasColour ? chroma.density : 0));
          kernels.paint(hasColour);
        }
        assert.deepEqual(fast.rows, plain.rows);
        if (hasColour) return;
        fast.paint(true);
        assert.deepEqual(fast.rows, plain.rows);
      }),
      { numRuns: 60 },
    );
  });
});

function decoded(kernels: TileKernels, mode: RlgrMode, stream: Uint8Array): unknown {
  try {
    return { detailAt: kernels.decodeRlgr(mode, stream, kernels.cr), numbers: kernels.cr.slice() };
  } catch (error) {
    return { error };
  }
}
