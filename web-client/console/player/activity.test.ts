import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  activityOf,
  changeTimes,
  firstPicture,
  frameMoments,
  idleStretches,
  neighbour,
  partsFor,
  skipTarget,
} from './activity.ts';

test('heights: nothing, something, most; a moment at the very end counts to the last part', () => {
  const moments = [
    { at: 0, weight: 100 },
    { at: 10, weight: 25 },
    { at: 1000, weight: 100 },
  ];
  assert.deepEqual(activityOf(moments, 1000, 4), [1, 0, 0, 1]);
  assert.deepEqual(activityOf([{ at: 600, weight: 1 }], 1000, 4), [0, 0, 1, 0]);
  assert.deepEqual(activityOf([], 1000, 2), [0, 0]);
  assert.deepEqual(activityOf(moments, 0, 2), [0, 0]);
});

test('one enormous moment does not flatten the rest', () => {
  const moments = Array.from({ length: 100 }, (_, i) => ({ at: i * 10, weight: i === 50 ? 1e6 : 100 }));
  const heights = activityOf(moments, 1000, 100);
  assert.equal(heights[50], 1);
  assert.equal(heights[10], 1);
});

test('the first frame, the whole screen, says nothing', () => {
  const frames = [
    { at: 0, bytes: 50_000 },
    { at: 900, bytes: 40 },
  ];
  assert.deepEqual(frameMoments(frames), [{ at: 900, weight: 40 }]);
});

test('parts: about one a second, within bounds', () => {
  assert.deepEqual([0, 5_000, 60_000, 3_600_000].map(partsFor), [12, 12, 60, 240]);
});

test('idle is where nothing happened for long, but for its beginning and end', () => {
  assert.deepEqual(idleStretches([12_000, 0, 500, 3000], 20_000), [
    { from: 4000, to: 11_000 },
    { from: 13_000, to: 19_000 },
  ]);
  assert.deepEqual(idleStretches([3000, 6000], 9000), []);
  assert.deepEqual(idleStretches([], 9000), [{ from: 1000, to: 8000 }]);
});

test('a clock that ticks, or a caret that blinks, keeps nothing from being idle', () => {
  const frames = Array.from({ length: 60 }, (_, i) => ({ at: i * 1000, bytes: i === 30 ? 2000 : 135 }));
  assert.deepEqual(idleStretches(changeTimes(frames), 60_000), [
    { from: 1000, to: 29_000 },
    { from: 31_000, to: 59_000 },
  ]);
});

test('from within idle time one goes on at its end; from elsewhere one stays', () => {
  const idle = [{ from: 4000, to: 11_000 }];
  assert.deepEqual(
    [3999, 4000, 10_999, 11_000].map((at) => skipTarget(idle, at)),
    [undefined, 11_000, 11_000, undefined],
  );
});

test('neighbours leave out the place where one is', () => {
  const times = [3000, 1000, 2000];
  assert.equal(neighbour(times, 1000, 1, 1), 2000);
  assert.equal(neighbour(times, 2000, -1, 1), 1000);
  assert.equal(neighbour(times, 3000, 1, 1), undefined);
  assert.equal(neighbour(times, 2300, -1, 500), 1000);
});

test('the first real picture: past what is blank, within the first seconds, and only where one stands out', () => {
  const frames = (...bytes: number[]) => bytes.map((size, i) => ({ at: i * 1000, bytes: size }));
  assert.equal(firstPicture(frames(3000, 500, 90_000, 400)), 2000);
  assert.equal(firstPicture(frames(3000, 500, 50_000, 90_000)), 2000);
  assert.equal(firstPicture(frames(60_000, 500, 90_000)), 0);
  assert.equal(firstPicture(frames(3000)), 0);
  assert.equal(firstPicture([]), 0);
  assert.equal(firstPicture([...frames(3000), { at: 60_000, bytes: 90_000 }]), 0);
});
