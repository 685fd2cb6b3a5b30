import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BufferPool } from './buffer-pool.ts';

describe('BufferPool', () => {
  it('gives a buffer again that was given back', () => {
    const pool = new BufferPool();
    const first = pool.take(5000);
    assert.ok(first.length >= 5000);
    assert.notEqual(pool.take(5000), first);
    pool.release(first);
    assert.equal(pool.take(8000), first);
  });

  it('takes no views of others and keeps no more than its limit', () => {
    const pool = new BufferPool(8192);
    const view = Buffer.alloc(16_384).subarray(0, 8192);
    pool.release(view);
    assert.notEqual(pool.take(8192), view);
    const [one, two] = [pool.take(8192), pool.take(8192)];
    pool.release(one);
    pool.release(two);
    assert.equal(pool.take(8192), one);
    assert.notEqual(pool.take(8192), two);
  });

  it('gives what is small or huge as well', () => {
    const pool = new BufferPool();
    for (const size of [0, 10, 3_000_000]) assert.equal(pool.take(size).length, size);
  });
});
