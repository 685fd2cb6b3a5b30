import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OutsideGarbage } from './outside-garbage.ts';

const MB = 1024 * 1024;

test('young objects are collected for each four megabytes outside of the heap, after the turn that read them', async () => {
  let collected = 0;
  let outside = 100 * MB;
  const garbage = new OutsideGarbage(
    () => collected++,
    () => outside,
  );
  const grow = (bytes: number) => {
    outside += bytes;
    garbage.look();
  };
  grow(3 * MB);
  await nextTurn();
  assert.equal(collected, 0);
  grow(-40 * MB);
  grow(3 * MB);
  await nextTurn();
  assert.equal(collected, 0, 'counted from the least there was');
  grow(2 * MB);
  grow(9 * MB);
  assert.equal(collected, 0, 'nobody waits for it');
  await nextTurn();
  assert.equal(collected, 1, 'one collection frees all of it');
  grow(3 * MB);
  await nextTurn();
  assert.equal(collected, 1, 'counted anew, also when nothing was freed');
});

test('what was read is freed without going through the whole heap', async () => {
  const garbage = new OutsideGarbage();
  const whole: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as { detail?: { kind?: number } }[]) {
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole.push(1);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let turn = 0; turn < 1024; turn++) {
    for (let i = 0; i < 64; i++) {
      Buffer.allocUnsafeSlow(16 * 1024);
      garbage.look();
    }
    await nextTurn();
  }
  observer.disconnect();
  // Left alone, V8 does so 14 times for this gigabyte.
  assert.ok(whole.length < 6, `${whole.length} times`);
});
