import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Kysely, Migrator } from 'kysely';
import { keepAccessHistory } from './access-history.ts';
import { migrations } from './migrations.ts';
import type { Schema } from './schema.ts';
import { nodeSqliteDialect } from './sqlite.ts';

export type Store = Kysely<Schema>;

/** Opens the database and brings its tables up to date. `:memory:` gives one that is gone when closed. */
export async function openStore(path: string): Promise<Store> {
  if (path !== ':memory:') await makePrivateFile(path);
  const store = new Kysely<Schema>({ dialect: nodeSqliteDialect(path) });
  try {
    const migrator = new Migrator({ db: store, provider: { getMigrations: async () => migrations } });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw new Error('the database could not be brought up to date', { cause: error });
    await keepAccessHistory(store);
    return store;
  } catch (error) {
    await store.destroy();
    throw error;
  }
}

/** SQLite gives the files beside the database (`-wal`, `-shm`) its mode, so it must be right before the first of them is made. */
async function makePrivateFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a', 0o600);
  await file.close();
  await chmod(path, 0o600);
}
