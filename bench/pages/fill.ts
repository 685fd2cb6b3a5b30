import { Audit, auditActions } from '../../gateway/audit/audit.ts';
import { newId } from '../../gateway/ids.ts';
import { createLogger } from '../../gateway/log.ts';
import { openStore, type Store } from '../../gateway/store/store.ts';

export const REQUESTS = 10_000;
export const AUDIT_ROWS = 100_000;
export const SESSIONS = 5_000;
const USERS = 300;
const TARGETS = 200;
const NOTIFICATIONS = 500;

const DAY = 86_400_000;
/** One in so many of a kind; the rest is over. */
const PENDING_OF = 100;
const REVIEWS_OF = 50;

interface Person {
  readonly id: string;
  readonly username: string;
}

interface Place {
  readonly target: { readonly id: string; readonly name: string };
  readonly account: Person;
}

/**
 * Fills the store of a gateway that is not running with what a year brings: people, targets, requests with their history,
 * sessions and the audit log. What there is already stays.
 * @returns a request of the middle, and a session of one
 */
export async function fillStore(file: string, admin: Person): Promise<{ request: string; recording: string }> {
  const store = await openStore(file);
  try {
    const people = [admin, ...(await addPeople(store))];
    const places = await addPlaces(store);
    const request = await addRequests(store, people, places);
    const recording = await addSessions(store, people, places);
    await addNotifications(store, admin);
    await addAudit(store, people, places);
    return { request, recording };
  } finally {
    await store.destroy();
  }
}

async function addPeople(store: Store): Promise<Person[]> {
  const people = numbers(USERS).map((i) => ({ id: newId(), username: `person-${i}` }));
  const group = { id: newId(), name: 'Operators', description: '', built_in: 0, created_at: Date.now() };
  await insert(
    store,
    'users',
    people.map((person) => ({
      ...person,
      password_hash: '',
      roles_json: '["user"]',
      disabled: 0,
      created_at: Date.now(),
    })),
  );
  await insert(store, 'groups', [group]);
  await insert(
    store,
    'group_members',
    people.map(({ id }) => ({ group_id: group.id, user_id: id })),
  );
  return people;
}

/** All of them may be used by the first administrator: the policy *Open* is for every account. */
async function addPlaces(store: Store): Promise<Place[]> {
  const places = numbers(TARGETS).map((i) => ({
    target: { id: newId(), name: `Server ${i}` },
    account: { id: newId(), username: `operator-${i}` },
  }));
  const target = { host: 'server.example', port: 3389, nla: 'preferred', demo: 0, created_at: Date.now() };
  await insert(
    store,
    'targets',
    places.map((place) => ({ ...target, ...place.target })),
  );
  const account = { domain: '', secret: new Uint8Array(40), created_at: Date.now() };
  await insert(
    store,
    'accounts',
    places.map((place) => ({ ...account, ...place.account, target_id: place.target.id })),
  );
  return places;
}

