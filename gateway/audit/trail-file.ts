import { DatabaseSync } from 'node:sqlite';
import { toStatement } from './archive.ts';
import { type ChainedRow, toTrailRow } from './chain.ts';
import { readHeads, toHead } from './head-keeper.ts';
import type { Head, TrustedKey } from './signatures.ts';
import { Problems, type TrailReport, verifyTrail } from './verify.ts';

/** The triggers that refuse to change what is written, by their names. */
const GUARDS = ['audit_no_update', 'audit_no_delete', 'audit_heads_no_update', 'audit_heads_no_delete'];

/**
 * Checks the trail in a database file, without the gateway: also while it runs.
 *
 * @param headFiles files with signed heads, such as the one beside the database
 */
export async function verifyDatabase(
  path: string,
  keys: readonly TrustedKey[],
  headFiles: readonly string[],
): Promise<TrailReport> {
  // Before the rows: none of these heads then names a row that is written only now.
  const outside: Head[] = (await Promise.all(headFiles.map(readHeads))).flat();
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    database.exec('begin');
    const tables = database.prepare(`select name from sqlite_master where name = 'audit_heads'`).all();
    if (tables.length === 0)
      throw new Error(`${path} holds no trail: it is of an older version, or no database of Oriel`);
    const problems = new Problems();
    const triggers = database.prepare(`select name from sqlite_master where type = 'trigger'`).all();
    for (const guard of GUARDS) {
      if (!triggers.some(({ name }) => name === guard)) {
        problems.add('unguarded', null, `the database no longer has its guard ${guard}`);
      }
    }
    const heads = database.prepare('select * from audit_heads').all() as never[];
    const archives = database.prepare('select * from audit_archives').all() as never[];
    return await verifyTrail(
      {
        rows: chainedRows(database),
        heads: [...outside, ...heads.map(toHead)],
        archives: archives.map(toStatement),
        keys,
      },
      problems,
    );
  } finally {
    database.close();
  }
}

function* chainedRows(database: DatabaseSync): Generator<ChainedRow> {
  for (const row of database.prepare('select * from audit order by id').iterate()) {
    yield { ...toTrailRow(row as never), hash: String(row.hash) };
  }
}
