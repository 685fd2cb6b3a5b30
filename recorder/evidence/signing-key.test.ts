import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { ensureSigningKey } from './signing-key.ts';

test('a key that others could read is closed to them; a file that is no key is refused by name, and left alone', async (context) => {
  const folder = await temporaryDirectory(context);
  const path = join(folder, 'restored.key');
  const mode = async () => (await stat(path)).mode & 0o777;
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await chmod(path, 0o644);
  await ensureSigningKey(path);
  assert.equal(await mode(), 0o600);

  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  for (const content of ['127.0.0.1 localhost', other.export({ type: 'pkcs8', format: 'pem' })]) {
    await writeFile(path, content);
    await chmod(path, 0o644);
    await assert.rejects(ensureSigningKey(path), { message: `${path} does not hold an Ed25519 key` });
    assert.equal(await mode(), 0o644);
  }
});
