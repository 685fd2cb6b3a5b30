import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilenceWatch } from './silence-watch.ts';

test('a server that speaks costs no timer of its own; one that has stopped is asked when it has been silent for long enough', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const timers = t.mock.method(globalThis, 'setTimeout');
  const log: string[] = [];
  const watch = new SilenceWatch(undefined, {
    limit: () => undefined,
    isDeaf: () => false,
    mayAsk: () => true,
    ask: () => log.push(`ask ${now}`),
    lost: () => log.push(`lost ${now}`),
  });
  const pass = (seconds: number, each: () => void) => {
    for (let i = 0; i < seconds * 10; i++) {
      now += 100;
      t.mock.timers.tick(100);
      if (now % 1000 === 0) each();
    }
  };
  pass(60, () => watch.heard());
  assert.equal(timers.mock.callCount(), 0);
  pass(23, () => {});
  assert.deepEqual(log, ['ask 72000', 'ask 77000', 'ask 82000']);
  watch.heard();
  watch.stop();
  pass(60, () => {});
  assert.equal(log.length, 3);
});
