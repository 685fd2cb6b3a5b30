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
  assert.deepEqual(wheel.add(pixels(40)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(-40)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(-40)), { vertical: 120, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(80)), { vertical: -120, horizontal: 0 });
});

test('the two directions do not mix', () => {
  const wheel = new WheelAccumulator();
  wheel.add(pixels(30, 0));
  assert.deepEqual(wheel.add(pixels(0, 30)), { vertical: 0, horizontal: 0 });
  assert.deepEqual(wheel.add(pixels(30, 30)), { vertical: -120, horizontal: 120 });
});

test('a notch on a page that is zoomed in scrolls at once, and no more in all than the browser says', () => {
  const wheel = new WheelAccumulator();
  // Chromium at 150 %.
  const notch = { deltaX: 0, deltaY: 80, deltaMode: 0, wheelDeltaX: 0, wheelDeltaY: -80 };
  const turned = Array.from({ length: 6 }, () => wheel.add(notch).vertical);
  assert.deepEqual(turned, [-120, 0, -120, -120, 0, -120]);
});

test('a notch is one where the older event says so: of 120 pixels on Linux, of 6 lines in Firefox', () => {
  for (const [deltaMode, deltaY] of [
    [0, 120],
    [1, 6],
  ] as const) {
    const wheel = new WheelAccumulator();
    const notch = { deltaX: 0, deltaY, deltaMode, wheelDeltaX: 0, wheelDeltaY: -120 };
    for (let i = 0; i < 12; i++) assert.equal(wheel.add(notch).vertical, -120);
  }
  // A Mac's pixels count threefold there.
  const wheel = new WheelAccumulator();
  const pixel = { deltaX: 0, deltaY: -10, deltaMode: 0, wheelDeltaX: 0, wheelDeltaY: 30 };
  let total = 0;
  for (let i = 0; i < 50; i++) total += wheel.add(pixel).vertical;
  assert.equal(total, 5 * 120);
});

test('absurd deltas are bounded', () => {
  const wheel = new WheelAccumulator();
  assert.deepEqual(wheel.add(pixels(1e9)), { vertical: -1200, horizontal: 0 });
  assert.deepEqual(wheel.add({ deltaX: 0, deltaY: 100, deltaMode: 9 }), { vertical: -120, horizontal: 0 });
});
