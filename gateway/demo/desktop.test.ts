import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { enclose, intersect, type Rect } from '#protocol/graphics/geometry.ts';
import { type InputEvent, MouseButton } from '#protocol/pdu/input.ts';
import { Damage } from './damage.ts';
import { DemoDesktop } from './desktop.ts';
import { PANEL_HEIGHT } from './theme.ts';

const NOON = Date.UTC(2026, 0, 1, 12, 0, 0);

function desktop(width = 1024, height = 768): DemoDesktop {
  const made = new DemoDesktop(width, height);
  made.tick(NOON);
  made.paint();
  return made;
}

function keys(...codes: number[]): InputEvent[] {
  return codes.flatMap((code) => [
    { kind: 'scancode', code, extended: false, down: true } as const,
    { kind: 'scancode', code, extended: false, down: false } as const,
  ]);
}

function extended(code: number): InputEvent[] {
  return keys(code).map((event) => ({ ...event, extended: true }) as InputEvent);
}

function button(x: number, y: number, down: boolean): InputEvent {
  return { kind: 'mouse-button', button: MouseButton.left, down, x, y };
}

function click(x: number, y: number): InputEvent[] {
  return [button(x, y, true), button(x, y, false)];
}

function digest(of: DemoDesktop, rect: Rect): string {
  return Buffer.from(of.read(rect)).toString('base64');
}

