import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, type Rect } from '#protocol/graphics/geometry.ts';
import { DamageGrid } from './damage-grid.ts';

test('damage comes back once, as runs of tiles cut at the desktop', () => {
  const grid = new DamageGrid(100, 70);
  grid.add({ x: 40, y: 10, width: 1, height: 1 });
  grid.add({ x: 40, y: 10, width: 30, height: 1 });
  grid.add({ x: 99, y: 69, width: 50, height: 50 });
  assert.deepEqual(grid.take(), [
    { x: 32, y: 0, width: 64, height: 32 },
    { x: 96, y: 64, width: 4, height: 6 },
  ]);
  assert.deepEqual(grid.take(), []);
});

test('rectangles outside, empty or negative are ignored', () => {
  const grid = new DamageGrid(64, 64);
  grid.add({ x: 64, y: 0, width: 9, height: 9 });
  grid.add({ x: -9, y: 0, width: 9, height: 9 });
  grid.add({ x: 5, y: 5, width: 0, height: 9 });
  grid.add({ x: 5, y: 5, width: 9, height: -3 });
  assert.deepEqual(grid.take(), []);
});

test('every damaged pixel is covered, nothing lies outside, nothing is there twice', () => {
  const rect = fc.record({
    x: fc.integer({ min: -50, max: 250 }),
    y: fc.integer({ min: -50, max: 250 }),
    width: fc.integer({ min: 1, max: 200 }),
    height: fc.integer({ min: 1, max: 200 }),
  });
  fc.assert(
    fc.property(fc.array(rect, { maxLength: 8 }), (rects) => {
      const desktop: Rect = { x: 0, y: 0, width: 201, height: 155 };
      const grid = new DamageGrid(desktop.width, desktop.height);
      for (const each of rects) grid.add(each);
      const covered = new Uint8Array(desktop.width * desktop.height);
      for (const each of grid.take()) {
        assert.ok(contains(desktop, each));
        for (let y = each.y; y < each.y + each.height; y++) {
          for (let x = each.x; x < each.x + each.width; x++) {
            const at = y * desktop.width + x;
            assert.equal(covered[at], 0);
            covered[at] = 1;
          }
        }
      }
      for (const each of rects) {
        for (let y = Math.max(0, each.y); y < Math.min(desktop.height, each.y + each.height); y++) {
          for (let x = Math.max(0, each.x); x < Math.min(desktop.width, each.x + each.width); x++) {
            assert.equal(covered[y * desktop.width + x], 1);
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('addAll covers the desktop', () => {
  const grid = new DamageGrid(65, 33);
  grid.addAll();
  const area = grid.take().reduce((sum, rect) => sum + rect.width * rect.height, 0);
  assert.equal(area, 65 * 33);
});
