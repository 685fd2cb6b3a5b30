import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../../core/errors.ts';
import { decodeRlgr, RlgrMode } from './rlgr.ts';
import { encodeRlgr } from './rlgr-encoder.ts';

const coefficients = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: -20, max: 20 }) },
      { weight: 1, arbitrary: fc.integer({ min: -4096, max: 4096 }) },
    ),
    { minLength: 1, maxLength: 300 },
  )
  .map((values) => Int16Array.from(values));

for (const [name, mode] of Object.entries(RlgrMode)) {
  describe(`RLGR (${name})`, () => {
    it('round trips any coefficients', () => {
      fc.assert(
        fc.property(coefficients, (input) => {
          const output = new Int16Array(input.length).fill(-1);
          decodeRlgr(mode, encodeRlgr(mode, input), output);
          assert.deepEqual([...output], [...input]);
        }),
        { numRuns: 300 },
      );
    });

    it('leaves coefficients zero that the stream does not reach', () => {
      const output = new Int16Array(8).fill(7);
      decodeRlgr(mode, new Uint8Array(0), output);
      assert.deepEqual([...output], [0, 0, 0, 0, 0, 0, 0, 0]);
    });

    it('throws nothing but DecodeError on random bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
          try {
            decodeRlgr(mode, noise, new Int16Array(4096));
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        }),
        { numRuns: 300 },
      );
    });
  });
}

describe('RLGR by hand', () => {
  it('reads a run, its end and the next code as the specification steps through them', () => {
    // k=1: run bit 1 (no whole run), 1 remaining zero in k bits, sign 0, Golomb-Rice 0+kr(1) bit 1 => magnitude 2.
    // kp falls to 2, k to 0, krp from 8 to 6, kr to 0: then Golomb-Rice 1 1 0 with kr 0 => code 2 => +1.
    const stream = Uint8Array.of(0b11001_110, 0);
    const output = new Int16Array(3);
    decodeRlgr(RlgrMode.rlgr1, stream, output);
    assert.deepEqual([...output], [0, 2, 1]);
  });
});
