import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageMemory } from './message-memory.ts';

test('memory that was handed over is used again after it was reclaimed, and not before', () => {
  const memory = new MessageMemory();
  const first = memory.take(200_000);
  assert.equal(first.length, 200_000);
  memory.handOver(first);
  assert.notEqual(memory.take(200_000).buffer, first.buffer);
  memory.reclaim();
  // Of another connection, and a little larger.
  const again = new MessageMemory().take(210_000);
  assert.equal(again.buffer, first.buffer);
  assert.equal(again.length, 210_000);
  memory.reclaim();
  assert.notEqual(memory.take(200_000).buffer, first.buffer);
});

test('no more is kept than some megabytes, and a small message does not hold a large piece', () => {
  const memory = new MessageMemory();
  const large = Array.from({ length: 4 }, () => memory.take(3 * 1024 * 1024));
  for (const taken of large) memory.handOver(taken);
  memory.reclaim();
  assert.notEqual(memory.take(1000).buffer.byteLength, 3 * 1024 * 1024);
  const known = new Set(large.map(({ buffer }) => buffer));
  const reused = large.filter(({ length }) => known.has(memory.take(length).buffer));
  assert.equal(reused.length, 1);
});

test('what nothing came of is used again', () => {
  const taken = new MessageMemory().take(300_000);
  new MessageMemory().giveBack(taken);
  assert.equal(new MessageMemory().take(300_000).buffer, taken.buffer);
});
