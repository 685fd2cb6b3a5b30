import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas } from '@napi-rs/canvas';
import { rgbaImage } from './i420.ts';
import { PhotographFilter } from './photographs.ts';

const SIZE = 64;
const FULL = { x: 0, y: 0, width: SIZE, height: SIZE };

/** A soft slope with grain: the same on every run. */
function photograph(grain = 8): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(SIZE * SIZE * 4);
  let state = 1;
  for (let i = 0; i < SIZE * SIZE; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const noise = ((state >>> 16) % (2 * grain + 1)) - grain;
    const base = 60 + (i % SIZE) + Math.floor(i / SIZE);
    pixels.set([base + noise, base + 10 + noise, base + 20 + noise, 255], i * 4);
  }
  return pixels;
}

function text(colour: string, background: string): Uint8ClampedArray {
  const context = createCanvas(SIZE, SIZE).getContext('2d');
  context.fillStyle = background;
  context.fillRect(0, 0, SIZE, SIZE);
  context.fillStyle = colour;
  context.font = '13px DejaVu Sans';
  for (let y = 12; y < SIZE; y += 14) context.fillText('recorder', 2, y);
  return context.getImageData(0, 0, SIZE, SIZE).data;
}

function roughness(words: Uint32Array): number {
  let sum = 0;
  for (let i = 1; i < words.length; i++) {
    if (i % SIZE !== 0) sum += Math.abs(((words[i] as number) & 255) - ((words[i - 1] as number) & 255));
  }
  return sum;
}

test('a photograph loses its grain and keeps its colours', () => {
  const image = rgbaImage(SIZE, SIZE, photograph());
  const softened = new PhotographFilter().soften(image, FULL);
  assert.ok(softened);
  assert.ok(roughness(softened.words) < roughness(image.words) / 2);
  const mean = (words: Uint32Array, shift: number) =>
    words.reduce((sum, word) => sum + ((word >>> shift) & 255), 0) / words.length;
  for (const shift of [0, 8, 16, 24]) {
    assert.ok(Math.abs(mean(softened.words, shift) - mean(image.words, shift)) < 0.5, `shift ${shift}`);
  }
});

test('text, plain colours and plain gradients are left alone', () => {
  const filter = new PhotographFilter();
  for (const [colour, background] of [
    ['#202020', '#ffffff'],
    ['#707070', '#ffffff'],
    ['#d0d0d0', '#000000'],
    ['#c0c0c0', '#ffffff'],
    ['#123456', '#123456'],
  ] as const) {
    const image = rgbaImage(SIZE, SIZE, text(colour, background));
    assert.equal(filter.soften(image, FULL), undefined, `${colour} on ${background}`);
  }
  const gradient = new Uint8ClampedArray(SIZE * SIZE * 4).map((_, i) => Math.floor(i / 4 / SIZE) * 2);
  assert.equal(filter.soften(rgbaImage(SIZE, SIZE, gradient), FULL), undefined);
});

test('a letter over a photograph keeps its block as it is', () => {
  const image = rgbaImage(SIZE, SIZE, photograph());
  // One stroke, hardly lighter than what is around it.
  for (let y = 20; y < 30; y++) image.words[y * SIZE + 24] = 0xff000000 | (150 << 16) | (140 << 8) | 135;
  const softened = new PhotographFilter().soften(image, FULL);
  assert.ok(softened);
  for (let y = 16; y < 32; y++) {
    const [from, to] = [y * SIZE + 16, y * SIZE + 32];
    assert.deepEqual(softened.words.subarray(from, to), image.words.subarray(from, to));
  }
  assert.notEqual(softened.words[8 * SIZE + 24], image.words[8 * SIZE + 24]);
});

test('a block becomes the same whatever is further than a pixel from it, and whatever part of the image is asked for', () => {
  const image = rgbaImage(SIZE, SIZE, photograph());
  const whole = new PhotographFilter().soften(image, FULL)?.words.slice();
  assert.ok(whole);
  for (let y = 0; y < SIZE; y++) image.words.fill(0xff00ff00, y * SIZE, y * SIZE + 31);
  const rect = { x: 32, y: 32, width: 32, height: 16 };
  const part = new PhotographFilter().soften(image, rect);
  assert.ok(part);
  for (let y = 0; y < rect.height; y++) {
    const from = (rect.y + y) * SIZE + rect.x;
    assert.deepEqual(part.words.slice(y * rect.width, (y + 1) * rect.width), whole.slice(from, from + rect.width));
  }
});

test('a photograph that is scrolled becomes the same at its new place', () => {
  const pixels = photograph();
  const before = new PhotographFilter().soften(rgbaImage(SIZE, SIZE, pixels), FULL)?.words.slice();
  const scrolled = rgbaImage(SIZE, SIZE - 16, pixels.slice(SIZE * 5 * 4, SIZE * (SIZE - 11) * 4));
  const after = new PhotographFilter().soften(scrolled, { ...FULL, height: SIZE - 16 });
  assert.ok(before && after);
  assert.deepEqual(after.words.slice(SIZE, SIZE * 47), before.slice(SIZE * 6, SIZE * 52));
});

test("blocks that the image's edge cuts off are left as they are", () => {
  const pixels = photograph();
  const image = rgbaImage(SIZE, SIZE - 8, pixels.subarray(0, SIZE * (SIZE - 8) * 4));
  const softened = new PhotographFilter().soften(image, { ...FULL, height: SIZE - 8 });
  assert.ok(softened);
  const from = 48 * SIZE;
  assert.deepEqual(softened.words.slice(from, from + 8 * SIZE), image.words.slice(from));
});
