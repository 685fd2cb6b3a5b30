import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Role, User } from './api/types.ts';
import { entryOf, isFor, isReadable } from './navigation.ts';

function somebody(...roles: Role[]): User {
  return { id: 'u', username: 'somebody', roles } as unknown as User;
}

test('a page is a part of the entry that its address goes furthest with', () => {
  assert.equal(entryOf('/sessions/alerts')?.label, 'Alert rules');
  assert.equal(entryOf('/sessions/x')?.label, 'Live sessions');
  assert.equal(entryOf('/recordings/verify')?.label, 'Recordings');
  assert.equal(entryOf('/sessionsandmore'), undefined);
  assert.equal(entryOf('/account'), undefined);
});

test('who has none of the roles of a page is shown nothing of it', () => {
  for (const path of ['/admin/targets', '/admin/users', '/admin/vault/providers', '/recordings/x', '/reviews']) {
    assert.equal(isFor(somebody('user'), path), false, path);
    assert.equal(isFor(somebody('admin'), path), true, path);
  }
  for (const path of ['/', '/requests/new', '/sessions', '/account', '/notifications', '/nowhere']) {
    assert.equal(isFor(somebody('user'), path), true, path);
  }
  assert.equal(isFor(somebody('auditor'), '/'), true);
  assert.equal(isFor(somebody('system-admin'), '/admin/vault'), false);
  assert.equal(isFor(somebody('system-admin'), '/admin/vault/key'), true);
});

test('an address with a stray percent sign cannot be taken apart', () => {
  assert.deepEqual(['/recordings/%zz', '/%', '/100%25', '/ü'].map(isReadable), [false, false, true, true]);
});
