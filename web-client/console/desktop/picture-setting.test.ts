import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePictures, chosenPictures } from './picture-setting.ts';

test('how pictures come is remembered; what is no choice is none', () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
  assert.equal(chosenPictures(store), 'automatic');
  choosePictures('regions', store);
  assert.equal(chosenPictures(store), 'regions');
  choosePictures('automatic', store);
  assert.equal(kept.size, 0);
  for (const name of ['stream', 'nonsense']) {
    store.setItem('oriel.pictures', name);
    assert.equal(chosenPictures(store), name === 'stream' ? 'stream' : 'automatic');
  }
  assert.equal(chosenPictures(undefined), 'automatic');
});
