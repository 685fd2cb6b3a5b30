import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { Kysely, Migrator, sql } from 'kysely';
import { Entitlements } from '../access/entitlements.ts';
import { Users } from '../access/users.ts';
import { migrations } from './migrations.ts';
import { nodeSqliteDialect } from './sqlite.ts';
import { openStore, type Store } from './store.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-upgrade-'));
after(() => rm(folder, { recursive: true }));

/** The last step of each schema that was released. */
const released = ['0001_first', '0002_target_security', '0003_evidence'];

/** A database as that release left it: made by its own steps, with data in every table. */
async function databaseOf(release: string): Promise<string> {
  const path = join(folder, `${release}.sqlite`);
  const store = new Kysely<unknown>({ dialect: nodeSqliteDialect(path) });
  const steps = Object.fromEntries(Object.entries(migrations).filter(([name]) => name <= release));
  const migrator = new Migrator({ db: store, provider: { getMigrations: async () => steps } });
  const { error } = await migrator.migrateToLatest();
  assert.equal(error, undefined);
  await store.destroy();
  const database = new DatabaseSync(path);
  database.exec(`
    insert into users (id, username, password_hash, roles_json, disabled, created_at) values
      ('u-admin', 'admin', 'hash', '["admin"]', 0, 1), ('u-jane', 'jane', 'hash', '["user"]', 0, 2),
      ('u-off', 'off', 'hash', '["user"]', 1, 2), ('u-otto', 'otto', 'hash', '["auditor"]', 0, 3);
    insert into login_sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
      values (x'01', 'u-jane', 1, 1, 9999999999999);
    insert into targets (id, name, host, port, nla, trusted_certificate, offered_certificate, demo, created_at)
      values ('t-1', 'Payroll', 'payroll.example', 3389, 'preferred', 'aa', null, 0, 4);
    insert into accounts values ('a-1', 't-1', 'operator', 'CORP', x'0102', 5);
    insert into settings values ('announceShadow', 'false');
    insert into sessions (id, user_id, username, target_id, target_name, account_id, account_username, width, height,
      created_at, started_at, ended_at, end_code, recording, recording_duration_ms, recording_bytes)
      values ('s-1', 'u-jane', 'jane', 't-1', 'Payroll', 'a-1', 'operator', 800, 600, 6, 7, 8, 'ended_by_user', 'ready', 9, 10);
    insert into audit (at, actor_id, actor, address, action, subject, session_id, details_json)
      values (11, 'u-jane', 'jane', '192.0.2.1', 'session.requested', 'Payroll', 's-1', '{"a":1}');
  `);
  if (release >= '0003_evidence') {
    database.exec(`insert into verifications values ('s-1', 12, 'otto', '{"verdict":"whole"}')`);
  }
  database.close();
  return path;
}

/** Opens a database of an older release, in which every row of these tables is as it was. */
async function bringUpToDate(path: string, tables: readonly string[]): Promise<Store> {
  const before = new DatabaseSync(path);
  const rows = new Map(tables.map((table) => [table, before.prepare(`select * from ${table}`).all()]));
  before.close();
  const store = await openStore(path);
  const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store);
  assert.equal(check.rows[0]?.integrity_check, 'ok');
  assert.deepEqual((await sql`pragma foreign_key_check`.execute(store)).rows, []);
  for (const [table, old] of rows) {
    const { rows: now } = await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(store);
    assert.equal(now.length, old.length, table);
    for (const [i, row] of old.entries()) {
      const kept = Object.fromEntries(Object.keys(row).map((column) => [column, now[i]?.[column]]));
      assert.deepEqual({ ...kept }, { ...row }, table);
    }
  }
  return store;
}

for (const release of released) {
  test(`a database of ${release} is brought up to date, and nobody loses anything`, async () => {
    const path = await databaseOf(release);
    const tables = ['users', 'login_sessions', 'targets', 'accounts', 'settings', 'sessions', 'audit'];
    if (release >= '0003_evidence') tables.push('verifications');
    const store = await bringUpToDate(path, tables);

    const entitlements = new Entitlements(store);
    const mayUse = async (user: string) => (await entitlements.grantsOf(user)).map(({ account }) => account.id);
    assert.deepEqual(await mayUse('u-admin'), ['a-1']);
    assert.deepEqual(await mayUse('u-jane'), ['a-1']);
    assert.deepEqual(await mayUse('u-otto'), [], 'an auditor could open nothing before');
    const users = new Users(store);
    assert.deepEqual((await users.find('u-admin'))?.roles, ['admin']);
    await users.change('u-off', { disabled: false });
    assert.deepEqual(await mayUse('u-off'), ['a-1'], 'also whoever comes back');
    await store.destroy();

    const again = await openStore(path);
    assert.equal((await again.selectFrom('entitlements').selectAll().execute()).length, 2, 'once, and not again');
    await again.destroy();
  });
}

