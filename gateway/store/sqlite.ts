import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';

/** A Kysely dialect over Node's own SQLite: no native module to install. */
export function nodeSqliteDialect(path: string): Dialect {
  return new SqliteDialect({ database: async () => adapt(openDatabase(path)) });
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5000 });
  // WAL: readers do not wait for a writer. FULL: what the API has confirmed outlives a power cut. Secure delete: a key that was destroyed is gone from the file.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
  return database;
}

/** Statements that are asked again and again: to parse one, and to ask what it is, takes longer than to look into an index. */
const KEPT_STATEMENTS = 100;

/** Kysely's driver expects the shape of better-sqlite3. */
function adapt(database: DatabaseSync): SqliteDatabase {
  /** The ones that were asked last are the last ones. */
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => {
      kept.clear();
      database.close();
    },
    prepare: (sql) => {
      const statement = kept.get(sql) ?? adaptStatement(database, sql);
      kept.delete(sql);
      kept.set(sql, statement);
      const [oldest] = kept.keys();
      if (kept.size > KEPT_STATEMENTS && oldest !== undefined) kept.delete(oldest);
      return statement;
    },
  };
}

function adaptStatement(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql);
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    // A full disk undoes the transaction by itself: that there is none any more must not hide why.
    run: (parameters) =>
      sql === 'rollback' && !database.isTransaction
        ? { changes: 0, lastInsertRowid: 0 }
        : statement.run(...values(parameters)),
    // One that is not through yet is not to be begun anew by somebody else.
    iterate: (parameters) => database.prepare(sql).iterate(...values(parameters)),
  };
}
