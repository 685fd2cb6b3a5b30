import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { EncoderPool, type Encoders, type EncoderUser } from './encoder-pool.ts';
import { BorrowedEncoders, lendEncoders } from './lent-encoders.ts';

/** A pool, and another thread's way to it. */
function setUp(context: TestContext, slots: number) {
  const pool = new EncoderPool({ slots });
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  lendEncoders(pool, port1);
  return { pool, borrowed: new BorrowedEncoders(port2), port: port2 };
}

class User implements EncoderUser {
  waitingSince: number | undefined = Date.now();
  waitingBytes = 0;
  isEnding = false;
  isWatched = false;
  isGranted = false;
  isAsked = false;
  readonly #grant = Promise.withResolvers<void>();
  readonly whenGranted = this.#grant.promise;

  constructor(encoders: Encoders) {
    encoders.enter();
    encoders.join(this);
  }

  granted(): void {
    this.isGranted = true;
    this.#grant.resolve();
  }

  end(): void {
    this.isAsked = true;
  }
}

/** Until what was said on one side has been heard on the other, and answered. */
async function heard(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn();
}

test('threads share one pool: no more encoders at once than it has, whoever is furthest behind first', async (context) => {
  const { pool, borrowed } = setUp(context, 1);
  const here = new User(pool);
  assert.equal(here.isGranted, true);
  const late = new User(borrowed);
  late.waitingSince = Date.now() - 50_000;
  const later = new User(borrowed);
  later.waitingSince = Date.now() - 55_000;
  borrowed.notice();
  await heard();
  assert.deepEqual([late.isGranted, later.isGranted, here.isAsked], [false, false, true], 'there is one encoder');
  pool.leave(here);
  await heard();
  assert.deepEqual([late.isGranted, later.isGranted], [false, true]);
  borrowed.leave(later);
  await late.whenGranted;
});

test('a recording of another thread that is alone keeps its encoder', async (context) => {
  const { borrowed } = setUp(context, 2);
  const user = new User(borrowed);
  await user.whenGranted;
  await heard();
  assert.equal(user.isAsked, false);
});

test('other threads hear how hard it is to keep up', async (context) => {
  const { pool, borrowed } = setUp(context, 1);
  const users = Array.from({ length: 3 }, () => new User(borrowed));
  for (const user of users) user.waitingSince = Date.now() - 60_000;
  borrowed.notice();
  await heard();
  assert.equal(borrowed.pressure, pool.pressure);
  assert.ok(pool.pressure > 0);
});

test('what is to be done at the end of a recording waits for an encoder too', async (context) => {
  const { pool, borrowed } = setUp(context, 1);
  const hold = Promise.withResolvers<void>();
  const first = pool.run(() => hold.promise);
  let ran = false;
  const second = borrowed.run(async () => {
    ran = true;
    return 'done';
  });
  await heard();
  assert.equal(ran, false);
  hold.resolve();
  await first;
  assert.equal(await second, 'done');
  await assert.rejects(
    borrowed.run(() => Promise.reject(new Error('of no use'))),
    /of no use/,
  );
  assert.equal(await pool.run(async () => 'its place is free'), 'its place is free');
});

test('what a thread had comes back when it is gone', async (context) => {
  const { pool, borrowed, port } = setUp(context, 1);
  const user = new User(borrowed);
  await user.whenGranted;
  const job = borrowed.run(() => sleep(60_000, undefined, { ref: false }));
  const waiting = new User(pool);
  waiting.waitingSince = Date.now() - 60_000;
  pool.notice();
  await heard();
  assert.equal(waiting.isGranted, false);
  port.close();
  await once(port, 'close');
  await waiting.whenGranted;
  assert.equal(await pool.run(async () => 'its place is free'), 'its place is free');
  void job;
});
