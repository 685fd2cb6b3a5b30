import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadMasterKey } from './key-file.ts';
import { MasterKeyError, masterKey, nameOfKey } from './master-key.ts';
import { Vault, VaultError } from './vault.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-vault-'));
after(() => rm(folder, { recursive: true }));

test('a sealed secret opens for its owner', () => {
  const vault = new Vault(randomBytes(32));
  for (const secret of ['', 'geheim', 'pässwörd €😀', 'x'.repeat(10_000)]) {
    assert.equal(vault.open(vault.seal(secret, 'a'), 'a'), secret);
  }
});

test('the same secret is sealed differently each time, and never shows', () => {
  const vault = new Vault(randomBytes(32));
  const first = vault.seal('canary-password', 'a');
  assert.notDeepEqual(first, vault.seal('canary-password', 'a'));
  assert.equal(Buffer.from(first).includes('canary'), false);
});

test('any altered byte, another owner and another key are found out', () => {
  const vault = new Vault(randomBytes(32));
  const sealed = vault.seal('canary-password', 'account-1');
  for (let i = 0; i < sealed.length; i++) {
    const altered = Uint8Array.from(sealed);
    altered[i] = (altered[i] ?? 0) ^ 1;
    assert.throws(() => vault.open(altered, 'account-1'), VaultError, `byte ${i}`);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => vault.open(sealed.subarray(0, length), 'account-1'), VaultError, `cut to ${length}`);
  }
  assert.throws(() => vault.open(sealed, 'account-2'), VaultError);
  assert.throws(() => new Vault(randomBytes(32)).open(sealed, 'account-1'), VaultError);
});

test('what is altered is told by a code', () => {
  const vault = new Vault(randomBytes(32));
  const sealed = vault.seal('geheim', 'a');
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  assert.throws(() => vault.open(sealed, 'a'), { code: 'secret_altered' });
});

test('each secret has a data key of its own, and the new master key alone opens what was wrapped anew', () => {
  const [old, next] = [masterKey(randomBytes(32)), masterKey(randomBytes(32))];
  const vault = new Vault(old);
  const sealed = vault.seal('geheim', 'a');
  vault.sealWith(next);
  const moved = vault.rewrap(sealed);
  assert.equal(vault.open(sealed, 'a'), 'geheim', 'the old form opens while both keys are there');
  assert.equal(new Vault(next).open(moved, 'a'), 'geheim');
  assert.throws(() => new Vault(old).open(moved, 'a'), VaultError);
  assert.deepEqual(moved.subarray(-20), sealed.subarray(-20), 'the secret itself was not opened');
  assert.throws(() => new Vault(next).open(moved, 'b'), VaultError);
  assert.notEqual(nameOfKey(old.id), nameOfKey(next.id));
  const exchanged = Uint8Array.from([...vault.seal('anderes', 'a').subarray(0, 69), ...moved.subarray(69)]);
  assert.throws(() => vault.open(exchanged, 'a'), VaultError, "another secret's data key");
});

test('a key of the wrong size is refused', () => {
  assert.throws(() => new Vault(new Uint8Array(16)), MasterKeyError);
});

test('the key file is made once, for its owner only', async () => {
  const path = join(folder, 'keys', 'master.key');
  const key = await loadMasterKey(path, true);
  assert.equal(key.bytes.length, 32);
  assert.deepEqual(await loadMasterKey(path, false), key);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'keys'))).mode & 0o777, 0o700);
});

test('two starts at once agree on one key', async () => {
  const path = join(folder, 'race', 'master.key');
  const [first, second] = await Promise.all([loadMasterKey(path, true), loadMasterKey(path, true)]);
  assert.deepEqual(first, second);
});

test('a key file that others could read is closed to them', async () => {
  const path = join(folder, 'open.key');
  await writeFile(path, randomBytes(32).toString('base64'));
  await chmod(path, 0o644);
  await loadMasterKey(path, false);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a lost key is reported, not replaced', async () => {
  const path = join(folder, 'lost.key');
  await assert.rejects(loadMasterKey(path, false), MasterKeyError);
  await assert.rejects(readFile(path), { code: 'ENOENT' });
});

test('a file that is no key is refused, and as open to others as it was', async () => {
  const other = join(folder, 'hosts');
  await writeFile(other, '127.0.0.1 localhost');
  await chmod(other, 0o644);
  await assert.rejects(loadMasterKey(other, false), MasterKeyError);
  assert.equal((await stat(other)).mode & 0o777, 0o644);
  const path = join(folder, 'short.key');
  await writeFile(path, 'c2hvcnQ=');
  await assert.rejects(loadMasterKey(path, true), MasterKeyError);
});
