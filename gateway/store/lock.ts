import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Held while a gateway uses a data folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes a data folder for this process, or throws when another gateway has it: two would finish each other's
 * recordings. An exclusive SQLite transaction is a lock that the system drops when the process dies, however it dies.
 */
export function lockFolder(path: string): FolderLock {
  const database = openFile(path);
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    throw new Error('another gateway uses this data folder', { cause: error });
  }
  return { release: () => database.close() };
}

function openFile(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw new Error(`the data folder ${dirname(path)} cannot be written`, { cause: error });
  }
}
