import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { TypedLine } from './typed-line.ts';

const GERMAN = 0x0407;
const press = (line: TypedLine, ...codes: number[]) => {
  for (const code of codes) {
    for (const down of [true, false]) line.add({ kind: 'scancode', code, extended: false, down });
  }
};

test('scan codes are read by the layout of the session, Unicode as it is', () => {
  const line = new TypedLine(GERMAN);
  press(line, 0x15, 0x2c); // Z and Y of the German keyboard
  for (const unit of [0x20ac, 0x0d]) line.add({ kind: 'unicode', unit, down: true } satisfies InputEvent);
  assert.equal(line.text, 'zy€\n');
});

test('the last characters are kept, a correction is one', () => {
  const line = new TypedLine(0x0409);
  press(line, 0x1e, 0x30, 0x0e, 0x2e);
  assert.equal(line.text, 'ac');
  press(line, ...Array.from({ length: 300 }, () => 0x20));
  assert.equal(line.text, 'd'.repeat(256));
  line.clear();
  assert.equal(line.text, '');
});
