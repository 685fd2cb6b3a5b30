import { type Kysely, type Migration, sql } from 'kysely';

/** Where the trail is forwarded to, and what entitled whom at which time. */
export const forwardingAndHistory: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('audit_receivers')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', sql`text collate nocase`, (column) => column.notNull().unique())
      .addColumn('enabled', 'integer', (column) => column.notNull())
      .addColumn('format', 'text', (column) => column.notNull())
      .addColumn('transport', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('port', 'integer', (column) => column.notNull())
      .addColumn('authorities', 'text', (column) => column.notNull())
      .addColumn('client_certificate', 'text', (column) => column.notNull())
      .addColumn('client_key', 'blob')
      .addColumn('confirmation', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('cursor', 'integer', (column) => column.notNull())
      .addColumn('maybe', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('head', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('sent_at', 'integer')
      .addColumn('last_error', 'text', (column) => column.notNull().defaultTo(''))
      .addColumn('failed_at', 'integer')
      .addColumn('told', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    // What is in it is kept by the triggers in `access-history.ts`, from the next moment on.
    await db.schema
      .createTable('access_history')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('table_name', 'text', (column) => column.notNull())
      .addColumn('row_key', 'text', (column) => column.notNull())
      .addColumn('row_json', 'text', (column) => column.notNull())
      .addColumn('valid_from', 'integer', (column) => column.notNull())
      .addColumn('valid_to', 'integer')
      .execute();
    await db.schema
      .createIndex('access_history_row')
      .on('access_history')
      .columns(['table_name', 'row_key', 'valid_to'])
      .execute();
    await db.schema
      .createIndex('access_history_time')
      .on('access_history')
      .columns(['valid_to', 'valid_from'])
      .execute();
  },
};
