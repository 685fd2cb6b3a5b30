import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteCut, copyOf, sizeOfParts } from './byte-cut.ts';
import { joinBytes } from './bytes.ts';

describe('ByteCut', () => {
  it('keeps ranges in order and what is put between them, in as few parts as it can', () => {
    const step = fc.record({ skip: fc.nat(3), keep: fc.nat(4), insert: fc.option(fc.uint8Array({ maxLength: 3 })) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const source = Uint8Array.from({ length: 7 * steps.length }, (_, i) => i & 0xff);
        const cut = new ByteCut(source);
        const expected: number[] = [];
        let at = 0;
        for (const { skip, keep, insert } of steps) {
          at += skip;
          cut.keep(at, at + keep);
          expected.push(...source.subarray(at, at + keep));
          at += keep;
          if (insert === null) continue;
          cut.insert(insert);
          expected.push(...insert);
        }
        const parts = cut.finish();
        assert.deepEqual([...joinBytes(parts)], expected);
        assert.equal(sizeOfParts(parts), expected.length);
      }),
    );
  });

  it('is the source itself where all of it stays, and one part where ranges touch', () => {
    const source = Uint8Array.of(1, 2, 3, 4, 5);
    const whole = new ByteCut(source);
    whole.keep(0, 2);
    whole.keep(2, 5);
    assert.equal(whole.finish()[0], source);
    const part = new ByteCut(source);
    part.keep(1, 2);
    part.keep(2, 4);
    assert.deepEqual(part.finish(), [Uint8Array.of(2, 3, 4)]);
    assert.deepEqual(new ByteCut(source).finish(), []);
  });
});

describe('copyOf', () => {
  it('shares nothing, also with buffers whose slice does', () => {
    const source = Buffer.from([1, 2, 3, 4]);
    const copy = copyOf(source, 1, 3);
    copy[0] = 9;
    assert.deepEqual([...source, ...copy], [1, 2, 3, 4, 9, 3]);
    assert.equal(copy.buffer.byteLength, 2);
  });
});
