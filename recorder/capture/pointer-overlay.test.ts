import assert from 'node:assert/strict';
import { test } from 'node:test';
import { I420Picture, rgbaImage } from './i420.ts';
import { PointerOverlay } from './pointer-overlay.ts';

const SIZE = 64;
const FULL = { x: 0, y: 0, width: SIZE, height: SIZE };

function setUp() {
  const pixels = new Uint8ClampedArray(SIZE * SIZE * 4).fill(255);
  const desktop = rgbaImage(SIZE, SIZE, pixels);
  const picture = new I420Picture(SIZE, SIZE);
  picture.convert(desktop, FULL);
  const clean = picture.bytes.slice();
  const overlay = new PointerOverlay();
  const render = (damage = () => false) =>
    overlay.renderAround(desktop, picture, 0, 0, () => (damage() ? [FULL] : [])).length > 0;
  const luma = (x: number, y: number) => picture.bytes[y * SIZE + x];
  return { pixels, desktop, picture, clean, overlay, render, luma };
}

test('the default pointer is an arrow with its tip at the position, and leaves no trace when it moves', () => {
  const { clean, picture, overlay, render, luma } = setUp();
  assert.equal(overlay.set(10, 12, { kind: 'default' }), true);
  assert.equal(render(), true);
  assert.equal(luma(10, 12), 16);
  assert.equal(luma(11, 14), 235);
  assert.equal(luma(9, 12), 235);
  overlay.set(40, 40, { kind: 'default' });
  assert.equal(render(), true);
  assert.equal(luma(10, 12), 235);
  overlay.set(40, 40, { kind: 'hidden' });
  assert.equal(render(), true);
  assert.deepEqual(picture.bytes, clean);
});

test('the same pointer at the same place is no change, also when the desktop beneath was redrawn alike', () => {
  const { overlay, render, picture, desktop } = setUp();
  overlay.set(10, 12, { kind: 'default' });
  render();
  assert.equal(overlay.set(10, 12, { kind: 'default' }), false);
  assert.equal(
    render(() => picture.convert(desktop, FULL)),
    false,
  );
});

test('a change of the desktop around the pointer is seen', () => {
  const { overlay, render, pixels, picture, desktop } = setUp();
  overlay.set(10, 12, { kind: 'default' });
  render();
  pixels.fill(0, (13 * SIZE + 18) * 4, (13 * SIZE + 19) * 4);
  assert.equal(
    render(() => picture.convert(desktop, FULL)),
    true,
  );
});

test('shapes are blended by alpha around their hot spot and cut at the edges', () => {
  const { overlay, render, luma } = setUp();
  const rgba = new Uint8ClampedArray(4 * 4 * 4);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 128;
  overlay.set(0, 0, { kind: 'shape', shape: { width: 4, height: 4, hotX: 2, hotY: 2, rgba } });
  assert.equal(render(), true);
  const half = 16 + Math.round((219 * 127) / 255);
  assert.equal(luma(1, 1), half);
  assert.equal(luma(2, 1), 235);
  overlay.set(63, 63, { kind: 'shape', shape: { width: 4, height: 4, hotX: 2, hotY: 2, rgba } });
  assert.equal(render(), true);
  assert.equal(luma(63, 63), half);
  assert.equal(luma(1, 1), 235);
  overlay.set(5000, -5000, { kind: 'shape', shape: { width: 4, height: 4, hotX: 2, hotY: 2, rgba } });
  assert.equal(render(), true);
  assert.equal(luma(63, 63), 235);
});

test('beneath a pointer that goes away the picture is as it was, however it was made', () => {
  const { overlay, render, picture } = setUp();
  // Not what the desktop would be converted to.
  picture.bytes.fill(99, 0, SIZE * SIZE);
  const before = picture.bytes.slice();
  overlay.set(10, 12, { kind: 'default' });
  render();
  overlay.set(10, 12, { kind: 'hidden' });
  render();
  assert.deepEqual(picture.bytes, before);
});
