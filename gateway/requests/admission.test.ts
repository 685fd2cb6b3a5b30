import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { STEP_UP_MS } from './admission.ts';
import { MINUTE, makeWorld, START, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.store.destroy());

const end = (session: string) =>
  world.store.updateTable('sessions').set({ ended_at: world.now }).where('id', '=', session).execute();

test('an exclusive account is its holder’s until it is given back or the time is over', async () => {
  await world.entitle({ exclusive: true, reasonRequired: true, maxMinutes: 60 });
  const { ute, uwe } = world.people;
  const first = await world.ask({ reason: 'x', minutes: 60 }, ute);
  const second = await world.ask({ reason: 'x', minutes: 60 }, uwe);
  const both = await Promise.allSettled([
    world.open(ute, { requestId: first.id }),
    world.open(uwe, { requestId: second.id }),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status).sort(),
    ['fulfilled', 'rejected'],
    'at the same moment, one gets it',
  );
  const held = both[0].status === 'fulfilled' ? first : second;
  const [holder, other, waiting] = held === first ? [ute, uwe, second] : [uwe, ute, first];
  const live = await world.store.selectFrom('sessions').select('id').executeTakeFirstOrThrow();
  await end(live.id);
  await assert.rejects(world.open(other, { requestId: waiting.id }), { code: 'account_in_use' }, 'still checked out');
  await world.open(holder, { requestId: held.id });
  await world.requests.checkIn(held.id, world.by(holder));
  await world.store.updateTable('sessions').set({ ended_at: world.now }).execute();
  await world.open(other, { requestId: waiting.id });
});

test('when the holder’s time is over the account is free, to the millisecond', async () => {
  await world.entitle({ exclusive: true, reasonRequired: true, maxMinutes: 480 });
  const { ute, uwe } = world.people;
  const first = await world.ask({ reason: 'x', minutes: 10 }, ute);
  const second = await world.ask({ reason: 'x', minutes: 60 }, uwe);
  await end(await world.open(ute, { requestId: first.id }));
  world.now = START + 10 * MINUTE - 1;
  await assert.rejects(world.open(uwe, { requestId: second.id }), { code: 'account_in_use' });
  world.now = START + 10 * MINUTE;
  await world.open(uwe, { requestId: second.id });
});

test('somebody who uses an account keeps others from having it alone', async () => {
  await world.entitle({});
  const { ute, uwe } = world.people;
  const session = await world.open(ute, {});
  await world.entitle({ exclusive: true, reasonRequired: true });
  const asked = await world.ask({ reason: 'x', items: [{ accountId: world.accounts[0] ?? '' }] }, uwe);
  const alone = (await world.queries.details(uwe, asked.id)).items[0]?.policy.name;
  assert.equal(alone, 'policy 1', 'the policy that asks least');
  const entitlements = await world.entitlements.list();
  const exclusive = entitlements.find(({ policy }) => policy.name === 'policy 2');
  const item = { accountId: world.accounts[0] ?? '', entitlementId: exclusive?.id ?? '' };
  const { id } = await world.ask({ reason: 'x', items: [item] }, uwe);
  await assert.rejects(world.open(uwe, { requestId: id }), { code: 'account_in_use' });
  await end(session);
  await world.open(uwe, { requestId: id });
});

test('so many sessions with an account at a time, and no more', async () => {
  await world.entitle({ maxSessions: 2 });
  const { ute, uwe } = world.people;
  const first = await world.open(ute, {});
  await world.open(uwe, {});
  await assert.rejects(world.open(ute, {}), { code: 'account_in_use' });
  await end(first);
  await world.open(ute, {});
});

test('within its hours only, and until they are over; an emergency does not wait', async () => {
  // START is a Saturday at 12:00 UTC, 13:00 in Berlin.
  const windows = [{ days: [6], from: '13:00', to: '14:00' }];
  await world.entitle({ windows, timeZone: 'Europe/Berlin', emergency: true, maxMinutes: 480, defaultMinutes: 480 });
  const { ute } = world.people;
  const terms = await world.admission.admit(
    ute,
    '',
    { sessionId: 's', accountId: world.accounts[0] ?? '', confirmedAt: null },
    async () => {},
  );
  assert.equal(terms.endsAt, START + 60 * MINUTE, 'it ends with the hours');
  const { id } = await world.ask();
  world.now = START + 60 * MINUTE;
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'outside_hours' });
  await assert.rejects(world.open(ute, {}), { code: 'outside_hours' });
  await assert.rejects(world.ask(), { code: 'outside_hours' });
  const emergency = await world.ask({ emergency: true });
  await world.open(ute, { requestId: emergency.id });
});

test('a second factor is asked for at connect, and lately', async () => {
  await world.entitle({ stepUp: true });
  const { ute } = world.people;
  await assert.rejects(world.open(ute, {}), { code: 'step_up_required' });
  await assert.rejects(world.open(ute, { confirmedAt: START - STEP_UP_MS - 1 }), { code: 'step_up_required' });
  await world.open(ute, { confirmedAt: START - STEP_UP_MS });
});

test('the request of somebody else opens nothing, and is not even there', async () => {
  await world.entitle({});
  const { ute, uwe } = world.people;
  const { id } = await world.ask({}, uwe);
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'not_found' });
  await assert.rejects(world.open(ute, { requestId: 'no-such-request' }), { code: 'not_found' });
  await assert.rejects(world.open(uwe, { requestId: id, accountId: world.accounts[1] ?? '' }), {
    code: 'not_entitled',
  });
});

test('the switch shuts the door at once, also for those who stand in it', async () => {
  await world.entitle({});
  const { ute, sam } = world.people;
  const { id } = await world.ask();
  await world.sessionSwitch.turn(true, 'incident', sam, '');
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'sessions_stopped', detail: 'incident' });
  await assert.rejects(world.confirm(ute, id), { code: 'sessions_stopped' });
  await world.sessionSwitch.turn(false, '', sam, '');
  await world.open(ute, { requestId: id });
});

test('what was refused leaves nothing behind', async () => {
  await world.entitle({ maxSessions: 1 });
  const { ute, uwe } = world.people;
  await world.open(uwe, {});
  const count = async () => (await world.store.selectFrom('requests').selectAll().execute()).length;
  const before = await count();
  await assert.rejects(world.open(ute, {}), { code: 'account_in_use' });
  assert.equal(await count(), before);
});

test('one account of several that is no longer entitled is found out before its session begins', async () => {
  const [one = '', two = ''] = world.accounts;
  await world.entitle({}, [one]);
  await world.entitle({}, [two]);
  const { ute } = world.people;
  const { id } = await world.ask({ items: [{ accountId: one }, { accountId: two }] });
  await world.open(ute, { requestId: id, accountId: two });
  const ofTwo = (await world.entitlements.list()).find(({ policy }) => policy.name === 'policy 2');
  await world.entitlements.remove(ofTwo?.id ?? '');
  await assert.rejects(world.confirm(ute, id, two), { code: 'access_revoked' });
  await world.confirm(ute, id, one);
});
