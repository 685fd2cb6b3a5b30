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
