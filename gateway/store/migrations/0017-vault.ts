import type { Kysely, Migration } from 'kysely';

/** Master keys and what the gateway seals for itself; where passwords come from; master passwords of users. */
export const vault: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('vault_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('parameters_json', 'text')
      .addColumn('bridge', 'blob')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('vault_secrets')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('secret', 'blob', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('credential_providers')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('settings_json', 'text', (column) => column.notNull())
      .addColumn('secret', 'blob')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .execute();
    for (const [name, type, value] of [
      ['type', 'text', 'vaulted'],
      ['lookup_json', 'text', '{}'],
      ['master_password', 'integer', 0],
    ] as const) {
      await db.schema
        .alterTable('accounts')
        .addColumn(name, type, (column) => column.notNull().defaultTo(value))
        .execute();
    }
    await db.schema
      .alterTable('accounts')
      .addColumn('provider_id', 'text', (column) => column.references('credential_providers.id'))
      .execute();
    await db.schema
      .createTable('master_passwords')
      .addColumn('user_id', 'text', (column) => column.primaryKey().references('users.id').onDelete('cascade'))
      .addColumn('parameters_json', 'text', (column) => column.notNull())
      .addColumn('wrapped_key', 'blob', (column) => column.notNull())
      .addColumn('set_at', 'integer', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('locked_until', 'integer', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('checked_out_secrets')
      .addColumn('request_id', 'text', (column) => column.notNull().references('requests.id').onDelete('cascade'))
      .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('secret', 'blob', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('checked_out_secrets_key', ['request_id', 'account_id'])
      .execute();
  },
};
