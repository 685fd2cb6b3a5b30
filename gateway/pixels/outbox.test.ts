import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { encodeToHost, type ToHost } from './ipc.ts';
import { Outbox, Patience } from './outbox.ts';

function update(size: number, fill: number): ToHost {
  return { kind: 'update', session: 3, at: 1234.5, update: { code: 1, data: new Uint8Array(size).fill(fill) } };
}

/** What an outbox has written, copied before it says that it is done with it. */
function written(): { outbox: Outbox; writes: Buffer[] } {
  const writes: Buffer[] = [];
  const outbox = new Outbox((bytes, done) => {
    writes.push(Buffer.from(bytes));
    bytes.fill(0xdd);
    done();
  });
  return { outbox, writes };
}

describe('Outbox', () => {
  it('writes what it was given, byte for byte and in order, whatever its size', () => {
    const { outbox, writes } = written();
    const sizes = [0, 1, 5000, 70_000, 3, 65_536, 60_000, 10_000, 2_000_000, 1];
    const messages: ToHost[] = sizes.flatMap((size, i): ToHost[] => [
      update(size, i + 1),
      { kind: 'pointer-moved', session: 3, at: i, x: 1, y: 2 },
    ]);
    for (const message of messages) outbox.add(message, Patience.watched);
    outbox.flush();
    assert.deepEqual(Buffer.concat(writes), Buffer.concat(messages.map(encodeToHost)));
    assert.ok(writes.length < messages.length);
  });

  it('lets what nobody waits for wait, but not once somebody does', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { outbox, writes } = written();
      outbox.add(update(10, 1), Patience.unseen);
      mock.timers.tick(100);
      assert.equal(writes.length, 0);
      outbox.add(update(10, 2), Patience.recorded);
      mock.timers.tick(Patience.recorded - Patience.watched);
      assert.equal(writes.length, 0);
      outbox.add(update(10, 3), Patience.watched);
      mock.timers.tick(Patience.watched);
      assert.equal(writes.length, 1);
      outbox.add(update(10, 4), Patience.unseen);
      outbox.add(update(10, 5), Patience.unseen);
      mock.timers.tick(Patience.unseen);
      assert.equal(writes.length, 2);
    } finally {
      mock.timers.reset();
    }
  });
});
