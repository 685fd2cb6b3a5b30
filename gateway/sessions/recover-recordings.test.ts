import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLogger } from '../log.ts';
import type { RecordingResult } from './ports.ts';
import { RecordingRecovery } from './recover-recordings.ts';

const VIDEO = { durationMs: 1000, bytes: 5 };

/** @param answers what each attempt comes to, the last one from then on */
function recovery(answers: readonly (readonly [string, RecordingResult | 'left'][])[]) {
  const asked: (readonly [readonly string[], ...boolean[]])[] = [];
  const finished: (readonly [string, RecordingResult | undefined])[] = [];
  const running = new RecordingRecovery({
    async recover(expected, others) {
      asked.push([expected, ...(others === undefined ? [] : [await others('unknown'), await others('settled')])]);
      return new Map(answers[asked.length - 1] ?? answers.at(-1));
    },
    history: {
      async recordingFinished(id, result) {
        finished.push([id, result]);
      },
      isSettled: async (id) => id === 'settled',
    },
    finished: async () => {},
    log: createLogger('silent'),
  });
  return { running, asked, finished };
}

test('what another process still finishes, or there is no room for, is no failure and is asked for again', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { running, asked, finished } = recovery([
    [
      ['a', VIDEO],
      ['b', 'left'],
      ['unexpected', VIDEO],
    ],
    [['b', 'left']],
    [['b', VIDEO]],
  ]);
  await running.run(['a', 'b', 'c']);
  assert.deepEqual(finished, [
    ['a', VIDEO],
    ['c', undefined],
    ['unexpected', VIDEO],
  ]);
  context.mock.timers.tick(30_000);
  await setImmediate();
  context.mock.timers.tick(60_000);
  await setImmediate();
  context.mock.timers.tick(10 * 60_000);
  await setImmediate();
  assert.deepEqual(asked, [[['a', 'b', 'c'], true, false], [['b']], [['b']]]);
  assert.deepEqual(finished.slice(3), [['b', VIDEO]]);
});

test('a recording that nothing finishes has failed after a while, and none is tried once the gateway stops', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { running, asked, finished } = recovery([[['a', 'left']]]);
  await running.run(['a']);
  for (let i = 0; i < 20; i++) {
    context.mock.timers.tick(10 * 60_000);
    await setImmediate();
  }
  assert.deepEqual([asked.length, finished], [13, [['a', undefined]]]);
  const other = recovery([[['a', 'left']]]);
  await other.running.run(['a']);
  other.running.stop();
  context.mock.timers.tick(60_000);
  await setImmediate();
  assert.deepEqual([other.asked.length, other.finished], [1, []]);
});
