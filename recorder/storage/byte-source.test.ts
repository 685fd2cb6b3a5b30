import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ByteSource, bytesSource, readAhead } from './byte-source.ts';

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);

test('reading ahead: any part is as it is without, in any order', async () => {
  const part = fc.tuple(fc.nat(310_000), fc.oneof(fc.nat(300), fc.nat(200_000)));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 20 }), async (parts) => {
      const ahead = readAhead(bytesSource(BYTES));
      for (const [position, length] of parts) {
        const bytes = await ahead.read(position, length);
        assert.ok(bytes.equals(BYTES.subarray(position, position + length)), `${length} bytes at ${position}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('reading ahead: small pieces in a row are read once, and what is not readable behind them costs none of them', async () => {
  let reads = 0;
  const whole = bytesSource(BYTES);
  const torn: ByteSource = {
    size: whole.size,
    read: async (position, length) => {
      reads += 1;
      if (position + length > 100_000) throw new Error('not as it was written');
      return whole.read(position, length);
    },
    close: () => whole.close(),
  };
  const ahead = readAhead(torn);
  for (let at = 0; at < 30_000; at += 100) await ahead.read(at, 100);
  assert.equal(reads, 1);
  for (let at = 30_000; at < 100_000; at += 100) {
    assert.ok((await ahead.read(at, 100)).equals(BYTES.subarray(at, at + 100)));
  }
  await assert.rejects(ahead.read(100_000, 100), /not as it was written/);
});
