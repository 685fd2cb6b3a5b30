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
import { openStore } from './store.ts';

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
    insert into users values ('u-admin', 'admin', 'hash', '["admin"]', 0, 1);
    insert into users values ('u-jane', 'jane', 'hash', '["user"]', 0, 2);
    insert into users values ('u-off', 'off', 'hash', '["user"]', 1, 2);
    insert into users values ('u-otto', 'otto', 'hash', '["auditor"]', 0, 3);
    insert into login_sessions values (x'01', 'u-jane', 1, 1, 9999999999999);
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

for (const release of released) {
  test(`a database of ${release} is brought up to date, and nobody loses anything`, async () => {
    const path = await databaseOf(release);
    const tables = ['users', 'login_sessions', 'targets', 'accounts', 'settings', 'sessions', 'audit'];
    if (release >= '0003_evidence') tables.push('verifications');
    const rowsOf = (database: DatabaseSync, table: string) => database.prepare(`select * from ${table}`).all();
    const before = new DatabaseSync(path);
    const rows = new Map(tables.map((table) => [table, rowsOf(before, table)]));
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
