import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ServerPace } from './server-pace.ts';

/** A pace whose clock goes on by hand, and when it has acknowledged how many frames. */
function paced(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const acknowledged: [at: number, count: number][] = [];
  const pace = new ServerPace(undefined, { acknowledge: (count) => acknowledged.push([now, count]), pause() {} });
  const pass = (milliseconds: number) => {
    for (let i = 0; i < milliseconds; i++) {
      now++;
      t.mock.timers.tick(1);
    }
  };
  const frame = () => {
    pace.frameEnded();
    pace.keep();
  };
  return { pace, pass, frame, acknowledged };
}

test('what is tried out on a server while nobody types ends a tenth of a second after somebody does', (t) => {
  const { pace, pass, frame, acknowledged } = paced(t);
  for (let i = 0; i < 5; i++) {
    pass(1000);
    frame();
  }
  assert.equal(acknowledged.splice(0).length, 4, 'the fifth one waits for the next picture');
  pass(300);
  pace.input();
  pass(950);
  assert.deepEqual(acknowledged, [[5400, 1]]);
  pace.stop();
});

test('thirty frames a second are acknowledged three at a time, and no timer is set for each', (t) => {
  const { pace, pass, frame, acknowledged } = paced(t);
  const timers = t.mock.method(globalThis, 'setTimeout');
  let frames = 0;
  for (; frames < 300; frames++) {
    frame();
    pass(frames % 3 === 2 ? 34 : 33);
  }
  const count = acknowledged.reduce((sum, [, count]) => sum + count, 0);
  assert.ok(count >= frames - 4, `${count} of ${frames}`);
  assert.ok(acknowledged.length <= frames / 2.5, `${acknowledged.length} times`);
  assert.ok(timers.mock.callCount() <= frames / 4, `${timers.mock.callCount()} timers`);
  pace.stop();
});

test('an acknowledgement goes with the next input, with the next frame’s, or alone', (t) => {
  const { pace, pass, frame, acknowledged } = paced(t);
  pace.frameEnded();
  frame();
  assert.deepEqual(acknowledged.splice(0), [[0, 2]], 'the server has gone on');
  pass(1000);
  frame();
  pass(200);
  pace.input();
  pass(800);
  frame();
  pass(1000);
  frame();
  pass(1000);
  frame();
  pass(3000);
  assert.deepEqual(acknowledged, [
    [1200, 1],
    [3000, 2],
    [6500, 1],
  ]);
  pace.stop();
});
