import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { InputGate } from './input-gate.ts';

const key = (code: number, down: boolean): InputEvent => ({ kind: 'scancode', code, extended: false, down });
const freeze = { by: 'ada', reason: '', since: 0 };

test('what is held down is let go of when the gate closes, where the pointer is then', () => {
  const gate = new InputGate();
  const typed: InputEvent[] = [
    key(0x2a, true),
    key(0x1e, true),
    key(0x1e, false),
    { kind: 'mouse-button', button: 1, down: true, x: 1, y: 2 },
    { kind: 'mouse-button', button: 2, down: true, x: 1, y: 2 },
    { kind: 'mouse-button', button: 2, down: false, x: 1, y: 2 },
    { kind: 'mouse-move', x: 30, y: 40 },
  ];
  assert.deepEqual(gate.pass(typed), typed);
  assert.deepEqual(gate.close(freeze), [
    key(0x2a, false),
    { kind: 'mouse-button', button: 1, down: false, x: 30, y: 40 },
  ]);
});

test('nothing passes a closed gate, and nothing is held that did not pass it', () => {
  const gate = new InputGate();
  gate.close(freeze);
  assert.deepEqual(gate.pass([key(0x1e, true)]), []);
  assert.deepEqual(gate.freeze, freeze);
  gate.open();
  assert.equal(gate.freeze, undefined);
  assert.deepEqual(gate.close(freeze), []);
});
