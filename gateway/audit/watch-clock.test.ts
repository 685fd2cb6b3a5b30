import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockWatch } from '../clock.ts';
import { createLogger } from '../log.ts';
import type { AuditEvent } from './audit.ts';
import { watchClock } from './watch-clock.ts';

test('a clock that is set is in the trail, by how much, each time', async () => {
  let offset = 0;
  const written: AuditEvent[] = [];
  const second = Promise.withResolvers<void>();
  const audit = {
    async record(event: AuditEvent) {
      written.push(event);
      offset -= 10_000;
      if (written.length === 2) second.resolve();
    },
  };
  const watch = watchClock(audit, createLogger('silent'), { clock: new ClockWatch(() => offset), everyMs: 1 });
  offset = 60_000;
  watch.start();
  // What watches keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  await second.promise;
  clearInterval(alive);
  await watch.stop();
  assert.deepEqual(written.slice(0, 2), [
    { action: 'clock.moved', details: { byMs: 60_000 } },
    { action: 'clock.moved', details: { byMs: -10_000 } },
  ]);
});
