import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { InputLog, type InputLogPolicy, type InputRecord } from './input-log.ts';

const work: InputEvent[] = [
  { kind: 'synchronize', scrollLock: false, numLock: true, capsLock: false, kanaLock: false },
  { kind: 'scancode', code: 0x1e, extended: false, down: true },
  { kind: 'scancode', code: 0x1e, extended: false, down: false },
  { kind: 'scancode', code: 0x4b, extended: true, down: true },
  { kind: 'unicode', unit: 0x41, down: true },
  { kind: 'mouse-move', x: 3, y: 4 },
  { kind: 'mouse-button', button: 1, down: true, x: 3, y: 4 },
  { kind: 'mouse-button', button: 1, down: false, x: 3, y: 4 },
  { kind: 'wheel', delta: 120, horizontal: false, x: 3, y: 4 },
];

function logged(policy: InputLogPolicy, ...batches: InputEvent[][]): InputRecord[] {
  const records: InputRecord[] = [];
  const log = new InputLog(policy, (record) => records.push(record));
  batches.forEach((events, index) => {
    log.add(events, 1000 + index * 100);
  });
  log.flush(1500);
  log.flush(1600);
  return records;
}

test('counts say how much was typed and clicked, never what', () => {
  assert.deepEqual(logged('counts', work, work), [{ ms: 500, keys: 6, clicks: 2, wheel: 2, moves: 2 }]);
});

test('full has every key and click with its time', () => {
  assert.deepEqual(logged('full', [], work.slice(1, 4), work.slice(4)), [
    {
      ms: 400,
      keys: 3,
      clicks: 1,
      wheel: 1,
      moves: 1,
      typed: [
        [0, '1e', 1],
        [0, '1e', 0],
        [0, 'e04b', 1],
        [100, 'U+0041', 1],
      ],
      clicked: [
        [100, 1, 1, 3, 4],
        [100, 1, 0, 3, 4],
      ],
    },
  ]);
});

test('off writes nothing, and neither do toggle keys alone', () => {
  assert.deepEqual(logged('off', work), []);
  assert.deepEqual(logged('counts', work.slice(0, 1)), []);
});

test('a script that types faster than any hand is counted past a limit', () => {
  const [record] = logged(
    'full',
    Array.from({ length: 1000 }, () => work[1] as InputEvent),
  );
  assert.equal(record?.keys, 1000);
  assert.equal(record?.typed?.length, 200);
  assert.equal(record?.unlisted, 800);
});
