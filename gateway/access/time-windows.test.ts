import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closesAt, isTimeZone, isWithin, type TimeWindow } from './time-windows.ts';

const at = (text: string) => Date.parse(text);
const office: TimeWindow[] = [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }];

test('by the clock on the wall of the time zone, in winter and in summer', () => {
  // 2026-11-20 is a Friday; Berlin is an hour ahead of UTC in winter and two in summer.
  const cases: [string, boolean][] = [
    ['2026-11-20T06:59:59Z', false],
    ['2026-11-20T07:00:00Z', true],
    ['2026-11-20T16:59:59Z', true],
    ['2026-11-20T17:00:00Z', false],
    ['2026-11-21T10:00:00Z', false],
    ['2026-07-20T06:00:00Z', true],
    ['2026-07-20T05:59:59Z', false],
    ['2026-07-20T16:00:00Z', false],
  ];
  for (const [time, expected] of cases) assert.equal(isWithin(office, 'Europe/Berlin', at(time)), expected, time);
});

test('no window is always; one over midnight belongs to the day it begins on', () => {
  assert.equal(isWithin([], 'UTC', 0), true);
  const night: TimeWindow[] = [{ days: [5], from: '22:00', to: '06:00' }];
  assert.equal(isWithin(night, 'UTC', at('2026-11-20T23:00:00Z')), true);
  assert.equal(isWithin(night, 'UTC', at('2026-11-21T05:59:00Z')), true);
  assert.equal(isWithin(night, 'UTC', at('2026-11-21T06:00:00Z')), false);
  assert.equal(isWithin(night, 'UTC', at('2026-11-20T05:00:00Z')), false, 'that was Thursday night');
  const sunday: TimeWindow[] = [{ days: [7], from: '12:00', to: '12:00' }];
  assert.equal(isWithin(sunday, 'UTC', at('2026-11-23T11:59:00Z')), true, 'a whole day, into the next week');
});

test('when it closes: windows without a gap between them are one', () => {
  assert.equal(closesAt([], 'UTC', 0), Number.POSITIVE_INFINITY);
  assert.equal(closesAt(office, 'UTC', at('2026-11-20T17:59:30Z')), at('2026-11-20T18:00:00Z'));
  const shifts: TimeWindow[] = [
    { days: [5], from: '08:00', to: '16:00' },
    { days: [5], from: '16:00', to: '23:00' },
  ];
  assert.equal(closesAt(shifts, 'UTC', at('2026-11-20T09:15:00Z')), at('2026-11-20T23:00:00Z'));
  const always: TimeWindow[] = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' }];
  assert.equal(closesAt(always, 'UTC', at('2026-11-20T09:15:00Z')), Number.POSITIVE_INFINITY);
  assert.equal(closesAt(office, 'UTC', at('2026-11-21T09:00:00Z')), at('2026-11-21T09:00:00Z'), 'closed already');
});

test('where clocks are put forward or back, a window closes when it does by the clock on the wall', () => {
  // On 29 March 2026 Berlin goes from 02:00 to 03:00, and on 25 October from 03:00 back to 02:00: both Sundays.
  const night = (to: string): TimeWindow[] => [{ days: [6], from: '22:00', to }];
  const spring = at('2026-03-28T22:30:00Z');
  assert.equal(closesAt(night('08:00'), 'Europe/Berlin', spring), at('2026-03-29T06:00:00Z'));
  assert.equal(
    closesAt(night('02:30'), 'Europe/Berlin', spring),
    at('2026-03-29T01:00:00Z'),
    'a time that there is not',
  );
  assert.equal(closesAt(night('01:30'), 'Europe/Berlin', spring), at('2026-03-29T00:30:00Z'));
  const autumn = at('2026-10-24T21:30:00Z');
  assert.equal(closesAt(night('08:00'), 'Europe/Berlin', autumn), at('2026-10-25T07:00:00Z'));
  const shifts: TimeWindow[] = [...night('03:30'), { days: [7], from: '03:30', to: '09:00' }];
  assert.equal(closesAt(shifts, 'Europe/Berlin', spring), at('2026-03-29T07:00:00Z'));
  const always: TimeWindow[] = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' }];
  for (const from of [spring, autumn]) assert.equal(closesAt(always, 'Europe/Berlin', from), Number.POSITIVE_INFINITY);
  // Half an hour, on Lord Howe Island.
  assert.equal(
    closesAt([{ days: [7], from: '00:00', to: '08:00' }], 'Australia/Lord_Howe', at('2026-10-03T14:00:00Z')),
    at('2026-10-03T21:00:00Z'),
  );
});

test('time zones there are, and are not', () => {
  assert.equal(isTimeZone('America/St_Johns'), true);
  assert.equal(isTimeZone('Mars/Olympus'), false);
});
