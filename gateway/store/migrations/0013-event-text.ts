import { type Kysely, type Migration, sql } from 'kysely';

/** What the library's free text finds. The full-text table is SQLite's own; `library/event-index.ts` is all that knows it. */
export const eventText: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('indexed_recordings')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('session_id', 'text', (column) => column.notNull().unique())
      .addColumn('version', 'integer', (column) => column.notNull())
      .execute();
    // One row for each recording, with the same number; the words only, not once more the text.
    await sql`create virtual table event_text using fts5 (
      text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3 4'
    )`.execute(db);
    // What was deleted is overwritten, not only forgotten.
    await sql`insert into event_text (event_text, rank) values ('secure-delete', 1)`.execute(db);
    await db.schema
      .createTable('event_lines')
      .addColumn('session_id', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('event_lines_session').on('event_lines').column('session_id').execute();
    await db.schema
      .createTable('typed_words')
      .addColumn('word', 'blob', (column) => column.notNull())
      .addColumn('session_id', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('typed_words_key', ['word', 'session_id'])
      .execute();
    await db.schema.createIndex('typed_words_session').on('typed_words').column('session_id').execute();
  },
};
