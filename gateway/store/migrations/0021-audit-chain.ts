import { type Kysely, type Migration, sql } from 'kysely';
import { GENESIS, hashRow, toTrailRow } from '../../audit/chain.ts';

/** Chains the rows of the audit log by hash, those that are there too, and makes room for signed heads and archives. */
export const auditChain: Migration = {
  async up(db: Kysely<unknown>) {
    for (const verb of ['update', 'delete']) await sql`drop trigger ${sql.raw(`audit_no_${verb}`)}`.execute(db);
    await db.schema
      .alterTable('audit')
      .addColumn('hash', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
    await chainRows(db as Kysely<Chained>);
    await db.schema.createIndex('audit_at').on('audit').columns(['at', 'id']).execute();
    await db.schema
      .createTable('audit_heads')
      .addColumn('number', 'integer', (column) => column.primaryKey())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('key_id', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('audit_archives')
      .addColumn('from_number', 'integer', (column) => column.primaryKey())
      .addColumn('to_number', 'integer', (column) => column.notNull().unique())
      .addColumn('previous_hash', 'text', (column) => column.notNull())
      .addColumn('last_hash', 'text', (column) => column.notNull())
      .addColumn('file', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('key_id', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .execute();
    for (const table of ['audit', 'audit_heads', 'audit_archives']) {
      await sql`create trigger ${sql.raw(`${table}_no_update`)} before update on ${sql.raw(table)}
        begin select raise(abort, 'the trail is append-only'); end`.execute(db);
    }
    for (const table of ['audit_heads', 'audit_archives']) {
      await sql`create trigger ${sql.raw(`${table}_no_delete`)} before delete on ${sql.raw(table)}
        begin select raise(abort, 'the trail is append-only'); end`.execute(db);
    }
    // A row goes only with the whole closed range that an archive has, and that is signed.
    await sql`create trigger audit_no_delete before delete on audit
      when not exists (select 1 from audit_archives where old.id between from_number and to_number)
      begin select raise(abort, 'the trail is append-only'); end`.execute(db);
  },
};

interface Chained {
  audit: {
    id: number;
    at: number;
    actor_id: string | null;
    actor: string;
    address: string;
    action: string;
    subject: string;
    session_id: string | null;
    details_json: string;
    hash: string;
  };
}

const AT_ONCE = 1000;

async function chainRows(db: Kysely<Chained>): Promise<void> {
  let previous = GENESIS;
  let number = 0;
  for (;;) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('id', '>', number)
      .orderBy('id')
      .limit(AT_ONCE)
      .execute();
    for (const row of rows) {
      number = row.id;
      previous = hashRow(previous, toTrailRow(row));
      await db.updateTable('audit').set({ hash: previous }).where('id', '=', number).execute();
    }
    if (rows.length < AT_ONCE) return;
  }
}
