import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorStyles, planCursor } from './cursor.ts';

const shape = (width: number, height: number, hotX: number, hotY: number) =>
  ({ kind: 'shape', width, height, hotX, hotY, rgba: new Uint8ClampedArray(width * height * 4) }) as const;

test('a pointer keeps its size at actual size and grows with the desktop', () => {
  assert.deepEqual(planCursor(shape(32, 32, 5, 6), 1), { width: 32, height: 32, hotX: 5, hotY: 6 });
  assert.deepEqual(planCursor(shape(32, 32, 5, 6), 2), { width: 64, height: 64, hotX: 11, hotY: 13 });
  assert.deepEqual(planCursor(shape(32, 32, 5, 6), 0.5), { width: 16, height: 16, hotX: 2, hotY: 3 });
});

test('no cursor is larger than browsers take, nor smaller than a pixel', () => {
  assert.deepEqual(planCursor(shape(96, 96, 95, 0), 3), { width: 128, height: 128, hotX: 127, hotY: 0 });
  assert.deepEqual(planCursor(shape(2, 2, 0, 0), 0.1), { width: 1, height: 1, hotX: 0, hotY: 0 });
});

test('a hot spot outside the shape is moved in', () => {
  assert.deepEqual(planCursor(shape(8, 8, 500, 500), 1), { width: 8, height: 8, hotX: 7, hotY: 7 });
});

test('the default pointer and none are CSS keywords', () => {
  assert.deepEqual(cursorStyles({ kind: 'default' }, 1, 2), ['default']);
  assert.deepEqual(cursorStyles({ kind: 'hidden' }, 1, 2), ['none']);
});
