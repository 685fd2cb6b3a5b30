import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY_MS, daysUntilFull, dueRecordings, KEEP_ALL, type KeptRecording, type RetentionRules } from './policy.ts';

const NOW = 1000 * DAY_MS;
const rules = (fallback = KEEP_ALL, targets: RetentionRules['targets'] = new Map()): RetentionRules => ({
  default: fallback,
  targets,
});
const recording = (id: string, days: number, more: Partial<KeptRecording> = {}): KeptRecording => ({
  id,
  targetId: 't',
  endedAt: NOW - days * DAY_MS,
  bytes: 100,
  held: false,
  ...more,
});

test('by age: from the day on, not before; a rule of its own counts instead of the default', () => {
  const all = [recording('old', 10), recording('new', 9.99), recording('other', 10, { targetId: 'u' })];
  const own = new Map([['u', { maxAgeDays: 30, maxBytes: null }]]);
  assert.deepEqual(dueRecordings(all, rules({ maxAgeDays: 10, maxBytes: null }, own), NOW), [
    { id: 'old', reason: 'age' },
  ]);
  assert.deepEqual(dueRecordings(all, rules(), NOW), []);
});

test('by size: the newest that fit together stay, target by target', () => {
  const all = [1, 2, 3, 4].map((days) => recording(`t${days}`, days));
  const big = recording('u1', 1, { targetId: 'u', bytes: 251 });
  assert.deepEqual(dueRecordings([...all, big], rules({ maxAgeDays: null, maxBytes: 250 }), NOW), [
    { id: 't4', reason: 'size' },
    { id: 't3', reason: 'size' },
    { id: 'u1', reason: 'size' },
  ]);
});

test('a legal hold beats both, and costs no other recording its place', () => {
  const all = [recording('a', 1), recording('held', 50, { held: true, bytes: 1e9 }), recording('b', 2)];
  assert.deepEqual(dueRecordings(all, rules({ maxAgeDays: 10, maxBytes: 200 }), NOW), []);
});

test('whatever there is: nothing held is due, what stays keeps to the rule, and nothing goes twice', () => {
  const any = fc.array(
    fc.record({
      id: fc.uuid(),
      targetId: fc.constantFrom('t', 'u'),
      endedAt: fc.integer({ min: 0, max: NOW }),
      bytes: fc.nat(1000),
      held: fc.boolean(),
    }),
  );
  const limit = fc.option(fc.nat(900));
  fc.assert(
    fc.property(any, limit, limit, (all, maxAgeDays, maxBytes) => {
      const due = new Set(dueRecordings(all, rules({ maxAgeDays, maxBytes }), NOW).map(({ id }) => id));
      const kept = all.filter(({ id }) => !due.has(id));
      assert.ok(all.every(({ id, held }) => !held || !due.has(id)));
      for (const targetId of ['t', 'u']) {
        const sum = kept.filter((one) => one.targetId === targetId && !one.held).reduce((a, { bytes }) => a + bytes, 0);
        assert.ok(maxBytes === null || sum <= maxBytes);
      }
      for (const { endedAt, held } of kept) {
        assert.ok(held || maxAgeDays === null || endedAt + maxAgeDays * DAY_MS > NOW);
      }
    }),
  );
});

test('days left: growth, its end by rule, and a disk that never fills', () => {
  const grows = { bytes: 0, bytesPerDay: 10, rule: KEEP_ALL };
  assert.equal(daysUntilFull([grows], 1000), 100);
  assert.equal(daysUntilFull([], 1000), null);
  assert.equal(daysUntilFull([grows], 0), 0);
  // Full after 5 days of both (100 bytes) and 90 more of the one that goes on.
  const ends = { bytes: 0, bytesPerDay: 10, rule: { maxAgeDays: 5, maxBytes: null } };
  assert.equal(daysUntilFull([grows, ends], 1000), 95);
  assert.equal(daysUntilFull([ends], 1000), null);
  assert.equal(daysUntilFull([{ ...ends, rule: { maxAgeDays: null, maxBytes: 999 } }], 1000), null);
  assert.equal(daysUntilFull([{ ...ends, bytes: 60, rule: { maxAgeDays: 5, maxBytes: null } }], 1000), null);
});
