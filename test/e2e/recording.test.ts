import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLegible } from './recording.ts';

test('words are legible with one character of twenty misread, anywhere in the text', () => {
  const words = 'Five quacking zephyrs jolt my wax bed 93';
  const around = (read: string) => `Oriel demo 08:34:00\n${read} item 003 session\nItem 004`;
  assert.ok(isLegible(words, around(words)));
  assert.ok(isLegible(words, around('Five quacking zephyrs joit my wax bed 93')));
  assert.ok(isLegible(words, around('Five quacking zephyrs jolt my waxbed 98')));
  assert.ok(!isLegible(words, around('Five quacking zephyrs joit my waxbed 98')));
  assert.ok(!isLegible(words, ''));
  assert.ok(isLegible('Clicked 4 times', 'h\nClicked 4 times\n'));
  assert.ok(!isLegible('Clicked 4 times', 'h\nClicked 5 times\n'));
});
