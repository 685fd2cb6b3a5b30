import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acrossGap, catchUp, nextSegment } from './live-plan.ts';

const segments = [0, 600_000, 1_200_000].map((startMs, index) => ({ startMs, ended: index < 2 }));
const done = { from: 9, done: true };
const some = { from: 5, done: false };

test('at the live edge only the last segment is fetched', () => {
  assert.equal(nextSegment(segments, [], 0, true), 2);
  assert.equal(nextSegment(segments, [undefined, undefined, some], 0, true), 2);
  assert.equal(nextSegment([], [], 0, true), undefined);
});

test('elsewhere the one that is played, then those behind it', () => {
  assert.equal(nextSegment(segments, [], 599_999, false), 0);
  assert.equal(nextSegment(segments, [some], 5000, false), 0);
  assert.equal(nextSegment(segments, [done], 5000, false), 1);
  assert.equal(nextSegment(segments, [undefined, undefined, some], 700_000, false), 1);
  assert.equal(nextSegment(segments, [done, done, done], 0, false), undefined);
});

test('a gap is jumped, the edge is not', () => {
  const buffered = [
    { start: 0, end: 10 },
    { start: 12, end: 20 },
  ];
  assert.equal(acrossGap(buffered, 9.95), 12);
  assert.equal(acrossGap(buffered, 5), undefined);
  assert.equal(acrossGap(buffered, 20), undefined);
});

test('following catches up only when it is behind', () => {
  const buffered = [{ start: 100, end: 160 }];
  assert.equal(catchUp(buffered, 159), undefined);
  assert.equal(catchUp(buffered, 120), 159.9);
  assert.equal(catchUp(buffered, 0), 159.9);
  assert.equal(catchUp([], 0), undefined);
});
