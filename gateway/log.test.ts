import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainAddress } from './address.ts';
import { ID_PATTERN, newId } from './ids.ts';
import { createLogger } from './log.ts';

test('what is named like a secret is not logged, even by mistake', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => lines.push(line) });
  log.info({ password: 'canary-1', body: { password: 'canary-2' }, req: { headers: { cookie: 'canary-3' } } }, 'x');
  log.child({ token: 'canary-4' }).info({ options: { credentials: { password: 'canary-5' } } }, 'x');
  assert.equal(lines.join('').includes('canary'), false);
  assert.equal(lines.length, 2);
});

test('ids are short, and none is met twice', () => {
  const ids = Array.from({ length: 1000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, new RegExp(ID_PATTERN));
});

test('addresses as people write them', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
  assert.equal(plainAddress(undefined), '');
});
