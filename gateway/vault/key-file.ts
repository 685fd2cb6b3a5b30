import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KEY_SIZE, VaultError } from './vault.ts';

/**
 * Reads the master key, made on first use: 32 random bytes as a line of base64, mode 0600, in a folder of mode 0700.
 *
 * @param mayCreate whether a missing file is a first start. When secrets are there already, a new key would only hide
 *   that the old one was lost.
 */
export async function loadMasterKey(path: string, mayCreate: boolean): Promise<Uint8Array> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (!mayCreate) {
      throw new VaultError(`the key file ${path} is missing, and there are secrets that only its key opens`);
    }
    await createKeyFile(path);
    text = await readFile(path, 'utf8');
  }
  // A key that others could read is closed to them; whoever restored it from a backup need not know the mode.
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_SIZE) throw new VaultError(`the key file ${path} does not hold ${KEY_SIZE} bytes in base64`);
  return Uint8Array.from(key);
}

/** Written whole or not at all: a torn key file would be found out only when the secrets no longer open. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(KEY_SIZE).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
