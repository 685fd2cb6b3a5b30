import type { Kysely, Migration } from 'kysely';

/** What recordings are encrypted with: a key each, sealed by the vault. */
export const recordingKeys: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('recording_keys')
      .addColumn('session_id', 'text', (column) => column.primaryKey())
      .addColumn('secret', 'blob')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('destroyed_at', 'integer')
      .execute();
  },
};
