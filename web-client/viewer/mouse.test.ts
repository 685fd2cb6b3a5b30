import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { Mouse } from './mouse.ts';

/** A mouse over a desktop that lies at 10, 20 on the page and is 100 by 80 pixels. */
function fake() {
  let events: InputEvent[] = [];
  const frames: (() => void)[] = [];
  const mouse = new Mouse({
    send: (sent) => events.push(...sent),
    toDesktop: (clientX, clientY) => ({
      x: Math.max(0, Math.min(99, clientX - 10)),
      y: Math.max(0, Math.min(79, clientY - 20)),
    }),
    nextFrame: (run) => frames.push(run),
  });
  let held = 0;
  const pointer = (type: string, x: number, y: number, buttons: number, isPrimary = true) =>
    mouse.pointer({ type, isPrimary, clientX: x + 10, clientY: y + 20, buttons });
  return {
    mouse,
    pointer,
    /** The mouse is there now, with these buttons held. */
    at: (x: number, y: number, buttons = 0) => {
      const type =
        held === 0 && buttons !== 0 ? 'pointerdown' : held !== 0 && buttons === 0 ? 'pointerup' : 'pointermove';
      held = buttons;
      pointer(type, x, y, buttons);
    },
    wheel: (deltaX: number, deltaY: number, deltaMode = 0) =>
      mouse.wheel({ clientX: 15, clientY: 26, deltaX, deltaY, deltaMode }),
    frame: () => {
      for (const run of frames.splice(0)) run();
    },
    sent: () => {
      const sent = events;
      events = [];
      return sent;
    },
  };
}

test('movement is sent once a frame, the latest place only', () => {
  const { at, frame, sent } = fake();
  at(1, 1);
  at(2, 2);
  at(3, 4);
  assert.deepEqual(sent(), []);
  frame();
  assert.deepEqual(sent(), [{ kind: 'mouse-move', x: 3, y: 4 }]);
  frame();
  assert.deepEqual(sent(), []);
});

test('staying where it is sends nothing', () => {
  const { at, frame, sent } = fake();
  at(3, 4);
  frame();
  sent();
  at(3, 4);
  frame();
  assert.deepEqual(sent(), []);
});

test('going away and back within a frame sends nothing', () => {
  const { at, frame, sent } = fake();
  at(3, 4);
  frame();
  sent();
  at(9, 9);
  at(3, 4);
  frame();
  assert.deepEqual(sent(), []);
});

test('a button goes at once, at its own place, and takes the waiting movement with it', () => {
  const { at, frame, sent } = fake();
  at(1, 1);
  at(5, 6, 1);
  assert.deepEqual(sent(), [
    { kind: 'mouse-move', x: 5, y: 6 },
    { kind: 'mouse-button', button: 1, down: true, x: 5, y: 6 },
  ]);
  frame();
  assert.deepEqual(sent(), []);
  at(5, 6, 0);
  assert.deepEqual(sent(), [{ kind: 'mouse-button', button: 1, down: false, x: 5, y: 6 }]);
});

test('all five buttons have their numbers', () => {
  const { at, sent } = fake();
  at(1, 1, 1 | 2 | 4 | 8 | 16);
  const buttons = sent().flatMap((event) => (event.kind === 'mouse-button' ? [event.button] : []));
  assert.deepEqual(buttons, [1, 2, 3, 4, 5]);
});

test('a second button during a drag comes as a movement and is still sent', () => {
  const { mouse, at, sent } = fake();
  at(1, 1, 1);
  sent();
  at(1, 1, 1 | 2);
  at(1, 1, 2);
  assert.deepEqual(sent(), [
    { kind: 'mouse-button', button: 2, down: true, x: 1, y: 1 },
    { kind: 'mouse-button', button: 1, down: false, x: 1, y: 1 },
  ]);
  assert.equal(mouse.dragging, true);
});

test('losing the mouse releases the buttons where it was last', () => {
  const { mouse, at, sent } = fake();
  at(7, 8, 1 | 4);
  sent();
  mouse.releaseAll();
  assert.deepEqual(sent(), [
    { kind: 'mouse-button', button: 1, down: false, x: 7, y: 8 },
    { kind: 'mouse-button', button: 3, down: false, x: 7, y: 8 },
  ]);
  assert.equal(mouse.dragging, false);
  mouse.releaseAll();
  assert.deepEqual(sent(), []);
});

test('what was pressed elsewhere on the page and is moved over the desktop presses nothing there', () => {
  const { pointer, frame, sent } = fake();
  pointer('pointermove', 1, 1, 1);
  pointer('pointermove', 3, 4, 1 | 2);
  frame();
  assert.deepEqual(sent(), [{ kind: 'mouse-move', x: 3, y: 4 }]);
  pointer('pointerup', 3, 4, 0);
  assert.deepEqual(sent(), []);
});

test('a button that was let go of with the mouse still down is not pressed again by a movement', () => {
  const { mouse, at, frame, sent } = fake();
  at(1, 1, 1);
  mouse.releaseAll();
  sent();
  at(5, 5, 1);
  frame();
  assert.deepEqual(sent(), [{ kind: 'mouse-move', x: 5, y: 5 }]);
});

test('a second finger neither moves the pointer nor lets go of what the first one holds', () => {
  const { pointer, frame, sent } = fake();
  pointer('pointerdown', 1, 1, 1);
  sent();
  pointer('pointerdown', 50, 50, 1, false);
  pointer('pointermove', 60, 60, 1, false);
  pointer('pointerup', 60, 60, 0, false);
  pointer('pointercancel', 0, 0, 0, false);
  frame();
  assert.deepEqual(sent(), []);
  pointer('pointercancel', 0, 0, 0);
  assert.deepEqual(sent(), [{ kind: 'mouse-button', button: 1, down: false, x: 1, y: 1 }]);
});

test('a drag that leaves the desktop stays at its edge', () => {
  const { at, frame, sent } = fake();
  at(50, 50, 1);
  sent();
  at(500, -500, 1);
  frame();
  assert.deepEqual(sent(), [{ kind: 'mouse-move', x: 99, y: 0 }]);
});

test('the wheel turns by whole notches, up is positive, right is positive', () => {
  const { wheel, sent } = fake();
  wheel(0, -100);
  assert.deepEqual(sent(), [
    { kind: 'mouse-move', x: 5, y: 6 },
    { kind: 'wheel', delta: 120, horizontal: false, x: 5, y: 6 },
  ]);
  wheel(200, 100);
  assert.deepEqual(sent(), [
    { kind: 'wheel', delta: -120, horizontal: false, x: 5, y: 6 },
    { kind: 'wheel', delta: 120, horizontal: true, x: 5, y: 6 },
    { kind: 'wheel', delta: 120, horizontal: true, x: 5, y: 6 },
  ]);
});

test('less than half a notch sends nothing yet', () => {
  const { wheel, sent } = fake();
  wheel(0, 20);
  wheel(0, 20);
  assert.deepEqual(sent(), []);
  wheel(0, 20);
  assert.equal(sent().filter((event) => event.kind === 'wheel').length, 1);
});
