import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatClock,
  formatFingerprint,
  formatMoment,
  formatMomentWithin,
  formatNear,
  matches,
  parseFingerprint,
} from './format.ts';

test('bytes', () => {
  assert.deepEqual([0, 999, 1000, 1234, 9949, 9950, 999_499, 999_500, 1_500_000, 2.5e9, 7e15].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '9.9 kB',
    '10 kB',
    '999 kB',
    '1.0 MB',
    '1.5 MB',
    '2.5 GB',
    '7000 TB',
  ]);
});

test('lengths of time', () => {
  assert.deepEqual([-5, 0, 7_900, 754_000, 3_723_000, 360_000_000].map(formatClock), [
    '0:00',
    '0:00',
    '0:07',
    '12:34',
    '1:02:03',
    '100:00:00',
  ]);
});

test('moments: the time alone today, the date before, the year when it is another', () => {
  const now = new Date(2026, 10, 21, 15, 0);
  const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();
  assert.equal(formatMoment(at(2026, 10, 21, 9, 5), now, 'en-GB'), 'Today, 09:05');
  assert.equal(formatMomentWithin(at(2026, 10, 21, 9, 5), now, 'en-GB'), 'today, 09:05');
  assert.match(formatMoment(at(2026, 2, 1, 9, 5), now, 'en-GB'), /^1 Mar,? (at )?09:05$/);
  assert.match(formatMoment(at(2025, 2, 1, 9, 5), now, 'en-GB'), /^1 Mar 2025,? (at )?09:05$/);
});

test('a moment soon or lately is the time alone', () => {
  const now = new Date(2026, 10, 21, 23, 30);
  const near = (...parts: [number, number, number, number, number]) =>
    formatNear(new Date(...parts).toISOString(), now, 'en-GB');
  assert.equal(near(2026, 10, 22, 0, 30), '00:30');
  assert.equal(near(2026, 10, 21, 12, 0), '12:00');
  assert.match(near(2026, 10, 22, 11, 30), /^22 Nov,? (at )?11:30$/);
  assert.equal(near(2026, 10, 21, 9, 0), 'today, 09:00');
});

test('a search finds all its words in any order, in any of the texts', () => {
  assert.equal(matches('', 'x'), true);
  assert.equal(matches('web JANE', 'Jane', 'Web server'), true);
  assert.equal(matches('web jim', 'Jane', 'Web server', null, undefined), false);
  assert.equal(matches(' web ', 'Web server'), true);
  assert.equal(matches('zurich', 'Zürich dc 4'), true);
  assert.equal(matches('Zu\u0308rich', 'Zürich dc 4'), true);
});

test('fingerprints: in groups, and read back in every spelling', () => {
  const hex = '0123456789abcdef'.repeat(4);
  assert.equal(formatFingerprint('0123456789'), '0123 4567 89');
  assert.equal(formatFingerprint(null), undefined);
  assert.equal(parseFingerprint(formatFingerprint(hex) ?? ''), hex);
  assert.equal(parseFingerprint(` ${hex.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')}\n`), hex);
  assert.equal(parseFingerprint(hex.slice(1)), undefined);
  assert.equal(parseFingerprint(`${hex}0`), undefined);
  assert.equal(parseFingerprint(`${hex.slice(1)}g`), undefined);
});
