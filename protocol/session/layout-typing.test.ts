import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InputEvent } from '../pdu/input.ts';
import { type KeyStroke, layoutKeys } from './layout-keys.ts';
import { LayoutTyping } from './layout-typing.ts';

const US = 0x0409;
const GERMAN = 0x0407;
const FRENCH = 0x040c;
const SPANISH = 0x040a;
const LAYOUTS = [
  ...[US, GERMAN, FRENCH, SPANISH, 0x0809, 0x0807, 0x100c, 0x080c, 0x0410, 0x080a, 0x0816, 0x0416],
  ...[0x0414, 0x0406, 0x041d, 0x040b, 0x0419],
];

/** Text as the browser sends what was composed. */
function unicode(text: string): InputEvent[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).flatMap((unit): InputEvent[] => [
    { kind: 'unicode', unit, down: true },
    { kind: 'unicode', unit, down: false },
  ]);
}

function key(code: number, down: boolean, extended = false): InputEvent {
  return { kind: 'scancode', code, extended, down };
}

/** Presses as hexadecimal scancodes, releases with a minus, E0 in front of the extended. */
function spell(events: readonly InputEvent[]): string {
  return events
    .map((event) => {
      assert.equal(event.kind, 'scancode');
      const { down, extended, code } = event as Extract<InputEvent, { kind: 'scancode' }>;
      return `${down ? '' : '-'}${extended ? 'e0' : ''}${code.toString(16)}`;
    })
    .join(' ');
}

function typed(layout: number, text: string, before: readonly InputEvent[] = []): string {
  const typing = new LayoutTyping(layout);
  typing.translate(before);
  const events = typing.translate(unicode(text));
  assert.equal(typing.lost, 0, text);
  return spell(events);
}

describe('LayoutTyping', () => {
  it('presses the keys of the layout, with Shift and AltGr', () => {
    assert.equal(typed(US, 'aA'), '1e -1e 2a 1e -1e -2a');
    assert.equal(typed(GERMAN, 'z'), '15 -15');
    assert.equal(typed(US, 'z'), '2c -2c');
    assert.equal(typed(GERMAN, '@€'), 'e038 10 -10 -e038 e038 12 -12 -e038');
    assert.equal(typed(GERMAN, 'ü /'), '1a -1a 39 -39 2a 8 -8 -2a');
    assert.equal(typed(FRENCH, '1à'), '2a 2 -2 -2a b -b');
    assert.equal(typed(0x0410, '{'), '2a e038 1a -1a -e038 -2a');
    assert.equal(typed(0x0419, 'Я'), '2a 2c -2c -2a');
  });

  it('uses dead keys: before a letter, and before the space bar for the accent itself', () => {
    assert.equal(typed(GERMAN, 'é'), 'd -d 12 -12');
    assert.equal(typed(GERMAN, 'È'), '2a d -d -2a 2a 12 -12 -2a');
    assert.equal(typed(GERMAN, '^'), '29 -29 39 -39');
    assert.equal(typed(SPANISH, 'ñÑü'), '27 -27 2a 27 -27 -2a 2a 28 -28 -2a 16 -16');
    assert.equal(typed(FRENCH, 'ê'), '1a -1a 12 -12');
    assert.equal(typed(FRENCH, '^'), 'e038 a -a -e038', 'its own key');
  });

  it('turns Shift around for letters while Caps Lock is on', () => {
    const lock: InputEvent = { kind: 'synchronize', scrollLock: false, numLock: true, capsLock: true, kanaLock: false };
    assert.equal(typed(GERMAN, 'aÄ1!', [lock]), '2a 1e -1e -2a 28 -28 2 -2 2a 2 -2 -2a');
    assert.equal(typed(US, 'a', [key(0x3a, true), key(0x3a, false)]), '2a 1e -1e -2a');
    assert.equal(typed(US, 'a', [lock, key(0x3a, true), key(0x3a, false)]), '1e -1e');
  });

  it('lets go of what is held, and takes it up again', () => {
    assert.equal(typed(US, 'a', [key(0x2a, true), key(0x1d, true, true)]), '-2a -e01d 1e -1e 2a e01d');
    assert.equal(typed(US, 'a', [key(0x2a, true), key(0x2a, false)]), '1e -1e');
  });

  it('passes everything else on, and counts what no key has', () => {
    const typing = new LayoutTyping(US);
    const click: InputEvent = { kind: 'mouse-move', x: 1, y: 2 };
    assert.deepEqual(typing.translate([click, ...unicode('é漢😀'), key(0x1c, true)]), [click, key(0x1c, true)]);
    assert.equal(typing.lost, 3);
    const unknown = new LayoutTyping(0x0411);
    assert.deepEqual(unknown.translate(unicode('ab')), []);
    assert.equal(unknown.lost, 2);
  });
});

describe('layoutKeys', () => {
  for (const layout of LAYOUTS) {
    it(`0x${layout.toString(16).padStart(4, '0')}: whole rows, each key once, all that programs need`, () => {
      const keys = layoutKeys(layout);
      assert.ok(keys !== undefined);
      const strokes = [...keys.direct.values(), ...keys.dead.values()].map((stroke) => Object.values(stroke).join());
      assert.equal(new Set(strokes).size, strokes.length);
      const letters = layout === 0x0419 ? 'абвгдеёжзийклмнопрстуфхцчшщъыьэюя' : 'abcdefghijklmnopqrstuvwxyz';
      for (const letter of letters) {
        const lower: KeyStroke | undefined = keys.direct.get(letter);
        const upper: KeyStroke | undefined = keys.direct.get(letter.toUpperCase());
        assert.deepEqual(upper, lower && { ...lower, shift: true }, letter);
        assert.ok(lower !== undefined && !lower.shift && !lower.altGr, letter);
      }
      for (const sign of '0123456789!"%()*+,-./:;=?_') assert.ok(keys.direct.has(sign), sign);
      const reachable = (sign: string) => keys.direct.has(sign) || keys.dead.has(sign);
      // Windows' Italian layout has neither ~ nor `.
      const signs = layout === 0x0410 ? '@#$&<>[]\\|^{}' : '@#$&<>[]\\|~^`{}';
      if (layout !== 0x0419) for (const sign of signs) assert.ok(reachable(sign), sign);
    });
  }
});
