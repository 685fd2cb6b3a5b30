import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEAT_MS } from '../beat.ts';
import { createLogger } from '../log.ts';
import { RequestClock } from './request-clock.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('time acts when something is due, a second after something has changed, and else with the beat', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'Date'] });
  let changed = () => {};
  let advanced = 0;
  let ticked = 0;
  let rest = Number.POSITIVE_INFINITY;
  const requests = {
    dueAt: Number.POSITIVE_INFINITY,
    async advance() {
      advanced++;
    },
    onChanged(listener: () => void) {
      changed = listener;
    },
  };
  const clock = new RequestClock(requests, createLogger('silent'));
  const since = async (milliseconds: number) => {
    [advanced, ticked] = [0, 0];
    t.mock.timers.tick(milliseconds);
    await settled();
    return { advanced, ticked };
  };

  clock.start(() => {
    ticked++;
    return rest;
  });
  assert.deepEqual(await since(1000), { advanced: 1, ticked: 1 }, 'when it has started');
  assert.deepEqual(await since(BEAT_MS - 1001), { advanced: 0, ticked: 0 });
  requests.dueAt = Date.now() + 1 + 2500;
  assert.deepEqual(await since(1), { advanced: 1, ticked: 1 }, 'the beat');
  assert.deepEqual(await since(2499), { advanced: 0, ticked: 0 });
  requests.dueAt = Number.POSITIVE_INFINITY;
  assert.deepEqual(await since(1), { advanced: 1, ticked: 1 }, 'a request is due');

  rest = 0;
  changed();
  assert.deepEqual(await since(999), { advanced: 0, ticked: 0 });
  assert.deepEqual(await since(1), { advanced: 1, ticked: 1 }, 'a request has changed');
  assert.deepEqual(await since(1000), { advanced: 1, ticked: 1 }, 'a session wants to be looked at again');
  rest = Number.POSITIVE_INFINITY;
  await since(BEAT_MS);
  assert.deepEqual(await since(BEAT_MS), { advanced: 1, ticked: 1 }, 'the beat alone');

  await clock.stop();
  changed();
  assert.deepEqual(await since(2 * BEAT_MS), { advanced: 0, ticked: 0 });
});
