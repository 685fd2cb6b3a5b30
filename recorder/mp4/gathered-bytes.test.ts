import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatheredBytes } from './gathered-bytes.ts';

test('bytes are taken as they came, however they came and in whatever pieces', () => {
  const lengths = fc.array(fc.nat(20), { maxLength: 30 });
  fc.assert(
    fc.property(lengths, lengths, (pushed, wanted) => {
      const gathered = new GatheredBytes();
      const taken: number[] = [];
      let given = 0;
      for (let i = 0; i < Math.max(pushed.length, wanted.length); i++) {
        gathered.push(Uint8Array.from({ length: pushed[i] ?? 0 }, () => given++));
        const length = wanted[i] ?? 0;
        const seen = gathered.peek(length);
        const bytes = gathered.take(length);
        assert.deepEqual(seen, bytes);
        assert.equal(bytes !== undefined, taken.length + length <= given);
        assert.equal(bytes?.length ?? length, length);
        taken.push(...(bytes ?? []));
      }
      assert.deepEqual(
        taken,
        Array.from(taken, (_, i) => i & 0xff),
      );
    }),
  );
});
