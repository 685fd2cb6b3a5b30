import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { VaultError } from '../vault/vault.ts';
import { type Calls, Channel, MessageError, type Send } from './channel.ts';

const log = createLogger('silent');

/** Two ends that are joined, with a structured clone between them as between processes. */
function joined<Near extends Calls, Far extends Calls>(near: Near, far: Far) {
  const send =
    (to: () => Channel<Calls>): Send =>
    (message, sent) => {
      const clone = structuredClone(message);
      setImmediate(() => to().received(clone));
      sent(null);
    };
  const here: Channel<Far> = new Channel<Far>(
    send(() => there as Channel<Calls>),
    near,
    log,
  );
  const there: Channel<Near> = new Channel<Near>(
    send(() => here as Channel<Calls>),
    far,
    log,
  );
  return { here, there };
}

test('calls are answered, in either direction, with what a structured clone carries', async () => {
  const { here, there } = joined(
    { twice: async (bytes: Uint8Array) => Uint8Array.of(...bytes, ...bytes) },
    { greet: (name: string) => ({ hello: name, nothing: undefined }) },
  );
  assert.deepEqual(await here.ask('greet', 'Jane'), { hello: 'Jane', nothing: undefined });
  assert.deepEqual(await there.ask('twice', Uint8Array.of(1, 2)), Uint8Array.of(1, 2, 1, 2));
  const together = await Promise.all([here.ask('greet', 'a'), here.ask('greet', 'b')]);
  assert.deepEqual(
    together.map(({ hello }) => hello),
    ['a', 'b'],
  );
});

test('a failure arrives with its code and its words for outside, and nothing else of it', async () => {
  const { here } = joined(
    {},
    {
      refuse: () => {
        throw new GatewayError('not_entitled', 'by the policy', { cause: new Error('inner') });
      },
      altered: () => Promise.reject(new VaultError('altered')),
      crash: async () => {
        throw new Error('password is hunter2');
      },
      odd: () => Promise.reject(null),
    },
  );
  const failure = (name: 'refuse' | 'altered' | 'crash' | 'odd') =>
    here.ask(name).then(
      () => assert.fail('did not fail'),
      (error: unknown) => {
        assert.ok(error instanceof GatewayError);
        return [error.code, error.detail];
      },
    );
  assert.deepEqual(await failure('refuse'), ['not_entitled', 'by the policy']);
  assert.deepEqual(await failure('altered'), ['secret_altered', 'altered']);
  assert.deepEqual(await failure('crash'), ['internal_error', undefined]);
  assert.deepEqual(await failure('odd'), ['internal_error', undefined]);
});

test('whoever waits for a process that is gone is told, and nothing is sent to it', async () => {
  const sent: unknown[] = [];
  const channel = new Channel<{ ask(): void }>((message) => sent.push(message), {}, log);
  const waiting = channel.ask('ask');
  channel.close();
  await assert.rejects(waiting, { code: 'internal_error' });
  await assert.rejects(channel.ask('ask'), { code: 'internal_error' });
  channel.tell('ask');
  assert.equal(sent.length, 1);
});

test('what is none of our messages is refused, and calls nothing', () => {
  const called: unknown[] = [];
  const channel = new Channel<Calls>(() => {}, { known: (...args: unknown[]) => called.push(args) }, log);
  const garbled = [
    ...[undefined, null, 1, 'known', {}, [], [null, []], [['known'], []]],
    // Nothing of what every object has.
    ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'unknown'].map((name) => [name, []]),
    ...[['known'], ['known', 'args'], ['known', { length: 1 }], ['known', [], 'one'], ['known', [], 1.5]],
    // Answers to nothing.
    ...[
      [1, true, 'x'],
      [Number.NaN, true],
      [-1, false, {}],
    ],
  ];
  for (const message of garbled) assert.throws(() => channel.received(message), MessageError, JSON.stringify(message));
  assert.deepEqual(called, []);
});

test('an answer that is no good is an error of ours, not a crash', async () => {
  for (const failure of [undefined, null, 'text', { code: 'no_such_code', detail: 7 }, { code: 1 }]) {
    const channel = new Channel<{ ask(): void }>(() => {}, {}, log);
    const waiting = channel.ask('ask');
    channel.received([1, false, failure]);
    await assert.rejects(waiting, { name: 'GatewayError', code: 'internal_error', detail: undefined });
  }
});
