import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeAlpha } from './alpha.ts';

const target = () => ({ words: new Uint32Array(8).fill(0x00aabbcc), stride: 4, x: 1, y: 0, width: 2, height: 2 });

describe('decodeAlpha', () => {
  it('sets the alpha of raw and of run-length streams and leaves colours', () => {
    const raw = target();
    decodeAlpha(Uint8Array.of(0x4c, 0x41, 0, 0, 1, 2, 3, 4), raw);
    assert.deepEqual(
      [...raw.words],
      [0xaabbcc, 0x1aabbcc, 0x2aabbcc, 0xaabbcc, 0xaabbcc, 0x3aabbcc, 0x4aabbcc, 0xaabbcc],
    );
    const runs = target();
    decodeAlpha(Uint8Array.of(0x4c, 0x41, 1, 0, 9, 3, 0xff, 0xff, 1, 0), runs);
    assert.deepEqual([runs.words[1], runs.words[5], runs.words[6]], [0x9aabbcc, 0x9aabbcc, 0xffaabbcc]);
  });

  it('refuses a wrong signature, short streams and runs past the picture', () => {
    assert.throws(() => decodeAlpha(Uint8Array.of(1, 2, 0, 0), target()), { field: 'alphaSig' });
    assert.throws(() => decodeAlpha(Uint8Array.of(0x4c, 0x41, 0, 0, 1), target()), { code: 'truncated' });
    assert.throws(() => decodeAlpha(Uint8Array.of(0x4c, 0x41, 1, 0, 9, 5), target()), { field: 'runLength' });
  });
});
