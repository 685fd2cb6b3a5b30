import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../errors.ts';
import { isFinal, mayBecome, type RequestState } from './request-state.ts';
import { MINUTE, makeWorld, START, type World } from './testing/world.ts';

let world: World;
before(async () => {
  world = await makeWorld();
  await world.entitle({
    approval: {
      steps: [
        { needed: 2, group: 'approvers' },
        { needed: 1, group: 'second' },
      ],
    },
    emergency: true,
    review: true,
    pendingMinutes: 30,
    maxMinutes: 60,
  });
  await world.entitle({ approval: { needed: 1, group: 'approvers' }, maxMinutes: 20 });
});
after(() => world.store.destroy());

/** What people and time may do, in any order; several at the same moment. */
type Step = { readonly wait: number } | { readonly at: readonly (readonly [verb: string, who: string])[] };

const verb = fc.constantFrom('approve', 'approve', 'approve', 'deny', 'revoke', 'check-in', 'open', 'review');
const who = fc.constantFrom('ute', 'uwe', 'anna', 'axel', 'adam', 'sam');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ wait: fc.integer({ min: 1, max: 25 }) }),
  fc.record({ at: fc.array(fc.tuple(verb, who), { minLength: 1, maxLength: 3 }) }),
);

async function run(id: string, [what, name]: readonly [string, string]): Promise<string> {
  const actor = world.people[name as keyof World['people']];
  const { requests } = world;
  try {
    if (what === 'open') await world.open(actor, { requestId: id });
    else if (what === 'approve') await requests.approve(id, world.by(actor));
    else if (what === 'deny') await requests.deny(id, world.by(actor));
    else if (what === 'revoke') await requests.revoke(id, world.by(actor));
    else if (what === 'review') await requests.review(id, world.by(actor));
    else await requests.checkIn(id, world.by(actor));
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof GatewayError, `${what} by ${name}: ${String(error)}`);
    return error.code;
  }
}

test('whatever people do, in whatever order and at the same moment, a request stays true to its rules', async () => {
  const request = fc.record({
    minutes: fc.constantFrom(10, 60),
    delay: fc.constantFrom(0, 15),
    emergency: fc.boolean(),
    requester: fc.constantFrom('ute', 'uwe'),
  });
  await fc.assert(
    fc.asyncProperty(request, fc.array(step, { maxLength: 10 }), async (asked, steps) => {
      world.now = START;
      const emergency = asked.emergency && asked.delay === 0;
      const start = asked.delay === 0 ? {} : { start: new Date(START + asked.delay * MINUTE).toISOString() };
      const requester = world.people[asked.requester as 'ute'];
      const { id } = await world.ask({ minutes: asked.minutes, emergency, ...start }, requester);
      let before = (await world.requests.current(id)).state as RequestState;
      for (const each of steps) {
        if ('wait' in each) world.now += each.wait * MINUTE;
        const outcomes = 'at' in each ? await Promise.all(each.at.map((call) => run(id, call))) : [];
        const row = await world.requests.current(id);
        const state = row.state as RequestState;

        if (isFinal(before)) assert.equal(state, before, 'what is final stays');
        if (state === 'available') {
          assert.ok(row.start_at !== null && row.end_at !== null);
          assert.ok(row.start_at <= world.now && world.now < row.end_at, 'in its time only');
        }
        if ('at' in each) {
          for (const [i, [what, name]] of each.at.entries()) {
            if (outcomes[i] !== 'ok') continue;
            if (what === 'open') assert.equal(name, asked.requester, 'only whoever asked opens');
            if (['approve', 'deny', 'review'].includes(what)) assert.notEqual(name, asked.requester, 'not one’s own');
          }
        }
        before = state;
      }
      await checkBooks(id);
    }),
    { numRuns: 60 },
  );
});

/** History, votes and steps agree with each other and with the state. */
async function checkBooks(id: string): Promise<void> {
  const { store } = world;
  const row = await world.requests.current(id);
  const events = await store
    .selectFrom('request_events')
    .selectAll()
    .where('request_id', '=', id)
    .orderBy('id')
    .execute();
  assert.equal(events.at(-1)?.state, row.state);
  for (const [i, { state }] of events.entries()) {
    const earlier = (events[i - 1]?.state ?? 'pending') as RequestState;
    assert.ok(state === earlier || mayBecome(earlier, state as RequestState), `${earlier} to ${state}`);
  }
  const votes = await store.selectFrom('request_votes').selectAll().where('request_id', '=', id).execute();
  assert.ok(!votes.some(({ approver_id }) => approver_id === row.user_id));
  const approvals = events.filter(({ event }) => event === 'approved').length;
  assert.equal(votes.filter(({ decision }) => decision === 'approve').length, approvals);
  const steps = await store.selectFrom('request_steps').selectAll().where('request_id', '=', id).execute();
  for (const { given, needed } of steps) assert.ok(given <= needed);
  const granted = events.some(({ event }) => event === 'granted');
  assert.equal(
    granted,
    steps.every(({ given, needed }) => given >= needed),
    'granted with the last approval',
  );
  const opened = events.filter(({ event }) => event === 'session-opened');
  for (const { state } of opened) assert.equal(state, 'available');
  const sessions = await store.selectFrom('sessions').select('id').where('request_id', '=', id).execute();
  assert.equal(sessions.length, opened.length);
}
