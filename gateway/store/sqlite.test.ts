import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { nodeSqliteDialect } from './sqlite.ts';

interface Tables {
  numbers: { value: number };
}

/** Rows have no prototype. */
const plain = (rows: readonly object[]) => rows.map((row) => ({ ...row }));

test('a statement that is kept answers anew: with other values, beside itself, and after its table has changed', async () => {
  await using store = new Kysely<Tables>({ dialect: nodeSqliteDialect(':memory:') });
  await store.schema.createTable('numbers').addColumn('value', 'integer').execute();
  for (let value = 0; value < 5; value++) await store.insertInto('numbers').values({ value }).execute();
  const from = (least: number) => store.selectFrom('numbers').selectAll().where('value', '>=', least).orderBy('value');
  assert.deepEqual(plain(await from(3).execute()), [{ value: 3 }, { value: 4 }]);
  assert.deepEqual(plain(await from(4).execute()), [{ value: 4 }]);

  const one = from(1).stream();
  assert.deepEqual(plain([(await one.next()).value]), [{ value: 1 }]);
  const seen: object[] = [];
  for await (const row of one) seen.push(row);
  assert.deepEqual(plain(seen), [{ value: 2 }, { value: 3 }, { value: 4 }]);

  await store.schema.alterTable('numbers').addColumn('name', 'text').execute();
  assert.deepEqual(plain(await from(4).execute()), [{ value: 4, name: null }]);
  for (let n = 0; n < 300; n++) {
    const { rows } = await sql<{ n: number }>`select ${sql.lit(n)} as n`.execute(store);
    assert.deepEqual(plain(rows), [{ n }]);
  }
  assert.deepEqual(plain(await from(4).execute()), [{ value: 4, name: null }]);
});

test('a disk that is full in the middle of a transaction is told as such, and all of it is undone', async () => {
  const store = new Kysely<{ pages: { data: Uint8Array } }>({ dialect: nodeSqliteDialect(':memory:') });
  await sql`create table pages (data blob)`.execute(store);
  await sql`pragma max_page_count = 20`.execute(store);
  const fill = store.transaction().execute(async (transaction) => {
    for (;;) {
      await transaction
        .insertInto('pages')
        .values({ data: new Uint8Array(10_000) })
        .execute();
    }
  });
  await assert.rejects(fill, /database or disk is full/);
  assert.deepEqual(await store.selectFrom('pages').selectAll().execute(), []);
  await store.transaction().execute((transaction) => transaction.deleteFrom('pages').execute());
  await store.destroy();
});
