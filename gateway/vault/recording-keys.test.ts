import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { RecordingKeys } from './recording-keys.ts';
import { Vault, VaultError } from './vault.ts';

test('each recording has a key of its own, which only the master key opens, and only for it', async () => {
  const store = await openStore(':memory:');
  const keys = new RecordingKeys(store, new Vault(randomBytes(32)));
  const one = await keys.create('one');
  const two = await keys.create('two');
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, two);
  assert.deepEqual(await keys.find('one'), one);
  assert.equal(await keys.find('three'), undefined);
  await assert.rejects(keys.create('one'), 'a key is never replaced');
  await assert.rejects(new RecordingKeys(store, new Vault(randomBytes(32))).find('one'), VaultError);
  const { secret } = await store.selectFrom('recording_keys').select('secret').executeTakeFirstOrThrow();
  await store.updateTable('recording_keys').set({ secret }).where('session_id', '=', 'two').execute();
  await assert.rejects(keys.find('two'), VaultError);
  await store.destroy();
});

test('a destroyed key is gone, from the files of the database too', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-keys-'));
  context.after(() => rm(folder, { recursive: true }));
  const store = await openStore(join(folder, 'oriel.sqlite'));
  const keys = new RecordingKeys(store, new Vault(randomBytes(32)));
  await keys.create('kept');
  await keys.create('gone');
  const rows = await store.selectFrom('recording_keys').selectAll().execute();
  const secretOf = (id: string) => Buffer.from(rows.find((row) => row.session_id === id)?.secret ?? []);
  const inFiles = async (bytes: Buffer) => {
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
    return files.some((file) => file.includes(bytes));
  };
  assert.ok(await inFiles(secretOf('gone')), 'the test looks in the right place');
  await keys.destroy('gone');
  assert.equal(await keys.find('gone'), undefined);
  assert.ok(await keys.find('kept'));
  assert.equal(await inFiles(secretOf('gone')), false);
  assert.ok(await inFiles(secretOf('kept')));
  await keys.destroy('never there');
  await store.destroy();
});
