import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Limits, SessionLimits } from './session-limits.ts';

const MINUTE = 60_000;
const none: Limits = {
  endsAt: Number.POSITIVE_INFINITY,
  signInEndsAt: Number.POSITIVE_INFINITY,
  sessionMs: 0,
  idleMs: 0,
  warnMs: [5 * MINUTE, MINUTE],
};

/** What happens in so many minutes, looked at each second: `minute:second code`. */
function course(limits: Partial<Limits>, minutes: number, options: { startedAt?: number; inputAt?: number[] } = {}) {
  const session = new SessionLimits({ ...none, ...limits });
  const { startedAt = 0, inputAt = [] } = options;
  const told: string[] = [];
  let restsUntil = 0;
  for (let now = 0; now <= minutes * MINUTE; now += 1000) {
    const started = now >= startedAt ? startedAt : undefined;
    const lastInputAt = inputAt.filter((at) => at <= now).at(-1) ?? started;
    const at = { wall: now, now, startedAt: started, lastInputAt };
    const verdict = session.check(at);
    assert.ok(verdict === undefined || now >= restsUntil, `there was said to be nothing to check at ${now}`);
    restsUntil = now + session.rest(at);
    if (verdict === undefined) continue;
    told.push(`${Math.floor(now / MINUTE)}:${(now / 1000) % 60} ${verdict.code}`);
    if (verdict.type === 'end') break;
  }
  return told;
}

test('a session is warned of its end, and ends', () => {
  const expected = ['25:0 session_ending', '29:0 session_ending', '30:0'];
  assert.deepEqual(course({ endsAt: 30 * MINUTE }, 40), [...expected.slice(0, 2), '30:0 access_expired']);
  assert.deepEqual(course({ sessionMs: 30 * MINUTE }, 40), [...expected.slice(0, 2), '30:0 session_too_long']);
  assert.deepEqual(course({ sessionMs: 60 * MINUTE, endsAt: 30 * MINUTE }, 40).at(-1), '30:0 access_expired');
});

test('a session ends with the sign-in that it was opened in, and says so before', () => {
  const warned = ['25:0 session_ending', '29:0 session_ending'];
  assert.deepEqual(course({ signInEndsAt: 30 * MINUTE }, 40), [...warned, '30:0 sign_in_expired']);
  assert.deepEqual(course({ signInEndsAt: 30 * MINUTE, endsAt: 30 * MINUTE }, 40).at(-1), '30:0 access_expired');
  const limits = new SessionLimits({ ...none, signInEndsAt: 5 * MINUTE });
  const verdict = limits.check({ wall: MINUTE, now: MINUTE, startedAt: 0, lastInputAt: 0 });
  assert.equal(verdict?.type === 'warn' && verdict.message, 'This session ends in 4 minutes: your sign-in ends then.');
});

test('access that is shorter than its warning is warned of once, at its beginning', () => {
  assert.deepEqual(course({ endsAt: MINUTE / 2 }, 2, { startedAt: 5000 }), [
    '0:5 session_ending',
    '0:30 access_expired',
  ]);
});

test('nobody is warned before the desktop is there, and access ends all the same', () => {
  assert.deepEqual(course({ endsAt: MINUTE }, 2, { startedAt: 10 * MINUTE }), ['1:0 access_expired']);
});

test('idle: warned a minute before, and whoever types goes on', () => {
  assert.deepEqual(course({ idleMs: 10 * MINUTE }, 20), ['9:0 idle_ending', '10:0 idle_too_long']);
  assert.deepEqual(course({ idleMs: 10 * MINUTE }, 25, { inputAt: [9.5 * MINUTE] }), [
    '9:0 idle_ending',
    '9:30 idle_over',
    '18:30 idle_ending',
    '19:30 idle_too_long',
  ]);
  assert.deepEqual(course({ idleMs: MINUTE }, 2), ['0:30 idle_ending', '1:0 idle_too_long'], 'a short limit');
  assert.deepEqual(course({}, 60 * 24), [], 'no limit');
});

test('there is nothing to check until the next warning or end; who was warned may type at any time', () => {
  const limits = new SessionLimits({ ...none, endsAt: 30 * MINUTE, idleMs: 10 * MINUTE });
  const rest = (now: number, lastInputAt: number) => {
    const at = { wall: now, now, startedAt: 0, lastInputAt };
    limits.check(at);
    return limits.rest(at);
  };
  assert.equal(rest(0, 0), 9 * MINUTE);
  assert.equal(rest(9 * MINUTE, 0), 0);
  assert.equal(rest(9.5 * MINUTE, 9.5 * MINUTE), 9 * MINUTE);
  assert.equal(rest(18 * MINUTE, 17 * MINUTE), 7 * MINUTE);
  assert.equal(rest(25 * MINUTE, 25 * MINUTE), 4 * MINUTE, 'one warning is given');
});

test('in the very millisecond of the end it ends, not before', () => {
  const limits = new SessionLimits({ ...none, warnMs: [], endsAt: 1000 });
  const at = (wall: number) => limits.check({ wall, now: wall, startedAt: 0, lastInputAt: 0 })?.type;
  assert.equal(at(999), undefined);
  assert.equal(at(1000), 'end');
});
