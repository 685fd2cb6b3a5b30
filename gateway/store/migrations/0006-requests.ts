import type { Kysely, Migration } from 'kysely';

/** The tables of requests, and what belongs to them. */
export const requests: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('requests')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .addColumn('wanted_at', 'integer')
      .addColumn('start_at', 'integer')
      .addColumn('end_at', 'integer')
      .addColumn('due_at', 'integer')
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('ticket', 'text', (column) => column.notNull())
      .addColumn('time_zone', 'text', (column) => column.notNull())
      .addColumn('emergency', 'integer', (column) => column.notNull())
      .addColumn('automatic', 'integer', (column) => column.notNull())
      .addColumn('review', 'text', (column) => column.notNull())
      .addColumn('review_group_id', 'text')
      .addColumn('search_text', 'text', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('requests_created').on('requests').columns(['created_at', 'id']).execute();
    await db.schema.createIndex('requests_user').on('requests').columns(['user_id', 'created_at', 'id']).execute();
    await db.schema.createIndex('requests_state').on('requests').columns(['state', 'created_at', 'id']).execute();
    await db.schema.createIndex('requests_review').on('requests').columns(['review', 'created_at', 'id']).execute();
    await db.schema.createIndex('requests_due').on('requests').column('due_at').execute();

    const partOfRequest = (table: string) =>
      db.schema
        .createTable(table)
        .addColumn('request_id', 'text', (column) => column.notNull().references('requests.id').onDelete('cascade'));
    await partOfRequest('request_items')
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('account_id', 'text', (column) => column.notNull())
      .addColumn('account_username', 'text', (column) => column.notNull())
      .addColumn('target_id', 'text', (column) => column.notNull())
      .addColumn('target_name', 'text', (column) => column.notNull())
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addColumn('entitlement_id', 'text', (column) => column.notNull())
      .addColumn('policy_id', 'text', (column) => column.notNull())
      .addColumn('policy_name', 'text', (column) => column.notNull())
      .addColumn('rules_json', 'text', (column) => column.notNull())
      .addColumn('end_at', 'integer')
      .addColumn('checked_out_at', 'integer')
      .addPrimaryKeyConstraint('request_items_key', ['request_id', 'account_id'])
      .execute();
    await db.schema.createIndex('request_items_account').on('request_items').column('account_id').execute();
    await partOfRequest('request_steps')
      .addColumn('track', 'integer', (column) => column.notNull())
      .addColumn('step', 'integer', (column) => column.notNull())
      .addColumn('policy_name', 'text', (column) => column.notNull())
      .addColumn('group_id', 'text')
      .addColumn('group_name', 'text', (column) => column.notNull())
      .addColumn('needed', 'integer', (column) => column.notNull())
      .addColumn('given', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('request_steps_key', ['request_id', 'track', 'step'])
      .execute();
    await db.schema.createIndex('request_steps_group').on('request_steps').column('group_id').execute();
    await partOfRequest('request_votes')
      .addColumn('approver_id', 'text', (column) => column.notNull())
      .addColumn('approver', 'text', (column) => column.notNull())
      .addColumn('decision', 'text', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('request_votes_key', ['request_id', 'approver_id'])
      .execute();
    await partOfRequest('request_events')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('actor_id', 'text')
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('session_id', 'text')
      .execute();
    await db.schema.createIndex('request_events_request').on('request_events').columns(['request_id', 'id']).execute();
    await partOfRequest('decision_links')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('approver_id', 'text', (column) => column.notNull())
      .addColumn('decision', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'integer', (column) => column.notNull())
      .addColumn('used_at', 'integer')
      .execute();
    await db.schema.createIndex('decision_links_expiry').on('decision_links').column('expires_at').execute();
    await db.schema
      .createTable('request_favourites')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('color', 'text', (column) => column.notNull())
      .addColumn('request_json', 'text', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('request_favourites_user').on('request_favourites').column('user_id').execute();
    await db.schema.alterTable('sessions').addColumn('request_id', 'text').execute();
    await db.schema.createIndex('sessions_request').on('sessions').column('request_id').execute();
    await db.schema.createIndex('sessions_account').on('sessions').columns(['account_id', 'ended_at']).execute();
    // With a hundred thousand rows, the pages that filter the audit log no longer read all of it.
    await db.schema.createIndex('audit_action').on('audit').columns(['action', 'id']).execute();
    await db.schema.createIndex('audit_session').on('audit').columns(['session_id', 'id']).execute();
  },
};
