import { chmod, copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { HEADS_FILE } from '../config.ts';
import { lockFolder } from './lock.ts';
import { migrations } from './migrations.ts';

/** The database's name in a data folder. */
export const DATABASE_FILE = 'oriel.sqlite';

/** A backup that cannot be made or used; the message is for whoever asked for it. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/**
 * Writes a copy of a data folder's database into one file, whole and consistent, while the gateway goes on. Recordings
 * and keys are files beside it, and are not in it. What was at `file` is replaced once the copy is complete.
 * @returns bytes
 */
export async function backUp(dataDirectory: string, file: string): Promise<number> {
  const source = join(dataDirectory, DATABASE_FILE);
  if ((await stat(source).catch(() => undefined)) === undefined) {
    throw new BackupError(`there is no database in ${dataDirectory}`);
  }
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.part`;
  await rm(partial, { force: true });
  // Before SQLite makes it: what is in it is for the gateway's owner only.
  await (await open(partial, 'wx', 0o600)).close();
  try {
    const database = new DatabaseSync(source, { readOnly: true, timeout: 5000 });
    try {
      // What is read belongs to one moment. Otherwise SQLite begins anew whenever somebody else has written, and never comes to an end
      // where the gateway writes more often than a copy takes ([SQLite Online Backup API]).
      database.exec('begin; select count(*) from sqlite_schema');
      await backup(database, partial);
    } finally {
      database.close();
    }
    change(partial, 'pragma journal_mode = delete'); // so that it is one file, and stays one when it is looked at
    requireWhole(partial);
    await syncFile(partial);
    await rename(partial, file);
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${partial}${suffix}`, { force: true });
  }
  return (await stat(file)).size;
}

/**
 * Puts a backup in the place of a data folder's database. Refused while a gateway uses the folder, and for what is no
 * whole database of this version or an older one. The database that was there is kept beside, and so is the file with the
 * signed heads of its trail. Everybody signs in anew.
 * @returns where the files are that were there, the database first
 */
export async function restore(
  dataDirectory: string,
  file: string,
  headsFile: string = join(dataDirectory, HEADS_FILE),
): Promise<string[]> {
  requireWhole(file);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const lock = lockFolder(join(dataDirectory, 'lock.sqlite'));
  try {
    const target = join(dataDirectory, DATABASE_FILE);
    const partial = `${target}.part`;
    await rm(partial, { force: true });
    await copyFile(file, partial);
    await chmod(partial, 0o600);
    // Sign-ins that were ended since would be good again.
    change(partial, 'delete from login_sessions; pragma journal_mode = delete');
    await syncFile(partial);
    const kept = await setAside(target, headsFile);
    await rename(partial, target);
    return kept;
  } finally {
    lock.release();
  }
}

/** What the last run did not write back is part of the database: it goes with it. @returns where the files are now */
async function setAside(target: string, headsFile: string): Promise<string[]> {
  const ending = `.before-restore-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  const kept = `${target}${ending}`;
  // Signed heads of the trail that goes: they belong to it, not to the one that comes. They may be on another disk, and stay there;
  // and they may be all that is left of it.
  const beside = resolve(headsFile) === resolve(dirname(target), HEADS_FILE);
  const heads = beside ? `${kept}.${HEADS_FILE}` : `${headsFile}${ending}`;
  const moved: string[] = [];
  for (const [from, to] of [
    ...['-wal', '-shm', ''].map((suffix) => [`${target}${suffix}`, `${kept}${suffix}`] as const),
    [headsFile, heads] as const,
  ]) {
    if (await renamed(from, to)) moved.push(to);
  }
  return moved.filter((path) => path === kept || path === heads);
}

/** @returns whether there was such a file */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function change(file: string, statements: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(statements);
  } finally {
    database.close();
  }
}

function requireWhole(file: string): void {
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      const { integrity_check: verdict } = database.prepare('pragma integrity_check').get() ?? {};
      if (verdict !== 'ok') throw new BackupError(`${file} is damaged: ${String(verdict)}`);
      const steps = database.prepare('select name from kysely_migration').all();
      const unknown = steps.map(({ name }) => String(name)).find((name) => !Object.hasOwn(migrations, name));
      if (unknown !== undefined) throw new BackupError(`${file} is of a later version (${unknown})`);
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupError(`${file} is no database of Oriel`, { cause: error });
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
