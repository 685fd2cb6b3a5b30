import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { Vault } from '../vault/vault.ts';
import { Targets } from './targets.ts';

test('a change of an account puts no password back that was changed on the computer meanwhile', async () => {
  const store = await openStore(':memory:');
  const vault = new Vault(new Uint8Array(32).fill(1));
  const targets = new Targets(store, vault);
  const target = await targets.create({ name: 'server', host: '192.0.2.1' });
  const account = await targets.addAccount(target.id, { username: 'svc', password: 'the old one' });
  // As a rotation does once the computer lets the new one in: it comes between what the other reads and what it writes.
  const rotated = () =>
    store.transaction().execute(async (transaction) => {
      const secret = vault.seal('the new one', account.id);
      await transaction.updateTable('accounts').set({ secret }).where('id', '=', account.id).execute();
    });
  await Promise.all([targets.changeAccount(target.id, account.id, { domain: 'CORP' }), rotated()]);
  const row = await store.selectFrom('accounts').selectAll().where('id', '=', account.id).executeTakeFirstOrThrow();
  assert.deepEqual([row.domain, vault.open(Uint8Array.from(row.secret), account.id)], ['CORP', 'the new one']);
  await store.destroy();
});
