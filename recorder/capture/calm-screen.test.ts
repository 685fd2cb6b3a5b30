import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalmScreen } from './calm-screen.ts';

const CLOCK = { x: 1800, y: 1040, width: 96, height: 32 };
const CARET = { x: 320, y: 480, width: 32, height: 32 };
const MINUTE = 60_000;

/** A screen on which a clock ticks and a caret blinks until then, once a second. */
function ticking(until: number, from = 0, screen = new CalmScreen()): CalmScreen {
  if (from === 0) screen.resized(1920, 1080, 0);
  for (let now = from; now <= until; now += 1000) screen.see([CLOCK, CARET], now);
  return screen;
}

test('a screen is calm when for five minutes nothing but a clock and a caret has changed', () => {
  assert.equal(ticking(5 * MINUTE - 1000).isCalm, false);
  assert.equal(ticking(5 * MINUTE).isCalm, true);
  assert.equal(ticking(120 * MINUTE).isCalm, true);
});

test('what opens there, and another desktop, ends it for five minutes', () => {
  const screen = ticking(6 * MINUTE);
  screen.see([{ x: 200, y: 200, width: 320, height: 480 }], 6 * MINUTE);
  assert.equal(screen.isCalm, false);
  assert.equal(ticking(10 * MINUTE, 6 * MINUTE + 1000, screen).isCalm, false);
  assert.equal(ticking(11 * MINUTE, 10 * MINUTE + 1000, screen).isCalm, true);
  screen.resized(1280, 800, 11 * MINUTE);
  assert.equal(screen.isCalm, false);
});

test('one on which somebody types is not calm, nor one on which nothing changes at all', () => {
  const typed = new CalmScreen();
  typed.resized(1920, 1080, 0);
  for (let key = 0; key < 3000; key++) {
    typed.see([{ x: ((key * 10) % 1600) & ~1, y: 32 * Math.floor(key / 160), width: 32, height: 32 }], key * 200);
    assert.equal(typed.isCalm, false, `after ${key} keys`);
  }
  const still = new CalmScreen();
  still.resized(1920, 1080, 0);
  for (let i = 1; i < 50; i++) still.see([CARET], i * 10 * MINUTE);
  assert.equal(still.isCalm, false);
});
