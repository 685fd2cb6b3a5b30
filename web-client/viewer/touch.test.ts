import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Touch } from './touch.ts';

/** Fingers, and what came of them in words: "left down 5,5". */
function fake() {
  let did: string[] = [];
  let time = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  let held = 0;
  const touch = new Touch({
    mouse: {
      pointer({ type, isPrimary, clientX, clientY, buttons }) {
        assert.ok(isPrimary);
        const name = (mask: number): string => (mask === 2 ? 'right' : 'left');
        const what =
          type === 'pointercancel'
            ? 'let go'
            : buttons === held
              ? 'move'
              : `${name(buttons ^ held)} ${buttons === 0 ? 'up' : 'down'}`;
        held = type === 'pointercancel' ? 0 : buttons;
        did.push(`${what} ${clientX},${clientY}`);
      },
      wheel: ({ deltaX, deltaY, clientX, clientY }) => did.push(`wheel ${deltaX},${deltaY} at ${clientX},${clientY}`),
    },
    now: () => time,
    after(milliseconds, run) {
      const timer = { at: time + milliseconds, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  });
  const finger =
    (type: string) =>
    (pointerId: number, clientX = 0, clientY = 0): void =>
      touch.finger({ type, pointerId, clientX, clientY });
  return {
    touch,
    down: finger('pointerdown'),
    move: finger('pointermove'),
    up: finger('pointerup'),
    gone: finger('pointercancel'),
    wait(milliseconds: number) {
      time += milliseconds;
      const due = timers.filter(({ at }) => at <= time);
      timers = timers.filter(({ at }) => at > time);
      for (const { run } of due) run();
    },
    did() {
      const all = did;
      did = [];
      return all;
    },
  };
}

describe('fingers', () => {
  it('click by a tap, which may tremble, where they came down', () => {
    const { down, move, up, did } = fake();
    down(1, 5, 5);
    move(1, 9, 8);
    assert.deepEqual(did(), ['move 5,5']);
    up(1, 9, 8);
    assert.deepEqual(did(), ['left down 5,5', 'left up 5,5']);
  });

  it('double click in one place, though they tap in two', () => {
    const { down, up, wait, did } = fake();
    const tap = (x: number, y: number): readonly string[] => {
      down(1, x, y);
      up(1, x, y);
      return did().slice(1);
    };
    assert.deepEqual(tap(50, 50), ['left down 50,50', 'left up 50,50']);
    wait(200);
    assert.deepEqual(tap(62, 44), ['left down 50,50', 'left up 50,50']);
    wait(200);
    assert.deepEqual(tap(70, 40), ['left down 70,40', 'left up 70,40'], 'a third tap begins anew');
    wait(200);
    assert.deepEqual(tap(120, 40), ['left down 120,40', 'left up 120,40'], 'too far away for a double click');
    wait(800);
    assert.deepEqual(tap(121, 40), ['left down 121,40', 'left up 121,40'], 'too late for one');
  });

  it('drag from where they came down', () => {
    const { down, move, up, wait, did } = fake();
    down(1, 5, 5);
    move(1, 30, 5);
    move(1, 40, 20);
    wait(2000);
    up(1, 41, 20);
    assert.deepEqual(did(), ['move 5,5', 'left down 5,5', 'move 30,5', 'move 40,20', 'left up 41,20']);
  });

  it('click with the right button by resting, and with nothing else after it', () => {
    const { down, move, up, wait, did } = fake();
    down(1, 5, 5);
    wait(499);
    assert.deepEqual(did(), ['move 5,5']);
    wait(1);
    assert.deepEqual(did(), ['right down 5,5', 'right up 5,5']);
    move(1, 90, 90);
    up(1, 90, 90);
    assert.deepEqual(did(), []);
    down(1, 7, 7);
    up(1, 7, 7);
    assert.deepEqual(did(), ['move 7,7', 'left down 7,7', 'left up 7,7']);
  });

  it('click with the right button by two that tap, between them', () => {
    const { down, up, wait, did } = fake();
    down(1, 10, 10);
    down(2, 30, 20);
    wait(1000);
    up(1, 10, 10);
    up(2, 30, 20);
    assert.deepEqual(did(), ['move 10,10', 'right down 20,15', 'right up 20,15']);
  });

  it('turn the wheel by two that move: what is under them follows', () => {
    const { down, move, up, did } = fake();
    down(1, 10, 100);
    down(2, 30, 100);
    did();
    move(1, 10, 90);
    assert.deepEqual(did(), [], 'they may tremble');
    move(2, 30, 80);
    move(1, 10, 80);
    assert.deepEqual(did(), ['wheel 0,37.5 at 20,100', 'wheel 0,12.5 at 20,100']);
    move(1, 30, 80);
    assert.deepEqual(did(), ['wheel -25,0 at 20,100']);
    up(1, 30, 80);
    move(2, 90, 90);
    up(2, 90, 90);
    assert.deepEqual(did(), []);
  });

  it('that come to a drag, or come too late, do nothing', () => {
    const { down, move, up, did } = fake();
    down(1, 5, 5);
    move(1, 30, 5);
    did();
    down(2, 80, 80);
    move(2, 90, 90);
    up(2, 90, 90);
    assert.deepEqual(did(), []);
    up(1, 30, 5);
    assert.deepEqual(did(), ['left up 30,5']);
    up(9, 1, 1);
    move(9, 1, 1);
    assert.deepEqual(did(), []);
  });

  it('that the browser takes for itself let go of what they drag, and click nothing', () => {
    const { down, move, up, gone, wait, did } = fake();
    down(1, 5, 5);
    move(1, 30, 5);
    did();
    gone(1);
    assert.deepEqual(did(), ['let go 5,5']);
    down(1, 5, 5);
    gone(1);
    wait(1000);
    down(1, 6, 6);
    down(2, 8, 8);
    gone(2);
    up(1, 6, 6);
    assert.deepEqual(did(), ['move 5,5', 'move 6,6']);
    down(1, 7, 7);
    up(1, 7, 7);
    assert.deepEqual(did(), ['move 7,7', 'left down 7,7', 'left up 7,7']);
  });

  it('do nothing more once the page is left', () => {
    const { touch, down, up, wait, did } = fake();
    down(1, 5, 5);
    did();
    touch.cancel();
    wait(1000);
    up(1, 5, 5);
    assert.deepEqual(did(), []);
  });
});