describe('DemoDesktop', () => {
  it('starts with all of it to be drawn, and nothing left after that', () => {
    const made = new DemoDesktop(640, 480);
    made.tick(NOON);
    assert.deepEqual(made.paint(), [{ x: 0, y: 0, width: 640, height: 480 }]);
    assert.equal(made.dirty, false);
    assert.deepEqual(made.paint(), []);
  });

  it('shows typed text and damages no more than the field', () => {
    const made = desktop();
    const field = { x: made.notes.x, y: made.notes.y, width: made.notes.width, height: made.notes.height };
    const before = digest(made, field);
    made.input([...keys(0x23), { kind: 'unicode', unit: 0x20ac, down: true }]);
    assert.equal(made.notes.buffer.text, 'h€');
    for (const rect of made.paint()) assert.deepEqual(intersect(rect, field), rect);
    assert.notEqual(digest(made, field), before);
  });

  it('places the caret where it is clicked', () => {
    const made = desktop();
    made.input(keys(0x1e, 0x30, 0x2e));
    const { x, y } = made.notes;
    made.input([...click(x + 24, y + 80), ...keys(0x2d)]);
    assert.equal(made.notes.buffer.text, 'xabc');
  });

  it('types only while the notes have the keyboard', () => {
    const made = desktop();
    made.input([...click(made.list.x + 20, made.list.y + 100), ...keys(0x1e)]);
    assert.equal(made.notes.buffer.text, '');
    made.input([...click(made.notes.x + 50, made.notes.y + 100), ...keys(0x1e)]);
    assert.equal(made.notes.buffer.text, 'a');
  });

  it('counts clicks on the button, and none that is let go elsewhere', () => {
    const made = desktop();
    const { x, y } = made.button;
    made.input([...click(x + 50, y + 60), ...click(x + 50, y + 60)]);
    made.input([button(x + 50, y + 60, true), button(x + 250, y + 120, false)]);
    assert.equal(made.button.clicks, 2);
  });

  it('follows the wheel and the thumb, within the list', () => {
    const made = desktop();
    const { x, y } = made.list;
    made.input([{ kind: 'wheel', delta: -120, horizontal: false, x: 0, y: 0 }]);
    assert.equal(made.list.offset, 0, 'the pointer is elsewhere');
    made.input([{ kind: 'mouse-move', x: x + 5, y: y + 50 }]);
    made.input([{ kind: 'wheel', delta: -120, horizontal: false, x: 0, y: 0 }]);
    assert.equal(made.list.offset, 72);
    made.input([{ kind: 'wheel', delta: 1200, horizontal: false, x: 0, y: 0 }]);
    assert.equal(made.list.offset, 0);
    const thumb = x + made.list.width - 8;
    made.input([
      button(thumb, y + 30, true),
      { kind: 'mouse-move', x: thumb, y: y + 130 },
      button(thumb, y + 130, false),
    ]);
    assert.ok(made.list.offset > 1000, `${made.list.offset}`);
    made.input(click(x + 20, y + 26 + 12));
    assert.equal(made.list.selected, Math.floor((made.list.offset + 12) / 24));
  });

  it('drags a window by its title and damages both places', () => {
    const made = desktop();
    const from = made.notes.bounds;
    made.input([
      button(from.x + 60, from.y + 10, true),
      { kind: 'mouse-move', x: from.x + 160, y: from.y + 60 },
      button(from.x + 160, from.y + 60, false),
    ]);
    assert.deepEqual([made.notes.x, made.notes.y], [from.x + 100, from.y + 50]);
    const damaged = made.paint().reduce(enclose);
    assert.deepEqual(intersect(damaged, from), from);
    assert.deepEqual(intersect(damaged, made.notes.bounds), made.notes.bounds);
  });

  it('never lets go of a title', () => {
    const made = desktop();
    const { x, y } = made.notes;
    made.input([button(x + 60, y + 10, true), { kind: 'mouse-move', x: 0, y: 0 }]);
    assert.ok(made.notes.y >= PANEL_HEIGHT);
    assert.ok(made.notes.x + made.notes.width >= 40);
  });

  it('changes the pointer with what it is over', () => {
    const made = desktop();
    const { x, y } = made.notes;
    const at = (dx: number, dy: number): InputEvent => ({ kind: 'mouse-move', x: x + dx, y: y + dy });
    made.input([at(50, 100)]);
    assert.equal(made.pointer, 'text');
    made.input([at(50, 40)]);
    assert.equal(made.pointer, 'arrow');
    made.input([button(x + 50, y + 10, true)]);
    assert.equal(made.pointer, 'move');
    made.input([button(x + 50, y + 10, false)]);
    assert.equal(made.pointer, 'arrow');
  });

  it('has a clock and a window that moves, and says when next', () => {
    const made = desktop();
    const from = made.drift.x;
    const next = made.tick(NOON + 1500);
    assert.ok(next > NOON + 1500 && next <= NOON + 2000);
    assert.ok(made.drift.x > from);
    assert.ok(made.paint().some((rect) => rect.y < PANEL_HEIGHT && rect.x > 800));
    const atRest = made.drift.x;
    for (let now = NOON + 1500; now < NOON + 200_000; now += 1000) {
      made.tick(now);
      assert.ok(made.drift.x >= from && made.drift.x + made.drift.width <= 1024);
    }
    assert.notEqual(made.drift.x, atRest);
  });

  it('works on a desktop that is too small for its windows', () => {
    const made = desktop(200, 200);
    made.input([{ kind: 'mouse-move', x: 199, y: 199 }, ...click(100, 100), ...keys(0x1e)]);
    for (const rect of made.paint()) assert.ok(rect.x + rect.width <= 200 && rect.y + rect.height <= 200);
  });

  it('draws every edit of the text to the same picture as the whole', () => {
    const made = desktop();
    const all = { x: 0, y: 0, width: 1024, height: 768 };
    const [enter, backspace, home, up] = [keys(0x1c), keys(0x0e), extended(0x47), extended(0x48)];
    const lines = Array.from({ length: 7 }, () => [...keys(0x1e, 0x30), ...enter]).flat();
    for (const event of [...keys(0x1e, 0x1f), ...lines, ...up, ...up, ...home, ...backspace, ...keys(0x20), ...enter]) {
      made.input([event]);
      made.paint();
      const inParts = digest(made, all);
      made.invalidate();
      made.paint();
      assert.ok(inParts === digest(made, all), `after ${JSON.stringify(event)}`);
    }
  });

  it('draws parts to the same picture as the whole', () => {
    const parts = desktop();
    parts.input([...keys(0x1e, 0x1f), ...click(parts.button.x + 50, parts.button.y + 60)]);
    parts.input([{ kind: 'mouse-move', x: parts.list.x + 5, y: parts.list.y + 50 }]);
    parts.input([{ kind: 'wheel', delta: -240, horizontal: false, x: 0, y: 0 }]);
    parts.tick(NOON + 3000);
    parts.paint();
    const all = { x: 0, y: 0, width: 1024, height: 768 };
    const inParts = digest(parts, all);
    parts.invalidate();
    parts.paint();
    assert.ok(inParts === digest(parts, all));
  });
});

describe('Damage', () => {
  it('covers everything that was added, inside the bounds, in a bounded number of rectangles', () => {
    const side = fc.integer({ min: -20, max: 120 });
    const size = fc.integer({ min: 1, max: 60 });
    const rects = fc.array(fc.record({ x: side, y: side, width: size, height: size }), { maxLength: 60 });
    const bounds = { x: 0, y: 0, width: 100, height: 100 };
    fc.assert(
      fc.property(rects, (added) => {
        const damage = new Damage(100, 100);
        for (const rect of added) damage.add(rect);
        const taken = damage.take();
        assert.ok(taken.length <= 16);
        for (const rect of taken) assert.deepEqual({ ...intersect(rect, bounds) }, { ...rect });
        for (const rect of added) {
          const visible = intersect(rect, bounds);
          if (!visible) continue;
          const corners = [
            [visible.x, visible.y],
            [visible.x + visible.width - 1, visible.y],
            [visible.x, visible.y + visible.height - 1],
            [visible.x + visible.width - 1, visible.y + visible.height - 1],
          ] as const;
          for (const [x, y] of corners) {
            assert.ok(taken.some((at) => x >= at.x && y >= at.y && x < at.x + at.width && y < at.y + at.height));
          }
        }
        assert.equal(damage.empty, true);
      }),
      { numRuns: 200 },
    );
  });
});
