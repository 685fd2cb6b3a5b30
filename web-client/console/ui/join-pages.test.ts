import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinPages } from './join-pages.ts';

const list = (...ids: number[]) => ids.map((id) => ({ id }));

test('newer ones push others off the first page, not out of the list', () => {
  assert.deepEqual(joinPages(list(11, 10, 9), list(10, 9, 8, 7, 6), 3), list(11, 10, 9, 8, 7, 6));
  assert.deepEqual(joinPages(list(13, 12, 11), list(10, 9, 8, 7), 3), list(13, 12, 11, 10, 9, 8, 7));
});

test('what is no longer in the list goes, and older ones move up, each once', () => {
  assert.deepEqual(joinPages(list(10, 8, 7), list(10, 9, 8, 7, 6), 3), list(10, 8, 7, 6));
  assert.deepEqual(joinPages(list(7, 6, 5), list(10, 9, 8, 7, 6), 3), list(7, 6, 5));
});

test('a first page that is not full is all there is', () => {
  assert.deepEqual(joinPages(list(10, 8), list(10, 9, 8, 7), 3), list(10, 8));
  assert.deepEqual(joinPages([], list(10), 3), []);
});

test('what is known is shown as it is now', () => {
  const now = [
    { id: 2, state: 'ready' },
    { id: 1, state: 'ready' },
  ];
  assert.deepEqual(
    joinPages(
      now,
      [
        { id: 2, state: 'recording' },
        { id: 1, state: 'ready' },
      ],
      2,
    ),
    now,
  );
});
