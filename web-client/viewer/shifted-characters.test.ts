import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { Keyboard, type KeyInput } from './keyboard.ts';
import { lacksShift } from './shifted-characters.ts';

function key(code: string, text: string, more: Partial<KeyInput> & { locks?: readonly string[] } = {}): KeyInput {
  const { locks = [], ...rest } = more;
  return {
    code,
    key: text,
    keyCode: 0,
    isComposing: false,
    timeStamp: 0,
    shiftKey: false,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    getModifierState: (name) => locks.includes(name),
    ...rest,
  };
}

describe('lacksShift', () => {
  it('tells characters that need Shift from those that came without by right', () => {
    assert.ok(lacksShift(key('KeyH', 'H')));
    assert.ok(lacksShift(key('Digit1', '!')));
    assert.ok(lacksShift(key('Slash', '?')));
    assert.ok(!lacksShift(key('KeyH', 'h')));
    assert.ok(!lacksShift(key('KeyH', 'H', { shiftKey: true })));
    assert.ok(!lacksShift(key('KeyH', 'H', { locks: ['CapsLock'] })), 'Caps Lock makes capitals too');
    const german = key('Digit1', '!', { locks: ['CapsLock'] });
    assert.ok(!lacksShift(german), 'Caps Lock of a German keyboard has the digits, too');
    assert.ok(!lacksShift(key('KeyQ', 'A')), 'another layout, whose key gives this without Shift');
    assert.ok(!lacksShift(key('Digit1', '&')), 'the unshifted character of a French keyboard');
    assert.ok(!lacksShift(key('Enter', 'Enter')));
  });
});

describe('Keyboard with keys that lack their Shift', () => {
  it('presses Shift around the key, and only then', () => {
    const sent: InputEvent[] = [];
    const keyboard = new Keyboard({ platform: 'other', send: (events) => sent.push(...events), after: () => () => {} });
    keyboard.keyDown(key('KeyA', 'a'));
    keyboard.keyUp(key('KeyA', 'a'));
    sent.length = 0;
    assert.ok(keyboard.keyDown(key('KeyH', 'H')));
    keyboard.keyUp(key('KeyH', 'H'));
    const scancodes = sent.map((event) => (event.kind === 'scancode' ? [event.code, event.down] : event.kind));
    assert.deepEqual(scancodes, [
      [0x2a, true],
      [0x23, true],
      [0x23, false],
      [0x2a, false],
    ]);
  });

  it('leaves shortcuts alone', () => {
    const sent: InputEvent[] = [];
    const keyboard = new Keyboard({ platform: 'other', send: (events) => sent.push(...events), after: () => () => {} });
    keyboard.keyDown(key('KeyA', 'a'));
    sent.length = 0;
    keyboard.keyDown(key('KeyC', 'C', { ctrlKey: true }));
    assert.ok(!sent.some((event) => event.kind === 'scancode' && event.code === 0x2a));
  });
});
