import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { detectMove, type Move, type Words } from './move-detector.ts';

const WIDTH = 400;
const HEIGHT = 300;
const whole: Rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };

function picture(color: (x: number, y: number) => number): Words {
  const words = new Int32Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) words[y * WIDTH + x] = 0xff000000 | color(x, y);
  }
  return { width: WIDTH, height: HEIGHT, words };
}

/** Looks like letters: hard edges, never twice the same. */
function letters(x: number, y: number): number {
  const hash = Math.imul(Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b), 0xc2b2ae35);
  return hash >>> 30 === 0 ? 0x202020 : 0xfafafa;
}

function contentAt(rect: Rect, from: Words, inside: (x: number, y: number) => number): Words {
  const words = from.words.slice();
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) words[y * WIDTH + x] = 0xff000000 | inside(x, y);
  }
  return { ...from, words };
}

/** How many pixels of `after` a copy makes right that were wrong, less those it spoils. */
function savedBy(before: Words, after: Words, { rect, fromX, fromY }: Move): number {
  let saved = 0;
  for (let y = 0; y < rect.height; y++) {
    for (let x = 0; x < rect.width; x++) {
      const to = (rect.y + y) * WIDTH + rect.x + x;
      const wanted = after.words[to];
      const isRight = before.words[(fromY + y) * WIDTH + fromX + x] === wanted;
      const wasRight = before.words[to] === wanted;
      saved += Number(isRight) - Number(wasRight);
    }
  }
  return saved;
}

describe('what has moved', () => {
  it('is found when a pane is scrolled, up, down or sideways, and nearly all of it', () => {
    const pane = { x: 37, y: 21, width: 301, height: 233 };
    const scrolled = fc.record({ x: fc.integer({ min: -60, max: 60 }), y: fc.integer({ min: -60, max: 60 }) });
    fc.assert(
      fc.property(scrolled, fc.nat(1000), (by, start) => {
        fc.pre(by.x !== 0 || by.y !== 0);
        const desk = picture(() => 0x336699);
        const before = contentAt(pane, desk, (x, y) => letters(x + start, y + start));
        const after = contentAt(pane, desk, (x, y) => letters(x + start - by.x, y + start - by.y));
        const move = detectMove(before, after, pane);
        assert.ok(move !== undefined);
        assert.deepEqual([move.rect.x - move.fromX, move.rect.y - move.fromY], [by.x, by.y]);
        // It may take flat colour around the pane along, and leave out less than a cell.
        assert.ok(move.rect.width > pane.width - Math.abs(by.x) - 8);
        assert.ok(move.rect.height > pane.height - Math.abs(by.y) - 8);
      }),
      { numRuns: 40 },
    );
  });

  it('is found when a window is dragged over a desktop', () => {
    const place = fc.record({ x: fc.integer({ min: 0, max: 200 }), y: fc.integer({ min: 0, max: 150 }) });
    fc.assert(
      fc.property(place, place, (from, to) => {
        fc.pre(Math.abs(from.x - to.x) + Math.abs(from.y - to.y) > 8);
        const size = { width: 190, height: 140 };
        const desk = picture((x, y) => ((x ^ y) & 32 ? 0x336699 : 0x406080));
        const before = contentAt({ ...from, ...size }, desk, (x, y) => letters(x - from.x, y - from.y));
        const after = contentAt({ ...to, ...size }, desk, (x, y) => letters(x - to.x, y - to.y));
        const move = detectMove(before, after, whole);
        assert.ok(move !== undefined);
        assert.deepEqual([move.rect.x - move.fromX, move.rect.y - move.fromY], [to.x - from.x, to.y - from.y]);
        assert.ok(savedBy(before, after, move) > 0);
      }),
      { numRuns: 40 },
    );
  });

  it('is found in noise, where that is asked for, and not mistaken for what is only bright in the same places', () => {
    const noisy = (seed: number, dx: number, level: number) =>
      picture((x, y) => {
        const noise = Math.imul(Math.imul(x + seed, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b), 0xc2b2ae35) >>> 29;
        return (letters(x + dx, y) === 0x202020 ? 0x202020 : level) + noise * 0x010101;
      });
    const before = noisy(1, 0, 0xe0e0e0);
    assert.equal(detectMove(before, noisy(5, 21, 0xe0e0e0), whole), undefined);
    const move = detectMove(before, noisy(5, 21, 0xe0e0e0), whole, true);
    assert.ok(move !== undefined);
    assert.deepEqual([move.rect.x - move.fromX, move.rect.y - move.fromY], [-21, 0]);
    assert.ok(move.saved > (WIDTH - 40) * HEIGHT * 0.8);
    assert.equal(detectMove(before, noisy(5, 21, 0xa0a0a0), whole, true), undefined);
  });

  it('is nothing where new content appears, nothing changes, or all is flat', () => {
    const before = picture(letters);
    assert.equal(detectMove(before, before, whole), undefined);
    assert.equal(
      detectMove(
        before,
        picture((x, y) => letters(x + 10_000, y)),
        whole,
      ),
      undefined,
    );
    assert.equal(
      detectMove(
        picture(() => 1),
        picture(() => 2),
        whole,
      ),
      undefined,
    );
    assert.equal(
      detectMove(
        before,
        picture(() => 0xfafafa),
        whole,
      ),
      undefined,
    );
  });

  it('never lies outside the picture, and saves something, whatever the pictures are', () => {
    const color = fc.constantFrom(
      letters,
      (x: number, y: number) => letters(x % 23, y % 17),
      (x: number) => letters(x, 0),
      (_: number, y: number) => letters(0, y),
      (x: number, y: number) => x * 7 + y * 3,
      (x: number, y: number) => ((x + y) % 5 < 2 ? 0 : 0xffffff),
    );
    const offset = fc.integer({ min: -300, max: 300 });
    const area = fc
      .tuple(
        fc.nat(WIDTH - 1),
        fc.nat(HEIGHT - 1),
        fc.integer({ min: 1, max: WIDTH }),
        fc.integer({ min: 1, max: HEIGHT }),
      )
      .map(([x, y, width, height]) => ({
        x,
        y,
        width: Math.min(width, WIDTH - x),
        height: Math.min(height, HEIGHT - y),
      }));
    fc.assert(
      fc.property(color, color, offset, offset, area, (one, other, dx, dy, where) => {
        const before = picture(one);
        const after = contentAt(where, before, (x, y) => other(x + dx + 300, y + dy + 300));
        const move = detectMove(before, after, where);
        if (move === undefined) return;
        const { rect, fromX, fromY } = move;
        for (const [x, y] of [
          [rect.x, rect.y],
          [fromX, fromY],
        ] as const) {
          assert.ok(x >= 0 && y >= 0 && x + rect.width <= WIDTH && y + rect.height <= HEIGHT);
        }
        assert.ok(savedBy(before, after, move) >= 0);
      }),
      { numRuns: 80 },
    );
  });
});
