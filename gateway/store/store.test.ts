import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { lockFolder } from './lock.ts';
import { openStore } from './store.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-store-'));
after(() => rm(folder, { recursive: true }));

test('tables are made at first, and kept afterwards; the files are for their owner only', async () => {
  const path = join(folder, 'oriel.sqlite');
  const first = await openStore(path);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  await first.insertInto('settings').values({ name: 'a', value_json: '1' }).execute();
  await first.destroy();
  const second = await openStore(path);
  const kept = await second.selectFrom('settings').selectAll().executeTakeFirst();
  assert.deepEqual({ ...kept }, { name: 'a', value_json: '1' });
  const { rows } = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(second);
  assert.equal(rows[0]?.journal_mode, 'wal');
  await second.destroy();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a transaction that fails leaves nothing', async () => {
  const store = await openStore(':memory:');
  const work = store.transaction().execute(async (transaction) => {
    await transaction.insertInto('settings').values({ name: 'a', value_json: '1' }).execute();
    throw new Error('no');
  });
  await assert.rejects(work, /no/);
  assert.deepEqual(await store.selectFrom('settings').selectAll().execute(), []);
  await store.destroy();
});

test('accounts go with their target', async () => {
  const store = await openStore(':memory:');
  const target = { id: 't', name: 'n', host: 'h', port: 1, nla: 'never', demo: 0, created_at: 0 };
  await store
    .insertInto('targets')
    .values({ ...target, trusted_certificate: null, offered_certificate: null })
    .execute();
  const account = { id: 'a', target_id: 't', username: 'u', domain: '', secret: Uint8Array.of(1), created_at: 0 };
  await store.insertInto('accounts').values(account).execute();
  await assert.rejects(
    store
      .insertInto('accounts')
      .values({ ...account, id: 'b', target_id: 'x' })
      .execute(),
  );
  await store.deleteFrom('targets').execute();
  assert.deepEqual(await store.selectFrom('accounts').selectAll().execute(), []);
  await store.destroy();
});

test('a folder is held by one at a time', () => {
  const path = join(folder, 'lock.sqlite');
  const first = lockFolder(path);
  assert.throws(() => lockFolder(path), /another gateway uses this data folder/);
  first.release();
  lockFolder(path).release();
});

test('a folder that cannot be written is named', () => {
  assert.throws(() => lockFolder(join(folder, 'missing', 'lock.sqlite')), /missing cannot be written/);
});
