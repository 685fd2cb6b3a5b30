import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFor, nextSpeed, shortcuts, speeds } from './commands.ts';

const plain = { ctrlKey: false, altKey: false, metaKey: false };

test('keys', () => {
  const kinds = [' ', 'k', ',', '>', 'F', 'm', '?'].map((key) => commandFor({ ...plain, key })?.kind);
  assert.deepEqual(kinds, ['toggle-play', 'toggle-play', 'frame', 'faster', 'full-screen', 'copy-link', 'help']);
  assert.deepEqual(commandFor({ ...plain, key: '7' }), { kind: 'seek-to', share: 0.7 });
  assert.deepEqual(commandFor({ ...plain, key: 'ArrowLeft' }), { kind: 'seek-by', ms: -5000 });
});

test("the browser's own keys stay the browser's", () => {
  assert.equal(commandFor({ ...plain, key: 'f', ctrlKey: true }), undefined);
  assert.equal(commandFor({ ...plain, key: 'ArrowLeft', altKey: true }), undefined);
  assert.equal(commandFor({ ...plain, key: 'l', metaKey: true }), undefined);
  for (const key of ['Tab', 'Escape', 'Enter', 'x', '0']) assert.equal(commandFor({ ...plain, key }), undefined, key);
});

test('no key means two things', () => {
  const keys = shortcuts.flatMap((shortcut) => shortcut.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test('speeds: the next in the list, and the ends of it', () => {
  assert.deepEqual([nextSpeed(1, 1), nextSpeed(1, -1), nextSpeed(16, 1), nextSpeed(0.5, -1)], [1.5, 0.5, 16, 0.5]);
  assert.equal(nextSpeed(3, -1), 2, 'a speed from elsewhere has neighbours too');
  assert.deepEqual([speeds[0], speeds.at(-1)], [0.5, 16]);
});
