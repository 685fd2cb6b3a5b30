import assert from 'node:assert/strict';
import { argon2Sync } from 'node:crypto';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { Role } from './can.ts';
import { generatePassword, hashPassword, hashWithScrypt, needsRehash, verifyPassword } from './passwords.ts';
import { Users } from './users.ts';

test('passwords verify, and only the right ones', async () => {
  for (const hash of [await hashPassword('geheim'), await hashWithScrypt('geheim')]) {
    assert.equal(await verifyPassword('geheim', hash), true);
    assert.equal(await verifyPassword('Geheim', hash), false);
    assert.equal(hash.includes('geheim'), false);
  }
  assert.match(await hashPassword('a'), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await verifyPassword('', ''), false);
  assert.equal(await verifyPassword('x', '$md5$x'), false);
});

test('a hash of an older kind is replaced when its password is there', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  const jane = await users.create('jane', 'password1', [Role.user]);
  const stored = async () =>
    (await store.selectFrom('users').select('password_hash').where('id', '=', jane.id).executeTakeFirstOrThrow())
      .password_hash;
  assert.equal(needsRehash(await stored()), false);
  // As OWASP had it some years ago, and as it is where Node has no argon2.
  const weaker = '$argon2id$v=19$m=4096,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$';
  assert.equal(needsRehash(weaker), true);
  const old = await hashWithScrypt('password1');
  await store.updateTable('users').set({ password_hash: old }).where('id', '=', jane.id).execute();
  assert.equal(await users.authenticate('jane', 'wrong'), undefined);
  assert.equal(await stored(), old, 'a wrong password changes nothing');
  assert.equal((await users.authenticate('jane', 'password1'))?.id, jane.id);
  assert.match(await stored(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal((await users.authenticate('jane', 'password1'))?.id, jane.id);
  await store.destroy();
});

test('a password that is changed while it is checked opens nothing any more', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  const jane = await users.create('jane', 'password1', [Role.user]);
  const set = async (password: string) => {
    const hash = await hashPassword(password);
    return () => store.updateTable('users').set({ password_hash: hash }).where('id', '=', jane.id).execute();
  };
  const change = await set('password2');
  const [before] = await Promise.all([users.authenticate('jane', 'password1'), change()]);
  assert.equal(before, undefined);
  // The same one with another hash, as a sign-in beside this one makes of an older kind.
  const anew = await set('password2');
  const [same] = await Promise.all([users.authenticate('jane', 'password2'), anew()]);
  assert.equal(same?.id, jane.id);
  await store.destroy();
});

test('a user without a password signs in with none', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  const jane = await users.create('jane', undefined, [Role.user], 'jane@example.com');
  assert.equal(jane.hasPassword, false);
  for (const password of ['', 'nobody has this password']) {
    assert.equal(await users.authenticate('jane', password), undefined);
  }
  await store.destroy();
});

/** Argon2id of `right` at next to no cost: what is measured is not the hash. */
function cheapHash(): string {
  const salt = Buffer.from('sixteen bytes...');
  const options = { message: 'right', nonce: salt, memory: 8, passes: 1, parallelism: 1, tagLength: 32 };
  const hash = argon2Sync('argon2id', options);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=8,t=1,p=1$${text(salt)}$${text(hash)}`;
}

test('many passwords at once: all are answered, and the event loop goes on', async () => {
  const hash = await hashPassword('right');
  let turns = 0;
  let going = true;
  const loop = (async () => {
    while (going) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
  })();
  const checks = Array.from({ length: 12 }, (_, i) => verifyPassword(i % 2 === 0 ? 'right' : 'wrong', hash));
  const results = await Promise.all(checks);
  going = false;
  await loop;
  assert.deepEqual(
    results,
    Array.from({ length: 12 }, (_, i) => i % 2 === 0),
  );
  assert.ok(turns > 12, `${turns} turns while hashing`);
});

test('more passwords at once than can wait are refused, and those that wait are not lost', async () => {
  const hash = cheapHash();
  const results = await Promise.allSettled(Array.from({ length: 140 }, () => verifyPassword('right', hash)));
  const refused = results.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 10, '2 run and 128 wait');
  for (const result of refused) {
    assert.equal((result as PromiseRejectedResult).reason.code, 'too_many_requests');
  }
  assert.equal(await verifyPassword('right', hash), true);
});

test('generated passwords are long and differ', () => {
  assert.match(generatePassword(), /^[0-9A-Za-z]{20}$/);
  assert.notEqual(generatePassword(), generatePassword());
});

test('users: names are unique whatever their case, and an administrator remains', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  const admin = await users.create('Admin', 'password1', [Role.admin]);
  await assert.rejects(users.create('admin', 'password2', [Role.user]), { code: 'conflict' });
  await assert.rejects(users.remove(admin.id), { code: 'conflict' });
  await assert.rejects(users.change(admin.id, { roles: [Role.user] }), { code: 'conflict' });
  await assert.rejects(users.change(admin.id, { disabled: true }), { code: 'conflict' });
  assert.deepEqual((await users.find(admin.id))?.roles, [Role.admin], 'nothing was kept of what was refused');
  await assert.rejects(users.change('nobody', {}), { code: 'not_found' });

  const second = await users.create('jane', 'password3', [Role.admin, Role.auditor]);
  await users.remove(admin.id);
  assert.equal((await users.authenticate('JANE', 'password3'))?.id, second.id);
  assert.equal(await users.authenticate('jane', 'password1'), undefined);
  assert.equal(await users.authenticate('nobody', 'password1'), undefined);
  await store.destroy();
});
