import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedEvent } from './events.ts';
import { inputMoments, sumUpInput } from './input-activity.ts';

let count = 0;
function event(t: number | null, type: string, fields: object = {}): RecordedEvent {
  return { n: count++, at: 1_000_000, t, type, ...fields };
}

const events = [
  event(null, 'request'),
  event(4000, 'input', { ms: 2000, keys: 3, moves: 9 }),
  event(5000, 'shadow-started'),
  event(6000, 'input', { ms: 2000, keys: 4, clicks: 1 }),
  event(30_000, 'input', { ms: 2000, wheel: 2 }),
  event(60_000, 'input', { ms: 2000, moves: 50 }),
  event(61_000, 'ended'),
];

test('input is one event from its beginning until a pause; the pointer alone is none; the rest stays', () => {
  assert.deepEqual(
    sumUpInput(events).map(({ t, type, keys, clicks, wheel, moves }) => [t, type, keys, clicks, wheel, moves]),
    [
      [null, 'request', undefined, undefined, undefined, undefined],
      [2000, 'input', 7, 1, 0, undefined],
      [5000, 'shadow-started', undefined, undefined, undefined, undefined],
      [28_000, 'input', undefined, undefined, 2, undefined],
      [61_000, 'ended', undefined, undefined, undefined, undefined],
    ],
  );
});

test('moments lie in the middle of what each line stands for', () => {
  assert.deepEqual(inputMoments(events), [
    { at: 3000, weight: 3 },
    { at: 5000, weight: 5 },
    { at: 29_000, weight: 2 },
  ]);
});

test('counts of another kind are none', () => {
  const odd = [event(1000, 'input', { ms: 'x', keys: '5', clicks: -1, wheel: Number.NaN }), event(null, 'input')];
  assert.deepEqual(inputMoments(odd), []);
  assert.deepEqual(sumUpInput(odd).length, 1, 'what has no time is left as it is');
});

test('what was typed is read where the log lists keys, editing keys and all; clicks and strokes are not carried on', () => {
  const typed = (...names: string[]) =>
    names.flatMap((name, i) => [
      [i, name, 1],
      [i, name, 0],
    ]);
  const events = sumUpInput([
    { n: 0, at: 0, t: 0, type: 'request', keyboardLayout: 0x0407 },
    {
      n: 1,
      at: 0,
      t: 2000,
      type: 'input',
      ms: 1000,
      keys: 4,
      typed: typed('15', '12', '0e', '1c'),
      clicked: [[0, 1, 1, 2, 3]],
    },
    { n: 2, at: 0, t: 3000, type: 'input', ms: 1000, keys: 1, typed: typed('U+20AC') },
    { n: 3, at: 0, t: 60_000, type: 'input', ms: 1000, keys: 1 },
  ]);
  assert.deepEqual(
    events.map(({ type, text, keys, typed: strokes, clicked }) => [type, text, keys, strokes, clicked]),
    [
      ['request', undefined, undefined, undefined, undefined],
      ['input', 'ze⌫⏎€', 5, undefined, undefined],
      ['input', undefined, 1, undefined, undefined],
    ],
  );
  assert.deepEqual(
    sumUpInput([{ n: 0, at: 0, t: 5, type: 'input', ms: 1, keys: 1, typed: ['x', [1], [0, 7, 1]] }])[0]?.text,
    undefined,
  );
});
