import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Requests } from './requests.ts';
import { MINUTE, makeWorld, START, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.store.destroy());

const approval = { needed: 1, group: 'approvers' };
const at = (minutes: number) => {
  world.now = START + minutes * MINUTE;
};

/** What became of calls made at the same moment: `ok` or the code of the error. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls);
  return settled
    .map((each) => (each.status === 'fulfilled' ? 'ok' : String((each.reason as { code: string }).code)))
    .sort();
}

test('one of two approvers at the same moment is first, and the other is told', async () => {
  await world.entitle({ approval });
  const { id } = await world.ask();
  const { anna, axel } = world.people;
  const calls = [world.requests.approve(id, world.by(anna)), world.requests.approve(id, world.by(axel))];
  assert.deepEqual(await outcomes(calls), ['conflict', 'ok']);
  assert.deepEqual(await world.eventsOf(id), ['created', 'approved', 'granted']);
});

test('approve and deny at the same moment: the first is the last word', async () => {
  await world.entitle({ approval });
  const { id } = await world.ask();
  const { anna, axel } = world.people;
  const calls = [world.requests.deny(id, world.by(axel)), world.requests.approve(id, world.by(anna))];
  assert.deepEqual(await outcomes(calls), ['conflict', 'ok']);
  assert.equal(await world.stateOf(id), 'denied');
});

test('two of a group are two people', async () => {
  await world.entitle({ approval: { needed: 2, group: 'approvers' } });
  const { id } = await world.ask();
  const { anna, axel } = world.people;
  const twice = [world.requests.approve(id, world.by(anna)), world.requests.approve(id, world.by(anna))];
  assert.deepEqual(await outcomes(twice), ['conflict', 'ok']);
  assert.equal(await world.stateOf(id), 'pending');
  assert.equal(await world.requests.approve(id, world.by(axel)), 'available');
});

test('steps follow each other, and each person counts for one', async () => {
  await world.entitle({
    approval: {
      steps: [
        { needed: 1, group: 'approvers' },
        { needed: 1, group: 'second' },
      ],
    },
  });
  const { anna, axel } = world.people;
  const first = await world.ask();
  await world.requests.approve(first.id, world.by(axel));
  await assert.rejects(world.requests.approve(first.id, world.by(axel)), { code: 'conflict' });
  await assert.rejects(world.requests.approve(first.id, world.by(anna)), { code: 'forbidden' });
  assert.equal(await world.stateOf(first.id), 'pending');
  const second = await world.ask();
  await world.requests.approve(second.id, world.by(anna));
  assert.equal(await world.requests.approve(second.id, world.by(axel)), 'available');
});

test('items under different policies need the approval of each', async () => {
  const [one = '', two = ''] = world.accounts;
  await world.entitle({ approval }, [one]);
  await world.entitle({ approval: { needed: 1, group: 'second' } }, [two]);
  const { anna, axel } = world.people;
  const ask = () => world.ask({ items: [{ accountId: one }, { accountId: two }] });
  const both = await ask();
  assert.equal(await world.requests.approve(both.id, world.by(axel)), 'available', 'in both groups');
  const each = await ask();
  assert.equal(await world.requests.approve(each.id, world.by(anna)), 'pending');
  assert.equal(await world.requests.approve(each.id, world.by(axel)), 'available');
});

test('nobody decides on a request of their own', async () => {
  await world.entitle({ approval, review: true });
  const { uwe } = world.people;
  const { id } = await world.ask({}, uwe);
  await assert.rejects(world.requests.approve(id, world.by(uwe)), { code: 'forbidden' });
  await assert.rejects(world.requests.deny(id, world.by(uwe)), { code: 'forbidden' });
  await world.requests.checkIn(id, world.by(uwe));
  const own = { ...uwe, roles: [...uwe.roles, 'auditor' as const] };
  await assert.rejects(world.requests.review(id, world.by(own)), { code: 'forbidden' });
});

test('at the millisecond of its begin access is there, at that of its end it is over', async () => {
  await world.entitle({ approval, maxMinutes: 60 });
  const { ute, anna } = world.people;
  const { id } = await world.ask({ start: new Date(START + 30 * MINUTE).toISOString(), minutes: 60 });
  assert.equal(await world.requests.approve(id, world.by(anna)), 'approved');
  world.now = START + 30 * MINUTE - 1;
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'request_not_available' });
  at(30);
  await world.open(ute, { requestId: id });
  world.now = START + 90 * MINUTE - 1;
  await world.open(ute, { requestId: id });
  at(90);
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'request_not_available' });
  assert.equal(await world.stateOf(id), 'expired');
  assert.ok(world.withdrawn.includes(`${id} access_expired`), 'and what is open ends');
});

test('late approval leaves what is left of a fixed time; with nothing left, the request is over', async () => {
  await world.entitle({ approval, maxMinutes: 60 });
  const { anna } = world.people;
  const start = new Date(START + 10 * MINUTE).toISOString();
  const late = await world.ask({ start, minutes: 60 });
  const never = await world.ask({ start, minutes: 60 });
  at(40);
  assert.equal(await world.requests.approve(late.id, world.by(anna)), 'available');
  assert.equal((await world.requests.current(late.id)).end_at, START + 70 * MINUTE);
  at(70);
  await assert.rejects(world.requests.approve(never.id, world.by(anna)), { code: 'conflict' });
  assert.equal(await world.stateOf(never.id), 'expired');
  assert.deepEqual(await world.eventsOf(never.id), ['created', 'expired']);
});

test('without a start, the time begins with the approval; a request waits as long as its policy says', async () => {
  await world.entitle({ approval, pendingMinutes: 120 });
  const { anna } = world.people;
  const first = await world.ask({ minutes: 60 });
  const second = await world.ask({ minutes: 60 });
  at(119);
  await world.requests.approve(first.id, world.by(anna));
  assert.equal((await world.requests.current(first.id)).end_at, START + 179 * MINUTE);
  at(120);
  await world.requests.advance();
  assert.equal(await world.stateOf(second.id), 'expired');
});

test('the store is asked what is due when something may be, after each change, and every few seconds', async () => {
  await world.entitle({ approval, pendingMinutes: 120 });
  let asked = 0;
  const { store, entitlements, book } = world;
  const counted = new Proxy(store, {
    get: (target, key) => {
      if (key === 'executeQuery') asked++;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const clock = new Requests({
    store: counted,
    entitlements,
    book,
    askWebhook: async () => true,
    now: () => world.now,
  });
  const second = async (milliseconds: number) => {
    world.now += milliseconds;
    asked = 0;
    await clock.advance();
    return asked > 0;
  };
  assert.equal(await second(0), true);
  const rest = [await second(1000), await second(1000), await second(1000), await second(1000), await second(1000)];
  assert.deepEqual(rest, [false, false, false, false, true]);
  const { id } = await world.ask({ minutes: 60 });
  assert.deepEqual([await second(1000), await second(1000)], [true, false], 'a change');
  assert.deepEqual([await second(-3_600_000), await second(1000)], [true, false], 'a clock that was set back');
  world.now = START;
  at(119);
  assert.equal(await second(62_000), true);
  assert.deepEqual([await second(2000), await second(1000)], [false, true], 'due before the next few seconds are over');
  assert.equal(await world.stateOf(id), 'expired');
});

test('each item ends with its own time', async () => {
  await world.entitle({});
  const [one = '', two = ''] = world.accounts;
  const { ute } = world.people;
  const { id } = await world.ask({
    items: [
      { accountId: one, minutes: 10 },
      { accountId: two, minutes: 20 },
    ],
  });
  at(10);
  await assert.rejects(world.open(ute, { requestId: id, accountId: one }), { code: 'request_not_available' });
  await world.open(ute, { requestId: id, accountId: two });
  assert.equal(await world.stateOf(id), 'available');
});

test('revoked while connecting: whichever is first, nobody stays in', async () => {
  await world.entitle({ approval });
  const { ute, anna, sam } = world.people;
  for (let i = 0; i < 20; i++) {
    const { id } = await world.ask();
    await world.requests.approve(id, world.by(anna));
    const open = () => world.open(ute, { requestId: id }).then(() => world.confirm(ute, id));
    const revoke = () => world.requests.revoke(id, world.by(sam));
    const first = i % 2 === 0 ? open() : revoke();
    const second = i % 2 === 0 ? revoke() : open();
    const settled = await Promise.allSettled([first, second]);
    const [opened, revoked] = i % 2 === 0 ? settled : settled.toReversed();
    assert.equal(revoked?.status, 'fulfilled');
    // Either the door was shut, or the session was told at its confirmation or by `withdrawn`, which came after it.
    if (opened?.status === 'fulfilled') assert.ok(world.withdrawn.includes(`${id} access_revoked`));
    await assert.rejects(world.open(ute, { requestId: id }), { code: 'request_not_available' });
    await assert.rejects(world.confirm(ute, id), { code: 'access_revoked' });
  }
});

test('a final request stays what it is', async () => {
  await world.entitle({ approval });
  const { ute, anna, sam } = world.people;
  const denied = (await world.ask()).id;
  await world.requests.deny(denied, world.by(anna));
  const revoked = (await world.ask()).id;
  await world.requests.revoke(revoked, world.by(sam));
  const completed = (await world.ask()).id;
  await world.requests.checkIn(completed, world.by(ute));
  at(100_000);
  await world.requests.advance();
  for (const [id, state] of [
    [denied, 'denied'],
    [revoked, 'revoked'],
    [completed, 'completed'],
  ] as const) {
    await assert.rejects(world.requests.approve(id, world.by(anna)), { code: 'conflict' });
    await assert.rejects(world.requests.revoke(id, world.by(sam)), { code: 'conflict' });
    await assert.rejects(world.requests.checkIn(id, world.by(ute)), { code: 'conflict' });
    assert.equal(await world.stateOf(id), state);
  }
});

test('a restart in any state changes nothing but what time has brought about', async () => {
  await world.entitle({ approval, pendingMinutes: 60, maxMinutes: 120 });
  const { ute, anna, sam } = world.people;
  const start = new Date(START + 30 * MINUTE).toISOString();
  const make = async (start?: string) =>
    (await world.ask({ minutes: 120, ...(start === undefined ? {} : { start }) })).id;
  const approved = await make(start);
  await world.requests.approve(approved, world.by(anna));
  const available = await make();
  await world.requests.approve(available, world.by(anna));
  const pending = await make();
  const denied = await make();
  await world.requests.deny(denied, world.by(anna));
  const revoked = await make();
  await world.requests.revoke(revoked, world.by(sam));
  const expected = { approved, available, pending, denied, revoked };
  world = world.restart();
  for (const [state, id] of Object.entries(expected)) assert.equal(await world.stateOf(id), state);

  // Off for an hour and more.
  at(90);
  world = world.restart();
  await world.requests.completeInterrupted();
  await world.requests.advance();
  assert.equal(await world.stateOf(approved), 'available', 'it has begun meanwhile');
  assert.equal(await world.stateOf(pending), 'expired', 'nobody decided in time');
  assert.equal(await world.stateOf(available), 'available', 'it may be used again: it was asked for');
  await world.open(ute, { requestId: available });
  at(120);
  world = world.restart();
  assert.equal(await world.stateOf(available), 'expired');
  await assert.rejects(world.open(ute, { requestId: available }), { code: 'request_not_available' });
});

test('what was opened without asking is over with its session, and with the gateway', async () => {
  await world.entitle({});
  const { ute } = world.people;
  const session = await world.open(ute, {});
  const request = async () => (await world.queries.list(ute, { limit: 1 }))[0];
  assert.equal((await request())?.automatic, true);
  const { id = '' } = (await request()) ?? {};
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'request_not_available' }, 'it is for that session');
  await world.requests.sessionEnded(id, session);
  assert.equal(await world.stateOf(id), 'completed');
  await world.open(ute, {});
  const second = (await request())?.id ?? '';
  world = world.restart();
  await world.requests.completeInterrupted();
  assert.equal(await world.stateOf(second), 'completed');
});

test('what its policy asks for is asked for', async () => {
  await world.entitle({
    reasonRequired: true,
    reasonCodes: ['patching', 'incident'],
    commentRequired: true,
    ticketPattern: 'INC[0-9]{4}',
    maxMinutes: 60,
    minutesChangeable: false,
  });
  const good = { reason: 'patching', comment: 'x', ticket: 'INC1234' };
  const refused = async (change: object) => {
    await assert.rejects(world.ask({ ...good, ...change }), { code: 'policy_refused' });
  };
  await refused({ reason: '' });
  await refused({ reason: 'curiosity' });
  await refused({ comment: '' });
  await refused({ ticket: '' });
  await refused({ ticket: 'INC12345' });
  await refused({ ticket: 'xINC1234' });
  await refused({ minutes: 30 });
  assert.equal((await world.ask(good)).state, 'available');
  await assert.rejects(world.open(world.people.ute, {}), { code: 'request_required' });
  await world.entitle({ reasonCodes: ['patching'] });
  await assert.rejects(world.ask({}), { code: 'policy_refused' }, 'a list of reasons asks for one');
});

test('the entitlement that asks least is the one that counts', async () => {
  const strict = await world.entitle({ approval, maxMinutes: 480 });
  await world.entitle({ maxMinutes: 30 });
  assert.equal((await world.ask({ minutes: 30 })).state, 'available');
  const long = await world.ask({ minutes: 480 });
  assert.equal(long.state, 'pending');
  const details = await world.queries.details(world.people.ute, long.id);
  assert.equal(details.items[0]?.policy.id, strict);
});

test('whoever is not entitled gets nothing, before and after', async () => {
  const { ute, anna } = world.people;
  await assert.rejects(world.ask(), { code: 'not_entitled' });
  await world.entitle({ approval });
  const { id } = await world.ask();
  await world.requests.approve(id, world.by(anna));
  const users = (await world.groups.list()).find(({ name }) => name === 'users');
  await world.groups.change(users?.id ?? '', { members: ['uwe'] });
  await assert.rejects(world.open(ute, { requestId: id }), { code: 'not_entitled' });
  await world.requests.withdrawUnentitled();
  assert.equal(await world.stateOf(id), 'revoked');
  assert.ok(world.withdrawn.includes(`${id} access_revoked`));
});

test('a policy that is changed leaves what was asked for under it as it was', async () => {
  const policy = await world.entitle({ approval, idleMinutes: 5 });
  const { id } = await world.ask({ minutes: 60 });
  await world.policies.change(policy, { approval: null, idleMinutes: 99, maxMinutes: 10 });
  assert.equal(await world.stateOf(id), 'pending');
  const item = await world.store.selectFrom('request_items').selectAll().executeTakeFirstOrThrow();
  assert.equal(JSON.parse(item.rules_json).idleMinutes, 5);
});

test('who reviews, the policy says that asks for it: not another of the same request that only names a group', async () => {
  const [first = '', second = ''] = world.accounts;
  await world.groups.create({ name: 'auditors', members: ['adam'] });
  await world.entitle({ review: false, reviewGroup: 'second', emergency: true }, [first]);
  await world.entitle({ review: true, reviewGroup: 'auditors', emergency: true }, [second]);
  const items = [{ accountId: first }, { accountId: second }];
  const { ute, adam } = world.people;
  const { id } = await world.ask({ items });
  await world.requests.checkIn(id, world.by(ute));
  assert.equal((await world.queries.counts(adam)).toReview, 1);
  await world.requests.review(id, world.by(adam));
  const { id: alone } = await world.ask({ items: [{ accountId: first }], emergency: true });
  await world.requests.checkIn(alone, world.by(ute));
  await assert.rejects(world.requests.review(alone, world.by(adam)), { code: 'forbidden' }, 'its own group does');
});

test('where policies of one request name several groups to review it, each does, one after the other', async () => {
  const [first = '', second = '', third = ''] = world.accounts;
  const { ute, adam } = world.people;
  const olga = { id: 'id-of-olga', username: 'olga', roles: adam.roles };
  const row = { password_hash: '', roles_json: JSON.stringify(olga.roles), disabled: 0, created_at: 0 };
  await world.store
    .insertInto('users')
    .values({ id: olga.id, username: olga.username, ...row })
    .execute();
  const auditors = (await world.groups.create({ name: 'auditors', members: ['adam'] })).id;
  await world.groups.create({ name: 'others', members: ['olga'] });
  await world.entitle({ review: true, reviewGroup: 'auditors' }, [first]);
  await world.entitle({ review: true, reviewGroup: 'others' }, [second]);
  await world.entitle({ review: true }, [third]);
  const due: string[] = [];
  world.book.listen(async ({ event, request }) => void due.push(`${event} ${request.review}`));
  const waitFor = async () => [
    (await world.queries.counts(adam)).toReview,
    (await world.queries.counts(olga)).toReview,
  ];
  const ask = async () => {
    const { id } = await world.ask({ items: [first, third, second].map((accountId) => ({ accountId })) });
    await world.requests.checkIn(id, world.by(ute));
    return id;
  };
  const id = await ask();
  assert.deepEqual(await waitFor(), [1, 0]);
  await assert.rejects(world.requests.review(id, world.by(olga)), { code: 'forbidden' });
  await world.requests.review(id, world.by(adam));
  assert.deepEqual(await waitFor(), [0, 1]);
  await assert.rejects(world.requests.review(id, world.by(adam)), { code: 'forbidden' });
  await world.requests.review(id, world.by(olga));
  assert.deepEqual(await waitFor(), [0, 0]);
  assert.deepEqual(due.slice(-2), ['reviewed due', 'reviewed done']);

  const again = await ask();
  await world.groups.change(auditors, { members: ['adam', 'olga'] });
  await world.requests.review(again, world.by(olga));
  assert.deepEqual(await waitFor(), [0, 0], 'who is in both signs off for both');

  const last = await ask();
  for (const { id: policy, reviewGroup } of await world.policies.list()) {
    if (reviewGroup === auditors) await world.policies.change(policy, { reviewGroup: null });
  }
  await world.groups.remove(auditors);
  assert.deepEqual(await waitFor(), [1, 1], 'the group is gone: whoever reviews may');
  await world.requests.review(last, world.by(adam));
  assert.deepEqual(await waitFor(), [0, 1]);
});

test('a review is due once access is over, and is signed off once', async () => {
  await world.entitle({ approval, review: true });
  const { ute, anna, adam } = world.people;
  const used = (await world.ask()).id;
  await world.requests.approve(used, world.by(anna));
  const denied = (await world.ask()).id;
  await world.requests.deny(denied, world.by(anna));
  assert.equal((await world.queries.counts(adam)).toReview, 0);
  await world.requests.checkIn(used, world.by(ute));
  assert.equal((await world.queries.counts(adam)).toReview, 1, 'there is nothing to review in what was denied');
  const both = [world.requests.review(used, world.by(adam)), world.requests.review(used, world.by(adam))];
  assert.deepEqual(await outcomes(both), ['conflict', 'ok']);
  assert.equal((await world.queries.counts(adam)).toReview, 0);
});

test('each decision is in the audit log, by person', async () => {
  await world.entitle({ approval });
  const { anna, sam } = world.people;
  const { id } = await world.ask({ comment: 'please' });
  await world.requests.approve(id, world.by(anna, 'yes'));
  await world.requests.revoke(id, world.by(sam, 'enough'));
  const rows = await world.store.selectFrom('audit').selectAll().orderBy('id').execute();
  assert.deepEqual(
    rows.map(({ action, actor, details_json }) => [action, actor, JSON.parse(details_json).comment]),
    [
      ['request.created', 'ute', 'please'],
      ['request.approved', 'anna', 'yes'],
      ['request.granted', '', ''],
      ['request.revoked', 'sam', 'enough'],
    ],
  );
});

test('the audit log names the ticket and the reason that access was asked for with', async () => {
  await world.entitle({ approval });
  await world.ask({ reason: 'Maintenance', ticket: 'CHG1234' });
  const row = await world.store.selectFrom('audit').selectAll().executeTakeFirstOrThrow();
  const { reason, ticket } = JSON.parse(row.details_json);
  assert.deepEqual([row.action, reason, ticket], ['request.created', 'Maintenance', 'CHG1234']);
});

test('a listener that fails undoes the decision: either all of it is kept or nothing', async () => {
  await world.entitle({ approval });
  const { id } = await world.ask();
  const trigger = `create trigger broken before insert on request_events when new.event = 'granted'
    begin select raise(abort, 'broken'); end`;
  const { sql } = await import('kysely');
  await sql.raw(trigger).execute(world.store);
  await assert.rejects(world.requests.approve(id, world.by(world.people.anna)), /broken/);
  assert.equal(await world.stateOf(id), 'pending');
  assert.deepEqual(await world.store.selectFrom('request_votes').selectAll().execute(), []);
  assert.equal((await world.store.selectFrom('request_steps').selectAll().executeTakeFirst())?.given, 0);
});

test('requests are found by the name of whoever made them, whatever its case and alphabet', async () => {
  await world.entitle();
  const { ute, adam } = world.people;
  const { id } = await world.ask({}, { ...ute, username: 'ÖZGE Ünal' });
  await world.ask({}, ute);
  for (const user of ['özge ünal', 'ÖZGE ÜNAL', 'Özge Ünal']) {
    const found = await world.queries.list(adam, { limit: 10, user });
    assert.deepEqual(
      found.map((request) => request.id),
      [id],
      user,
    );
  }
});

test('whether requests still stand is asked of their own accounts, not of all that their users may use', async () => {
  await world.entitle({ approval });
  const { uwe } = world.people;
  const ids = [await world.ask(), await world.ask({}, uwe)].map(({ id }) => id);
  const asked: (string | undefined)[] = [];
  const grantsOf = world.entitlements.grantsOf.bind(world.entitlements);
  world.entitlements.grantsOf = (userId, filter, store) => {
    asked.push(filter?.accountId);
    return grantsOf(userId, filter, store);
  };
  await world.requests.withdrawUnentitled();
  assert.deepEqual(asked, [world.accounts[0], world.accounts[0]]);
  for (const id of ids) assert.equal(await world.stateOf(id), 'pending');
});
