import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMinutes, ownTimeZone, subjectOf } from './words.ts';

test('durations as people say them', () => {
  const texts = { 0: '0 minutes', 1: '1 minute', 60: '1 hour', 90: '1 hour 30 minutes', 1560: '1 day 2 hours' };
  for (const [minutes, text] of Object.entries(texts)) assert.equal(formatMinutes(Number(minutes)), text);
});

test('what a request is for', () => {
  const item = (username: string) => ({
    account: { id: username, username },
    target: { id: 't', name: 'Payroll' },
    policy: { id: 'p', name: 'p' },
    minutes: 60,
    endsAt: null,
    checkedOutAt: null,
    reveal: false,
  });
  assert.equal(subjectOf({ items: [item('a')] }), 'a on Payroll');
  assert.equal(subjectOf({ items: [item('a'), item('b'), item('c')] }), 'a on Payroll and 2 more');
});

test('the own zone is named with its distance to UTC at that moment, summer time and all', (t) => {
  const before = process.env.TZ;
  t.after(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
  process.env.TZ = 'Europe/Berlin';
  assert.equal(ownTimeZone(new Date('2026-01-15T12:00:00Z')).offset, 'UTC+01:00');
  assert.equal(ownTimeZone(new Date('2026-07-15T12:00:00Z')).offset, 'UTC+02:00');
  process.env.TZ = 'America/St_Johns';
  assert.equal(ownTimeZone(new Date('2026-01-15T12:00:00Z')).offset, 'UTC−03:30');
});
