import { createHash } from 'node:crypto';
import { type Kysely, type Migration, sql } from 'kysely';

/** Second factors, sign-ins that can be listed and ended one by one, known devices, OpenID Connect. */
export const signIn: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('users').addColumn('email', 'text').execute();
    for (const [name, type, value] of [
      ['reference', 'text', ''],
      ['address', 'text', ''],
      ['user_agent', 'text', ''],
      ['method', 'text', 'password'],
      ['stage', 'text', 'full'],
    ] as const) {
      await db.schema
        .alterTable('login_sessions')
        .addColumn(name, type, (column) => column.notNull().defaultTo(value))
        .execute();
    }
    await db.schema.alterTable('login_sessions').addColumn('confirmed_at', 'integer').execute();
    // As `referenceOf` makes it: whoever is signed in while the gateway is brought up to date stays so.
    const { rows } = await sql<{ token_hash: Uint8Array }>`select token_hash from login_sessions`.execute(db);
    for (const { token_hash: hash } of rows) {
      const reference = createHash('sha256').update('sign-in').update(hash).digest('hex').slice(0, 16);
      await sql`update login_sessions set reference = ${reference} where token_hash = ${hash}`.execute(db);
    }
    await db.schema.createIndex('login_sessions_reference').unique().on('login_sessions').column('reference').execute();

    await db.schema
      .createTable('second_factors')
      .addColumn('user_id', 'text', (column) => column.primaryKey().references('users.id').onDelete('cascade'))
      .addColumn('secret', 'blob', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('confirmed_at', 'integer')
      .addColumn('last_step', 'integer', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('recovery_codes')
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('code_hash', 'blob', (column) => column.notNull())
      .addColumn('used_at', 'integer')
      .addPrimaryKeyConstraint('recovery_codes_key', ['user_id', 'code_hash'])
      .execute();
    await db.schema
      .createTable('known_devices')
      .addColumn('token_hash', 'blob', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('user_agent', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('last_used_at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('known_devices_key', ['token_hash', 'user_id'])
      .execute();
    await db.schema
      .createTable('user_identities')
      .addColumn('issuer', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('linked_at', 'integer', (column) => column.notNull())
      .addColumn('last_sign_in_at', 'integer')
      .addColumn('groups_json', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('user_identities_key', ['issuer', 'subject'])
      .execute();
    await db.schema.createIndex('user_identities_user').on('user_identities').column('user_id').execute();
    await db.schema
      .createTable('oidc_sign_ins')
      .addColumn('reference', 'text', (column) =>
        column.primaryKey().references('login_sessions.reference').onDelete('cascade'),
      )
      .addColumn('issuer', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('sid', 'text')
      .addColumn('id_token', 'blob', (column) => column.notNull())
      .addColumn('refresh_token', 'blob')
      .addColumn('checked_at', 'integer', (column) => column.notNull())
      .execute();
  },
};
