import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { type Action, can, Role } from './can.ts';
import { FAILURES_PER_ADDRESS, FAILURES_PER_PAIR, LoginLimiter, WINDOW_MS } from './login-limiter.ts';
import { IDLE_MS, LIFETIME_MS, LoginSessions } from './login-sessions.ts';
import { generatePassword, hashPassword, hashWithScrypt, verifyPassword } from './passwords.ts';
import { Users } from './users.ts';

const actor = (...roles: Role[]) => ({ id: 'me', username: 'me', roles });

test('who may do what', () => {
  const own = { ownerId: 'me' };
  const other = { ownerId: 'other' };
  const expected: Record<Action, { admin: boolean; user: boolean; userOwn: boolean; auditor: boolean }> = {
    'target.list': { admin: true, user: true, userOwn: true, auditor: false },
    'target.manage': { admin: true, user: false, userOwn: false, auditor: false },
    'session.open': { admin: true, user: true, userOwn: true, auditor: false },
    'session.list': { admin: true, user: true, userOwn: true, auditor: false },
    'session.watch': { admin: true, user: false, userOwn: false, auditor: false },
    'session.end': { admin: true, user: false, userOwn: true, auditor: false },
    'recording.view': { admin: true, user: false, userOwn: false, auditor: true },
    'recording.hold': { admin: true, user: false, userOwn: false, auditor: true },
    'audit.view': { admin: true, user: false, userOwn: false, auditor: true },
    'user.manage': { admin: true, user: false, userOwn: false, auditor: false },
    'setting.manage': { admin: true, user: false, userOwn: false, auditor: false },
  };
  for (const [name, row] of Object.entries(expected)) {
    const action = name as Action;
    assert.equal(can(undefined, action, own), false, action);
    assert.equal(can(actor(), action, own), false, action);
    assert.equal(can(actor(Role.admin), action, other), row.admin, action);
    assert.equal(can(actor(Role.user), action, other), row.user, action);
    assert.equal(can(actor(Role.user), action, own), row.userOwn, action);
    assert.equal(can(actor(Role.auditor), action, own), row.auditor, action);
    assert.equal(can(actor(Role.user, Role.auditor), action, own), row.userOwn || row.auditor, action);
  }
});

test('an unknown role and an unknown action are refused', () => {
  assert.equal(can(actor('root' as Role), 'target.list'), false);
  assert.equal(can(actor(Role.user), 'everything' as Action), false);
});

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

test('generated passwords are long and differ', () => {
  assert.match(generatePassword(), /^[0-9A-Za-z]{20}$/);
  assert.notEqual(generatePassword(), generatePassword());
});

test('guessing at one user from one address is slowed down, and that pair only', () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < FAILURES_PER_PAIR; i++) {
    assert.equal(limiter.waitMs('admin', '192.0.2.1', i), 0);
    limiter.attempt('admin', '192.0.2.1', i);
  }
  assert.equal(limiter.waitMs('ADMIN', '192.0.2.1', 10), WINDOW_MS - 10);
  assert.equal(limiter.waitMs('jane', '192.0.2.1', 10), 0);
  assert.equal(limiter.waitMs('admin', '192.0.2.2', 10), 0, 'nobody else is locked out');
  assert.equal(limiter.waitMs('admin', '192.0.2.1', WINDOW_MS), 0);
});

test('guessing at many users from one address is slowed down', () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < FAILURES_PER_ADDRESS; i++) limiter.attempt(`user${i}`, '2001:db8:0:1::1', 0);
  assert.ok(limiter.waitMs('somebody', '2001:db8:0:1:ffff::2', 0) > 0, 'the same /64');
  assert.equal(limiter.waitMs('somebody', '2001:db8:0:2::1', 0), 0);
});

test('signing in well gives the count back', () => {
  const limiter = new LoginLimiter();
  for (let i = 0; i < 10 * FAILURES_PER_ADDRESS; i++) {
    assert.equal(limiter.waitMs('jane', '192.0.2.1', 0), 0);
    limiter.attempt('jane', '192.0.2.1', 0);
    limiter.succeeded('jane', '192.0.2.1');
  }
});

test('many right passwords at once are all let in, many wrong ones are not', async () => {
  const limiter = new LoginLimiter();
  let atOnce = 0;
  const attempt = (right: boolean) =>
    limiter.inTurn('jane', '192.0.2.1', async () => {
      if (limiter.waitMs('jane', '192.0.2.1', 0) > 0) return 'limited';
      limiter.attempt('jane', '192.0.2.1', 0);
      assert.equal(++atOnce, 1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (!right) throw new Error('wrong');
      limiter.succeeded('jane', '192.0.2.1');
      return 'in';
    });
  const many = (right: boolean) =>
    Promise.allSettled(Array.from({ length: 3 * FAILURES_PER_PAIR }, () => attempt(right)));
  for (const result of await many(true)) assert.deepEqual(result, { status: 'fulfilled', value: 'in' });
  const wrong = await many(false);
  assert.equal(wrong.filter(({ status }) => status === 'rejected').length, FAILURES_PER_PAIR);
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

test('sign-ins end by time, idleness, sign-out, a new password and disabling', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  await users.create('admin', 'password0', [Role.admin]);
  const jane = await users.create('jane', 'password1', [Role.user]);
  let now = 1000;
  const logins = new LoginSessions(store, users, () => now);
  const signedIn = async (token: string) => (await logins.find(token)) !== undefined;

  const token = await logins.open(jane.id);
  assert.equal(await signedIn(token), true);
  assert.equal(await signedIn(`${token}x`), false);
  for (now += IDLE_MS - 1; now < 1000 + LIFETIME_MS; now += IDLE_MS - 1) {
    assert.equal(await signedIn(token), true, 'kept up by use');
  }
  now = 1000 + LIFETIME_MS;
  assert.equal(await signedIn(token), false, 'not for ever');

  const idle = await logins.open(jane.id);
  now += IDLE_MS;
  assert.equal(await signedIn(idle), false);

  const closed = await logins.open(jane.id);
  await logins.close(closed);
  assert.equal(await signedIn(closed), false);

  const old = await logins.open(jane.id);
  await users.change(jane.id, { password: 'password2' });
  assert.equal(await signedIn(old), false);

  const disabled = await logins.open(jane.id);
  await users.change(jane.id, { disabled: true });
  assert.equal(await signedIn(disabled), false);
  assert.equal(await users.authenticate('jane', 'password2'), undefined);
  await store.destroy();
});
