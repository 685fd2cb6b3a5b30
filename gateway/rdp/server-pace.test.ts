import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import { BEAT_MS } from '../beat.ts';
import { ServerPace } from './server-pace.ts';

/** A pace whose clock goes on by hand, and when it has acknowledged how many frames. */
function paced(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const acknowledged: [at: number, count: number][] = [];
  const paused: [at: number, paused: boolean][] = [];
  const pace = new ServerPace(undefined, {
    acknowledge: (count) => acknowledged.push([now, count]),
    pause: (isPaused) => paused.push([now, isPaused]),
  });
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
  return { pace, pass, frame, acknowledged, paused };
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

test('an acknowledgement goes with the next input, with the next frame’s, or with a beat, and wakes nobody', (t) => {
  const { pace, pass, frame, acknowledged } = paced(t);
  const timers = t.mock.method(globalThis, 'setTimeout');
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
  pass(BEAT_MS);
  // The beat at 5000 is so soon after the last one that a clock's next picture may still take it along.
  assert.deepEqual(acknowledged.splice(0), [
    [1200, 1],
    [3000, 2],
  ]);
  pass(BEAT_MS);
  assert.deepEqual(acknowledged, [[2 * BEAT_MS, 1]]);
  assert.equal(timers.mock.callCount(), 0);
  pace.stop();
});

test('a server that is not read for long is read again at its time, not with the beat after it', (t) => {
  const { pace, pass, paused } = paced(t);
  pace.handedOver({ code: UpdateCode.desktopReset, data: Uint8Array.of(10, 0, 10, 0) });
  // A hundred desktops at once: three are a burst, the others take 33 ms each.
  const place = { destLeft: 0, destTop: 0, destRight: 99, destBottom: 99, width: 100, height: 100, bitsPerPixel: 32 };
  const rectangles = [{ ...place, compressed: false, data: new Uint8Array(0) }];
  const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
  encodeBitmapUpdate({ rectangles }, cursor);
  pace.handedOver({ code: UpdateCode.bitmap, data: cursor.finish() });
  pace.keep();
  pass(4000);
  assert.deepEqual(paused, [
    [0, true],
    [3234, false],
  ]);
  pace.stop();
});

test('a server that gives more to do than it may is not read until that is paid off, and is acknowledged meanwhile', (t) => {
  const { pace, pass, frame, acknowledged, paused } = paced(t);
  pace.handedOver({ code: UpdateCode.desktopReset, data: Uint8Array.of(0x80, 7, 0x38, 4) });
  const copies = { code: UpdateCode.graphicsPipeline, data: new Uint8Array(24), work: 1.9e9 };
  pace.keep();
  pace.handedOver(copies);
  frame();
  pass(10_000);
  assert.deepEqual(paused.splice(0), [
    [0, true],
    // 1.9 s of work, less the 3 s of credit at 0.518 s a second.
    [666, false],
  ]);
  assert.deepEqual(acknowledged, [[0, 1]]);
  pace.handedOver({ ...copies, work: 500e6 });
  pace.keep();
  pass(1000);
  assert.deepEqual(paused, [], 'it has credit again');
  pace.stop();
});
