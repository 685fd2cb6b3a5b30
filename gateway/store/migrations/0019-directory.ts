import type { Kysely, Migration } from 'kysely';

/** Users who sign in through a directory (LDAP): who they are there, and what it said of them last. */
export const directory: Migration = {
  async up(db: Kysely<unknown>) {
    for (const name of ['display_name', 'directory_username', 'directory_domain']) {
      await db.schema.alterTable('users').addColumn(name, 'text').execute();
    }
    await db.schema
      .createTable('directory_identities')
      .addColumn('user_id', 'text', (column) => column.primaryKey().references('users.id').onDelete('cascade'))
      .addColumn('unique_id', 'text', (column) => column.notNull().unique())
      .addColumn('dn', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('groups_json', 'text', (column) => column.notNull())
      .addColumn('linked_at', 'integer', (column) => column.notNull())
      .addColumn('checked_at', 'integer', (column) => column.notNull())
      .addColumn('last_sign_in_at', 'integer')
      .execute();
  },
};
