import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FAILURES_PER_DEVICE,
  FAILURES_PER_NETWORK,
  FAILURES_PER_PAIR,
  FAILURES_TO_REPORT,
  FIRST_WAIT_MS,
  FORGET_MS,
  LimitedError,
  type LimiterOptions,
  LONGEST_WAIT_MS,
  LoginLimiter,
  type Outcome,
  PACE_MS,
} from './login-limiter.ts';

function setUp(options: LimiterOptions = {}) {
  const clock = { now: 1_000_000, slept: 0 };
  const limiter = new LoginLimiter({
    now: () => clock.now,
    sleep: async (milliseconds) => {
      clock.slept += milliseconds;
      clock.now += milliseconds;
    },
    ...options,
  });
  const attempt = async (outcome: Outcome, username = 'jane', address = '192.0.2.1', knownDevice?: string) => {
    try {
      return await limiter.try({ username, address, knownDevice }, async () => ({ outcome, value: outcome as string }));
    } catch (error) {
      if (error instanceof LimitedError) return `wait ${error.waitMs}`;
      throw error;
    }
  };
  return { clock, limiter, attempt };
}

async function times<T>(count: number, run: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i++) results.push(await run(i));
  return results;
}

test('a name has no tries of its own for each way to write it that a directory takes', async () => {
  const reports: unknown[] = [];
  const { attempt } = setUp({ report: (_username, failures) => reports.push(failures) });
  const ways = [
    'CORP\\jane',
    'x1\\jane',
    ' jane',
    'jane  ',
    'ja\u00adne',
    'JANE',
    'ｊａｎｅ',
    'jane\u200b',
    'ján\u00e9',
    '\tjane',
  ];
  assert.deepEqual(
    await times(FAILURES_PER_PAIR, (i) => attempt('wrong', ways[i])),
    Array(FAILURES_PER_PAIR).fill('wrong'),
  );
  for (const way of ways) assert.equal(await attempt('right', way), `wait ${FIRST_WAIT_MS}`, JSON.stringify(way));
  await times(FAILURES_TO_REPORT, (i) => attempt('wrong', ways[i % ways.length], `192.0.2.${i + 10}`));
  assert.deepEqual(reports, [FAILURES_TO_REPORT]);
  for (const other of ['jan', 'jane2', 'jane.', 'j-ane']) assert.equal(await attempt('right', other), 'right', other);
});

test('guessing at one user from one network is slowed down ever more, and that pair only', async () => {
  const { clock, attempt } = setUp();
  assert.deepEqual(new Set(await times(FAILURES_PER_PAIR, () => attempt('wrong'))), new Set(['wrong']));
  assert.equal(await attempt('right', 'JANE'), `wait ${FIRST_WAIT_MS}`, 'the right password neither, until then');
  assert.equal(await attempt('right', 'joan'), 'right', 'another user, from there');
  assert.equal(await attempt('right', 'jane', '192.0.2.2'), 'right', 'the user, from elsewhere');
  const waits: number[] = [];
  for (let wait = FIRST_WAIT_MS; waits.length < 8; wait = Number((await attempt('wrong')).split(' ')[1])) {
    waits.push(wait);
    clock.now += wait;
    assert.equal(await attempt('wrong'), 'wrong');
  }
  assert.deepEqual(waits.slice(0, 5), [30_000, 60_000, 120_000, 240_000, 480_000]);
  assert.equal(waits.at(-1), LONGEST_WAIT_MS);
  clock.now += FORGET_MS;
  assert.deepEqual(new Set(await times(FAILURES_PER_PAIR - 1, () => attempt('wrong'))), new Set(['wrong']));
  assert.equal(await attempt('right'), 'right', 'forgotten');
});

test('nobody is locked out of a browser that she has signed in with, wherever the guessing comes from', async () => {
  const { attempt } = setUp();
  await times(20, () => attempt('wrong'));
  assert.match(await attempt('right'), /^wait/);
  assert.equal(await attempt('right', 'jane', '192.0.2.1', 'her browser'), 'right', 'same network, known browser');
  await times(FAILURES_PER_DEVICE, () => attempt('wrong', 'jane', '192.0.2.1', 'stolen cookie'));
  assert.match(await attempt('right', 'jane', '192.0.2.1', 'stolen cookie'), /^wait/, 'a known browser is bounded too');
  assert.equal(await attempt('right', 'jane', '192.0.2.1', 'her browser'), 'right');
});

