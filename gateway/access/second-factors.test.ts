import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { codesOf } from '../testing/authenticator.ts';
import { Vault } from '../vault/vault.ts';
import { Role } from './can.ts';
import { RECOVERY_CODES, SecondFactors } from './second-factors.ts';
import { STEP_MS } from './totp.ts';
import { Users } from './users.ts';

async function setUp() {
  const store = await openStore(':memory:');
  const users = new Users(store);
  const jane = await users.create('jane', undefined, [Role.user]);
  const clock = { now: 1_700_000_000_000 };
  const factors = new SecondFactors(store, new Vault(new Uint8Array(32).fill(7)), () => clock.now);
  return { store, users, jane, clock, factors };
}

test('a second factor counts once a first code has proved it; each code is good once', async () => {
  const { store, jane, clock, factors } = await setUp();
  await assert.rejects(factors.confirm(jane.id, '123456'), { code: 'conflict' });
  await factors.begin(jane);
  const { secret, uri, svg } = await factors.begin(jane);
  assert.equal(new URL(uri).searchParams.get('secret'), secret, 'the later key is the one');
  assert.match(svg, /^<svg /);
  const code = codesOf(secret);
  assert.equal(await factors.isEnrolled(jane.id), false);
  assert.equal(await factors.take(jane.id, code(clock.now)), undefined, 'not before it is confirmed');
  await assert.rejects(factors.confirm(jane.id, '000000'), { code: 'code_wrong' });
  const recovery = await factors.confirm(jane.id, code(clock.now));
  assert.equal(recovery.length, RECOVERY_CODES);
  assert.equal(new Set(recovery).size, RECOVERY_CODES);
  await assert.rejects(factors.begin(jane), { code: 'conflict' });
  assert.deepEqual(await factors.state(jane.id), {
    enrolled: true,
    since: new Date(clock.now).toISOString(),
    recoveryCodesLeft: RECOVERY_CODES,
  });

  assert.equal(await factors.take(jane.id, code(clock.now)), undefined, 'the one that confirmed is used up');
  clock.now += STEP_MS;
  assert.equal(await factors.take(jane.id, ` ${code(clock.now).slice(0, 3)} ${code(clock.now).slice(3)}`), 'totp');
  assert.equal(await factors.take(jane.id, code(clock.now)), undefined);
  assert.equal(await factors.take(jane.id, code(clock.now - STEP_MS)), undefined, 'nor an earlier one');
  await store.destroy();
});

test('of many who come with the same code at once, one gets in', async () => {
  const { store, jane, clock, factors } = await setUp();
  const code = codesOf((await factors.begin(jane)).secret);
  const [recovery = ''] = await factors.confirm(jane.id, code(clock.now));
  clock.now += STEP_MS;
  for (const text of [code(clock.now), recovery]) {
    const taken = await Promise.all(Array.from({ length: 8 }, () => factors.take(jane.id, text)));
    assert.equal(taken.filter((kind) => kind !== undefined).length, 1);
  }
  await store.destroy();
});

test('recovery codes are good once each, however typed, and are replaced as a whole', async () => {
  const { store, jane, clock, factors } = await setUp();
  const [first = '', second = '', third = ''] = await factors.confirm(
    jane.id,
    codesOf((await factors.begin(jane)).secret)(clock.now),
  );
  assert.match(first, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  assert.equal(await factors.take('somebody else', first), undefined);
  assert.equal(await factors.take(jane.id, first), 'recovery');
  assert.equal(await factors.take(jane.id, first), undefined);
  assert.equal(await factors.take(jane.id, ` ${second.toUpperCase().replaceAll('-', ' ')}`), 'recovery');
  assert.equal((await factors.state(jane.id)).recoveryCodesLeft, RECOVERY_CODES - 2);
  const [renewed = ''] = await factors.newRecoveryCodes(jane.id);
  assert.equal(await factors.take(jane.id, third), undefined, 'an old one');
  assert.equal(await factors.take(jane.id, renewed), 'recovery');
  await store.destroy();
});

test('neither key nor recovery codes are in the database as they are, and both go with the user', async () => {
  const { store, users, jane, clock, factors } = await setUp();
  await users.create('admin', undefined, [Role.admin]);
  const { secret } = await factors.begin(jane);
  const codes = await factors.confirm(jane.id, codesOf(secret)(clock.now));
  const rows = [
    ...(await store.selectFrom('second_factors').selectAll().execute()),
    ...(await store.selectFrom('recovery_codes').selectAll().execute()),
  ];
  assert.equal(rows.length, 1 + RECOVERY_CODES);
  const bytes = rows.map((row) => Object.values(row).map((value) => Buffer.from(String(value)).toString('latin1')));
  for (const text of [secret, ...codes, ...codes.map((code) => code.replaceAll('-', ''))]) {
    assert.equal(JSON.stringify(bytes).includes(text), false);
  }
  await users.remove(jane.id);
  assert.deepEqual(await store.selectFrom('recovery_codes').selectAll().execute(), []);
  await store.destroy();
});

test('a removed second factor is gone with its recovery codes', async () => {
  const { store, jane, clock, factors } = await setUp();
  const [recovery = ''] = await factors.confirm(jane.id, codesOf((await factors.begin(jane)).secret)(clock.now));
  assert.equal(await factors.remove(jane.id), true);
  assert.equal(await factors.remove(jane.id), false);
  assert.equal(await factors.take(jane.id, recovery), undefined);
  assert.equal((await factors.state(jane.id)).enrolled, false);
  await store.destroy();
});
