import type { Kysely, Migration } from 'kysely';

/** Changing the passwords of accounts. */
export const rotation: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('account_rotations')
      .addColumn('account_id', 'text', (column) => column.primaryKey().references('accounts.id').onDelete('cascade'))
      .addColumn('settings_json', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('pending', 'blob')
      .addColumn('due_at', 'integer')
      .addColumn('due_for', 'text', (column) => column.notNull())
      .addColumn('revealed', 'integer', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('last_at', 'integer')
      .addColumn('error_code', 'text')
      .addColumn('error_detail', 'text', (column) => column.notNull())
      .addColumn('host_key', 'text')
      .addColumn('offered_key', 'text')
      .execute();
    await db.schema.createIndex('account_rotations_due').on('account_rotations').column('due_at').execute();
    await db.schema
      .createTable('rotation_history')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('rotation_history_account').on('rotation_history').column('account_id').execute();
  },
};