test('a network that tries many names is slowed to a pace, not shut out; others and known browsers are not', async () => {
  const { clock, attempt } = setUp();
  await times(FAILURES_PER_NETWORK, (i) => attempt('wrong', `user${i}`, '2001:db8:0:1::1'));
  assert.equal(clock.slept, 0);
  await times(10, (i) => attempt('wrong', `more${i}`, '2001:db8:0:1:ffff::2'));
  assert.equal(clock.slept, 9 * PACE_MS, 'the same /64, one each second');
  assert.equal(await attempt('right', 'admin', '2001:db8:0:1::3'), 'right', 'everybody still gets in from there');
  const before = clock.slept;
  assert.equal(await attempt('right', 'admin', '2001:db8:0:1::3', 'known'), 'right');
  assert.equal(await attempt('right', 'admin', '2001:db8:0:2::1'), 'right');
  assert.equal(clock.slept, before);
});

test('at the pace, only so many wait', async () => {
  const { limiter, attempt } = setUp({ sleep: () => new Promise(() => {}) });
  await times(FAILURES_PER_NETWORK, (i) => attempt('wrong', `user${i}`));
  const answers: string[] = [];
  for (let i = 0; i < 40; i++) {
    limiter
      .try({ username: `more${i}`, address: '192.0.2.1' }, async () => ({ outcome: 'wrong', value: 0 }))
      .then(
        () => answers.push('tried'),
        (error: unknown) => answers.push(error instanceof LimitedError ? 'limited' : 'failed'),
      );
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(new Set(answers), new Set(['limited']));
  assert.equal(answers.length, 40 - 21);
});

test('signing in well gives the count back; a password without its code counts neither way', async () => {
  const { clock, attempt } = setUp();
  await times(10 * FAILURES_PER_NETWORK, () => attempt('right'));
  await times(10 * FAILURES_PER_NETWORK, () => attempt('unfinished'));
  assert.equal(clock.slept, 0);
  await times(FAILURES_PER_PAIR - 1, () => attempt('wrong'));
  assert.equal(await attempt('unfinished'), 'unfinished');
  assert.equal(await attempt('wrong'), 'wrong');
  assert.match(await attempt('wrong'), /^wait/, 'what was wrong before still counts');
});

test('many right tries at once are all let in, many wrong ones are not', async () => {
  const { limiter } = setUp();
  let atOnce = 0;
  const many = (outcome: Outcome) =>
    Promise.allSettled(
      Array.from({ length: 3 * FAILURES_PER_PAIR }, () =>
        limiter.try({ username: 'jane', address: '192.0.2.1' }, async () => {
          assert.equal(++atOnce, 1, 'one after the other');
          await new Promise((resolve) => setImmediate(resolve));
          atOnce--;
          return { outcome, value: outcome };
        }),
      ),
    );
  for (const result of await many('right')) assert.deepEqual(result, { status: 'fulfilled', value: 'right' });
  const wrong = await many('wrong');
  assert.equal(wrong.filter(({ status }) => status === 'fulfilled').length, FAILURES_PER_PAIR);
});

test('what fails counts as wrong', async () => {
  const { limiter, attempt } = setUp();
  await times(FAILURES_PER_PAIR, () =>
    limiter
      .try({ username: 'jane', address: '192.0.2.1' }, async () => {
        throw new Error('the database is away');
      })
      .catch(() => {}),
  );
  assert.match(await attempt('right'), /^wait/);
});

test('guessing at one user from many places is reported, and locks nobody out', async () => {
  const reports: [string, number][] = [];
  const { attempt } = setUp({ report: (...report) => reports.push(report) });
  await times(2 * FAILURES_TO_REPORT, (i) => attempt('wrong', 'admin', `198.51.100.${i}`));
  assert.deepEqual(reports, [
    ['admin', FAILURES_TO_REPORT],
    ['admin', 2 * FAILURES_TO_REPORT],
  ]);
  assert.equal(await attempt('right', 'admin'), 'right');
});
