import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WorkBudget } from './work-budget.ts';

/** A desktop of 1920 × 1080 pixels, and what a frame takes that scrolls all of it: cut out, pasted, shown. */
const FULL_HD = 1920 * 1080;
const SCROLL = 4 * FULL_HD;

/** Frames of so much work, so many a second, for so many seconds unless they have to wait. Returns for how many milliseconds they had to. */
function run(budget: WorkBudget, work: number, perSecond: number, seconds: number): number {
  let waited = 0;
  let now = 0;
  for (let due = 0; due < seconds * 1000; due += 1000 / perSecond) {
    now = Math.max(now, due);
    budget.spent(work);
    const wait = budget.isDue ? budget.waitMs(now) : 0;
    waited += wait;
    now += wait;
  }
  return waited;
}

describe('a budget of work', () => {
  for (const [name, width, height] of [
    ['1280 × 800', 1280, 800],
    ['1920 × 1080', 1920, 1080],
    ['3840 × 2160', 3840, 2160],
  ] as const) {
    it(`never holds up sixty frames a second that scroll all of ${name}, or a desktop that is drawn fifty times over`, () => {
      const [scrolled, drawn] = [new WorkBudget(), new WorkBudget()];
      for (const budget of [scrolled, drawn]) budget.resized(width * height);
      assert.equal(run(scrolled, 4 * width * height, 60, 60), 0);
      assert.equal(run(drawn, 8 * width * height, 1000, 0.05), 0);
    });
  }

  it('is half a processor on a usual desktop, and hardly more than two at most', () => {
    for (const [pixels, share] of [
      [640 * 480, 0.25],
      [FULL_HD, 0.518],
      [3840 * 2160, 2.074],
      [8192 * 4320, 2.1],
    ] as const) {
      const budget = new WorkBudget();
      budget.resized(pixels);
      const lasted = run(budget, 400e6, 10, 100) + 100;
      const expected = 1000 * 400 - 3000 * share;
      assert.ok(Math.abs((lasted * share) / expected - 1) < 0.02, `${lasted} ms at ${share}`);
    }
  });

  it('is owed by who gave much to do at once, and paid off by waiting', () => {
    const budget = new WorkBudget();
    budget.resized(FULL_HD);
    assert.equal(budget.waitMs(0), 0);
    budget.spent(400 * SCROLL);
    assert.ok(budget.isDue);
    const wait = budget.waitMs(0);
    assert.ok(wait > 3_000 && wait < 4_000, `${wait}`);
    assert.ok(budget.waitMs(wait / 2) > 0);
    assert.equal(budget.waitMs(wait), 0);
    assert.equal(budget.isDue, false);
  });
});
