import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type KyselyPlugin,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { Audit } from '../audit/audit.ts';
import { createLogger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { type RequestFilter, RequestQueries } from './request-queries.ts';
import { makeWorld, START, type World } from './testing/world.ts';

const REQUESTS = 10_000;
const AUDIT_ROWS = 100_000;
/** As many as the largest page has. */
const PAGE = 200;

let world: World;
let watched: Store;
let queries: RequestQueries;
let audit: Audit;

/** What was asked of the store, as SQL. */
const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];

class Watch implements KyselyPlugin {
  transformQuery({ node, queryId }: PluginTransformQueryArgs) {
    const { sql: text, parameters } = new SqliteQueryCompiler().compileQuery(node, queryId);
    asked.push({ sql: text, parameters });
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    return result;
  }
}

before(async () => {
  world = await makeWorld();
  watched = world.store.withPlugin(new Watch());
  queries = new RequestQueries(watched, world.requests);
  audit = new Audit(watched, createLogger('silent'));
  await fill(world.store);
});
after(() => world.store.destroy());

/** A year of a gateway: mostly over, a few that wait, of two users and for two groups of approvers. */
async function fill(store: Store): Promise<void> {
  const numbers = (count: number) =>
    sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${sql.raw(String(count - 1))})`;
  const { rows } = await sql<{ id: string }>`select id from groups where name = 'approvers'`.execute(store);
  const group = rows[0]?.id ?? '';
  await store.transaction().execute(async (transaction) => {
    await sql`insert into requests (id, user_id, username, state, version, created_at, wanted_at, start_at, end_at, due_at,
        minutes, reason, comment, ticket, time_zone, emergency, automatic, review, review_group_id, search_text)
      ${numbers(REQUESTS)} select 'request-' || i, case i % 5 when 1 then 'id-of-ute' else 'id-of-other' end,
        case i % 5 when 1 then 'ute' else 'other' end,
        case i % 100 when 0 then 'pending' when 1 then 'available' else 'expired' end, 1, ${START} + i / 2, null, null,
        null, null, 60, 'reason', 'comment ' || i, '', 'UTC', i % 50 = 2, i % 3 = 0,
        case i % 100 when 2 then 'due' else 'none' end, null, 'reason comment ' || i || ' payroll' from n`.execute(
      transaction,
    );
    await sql`insert into request_items (request_id, position, account_id, account_username, target_id, target_name, minutes,
        entitlement_id, policy_id, policy_name, rules_json, end_at, checked_out_at)
      select r.id, 0, 'account-1', 'account-1', 'target', 'Payroll', 60, 'e', 'p', 'policy', '{}', null, null
      from requests r`.execute(transaction);
    await sql`insert into request_steps (request_id, track, step, policy_name, group_id, group_name, needed, given)
      select r.id, 0, 0, 'policy', ${group}, 'approvers', 1, 0 from requests r`.execute(transaction);
    await sql`insert into request_events (request_id, at, actor_id, actor, event, state, comment, session_id)
      select r.id, r.created_at, r.user_id, r.username, 'created', r.state, '', null from requests r`.execute(
      transaction,
    );
    await sql`insert into audit (at, actor_id, actor, address, action, subject, session_id, details_json)
      ${numbers(AUDIT_ROWS)} select ${START} + i, null, 'ute', '192.0.2.1', 'action.' || (i % 40), 'subject',
        'session-' || (i % 1000), '{}' from n`.execute(transaction);
  });
}

/** Runs something, and says what it asked of the store and how SQLite goes about each. */
async function plansOf<T>(run: () => Promise<T>): Promise<{ answer: T; plans: string[] }> {
  asked.length = 0;
  const answer = await run();
  const plans: string[] = [];
  for (const { sql: text, parameters } of asked.splice(0)) {
    const plan = await world.store.executeQuery<{ detail: string }>({
      sql: `explain query plan ${text}`,
      parameters,
      query: { kind: 'RawNode', sqlFragments: [], parameters: [] },
      queryId: { queryId: 'plan' },
    } as never);
    plans.push(plan.rows.map(({ detail }) => detail).join('\n'));
  }
  return { answer, plans };
}

/** Nothing is read from its first row to its last, and no list of requests is sorted after it was read; parts of a few are. */
function assertBounded(plans: readonly string[], what: string): void {
  for (const plan of plans) {
    assert.doesNotMatch(plan, /SCAN (?!.*USING)/, `${what} reads a whole table:\n${plan}`);
    const ofRequests = /\b(?:SCAN|SEARCH) requests\b/.test(plan);
    assert.ok(
      !ofRequests || !/TEMP B-TREE FOR (?:LAST .*)?ORDER BY/.test(plan),
      `${what} sorts what it reads:\n${plan}`,
    );
  }
}

const pages: readonly (readonly [what: string, who: keyof World['people'], filter: Partial<RequestFilter>])[] = [
  ['my requests', 'ute', { scope: 'own', automatic: false }],
  ['my requests that are available', 'ute', { scope: 'own', state: 'available' }],
  ['a search', 'ute', { scope: 'own', search: 'payroll comment 96' }],
  ['all requests, for an auditor', 'adam', { scope: 'all' }],
  ['all requests, for an approver', 'anna', { scope: 'all' }],
  ['what is available, for a session administrator', 'sam', { scope: 'all', state: 'available' }],
  ['what waits for an approver', 'anna', { scope: 'to-decide' }],
  ['the review queue', 'adam', { scope: 'to-review' }],
  ['emergencies', 'adam', { emergency: true }],
];

for (const [what, who, filter] of pages) {
  test(`${what}: one page, in few steps, by indexes, whatever the store has`, async () => {
    const { answer, plans } = await plansOf(() => queries.list(world.people[who], { limit: 50, ...filter }));
    assert.ok(answer.length > 0 && answer.length <= 50, `${answer.length} rows`);
    assert.ok(plans.length <= 3, `${plans.length} statements, however many rows there are`);
    assertBounded(plans, what);
    const last = answer.at(-1);
    const next = await plansOf(() => queries.list(world.people[who], { limit: 50, ...filter, after: last?.id ?? '' }));
    assert.ok(next.plans.length <= 4);
    assertBounded(next.plans, `${what}, next page`);
    assert.ok(next.answer.every(({ id }) => !answer.some((one) => one.id === id)));
  });
}

test('all pages together have each request once, the newest first', async () => {
  const seen: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await queries.list(world.people.adam, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    seen.push(...page.map(({ id }) => id));
    after = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  assert.equal(seen.length, REQUESTS);
  assert.equal(new Set(seen).size, REQUESTS);
});

test('the counts of the navigation go by indexes', async () => {
  const { answer, plans } = await plansOf(() => queries.counts(world.people.anna));
  assert.equal(answer.toDecide, REQUESTS / 100);
  assertBounded(plans, 'the counts');
});

test('one request goes by indexes', async () => {
  const { answer, plans } = await plansOf(() => queries.details(world.people.adam, 'request-4242'));
  assert.equal(answer.history.length, 1);
  assertBounded(plans, 'a request');
});

test('the audit log: a page by its key, by action and by session, whatever the store has', async () => {
  for (const options of [{}, { before: 50_000 }, { action: 'action.7' }, { sessionId: 'session-7', before: 50_000 }]) {
    const { answer, plans } = await plansOf(() => audit.list({ limit: 100, ...options }));
    assert.ok(answer.length > 0 && answer.length <= 100);
    assert.equal(plans.length, 1);
    for (const plan of plans) {
      assert.doesNotMatch(plan, /TEMP B-TREE/);
      // From its end, as far as the page goes.
      assert.match(plan, Object.keys(options).length === 0 ? /^SCAN audit$/ : /^SEARCH audit/);
    }
  }
});
