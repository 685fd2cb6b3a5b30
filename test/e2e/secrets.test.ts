import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findTraces, tracesOf } from './secrets.ts';

const SECRET = 'Kanarienvogel-ü-7f3a!';
const traces = tracesOf(SECRET);

test('the search finds a secret in every form, wherever it stands', () => {
  for (const before of ['', 'a', 'ab', 'abc', 'abcd']) {
    const around = (bytes: Buffer) => Buffer.concat([Buffer.from(before), bytes, Buffer.from('xyz')]);
    const forms: [string, Buffer][] = [
      ['UTF-8', around(Buffer.from(SECRET))],
      ['UTF-16LE', around(Buffer.from(SECRET, 'utf16le'))],
      ['UTF-8 in hex', Buffer.from(around(Buffer.from(SECRET)).toString('hex'))],
      [`UTF-8 in Base64, shifted by ${before.length % 3}`, Buffer.from(around(Buffer.from(SECRET)).toString('base64'))],
      [
        `UTF-16LE in Base64, shifted by ${before.length % 3}`,
        Buffer.from(around(Buffer.from(SECRET, 'utf16le')).toString('base64')),
      ],
    ];
    for (const [form, bytes] of forms) assert.ok(findTraces(bytes, traces).includes(form), `${form} after "${before}"`);
  }
});

test('the search finds nothing where there is nothing', () => {
  assert.deepEqual(findTraces(Buffer.from('Kanarienvogel-u-7f3a and other words'.repeat(50)), traces), []);
});
