import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { errors, isErrorCode, reportOf } from './errors.ts';

const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');

test('docs/errors.md has exactly the rows of the table, in their order', () => {
  const documented = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .map(([code, status, close, message, hint]) => ({
      code: code?.replaceAll('`', ''),
      status: Number(status),
      close: Number(close),
      message,
      hint: hint ?? '',
    }));
  const declared = Object.entries(errors).map(([code, row]) => ({ code, hint: '', ...row }));
  assert.deepEqual(
    documented.map(({ code, status, close, message, hint }) => [code, status, close, message, hint.trim()]),
    declared.map(({ code, status, close, message, hint }) => [code, status, close, message, hint]),
  );
});

test('close codes are unique and from the range that applications may use', () => {
  const codes = Object.values(errors).map(({ close }) => close);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of codes) assert.ok(code >= 4000 && code <= 4999);
});

test('each message is one sentence', () => {
  for (const { message } of Object.values(errors)) {
    assert.match(message, /^[A-Z].*\.$/);
  }
});

test('a report carries a hint and a detail only where there is one', () => {
  assert.deepEqual(reportOf('unauthenticated'), { code: 'unauthenticated', message: 'Please sign in.' });
  assert.deepEqual(Object.keys(reportOf('not_ready', 'x')), ['code', 'message', 'hint', 'detail']);
});

test('names of Object.prototype are no codes', () => {
  assert.equal(isErrorCode('toString'), false);
  assert.equal(isErrorCode('forbidden'), true);
});
