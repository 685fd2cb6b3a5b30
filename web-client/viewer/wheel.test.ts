import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WheelAccumulator } from './wheel.ts';

const pixels = (deltaY: number, deltaX = 0) => ({ deltaX, deltaY, deltaMode: 0 });

test('one notch is 100 pixels or 3 lines; a page is three notches', () => {
  const wheel = new WheelAccumulator();
  assert.deepEqual(wheel.add(pixels(100)), { vertical: -120, horizontal: 0 });
  assert.deepEqual(wheel.add({ deltaX: 0, deltaY: -3, deltaMode: 1 }), { vertical: 120, horizontal: 0 });
  assert.deepEqual(wheel.add({ deltaX: 1, deltaY: 0, deltaMode: 2 }), { vertical: 0, horizontal: 360 });
});

test('small movements add up without loss', () => {
  const wheel = new WheelAccumulator();
  let total = 0;
  for (let i = 0; i < 250; i++) total += wheel.add(pixels(2)).vertical;
  assert.equal(total, -5 * 120);
});

test('a turn of direction drops what was left over', () => {
  const wheel = new WheelAccumulator();
  assert.deepEqual(wheel.add(pixels(90)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(-60)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(-60)), { vertical: 120, horizontal: 0 });
});

test('the two directions do not mix', () => {
  const wheel = new WheelAccumulator();
  wheel.add(pixels(60, 0));
  assert.deepEqual(wheel.add(pixels(0, 60)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(60, 60)), { vertical: -120, horizontal: 120 });
});

test('absurd deltas are bounded', () => {
  const wheel = new WheelAccumulator();
  assert.deepEqual(wheel.add(pixels(1e9)), { vertical: -1200, horizontal: 0 });
  assert.deepEqual(wheel.add({ deltaX: 0, deltaY: 100, deltaMode: 9 }), { vertical: -120, horizontal: 0 });
});
