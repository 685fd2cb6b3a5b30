import type { Kysely, Migration } from 'kysely';

/** What there was before: every version of CredSSP that there is, 2 and later. */
export const oldestCredSsp: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('targets')
      .addColumn('oldest_credssp', 'integer', (column) => column.notNull().defaultTo(2))
      .execute();
  },
};
