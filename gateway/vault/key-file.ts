import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KEY_SIZE, type MasterKey, MasterKeyError, nameOfKey, parseMasterKey } from './master-key.ts';

/**
 * Reads the master key, made on first use: 32 random bytes as a line of base64, mode 0600, in a folder of mode 0700.
 *
 * @param mayCreate whether a missing file is a first start. When secrets are there already, a new key would only hide
 *   that the old one was lost.
 */
export async function loadMasterKey(path: string, mayCreate: boolean): Promise<MasterKey> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (!mayCreate) {
      throw new MasterKeyError(`the key file ${path} is missing, and there are secrets that only its key opens`);
    }
    await createKeyFile(path);
    text = await readFile(path, 'utf8');
  }
  const key = parseMasterKey(text, `the key file ${path}`);
  // A key that others could read is closed to them; whoever restored it from a backup need not know the mode.
  // Once it is known to be one: a path given by mistake may be of something that others need.
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  return key;
}

/**
 * Puts another key in the place of the one in the file; what was there stays beside it under the name of its key, for
 * backups of before. At any moment there is a whole key at `path`. Done again, it changes nothing.
 */
export async function replaceKeyFile(path: string, key: MasterKey): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present !== undefined) {
    const old = parseMasterKey(present, `the key file ${path}`);
    if (nameOfKey(old.id) === nameOfKey(key.id)) return;
    await setAside(path, old);
  }
  await rename(await writeDraft(path, Buffer.from(key.bytes)), path);
  await syncFolder(path);
}

/** The file's key is no longer used: it goes under the name of its key, so that nobody takes it for the present one. */
export async function retireKeyFile(path: string, key: MasterKey): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === undefined || nameOfKey(parseMasterKey(present, path).id) !== nameOfKey(key.id)) return;
  await setAside(path, key);
  await unlink(path);
  await syncFolder(path);
}

async function setAside(path: string, key: MasterKey): Promise<void> {
  await link(path, `${path}.${nameOfKey(key.id)}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Written whole or not at all: a torn key file would be found out only when the secrets no longer open. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = await writeDraft(path, randomBytes(KEY_SIZE));
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(path);
}

async function writeDraft(path: string, key: Buffer): Promise<string> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${key.toString('base64')}\n`);
    await file.sync();
  } finally {
    key.fill(0);
    await file.close();
  }
  return draft;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
