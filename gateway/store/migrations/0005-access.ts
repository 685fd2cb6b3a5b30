import { type Kysely, type Migration, sql } from 'kysely';
import { newId } from '../../ids.ts';

/** The tables of groups, policies and entitlements, and what they are filled with at first. */
export const access: Migration = {
  async up(db: Kysely<unknown>) {
    const named = (table: string) =>
      db.schema
        .createTable(table)
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', sql`text collate nocase`, (column) => column.notNull().unique())
        .addColumn('built_in', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull());
    await named('groups')
      .addColumn('description', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('group_members')
      .addColumn('group_id', 'text', (column) => column.notNull().references('groups.id').onDelete('cascade'))
      .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
      .addPrimaryKeyConstraint('group_members_key', ['group_id', 'user_id'])
      .execute();
    await db.schema.createIndex('group_members_user').on('group_members').column('user_id').execute();
    await named('policies')
      .addColumn('rules_json', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('entitlements')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('group_id', 'text', (column) => column.notNull().references('groups.id').onDelete('cascade'))
      // No cascade: a policy in use is not removed from under an entitlement.
      .addColumn('policy_id', 'text', (column) => column.notNull().references('policies.id'))
      .addColumn('all_accounts', 'integer', (column) => column.notNull())
      .addColumn('built_in', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .execute();
    await db.schema.createIndex('entitlements_group').on('entitlements').column('group_id').execute();
    await db.schema.createIndex('entitlements_policy').on('entitlements').column('policy_id').execute();
    for (const what of ['account', 'target']) {
      await db.schema
        .createTable(`entitlement_${what}s`)
        .addColumn('entitlement_id', 'text', (column) =>
          column.notNull().references('entitlements.id').onDelete('cascade'),
        )
        .addColumn(`${what}_id`, 'text', (column) => column.notNull().references(`${what}s.id`).onDelete('cascade'))
        .addPrimaryKeyConstraint(`entitlement_${what}s_key`, ['entitlement_id', `${what}_id`])
        .execute();
      await db.schema
        .createIndex(`entitlement_${what}s_${what}`)
        .on(`entitlement_${what}s`)
        .column(`${what}_id`)
        .execute();
    }
    await fill(db as Kysely<Filled>);
  },
};

/** The tables as this step finds and leaves them: later steps may change them further. */
interface Filled {
  users: { id: string; roles_json: string };
  groups: { id: string; name: string; description: string; built_in: number; created_at: number };
  group_members: { group_id: string; user_id: string };
  policies: { id: string; name: string; built_in: number; rules_json: string; created_at: number };
  entitlements: {
    id: string;
    group_id: string;
    policy_id: string;
    all_accounts: number;
    built_in: number;
    created_at: number;
  };
}

/**
 * A newcomer finds a policy that asks nothing and a group of administrators that may use every account under it.
 * Whoever could open everything before there were entitlements still can.
 */
async function fill(db: Kysely<Filled>): Promise<void> {
  const now = Date.now();
  const policy = newId();
  await db
    .insertInto('policies')
    .values({
      id: policy,
      name: 'Open',
      built_in: 1,
      rules_json: '{"defaultMinutes":1440,"maxMinutes":1440}',
      created_at: now,
    })
    .execute();
  const addGroup = async (name: string, description: string, members: readonly string[]) => {
    const group = newId();
    await db.insertInto('groups').values({ id: group, name, description, built_in: 1, created_at: now }).execute();
    for (const user of members) {
      await db.insertInto('group_members').values({ group_id: group, user_id: user }).execute();
    }
    const entitlement = { group_id: group, policy_id: policy, all_accounts: 1, built_in: 1, created_at: now };
    await db
      .insertInto('entitlements')
      .values({ id: newId(), ...entitlement })
      .execute();
  };
  const users = await db.selectFrom('users').select(['id', 'roles_json']).execute();
  const withRole = (...roles: string[]) =>
    users
      .filter(({ roles_json }) => (JSON.parse(roles_json) as string[]).some((role) => roles.includes(role)))
      .map(({ id }) => id);
  await addGroup('Administrators', 'May use every account without asking.', withRole('admin'));
  const before = withRole('user');
  if (before.length > 0) {
    await addGroup(
      'Everyone before upgrade',
      'Whoever could use every account before there were entitlements.',
      before,
    );
  }
}