test('a database of 0014_alert_rules is brought up to date with everything that was asked for, granted and kept', async () => {
  const path = await databaseOf('0014_alert_rules');
  const database = new DatabaseSync(path);
  database.exec(`
    insert into groups (id, name, built_in, created_at, description) values ('g-1', 'Operators', 0, 1, '');
    insert into group_members values ('g-1', 'u-jane');
    insert into policies (id, name, built_in, created_at, rules_json) values ('p-1', 'Asked', 0, 1, '{"reasonRequired":true}');
    insert into entitlements values ('e-1', 'g-1', 'p-1', 0, 0, 1);
    insert into entitlement_accounts values ('e-1', 'a-1');
    insert into requests values ('r-1', 'u-jane', 'jane', 'available', 3, 1, null, 1, 9999999999999, 9999999999999, 60,
      'Maintenance', 'comment', 'CHG1', 'Europe/Berlin', 1, 0, 'due', null, 'jane payroll');
    insert into request_items values
      ('r-1', 0, 'a-1', 'operator', 't-1', 'Payroll', 60, 'e-1', 'p-1', 'Asked', '{}', 9999999999999, null);
    insert into request_steps values ('r-1', 0, 0, 'Asked', 'g-1', 'Operators', 1, 1);
    insert into request_votes values ('r-1', 'u-otto', 'otto', 'approve', 'yes', 2);
    insert into request_events (request_id, at, actor, event, state, comment)
      values ('r-1', 1, 'jane', 'created', 'pending', 'comment');
    insert into request_favourites values ('f-1', 'u-jane', 'Month end', '#336699', '{"items":[{"accountId":"a-1"}]}', 1);
    insert into decision_links (request_id, id, approver_id, decision, expires_at) values ('r-1', 'd-1', 'u-otto', 'deny', 9);
    insert into second_factors values ('u-jane', x'01', 1, 2, 3);
    insert into recovery_codes values ('u-jane', x'02', null);
    insert into known_devices values (x'03', 'u-jane', '192.0.2.1', 'Firefox', 1, 2);
    insert into user_identities values ('https://idp.example', 's', 'u-jane', 1, 2, '[]');
    insert into notifications values ('n-1', 'u-jane', 'request.approved', 'Approved', '', '/requests/r-1', 1, null);
    insert into outbox values ('o-1', 'mail', 'jane@example.com', 'request.approved', x'04', 1, 'waiting', 0, 2, null, '');
    insert into webhooks values ('w-1', 'Chat', 'https://chat.example', '[]', x'05', 1, 1);
    insert into recording_keys values ('s-1', x'06', 1, null);
    insert into legal_holds values ('s-1', 1, 'u-otto', 'otto', 'case');
    insert into retention_rules values ('t-1', 30, null);
    insert into alert_rules values ('x-1', 'Night', '{"condition":{"kind":"idle","minutes":5}}', 1);
  `);
  // The index of the free text is SQLite's own, and has nothing in it.
  const tables = database
    .prepare("select name from sqlite_schema where type = 'table' and name not glob 'sqlite_*'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !/^(?:event_text|kysely)/.test(name));
  database.close();
  const store = await bringUpToDate(path, tables);
  const [grant, ...others] = await new Entitlements(store).grantsOf('u-jane');
  assert.deepEqual([grant?.account.id, grant?.rules.reasonRequired, others.length], ['a-1', true, 0]);
  await store.destroy();
});

test('a new database has a policy that asks nothing, for administrators, and nobody in it', async () => {
  const store = await openStore(':memory:');
  const entitlements = await new Entitlements(store).list();
  assert.deepEqual(
    entitlements.map(({ group, policy, accounts }) => [group.name, policy.name, accounts]),
    [['Administrators', 'Open', 'all']],
  );
  assert.deepEqual(await store.selectFrom('group_members').selectAll().execute(), []);
  await store.destroy();
});
