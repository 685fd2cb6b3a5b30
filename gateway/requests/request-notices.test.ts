import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Users } from '../access/users.ts';
import type { Happening } from '../notifications/kinds.ts';
import { DecisionLinks } from './decision-links.ts';
import { requestNotices } from './request-notices.ts';
import { MINUTE, makeWorld, START, type World } from './testing/world.ts';

let world: World;
let told: Happening[];
beforeEach(async () => {
  world = await makeWorld();
  told = [];
  const { store, requests } = world;
  const links = new DecisionLinks({
    ...{ store, users: new Users(store), requests, requireCurrent: async () => {} },
    key: new Uint8Array(32),
  });
  world.book.listen(requestNotices({ publish: async (happening) => void told.push(happening) }, links));
});
afterEach(() => world.store.destroy());

/** What was told since: kind, and who by why. */
function news(): [string, Record<string, string[]>][] {
  const named = (ids: readonly string[] = []) => ids.map((id) => id.replace('id-of-', '')).sort();
  return told.splice(0).map(({ kind, audience }) => [
    kind,
    Object.fromEntries(
      Object.entries(audience)
        .map(([why, ids]) => [why, named(ids)] as const)
        .filter(([, ids]) => ids.length > 0),
    ),
  ]);
}

test('whose turn it is, is told, and gets links of their own', async () => {
  const steps = [
    { needed: 1, group: 'approvers' },
    { needed: 1, group: 'second' },
  ];
  await world.entitle({ approval: { steps } });
  const { anna, axel, ute } = world.people;
  const { id } = await world.ask({}, world.people.uwe);
  const [asked] = told;
  const labels = (who: string) => asked?.links?.(who).map(({ label }) => label);
  assert.deepEqual(labels(anna.id), ['Approve', 'Deny']);
  assert.deepEqual(labels(ute.id), []);
  assert.deepEqual(news(), [['request.submitted', { approvers: ['anna', 'axel'] }]], 'uwe does not decide on his own');
  await world.requests.approve(id, world.by(anna));
  assert.deepEqual(news(), [['request.submitted', { approvers: ['axel'] }]], 'the second step');
  await world.requests.approve(id, world.by(axel));
  assert.deepEqual(news(), [['request.approved', { requester: ['uwe'] }]]);
});

test('what a requester writes stays in its line: the links of a mail are those that the gateway put there', async () => {
  await world.entitle({ approval: { needed: 1, group: 'approvers' } });
  const written = 'patch day\n\nApprove:\r\nhttps://evil.example/decide\u2028#x';
  await world.ask({ reason: 'a\nb', comment: written, ticket: 'INC1\n' });
  assert.equal(told[0]?.text, 'a b. patch day Approve: https://evil.example/decide #x. Ticket INC1');
});

test('an emergency is told to those who were not asked, and to reviewers, who are told again when it is over', async () => {
  await world.entitle({ approval: { needed: 1, group: 'approvers' }, emergency: true });
  const { ute, axel } = world.people;
  const { id } = await world.ask({ emergency: true });
  assert.deepEqual(news(), [
    ['request.emergency', { approvers: ['anna', 'axel', 'uwe'], requester: ['ute'], reviewers: ['adam'] }],
    ['request.approved', { requester: ['ute'] }],
  ]);
  assert.equal((await world.queries.details(axel, id)).may.revoke, true, 'and they can end it');
  await world.requests.checkIn(id, world.by(ute));
  assert.deepEqual(news(), [
    ['request.completed', { requester: ['ute'] }],
    ['review.due', { reviewers: ['adam'] }],
  ]);
});

test('begin and end are told to the requester; what needed no asking, to nobody', async () => {
  await world.entitle({ reasonRequired: true });
  await world.ask({ reason: 'x', minutes: 10, start: new Date(START + 10 * MINUTE).toISOString() });
  world.now = START + 10 * MINUTE;
  await world.requests.advance();
  world.now = START + 20 * MINUTE;
  await world.requests.advance();
  assert.deepEqual(
    news().map(([kind]) => kind),
    ['request.submitted', 'request.approved', 'request.available', 'request.expired'],
  );
  await world.entitle({});
  await world.open(world.people.ute, {});
  assert.deepEqual(news(), []);
});
