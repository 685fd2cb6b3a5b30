import type { Kysely, Migration } from 'kysely';

/** Of what somebody would rather have no mails. */
export const declinedMails: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('declined_mails')
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('kind', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('declined_mails_key', ['user_id', 'kind'])
      .execute();
  },
};