async function addRequests(store: Store, people: readonly Person[], places: readonly Place[]): Promise<string> {
  const { id: policy } = await store.selectFrom('policies').select('id').executeTakeFirstOrThrow();
  const made = numbers(REQUESTS).map((i) => {
    const at = Date.now() - 365 * DAY + i * ((365 * DAY) / REQUESTS);
    const state = i % PENDING_OF === 0 ? 'pending' : 'expired';
    return { id: newId(), at, state, person: of(people, i), place: of(places, i), index: i };
  });
  await insert(
    store,
    'requests',
    made.map(({ id, at, state, person, place, index }) => ({
      ...{ id, state, version: 1, user_id: person.id, username: person.username, created_at: at },
      ...{ wanted_at: null, start_at: null, end_at: null, due_at: null, minutes: 60, time_zone: 'Europe/Berlin' },
      ...{ reason: 'Maintenance', comment: `Comment ${index}`, ticket: `CHG${index}`, review_group_id: null },
      ...{ emergency: index % REVIEWS_OF === 1 ? 1 : 0, automatic: index % 3 === 0 ? 1 : 0 },
      review: index % REVIEWS_OF === 1 ? 'due' : 'none',
      search_text: `${person.username} maintenance comment ${index} chg${index} ${place.target.name.toLowerCase()}`,
    })),
  );
  await insert(
    store,
    'request_items',
    made.map(({ id, place }) => ({
      ...{ request_id: id, position: 0, minutes: 60, end_at: null, checked_out_at: null },
      ...{ account_id: place.account.id, account_username: place.account.username },
      ...{ target_id: place.target.id, target_name: place.target.name },
      ...{ entitlement_id: newId(), policy_id: policy, policy_name: 'Open', rules_json: '{}' },
    })),
  );
  await insert(
    store,
    'request_steps',
    made.map(({ id }) => ({
      ...{ request_id: id, track: 0, step: 0, policy_name: 'Open' },
      ...{ group_id: null, group_name: '', needed: 1, given: 0 },
    })),
  );
  await insert(
    store,
    'request_events',
    made.flatMap(({ id, at, state, person }) =>
      ['created', state].map((event, step) => ({
        ...{ request_id: id, at: at + step, actor_id: person.id, actor: person.username },
        ...{ event, state, comment: '', session_id: null },
      })),
    ),
  );
  return made[REQUESTS / 2 + 1]?.id ?? '';
}

async function addSessions(store: Store, people: readonly Person[], places: readonly Place[]): Promise<string> {
  const made = numbers(SESSIONS).map((i) => {
    const { target, account } = of(places, i);
    const { id: user, username } = of(people, i);
    const at = Date.now() - 365 * DAY + i * ((365 * DAY) / SESSIONS);
    return {
      ...{ id: newId(), user_id: user, username, target_id: target.id, target_name: target.name },
      ...{ account_id: account.id, account_username: account.username, width: 1280, height: 800 },
      ...{ created_at: at, started_at: at, ended_at: at + 600_000, end_code: 'ended_by_user' },
      ...{ recording: 'ready', recording_duration_ms: 600_000, recording_bytes: 5_000_000, request_id: null },
    };
  });
  await insert(store, 'sessions', made);
  return made.at(-1)?.id ?? '';
}

async function addNotifications(store: Store, person: Person): Promise<void> {
  const rows = numbers(NOTIFICATIONS).map((i) => ({
    ...{ id: newId(), user_id: person.id, kind: 'request.submitted', title: `Person ${i} asks for access` },
    ...{ text: 'As operator on Server 1', path: '/approvals', created_at: Date.now() - i * 60_000, read_at: null },
  }));
  await insert(store, 'notifications', rows);
}

/** Through the audit log's own code, which knows what its rows have to be. */
async function addAudit(store: Store, people: readonly Person[], places: readonly Place[]): Promise<void> {
  let at = Date.now() - 365 * DAY;
  const audit = new Audit(store, createLogger('silent'), () => at);
  for (let from = 0; from < AUDIT_ROWS; from += 5_000) {
    await store.transaction().execute(async (transaction) => {
      for (let i = from; i < from + 5_000; i++) {
        at += (365 * DAY) / AUDIT_ROWS;
        const event = { action: of(auditActions, i), actor: of(people, i), address: '192.0.2.1' } as const;
        await audit.record({ ...event, subject: of(places, i).target.name, details: { number: i } }, transaction);
      }
    });
  }
}

/** As few rows at a time as a statement has room for values. */
async function insert<Table extends Parameters<Store['insertInto']>[0] & string>(
  store: Store,
  table: Table,
  rows: readonly object[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += 500) {
    // The union of all tables' rows is more than the compiler can follow; the database says what does not fit.
    await store
      .insertInto(table)
      .values(rows.slice(at, at + 500) as never)
      .execute();
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The i-th, beginning anew at the end. */
function of<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}
