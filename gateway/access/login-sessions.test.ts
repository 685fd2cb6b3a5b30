import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { Role } from './can.ts';
import { IDLE_MS, LIFETIME_MS, LoginSessions, type NewSignIn } from './login-sessions.ts';
import { Users } from './users.ts';

const here: NewSignIn = {
  address: '192.0.2.1',
  userAgent: 'Browser/1',
  method: 'password',
  stage: 'full',
  confirmed: false,
};

async function setUp() {
  const store = await openStore(':memory:');
  const users = new Users(store);
  await users.create('admin', 'password0', [Role.admin]);
  const jane = await users.create('jane', 'password1', [Role.user]);
  const clock = { now: 1000 };
  const logins = new LoginSessions(store, users, () => clock.now);
  const open = async (change: Partial<NewSignIn> = {}) => logins.open(jane.id, { ...here, ...change });
  const signedIn = async ({ token }: { token: string }) => (await logins.find(token)) !== undefined;
  return { store, users, jane, clock, logins, open, signedIn };
}

test('sign-ins end by time, idleness, sign-out, a new password and disabling', async () => {
  const { store, users, jane, clock, logins, open, signedIn } = await setUp();
  const first = await open();
  assert.equal(await signedIn(first), true);
  assert.equal(await signedIn({ token: `${first.token}x` }), false);
  for (clock.now += IDLE_MS - 1; clock.now < 1000 + LIFETIME_MS; clock.now += IDLE_MS - 1) {
    assert.equal(await signedIn(first), true, 'kept up by use');
  }
  clock.now = 1000 + LIFETIME_MS;
  assert.equal(await signedIn(first), false, 'not for ever');

  const idle = await open();
  clock.now += IDLE_MS;
  assert.equal(await signedIn(idle), false);

  const closed = await open();
  await logins.close(closed.token);
  assert.equal(await signedIn(closed), false);

  const old = await open();
  await users.change(jane.id, { password: 'password2' });
  assert.equal(await signedIn(old), false);

  const disabled = await open();
  await users.change(jane.id, { disabled: true });
  assert.equal(await signedIn(disabled), false);
  assert.equal(await users.authenticate('jane', 'password2'), undefined);
  await store.destroy();
});

test('what is done in a desktop keeps a sign-in up, but brings none back', async () => {
  const { store, clock, logins, open, signedIn } = await setUp();
  const here = await open();
  clock.now += IDLE_MS - 1;
  await logins.used(here.reference, clock.now);
  clock.now += IDLE_MS - 1;
  assert.equal(await signedIn(here), true);
  const over = await open();
  clock.now += IDLE_MS;
  await logins.used(over.reference, clock.now);
  assert.equal(await signedIn(over), false, 'it was idle for too long before');
  const long = await open();
  const opened = clock.now;
  while (clock.now + IDLE_MS - 1 < opened + LIFETIME_MS) {
    clock.now += IDLE_MS - 1;
    await logins.used(long.reference, clock.now);
  }
  assert.equal(await signedIn(long), true);
  clock.now = opened + LIFETIME_MS;
  await logins.used(long.reference, clock.now);
  assert.equal(await signedIn(long), false, 'and no longer than its time');
  await store.destroy();
});

test('sign-ins are listed with where and how, and ended one by one or all but one', async () => {
  const { store, jane, clock, logins, open, signedIn } = await setUp();
  const laptop = await open();
  clock.now += 1000;
  const phone = await open({ address: '2001:db8::1', userAgent: 'Phone/2', method: 'oidc' });
  const unfinished = await open({ stage: 'code' });
  assert.deepEqual(
    (await logins.list(jane.id)).map(({ id, address, userAgent, method }) => ({ id, address, userAgent, method })),
    [
      { id: phone.reference, address: '2001:db8::1', userAgent: 'Phone/2', method: 'oidc' },
      { id: laptop.reference, address: '192.0.2.1', userAgent: 'Browser/1', method: 'password' },
    ],
    'not one that still owes a code',
  );
  assert.deepEqual(await logins.revoke('somebody else', { only: phone.reference }), []);
  assert.deepEqual(await logins.revoke(jane.id, { only: phone.reference }), [phone.reference]);
  assert.deepEqual([await signedIn(phone), await signedIn(laptop)], [false, true]);
  const third = await open();
  assert.deepEqual((await logins.revoke(jane.id, { except: laptop.reference })).sort(), [
    ...[unfinished.reference, third.reference].sort(),
  ]);
  assert.deepEqual([await signedIn(third), await signedIn(laptop)], [false, true]);
  await store.destroy();
});

test('a sign-in that owes a code does not last; with it, it is whole and lasts a day', async () => {
  const { store, clock, logins, open, signedIn } = await setUp();
  const forgotten = await open({ stage: 'code' });
  clock.now += 15 * 60_000;
  assert.equal(await signedIn(forgotten), false);

  const owing = await open({ stage: 'code' });
  assert.equal((await logins.find(owing.token))?.stage, 'code');
  clock.now += 60_000;
  await logins.confirm(owing.reference);
  const whole = await logins.find(owing.token);
  assert.equal(whole?.stage, 'full');
  assert.equal(whole?.confirmedAt, clock.now);
  clock.now += IDLE_MS - 1;
  assert.equal(await signedIn(owing), true);
  await store.destroy();
});

test('showing a second factor again does not make a sign-in last longer', async () => {
  const { store, clock, logins, open, signedIn } = await setUp();
  const signIn = await open();
  for (let passed = 0; passed < LIFETIME_MS; passed += IDLE_MS / 2) {
    assert.equal(await signedIn(signIn), true);
    await logins.confirm(signIn.reference);
    clock.now += IDLE_MS / 2;
  }
  assert.equal(await signedIn(signIn), false);
  await store.destroy();
});
