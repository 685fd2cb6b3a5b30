import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SocketGarbage } from './socket-garbage.ts';

const MB = 1024 * 1024;

test('young objects are collected for each four megabytes that were read, after the turn that read them', async () => {
  let collected = 0;
  const garbage = new SocketGarbage(() => collected++);
  garbage.read(3 * MB);
  await nextTurn();
  assert.equal(collected, 0);
  garbage.read(2 * MB);
  garbage.read(9 * MB);
  assert.equal(collected, 0, 'nobody waits for it');
  await nextTurn();
  assert.equal(collected, 1, 'one collection frees all of it');
  garbage.read(3 * MB);
  await nextTurn();
  assert.equal(collected, 1, 'counted anew');
});

test('what was read is freed without going through the whole heap', async () => {
  const garbage = new SocketGarbage();
  const whole: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as { detail?: { kind?: number } }[]) {
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole.push(1);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let turn = 0; turn < 1024; turn++) {
    for (let i = 0; i < 64; i++) garbage.read(Buffer.allocUnsafeSlow(16 * 1024).length);
    await nextTurn();
  }
  observer.disconnect();
  // Left alone, V8 does so 14 times for this gigabyte.
  assert.ok(whole.length < 6, `${whole.length} times`);
});
