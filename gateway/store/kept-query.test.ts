import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptQuery } from './kept-query.ts';
import { openStore } from './store.ts';

test('a query that is kept is built once, and answers anew: at another time, and in a transaction', async () => {
  await using store = await openStore(':memory:');
  let built = 0;
  const due = new KeptQuery((from, now) => {
    built++;
    return from.selectFrom('outbox').select('id').where('state', '=', 'waiting').where('next_at', '<=', now).limit(1);
  });
  const ids = async (now: number, from = store) => (await due.rows(from, now)).map(({ id }) => id);
  assert.deepEqual(await ids(100), []);
  await store.transaction().execute(async (transaction) => {
    const parcel = { channel: 'mail', recipient: '', kind: '', body: new Uint8Array(1), last_error: '' };
    const row = { ...parcel, id: 'one', created_at: 0, state: 'waiting', attempts: 0, next_at: 50, done_at: null };
    await transaction.insertInto('outbox').values(row).execute();
    assert.deepEqual(await ids(50, transaction), ['one']);
  });
  assert.deepEqual([await ids(49), await ids(50), await ids(51)], [[], ['one'], ['one']]);
  assert.equal(built, 1);
});
