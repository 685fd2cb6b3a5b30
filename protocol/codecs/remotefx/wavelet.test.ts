import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { forwardWavelet, inverseWavelet, TILE_PIXELS, TILE_SIZE } from './wavelet.ts';

const scratch = new Int16Array(TILE_PIXELS);

function largestDifference(a: Int16Array, b: Int16Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}

describe('RemoteFX wavelet', () => {
  it('gives a flat tile from a flat LL3 band alone', () => {
    const tile = new Int16Array(TILE_PIXELS);
    tile.fill(1234, 4032);
    inverseWavelet(tile, scratch);
    assert.deepEqual(new Set(tile), new Set([1234]));
  });

  it('spreads one LL3 coefficient symmetrically around its place, at full height in the middle', () => {
    const tile = new Int16Array(TILE_PIXELS);
    tile[4032 + 3 * 8 + 4] = 512;
    inverseWavelet(tile, scratch);
    assert.equal(tile[24 * TILE_SIZE + 32], 512);
    for (let d = 1; d < 8; d++) {
      const [left, right] = [tile[24 * TILE_SIZE + 32 - d] ?? 0, tile[24 * TILE_SIZE + 32 + d] ?? 0];
      assert.equal(left, right);
      assert.equal(left, 512 - 64 * d);
    }
    assert.equal(tile[24 * TILE_SIZE + 24], 0);
  });

  it('is undone by its inverse within the halved high bands rounding', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4096, max: 4095 }), { minLength: 64, maxLength: 64 }), (row) => {
        const samples = Int16Array.from({ length: TILE_PIXELS }, (_, i) => row[(i + (i >> 6) * 3) % 64] ?? 0);
        const tile = samples.slice();
        forwardWavelet(tile, scratch);
        inverseWavelet(tile, scratch);
        assert.ok(largestDifference(tile, samples) <= 12, `off by ${largestDifference(tile, samples)}`);
      }),
      { numRuns: 40 },
    );
  });

  it('loses nothing where the signal is smooth', () => {
    const samples = Int16Array.from({ length: TILE_PIXELS }, (_, i) => (i & 63) * 32 + (i >> 6) * 16);
    const tile = samples.slice();
    forwardWavelet(tile, scratch);
    inverseWavelet(tile, scratch);
    assert.ok(largestDifference(tile, samples) <= 1);
  });
});
