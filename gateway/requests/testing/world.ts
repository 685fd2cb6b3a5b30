import { type Actor, Role } from '../../access/can.ts';
import { Entitlements } from '../../access/entitlements.ts';
import { Groups } from '../../access/groups.ts';
import { type NewPolicy, Policies } from '../../access/policies.ts';
import { Audit } from '../../audit/audit.ts';
import { createLogger } from '../../log.ts';
import { SessionSwitch } from '../../sessions/session-switch.ts';
import { openStore, type Store } from '../../store/store.ts';
import { Admission } from '../admission.ts';
import type { NewRequest } from '../new-request.ts';
import { RequestBook } from '../request-book.ts';
import { RequestQueries } from '../request-queries.ts';
import { Requests } from '../requests.ts';

export const MINUTE = 60_000;
/** A Saturday. */
export const START = Date.parse('2026-11-21T12:00:00Z');

/** A gateway's requests without the gateway: a store, a clock that a test sets, and some people. */
export interface World {
  readonly store: Store;
  now: number;
  /** What was taken back, as `id code`. */
  readonly withdrawn: string[];
  readonly groups: Groups;
  readonly policies: Policies;
  readonly entitlements: Entitlements;
  readonly book: RequestBook;
  readonly requests: Requests;
  readonly queries: RequestQueries;
  readonly admission: Admission;
  readonly sessionSwitch: SessionSwitch;
  readonly people: Readonly<Record<'ute' | 'uwe' | 'anna' | 'axel' | 'adam' | 'sam', Actor>>;
  /** Three accounts on one target. */
  readonly accounts: readonly string[];
  /** Entitles the users to these accounts (all, unless told) under a new policy. Returns the policy's id. */
  entitle(rules?: Partial<NewPolicy>, accounts?: readonly string[]): Promise<string>;
  ask(request?: Partial<NewRequest>, actor?: Actor): Promise<{ id: string; state: string }>;
  by(actor: Actor, comment?: string): { actor: Actor; address: string; comment?: string };
  stateOf(id: string): Promise<string>;
  eventsOf(id: string): Promise<string[]>;
  /** As a session that was let in is confirmed. */
  confirm(actor: Actor, requestId: string, accountId?: string): Promise<void>;
  /** Lets a session in, and writes a row for it. */
  open(actor: Actor, ask: { accountId?: string; requestId?: string; confirmedAt?: number }): Promise<string>;
  /** The same store by another gateway: what a restart finds. */
  restart(): World;
}

const roles: Record<keyof World['people'], readonly Role[]> = {
  ute: [Role.user],
  uwe: [Role.user, Role.approver],
  anna: [Role.approver],
  axel: [Role.approver],
  adam: [Role.auditor],
  sam: [Role.sessionAdmin],
};

export async function makeWorld(path = ':memory:'): Promise<World> {
  const store = await openStore(path);
  const people = Object.fromEntries(
    Object.entries(roles).map(([username, held]) => [username, { id: `id-of-${username}`, username, roles: held }]),
  ) as unknown as World['people'];
  for (const { id, username, roles: held } of Object.values(people)) {
    await store
      .insertInto('users')
      .values({ id, username, password_hash: '', roles_json: JSON.stringify(held), disabled: 0, created_at: 0 })
      .execute();
  }
  await store
    .insertInto('targets')
    .values({
      ...{ id: 'target', name: 'Payroll', host: 'h', port: 3389, nla: 'preferred', demo: 0, created_at: 0 },
      ...{ trusted_certificate: null, offered_certificate: null },
    })
    .execute();
  const accounts = ['account-1', 'account-2', 'account-3'];
  for (const id of accounts) {
    const row = { id, target_id: 'target', username: id, domain: '', secret: Uint8Array.of(1), created_at: 0 };
    await store.insertInto('accounts').values(row).execute();
  }
  const world = worldOf(store, people, accounts);
  await world.groups.create({ name: 'users', members: ['ute', 'uwe'] });
  await world.groups.create({ name: 'approvers', members: ['anna', 'axel', 'uwe'] });
  await world.groups.create({ name: 'second', members: ['axel'] });
  return world;
}

function worldOf(store: Store, people: World['people'], accounts: readonly string[], now = START): World {
  const audit = new Audit(store, createLogger('silent'));
  const clock = () => world.now;
  const entitlements = new Entitlements(store);
  const policies = new Policies(store);
  const book = new RequestBook(audit);
  const requests = new Requests({ store, entitlements, book, askWebhook: async () => true, now: clock });
  const sessionSwitch = new SessionSwitch(store, audit);
  const admission = new Admission({ store, entitlements, requests, book, sessionSwitch, now: clock });
  requests.onWithdrawn((id, code) => world.withdrawn.push(`${id} ${code}`));
  let made = 0;
  const world: World = {
    store,
    now,
    withdrawn: [],
    groups: new Groups(store),
    policies,
    entitlements,
    book,
    requests,
    queries: new RequestQueries(store, requests),
    admission,
    sessionSwitch,
    people,
    accounts,
    async entitle(rules = {}, of = accounts) {
      const policy = await policies.create({ name: `policy ${++made}`, ...rules });
      await entitlements.create({ group: 'users', accounts: of, policy: policy.id });
      return policy.id;
    },
    ask: (request = {}, actor = people.ute) =>
      requests.create(actor, '192.0.2.1', { items: [{ accountId: accounts[0] ?? '' }], ...request }),
    by: (actor, comment) => ({ actor, address: '192.0.2.1', ...(comment === undefined ? {} : { comment }) }),
    stateOf: async (id) => (await requests.current(id)).state,
    async eventsOf(id) {
      const rows = await store
        .selectFrom('request_events')
        .select('event')
        .where('request_id', '=', id)
        .orderBy('id')
        .execute();
      return rows.map(({ event }) => event);
    },
    async confirm(actor, requestId, accountId = accounts[0] ?? '') {
      const item = await store
        .selectFrom('request_items')
        .select('entitlement_id')
        .where('request_id', '=', requestId)
        .where('account_id', '=', accountId)
        .executeTakeFirstOrThrow();
      await admission.confirm({ requestId, entitlementId: item.entitlement_id, userId: actor.id, accountId });
    },
    async open(actor, { accountId = accounts[0] ?? '', requestId, confirmedAt }) {
      const sessionId = `session-${Math.random()}`;
      const ask = { sessionId, accountId, requestId, confirmedAt: confirmedAt ?? null };
      await admission.admit(actor, '192.0.2.1', ask, async (transaction, request) => {
        await transaction
          .insertInto('sessions')
          .values({
            ...{ id: sessionId, user_id: actor.id, username: actor.username, target_id: 'target', target_name: '' },
            ...{ account_id: accountId, account_username: '', width: 1, height: 1, created_at: world.now },
            ...{ started_at: null, ended_at: null, end_code: null, recording: 'none', request_id: request },
            ...{ recording_duration_ms: null, recording_bytes: null },
          })
          .execute();
      });
      return sessionId;
    },
    restart: () => worldOf(store, people, accounts, world.now),
  };
  return world;
}
