import { type Kysely, type Migration, sql } from 'kysely';

/** How long recordings are kept: rules by target, legal holds, and what became of a recording that was deleted. */
export const retention: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('sessions').addColumn('recording_deleted_at', 'integer').execute();
    await db.schema.alterTable('sessions').addColumn('recording_deleted_by', 'text').execute();
    // The library's order, and what retention goes through.
    await sql`create index sessions_library on sessions (created_at desc, id desc) where recording != 'none'`.execute(
      db,
    );
    await db.schema
      .createTable('legal_holds')
      .addColumn('session_id', 'text', (column) => column.primaryKey().references('sessions.id'))
      .addColumn('placed_at', 'integer', (column) => column.notNull())
      .addColumn('placed_by_id', 'text', (column) => column.notNull())
      .addColumn('placed_by', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .execute();
    // No reference to the target: its recordings outlive it, and so does the rule for them.
    await db.schema
      .createTable('retention_rules')
      .addColumn('target_id', 'text', (column) => column.primaryKey())
      .addColumn('max_age_days', 'integer')
      .addColumn('max_bytes', 'integer')
      .execute();
  },
};
