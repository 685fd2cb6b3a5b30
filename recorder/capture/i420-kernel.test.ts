import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { I420Picture, rgbaImage } from './i420.ts';
import { createI420Kernel } from './i420-kernel.ts';

/** Pixels as desktops have them, runs of a few colours, and noise where the seed says so. */
function pixels(width: number, height: number, seed: number): Uint8ClampedArray {
  const bytes = new Uint8ClampedArray(width * height * 4);
  let state = seed | 1;
  for (let i = 0; i < bytes.length; i += 4) {
    if (seed % 2 === 0 || i % 28 === 0) state = Math.imul(state, 1_664_525) + 1_013_904_223;
    bytes.set([state >>> 24, state >>> 16, state >>> 8, 255], i);
  }
  return bytes;
}

test('the kernel in WebAssembly converts as plain TypeScript does, rectangle by rectangle', () => {
  assert.ok(createI420Kernel(16, 24) !== undefined, 'Node has WebAssembly with vectors');
  const place = fc.record({
    ...{ x: fc.integer({ min: -5, max: 90 }), y: fc.integer({ min: -5, max: 30 }) },
    ...{ width: fc.integer({ min: 0, max: 100 }), height: fc.integer({ min: 0, max: 20 }) },
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 33 }),
      fc.constantFrom([0, 0], [2, 4], [10, 0]),
      fc.array(place, { minLength: 1, maxLength: 5 }),
      (width, height, [left = 0, top = 0], places) => {
        const fast = new I420Picture(width + 12, height + 6);
        const plain = new I420Picture(width + 12, height + 6, () => undefined);
        for (const { seed, ...rect } of places) {
          const image = rgbaImage(width, height, pixels(width, height, seed));
          const changed = fast.convert(image, rect, left, top);
          assert.equal(changed, plain.convert(image, rect, left, top));
          assert.deepEqual(fast.bytes, plain.bytes);
          assert.equal(fast.convert(image, rect, left, top), false, 'the same again changes nothing');
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('every colour: red, green and blue in steps, with the extremes', () => {
  const steps = [0, 1, 2, 15, 16, 17, 63, 64, 100, 127, 128, 129, 200, 235, 240, 254, 255];
  const colors = steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => [r, g, b, 255])));
  const [width, height] = [2 * steps.length ** 2, 2 * steps.length];
  const bytes = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      bytes.set(colors[((y * width) / 2 + x * 7) % colors.length] ?? [], (y * width + x) * 4);
  }
  const [fast, plain] = [new I420Picture(width, height), new I420Picture(width, height, () => undefined)];
  const all = { x: 0, y: 0, width, height };
  for (const picture of [fast, plain]) picture.convert(rgbaImage(width, height, bytes), all);
  assert.deepEqual(fast.bytes, plain.bytes);
});
