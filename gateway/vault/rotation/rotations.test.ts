import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Audit } from '../../audit/audit.ts';
import { createLogger } from '../../log.ts';
import { openStore } from '../../store/store.ts';
import { Targets } from '../../targets/targets.ts';
import { Vault } from '../vault.ts';
import { Rotations } from './rotations.ts';

test('settings that are changed while a password is being changed do not lose the new one', async () => {
  const store = await openStore(':memory:');
  const vault = new Vault(new Uint8Array(32).fill(1));
  const log = createLogger('silent');
  const rotations = new Rotations({
    ...{ store, vault, log, audit: new Audit(store, log), notifier: { publish: async () => {} } },
    changers: { ssh: { change: () => assert.fail(), signsIn: () => assert.fail() } },
    inUse: () => false,
  });
  const targets = new Targets(store, vault);
  const target = await targets.create({ name: 'server', host: '192.0.2.1' });
  const { id } = await targets.addAccount(target.id, { username: 'svc', password: 'the old one' });
  await rotations.change(id, { everyDays: 30, hostKey: 'SHA256:abc' });
  // As the rotator does before it asks the computer for anything.
  const begun = () =>
    store
      .updateTable('account_rotations')
      .set({ pending: vault.seal('the new one', `pending ${id}`), state: 'changing' })
      .where('account_id', '=', id)
      .execute();
  // At whatever moment it comes between what the other reads and what it writes.
  for (let steps = 0; steps < 60; steps++) {
    await store.updateTable('account_rotations').set({ pending: null, state: 'ok' }).execute();
    const changed = rotations.change(id, { everyDays: steps });
    for (let i = 0; i < steps; i++) await Promise.resolve();
    await Promise.all([changed, begun()]);
    const row = await store.selectFrom('account_rotations').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual(
      [row.state, row.host_key, JSON.parse(row.settings_json).everyDays],
      ['changing', 'SHA256:abc', steps],
    );
    assert.equal(
      vault.open(Uint8Array.from(row.pending ?? []), `pending ${id}`),
      'the new one',
      `after ${steps} steps`,
    );
  }
  await store.destroy();
});
