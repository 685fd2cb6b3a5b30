import { type Kysely, type Migration, sql } from 'kysely';

/** What the library's free text finds. The full-text table is SQLite's own; `library/event-index.ts` is all that knows it. */
export const eventText: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create virtual table event_text using fts5 (
      session_id unindexed, at unindexed, text, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3 4'
    )`.execute(db);
    // What was deleted is overwritten, not only forgotten.
    await sql`insert into event_text (event_text, rank) values ('secure-delete', 1)`.execute(db);
    await db.schema
      .createTable('typed_words')
      .addColumn('word', 'blob', (column) => column.notNull())
      .addColumn('session_id', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('typed_words_key', ['word', 'session_id'])
      .execute();
    await db.schema.createIndex('typed_words_session').on('typed_words').column('session_id').execute();
    await db.schema
      .createTable('event_text_sessions')
      .addColumn('session_id', 'text', (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('first_row', 'integer')
      .addColumn('last_row', 'integer')
      .execute();
  },
};
