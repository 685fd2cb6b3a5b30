import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEAT_MS, every } from './beat.ts';

test('what is done every so many beats is done in one turn with the others; the rest has a time of its own', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const done: string[] = [];
  const ends = [
    every(BEAT_MS, () => done.push('beat')),
    every(3 * BEAT_MS, () => done.push('third')),
    every(700, () => done.push('own')),
  ];
  t.mock.timers.tick(BEAT_MS - 1);
  assert.deepEqual(done.splice(0), Array(7).fill('own'));
  t.mock.timers.tick(1);
  assert.deepEqual(done.splice(0), ['beat']);
  ends[2]?.();
  t.mock.timers.tick(3 * BEAT_MS);
  assert.deepEqual(done.filter((what) => what === 'beat').length, 3);
  assert.deepEqual(done.filter((what) => what === 'third').length, 1);
  assert.ok(!done.includes('own'));

  done.length = 0;
  ends[0]?.();
  t.mock.timers.tick(3 * BEAT_MS);
  assert.deepEqual(done, ['third']);
  ends[1]?.();
  t.mock.timers.tick(3 * BEAT_MS);
  assert.deepEqual(done, ['third']);
});
