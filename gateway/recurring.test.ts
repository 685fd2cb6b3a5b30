import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recurring } from './recurring.ts';

test('a round that takes long is not begun twice, one that fails does not end it, and stop waits', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const rounds: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const errors: unknown[] = [];
  const recurring = new Recurring(
    100,
    () => new Promise<void>((resolve, reject) => rounds.push({ resolve, reject })),
    (error) => errors.push(error),
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  recurring.start();
  t.mock.timers.tick(99);
  assert.equal(rounds.length, 0);
  t.mock.timers.tick(201);
  assert.equal(rounds.length, 1, 'the first one is still running');

  const broken = new Error('away');
  rounds[0]?.reject(broken);
  await settled();
  assert.deepEqual(errors, [broken]);
  t.mock.timers.tick(100);
  assert.equal(rounds.length, 2);

  let stopped = false;
  const stopping = recurring.stop().then(() => {
    stopped = true;
  });
  await settled();
  assert.equal(stopped, false);
  rounds[1]?.resolve();
  await stopping;
  t.mock.timers.tick(1000);
  assert.equal(rounds.length, 2);
});

test('a round may be had at once, and the interval changed', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let rounds = 0;
  const recurring = new Recurring(
    100,
    async () => {
      rounds++;
    },
    (error) => assert.ifError(error),
  );
  const pass = async (milliseconds: number) => {
    const before = rounds;
    for (let passed = 0; passed < milliseconds; passed += 50) {
      t.mock.timers.tick(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return rounds - before;
  };
  recurring.start();
  recurring.now();
  recurring.now();
  assert.equal(rounds, 1);
  assert.equal(await pass(200), 2);
  recurring.start(50);
  assert.equal(await pass(200), 4);
  await recurring.stop();
  assert.equal(await pass(200), 0);
});
