import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Coverage } from './coverage.ts';
import type { Rect } from './geometry.ts';

const WIDTH = 200;
const HEIGHT = 150;

/** Also off the picture; some of them as tiles lie, and many times as large, and some as parts of tiles. */
const rect: fc.Arbitrary<Rect> = fc.oneof(
  fc.record({
    x: fc.integer({ min: -40, max: 220 }),
    y: fc.integer({ min: -40, max: 170 }),
    width: fc.integer({ min: 0, max: 240 }),
    height: fc.integer({ min: 0, max: 200 }),
  }),
  fc
    .tuple(fc.nat(3), fc.nat(2), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
    .map(([x, y, width, height]) => ({ x: x * 64, y: y * 64, width: width * 64, height: height * 64 })),
  fc
    .tuple(
      fc.nat(1),
      fc.nat(1),
      fc.nat(63),
      fc.nat(63),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 64 }),
    )
    .map(([column, row, left, top, width, height]) => ({
      ...{ x: column * 64 + left, y: row * 64 + top },
      ...{ width: Math.min(width, 64 - left), height: Math.min(height, 64 - top) },
    })),
);
const step = fc.record({ kind: fc.constantFrom('add', 'add', 'add', 'shows', 'remove', 'clear'), rect });

test('coverage says of each rectangle what a set of pixels says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const coverage = new Coverage(WIDTH, HEIGHT);
      const pixels = new Uint8Array(WIDTH * HEIGHT);
      for (const { kind, rect: each } of steps) {
        const [left, right] = [Math.max(0, each.x), Math.min(WIDTH, each.x + each.width)];
        const [top, bottom] = [Math.max(0, each.y), Math.min(HEIGHT, each.y + each.height)];
        let open = false;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            open ||= pixels[y * WIDTH + x] === 0;
            if (kind === 'add' || kind === 'remove') pixels[y * WIDTH + x] = kind === 'add' ? 1 : 0;
          }
        }
        if (kind === 'add') assert.equal(coverage.add(each), open);
        else if (kind === 'shows') assert.equal(coverage.shows(each), open);
        else if (kind === 'remove') coverage.remove(each);
        else {
          coverage.clear();
          pixels.fill(0);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('coverage that has been looked at too often counts everything as seen, and never as covered again', () => {
  const coverage = new Coverage(64, 64, 1000);
  const whole = { x: 0, y: 0, width: 64, height: 64 };
  assert.equal(coverage.add(whole), true);
  assert.equal(coverage.add(whole), false);
  let calls = 1;
  while (!coverage.add(whole)) calls++;
  assert.ok(calls < 1000, `${calls} calls`);
  assert.equal(coverage.add({ x: 0, y: 0, width: 1, height: 1 }), true);
  assert.equal(coverage.shows(whole), true);
});
