import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseKeyboardLayout, chosenKeyboardLayout, keyboardLayouts } from './keyboard-setting.ts';

function store(initial: string | null = null) {
  let value = initial;
  return {
    getItem: () => value,
    setItem: (_: string, text: string) => {
      value = text;
    },
    removeItem: () => {
      value = null;
    },
  };
}

test('a choice is kept, and can be taken back', () => {
  const kept = store();
  assert.equal(chosenKeyboardLayout(kept), undefined);
  chooseKeyboardLayout(0x0807, kept);
  assert.equal(chosenKeyboardLayout(kept), 0x0807);
  chooseKeyboardLayout(undefined, kept);
  assert.equal(chosenKeyboardLayout(kept), undefined);
});

test('what is no layout of the list counts as no choice', () => {
  for (const value of ['', 'de', '1', 'NaN']) assert.equal(chosenKeyboardLayout(store(value)), undefined);
});

test('each layout is listed once, by name', () => {
  const names = keyboardLayouts.map(([, name]) => name);
  assert.deepEqual(
    names,
    names.toSorted((a, b) => a.localeCompare(b, 'en')),
  );
  assert.equal(new Set(keyboardLayouts.map(([layout]) => layout)).size, keyboardLayouts.length);
});
