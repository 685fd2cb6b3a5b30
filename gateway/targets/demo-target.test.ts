import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createLogger } from '../log.ts';
import { SettingsStore } from '../settings/settings.ts';
import { openStore } from '../store/store.ts';
import { Vault } from '../vault/vault.ts';
import { type DemoServerOptions, DemoTarget } from './demo-target.ts';
import { Targets } from './targets.ts';

test('the demo target follows its server from start to start, and stays away once removed', async () => {
  const store = await openStore(':memory:');
  const vault = new Vault(new Uint8Array(32));
  const targets = new Targets(store, vault);
  const starts: DemoServerOptions[] = [];
  const run = async () => {
    const ended = Promise.withResolvers<void>();
    const demo = new DemoTarget({
      targets,
      settings: new SettingsStore(store),
      log: createLogger('silent'),
      start: async (options) => {
        starts.push(options);
        return { port: 40_000 + starts.length, ended: ended.promise, stop: async () => ended.resolve() };
      },
    });
    await demo.start();
    await demo.stop();
  };

  await run();
  await run();
  const [target, ...others] = await targets.list();
  assert.deepEqual(others, []);
  assert.equal(target?.port, 40_002);
  assert.equal(target?.demo, true);
  const [account, ...more] = target?.accounts ?? [];
  assert.deepEqual(more, []);
  const { secret } = await store
    .selectFrom('accounts')
    .select('secret')
    .where('id', '=', account?.id ?? '')
    .executeTakeFirstOrThrow();
  const password = vault.open(secret, account?.id ?? '');
  assert.equal(password, starts[1]?.credentials.password);
  assert.notEqual(password, starts[0]?.credentials.password);
  const { fingerprint256 } = new X509Certificate(starts[1]?.tls.cert ?? '');
  assert.equal(target?.certificate.trusted, fingerprint256.replaceAll(':', '').toLowerCase());

  await targets.remove(target?.id ?? '');
  await run();
  assert.deepEqual(await targets.list(), []);
  assert.equal(starts.length, 2);
  await store.destroy();
});
