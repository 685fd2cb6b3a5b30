import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktopSizeFor, layoutDesktop } from './scaling.ts';

const desktop = { width: 1280, height: 800 };

test('a desktop as large as its element is shown pixel by pixel', () => {
  const layout = layoutDesktop(desktop, desktop, 'fit', 1);
  assert.deepEqual(layout, { left: 0, top: 0, width: 1280, height: 800, scale: 1, crisp: true });
});

test('fit scales down, keeps the proportions and centres', () => {
  const layout = layoutDesktop(desktop, { width: 640, height: 800 }, 'fit', 1);
  assert.deepEqual(layout, { left: 0, top: 200, width: 640, height: 400, scale: 0.5, crisp: false });
});

test('fit scales up; twice the size is crisp', () => {
  const layout = layoutDesktop(desktop, { width: 2560, height: 2000 }, 'fit', 1);
  assert.deepEqual(layout, { left: 0, top: 200, width: 2560, height: 1600, scale: 2, crisp: true });
});

test('a few pixels too many leave a border instead of a blur', () => {
  const layout = layoutDesktop(desktop, { width: 1283, height: 803 }, 'fit', 1);
  assert.deepEqual([layout.width, layout.height, layout.left, layout.top, layout.crisp], [1280, 800, 1, 1, true]);
});

test('actual size does not care for the element, and begins at its corner', () => {
  const layout = layoutDesktop(desktop, { width: 400, height: 300 }, 'actual', 1);
  assert.deepEqual(layout, { left: 0, top: 0, width: 1280, height: 800, scale: 1, crisp: true });
});

test('actual size is a whole number of device pixels at every ratio', () => {
  for (const [ratio, devicePixels] of [
    [1, 1],
    [1.25, 1],
    [1.5, 1],
    [1.75, 1],
    [2, 2],
    [2.5, 2],
    [3, 3],
    [0.8, 1],
  ] as const) {
    const layout = layoutDesktop(desktop, { width: 400, height: 300 }, 'actual', ratio);
    assert.equal(layout.crisp, true);
    assert.ok(Math.abs(layout.width * ratio - 1280 * devicePixels) < 1e-6, `ratio ${ratio}`);
  }
});

test('positions fall on device pixels', () => {
  const { left, top } = layoutDesktop({ width: 101, height: 101 }, { width: 333, height: 333 }, 'actual', 1.5);
  assert.ok(Math.abs(left * 1.5 - Math.round(left * 1.5)) < 1e-9);
  assert.ok(Math.abs(top * 1.5 - Math.round(top * 1.5)) < 1e-9);
});

test('the size asked for fills the element at actual size, within the alignment', () => {
  for (const ratio of [1, 1.25, 1.5, 2, 2.75]) {
    const element = { width: 1283, height: 911 };
    const size = desktopSizeFor(element, ratio);
    assert.equal(size.width % 4, 0);
    assert.equal(size.height % 2, 0);
    const layout = layoutDesktop(size, element, 'actual', ratio);
    assert.ok(layout.width <= element.width && layout.width > element.width - 4 * 3, `ratio ${ratio}`);
    assert.equal(layoutDesktop(size, element, 'fit', ratio).crisp, true, `ratio ${ratio}`);
  }
});

test('the size asked for is never too small to work on, nor larger than servers allow', () => {
  assert.deepEqual(desktopSizeFor({ width: 0, height: 0 }, 1), { width: 640, height: 480 });
  assert.deepEqual(desktopSizeFor({ width: 20_000, height: 9000 }, 1), { width: 8192, height: 8192 });
});
