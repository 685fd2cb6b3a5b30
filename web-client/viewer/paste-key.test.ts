import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyInput } from './keyboard.ts';
import { isPasteKey, PasteKey } from './paste-key.ts';

const key = (code: string, text: string, modifiers: Partial<KeyInput> = {}): KeyInput => ({
  ...{ code, key: text, keyCode: 0, isComposing: false, timeStamp: 0 },
  ...{ shiftKey: false, ctrlKey: false, altKey: false, metaKey: false },
  getModifierState: () => false,
  ...modifiers,
});

test('the keys that paste, on each platform', () => {
  const ctrl = { ctrlKey: true };
  assert.equal(isPasteKey(key('KeyV', 'v', ctrl), 'windows'), true);
  assert.equal(isPasteKey(key('KeyV', 'V', { ...ctrl, shiftKey: true }), 'other'), true);
  // Dvorak has its v elsewhere.
  assert.equal(isPasteKey(key('Period', 'v', ctrl), 'other'), true);
  assert.equal(isPasteKey(key('KeyV', 'k', ctrl), 'other'), false);
  // A layout without Latin letters: Chromium pastes, and gives the letter of the layout.
  for (const letter of ['м', 'ω', 'ה', 'ر', 'อ']) assert.equal(isPasteKey(key('KeyV', letter, ctrl), 'other'), true);
  for (const other of ['.', 'ü', 'Dead']) assert.equal(isPasteKey(key('KeyV', other, ctrl), 'other'), false);
  assert.equal(isPasteKey(key('Insert', 'Insert', { shiftKey: true }), 'other'), true);
  assert.equal(isPasteKey(key('Insert', 'Insert'), 'other'), false);
  assert.equal(isPasteKey(key('KeyV', 'v'), 'other'), false);
  // AltGr is Ctrl and Alt.
  assert.equal(isPasteKey(key('KeyV', '“', { ...ctrl, altKey: true }), 'windows'), false);
  assert.equal(isPasteKey(key('KeyV', 'v', { metaKey: true }), 'mac'), true);
  assert.equal(isPasteKey(key('KeyV', 'v', ctrl), 'mac'), false);
  assert.equal(isPasteKey(key('KeyV', 'v', { metaKey: true }), 'windows'), false);
});

test('a key that pastes waits for what is pasted, but not for ever', () => {
  const sent: string[] = [];
  const timers = new Set<() => void>();
  const paste = new PasteKey<string>(
    (event) => sent.push(event),
    (_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  );
  paste.hold('first');
  assert.deepEqual(sent, []);
  paste.release();
  paste.release();
  assert.deepEqual(sent, ['first']);
  paste.hold('second');
  paste.hold('third');
  assert.deepEqual(sent, ['first', 'second']);
  for (const run of [...timers]) run();
  assert.deepEqual(sent, ['first', 'second', 'third']);
  paste.hold('fourth');
  paste.drop();
  for (const run of [...timers]) run();
  assert.deepEqual(sent, ['first', 'second', 'third']);
});
