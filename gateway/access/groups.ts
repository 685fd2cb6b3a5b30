import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import { readRules } from './policy-rules.ts';
import { resolve } from './resolve.ts';

/** A group of users, as the API shows it. */
export interface Group {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly builtIn: boolean;
  readonly members: readonly { readonly id: string; readonly username: string }[];
  readonly createdAt: string;
}

export interface NewGroup {
  readonly name: string;
  readonly description?: string;
  /** Users, by id or by name. */
  readonly members?: readonly string[];
}

/** The group that the first administrator is put into; it may have been removed since. */
const ADMINISTRATORS = 'Administrators';

/** Groups of users: what entitlements are given to, and who approves. */
export class Groups {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<Group[]> {
    const groups = await this.#store.selectFrom('groups').selectAll().orderBy('name').execute();
    const members = await this.#members();
    return groups.map((row) => toGroup(row, members.get(row.id) ?? []));
  }

  async get(id: string): Promise<Group> {
    const row = await this.#store.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such group');
    return toGroup(row, (await this.#members(id)).get(id) ?? []);
  }

  async create(group: NewGroup): Promise<Group> {
    const id = newId();
    await this.#store.transaction().execute(async (transaction) => {
      await requireNewName(transaction, group.name, id);
      await transaction
        .insertInto('groups')
        .values({
          id,
          name: group.name,
          description: group.description ?? '',
          built_in: 0,
          created_at: Date.now(),
        })
        .execute();
      await setMembers(transaction, id, group.members ?? []);
    });
    return this.get(id);
  }

  /** Members, where they are named, are all of them from now on. */
  async change(id: string, change: Partial<NewGroup>): Promise<Group> {
    await this.#store.transaction().execute(async (transaction) => {
      if (change.name !== undefined) await requireNewName(transaction, change.name, id);
      const { numUpdatedRows } = await transaction
        .updateTable('groups')
        .where('id', '=', id)
        .set({
          id, // so that an empty change is a statement too
          ...(change.name === undefined ? {} : { name: change.name }),
          ...(change.description === undefined ? {} : { description: change.description }),
        })
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('not_found', 'there is no such group');
      if (change.members !== undefined) await setMembers(transaction, id, change.members);
    });
    return this.get(id);
  }

  /** Its entitlements go with it. Refused while a policy waits for its approval or review. */
  async remove(id: string): Promise<void> {
    await this.#store.transaction().execute(async (transaction) => {
      const policies = await transaction.selectFrom('policies').select(['name', 'rules_json']).execute();
      const user = policies.find(({ rules_json }) => {
        const { steps, reviewGroup } = readRules(rules_json);
        return reviewGroup === id || steps.some(({ group }) => group === id);
      });
      if (user !== undefined) throw new GatewayError('conflict', `the policy "${user.name}" names this group`);
      const { numDeletedRows } = await transaction.deleteFrom('groups').where('id', '=', id).executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw new GatewayError('not_found', 'there is no such group');
      // Of policies that named it before: who else reviews may, or nobody could any more.
      await transaction
        .updateTable('requests')
        .set({ review_group_id: null })
        .where('review_group_id', '=', id)
        .where('review', '=', 'due')
        .execute();
    });
  }

  /** At first start: the administrator may use every account, by the entitlement that the tables came with. */
  async addAdministrator(userId: string): Promise<void> {
    const row = await this.#store
      .selectFrom('groups')
      .select('id')
      .where('name', '=', ADMINISTRATORS)
      .where('built_in', '=', 1)
      .executeTakeFirst();
    if (row === undefined) return;
    await this.#store
      .insertInto('group_members')
      .values({ group_id: row.id, user_id: userId })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async #members(groupId?: string): Promise<Map<string, { id: string; username: string }[]>> {
    let query = this.#store
      .selectFrom('group_members')
      .innerJoin('users', 'users.id', 'group_members.user_id')
      .select(['group_members.group_id', 'users.id', 'users.username'])
      .orderBy('users.username');
    if (groupId !== undefined) query = query.where('group_members.group_id', '=', groupId);
    const byGroup = new Map<string, { id: string; username: string }[]>();
    for (const { group_id, id, username } of await query.execute()) {
      const members = byGroup.get(group_id);
      if (members === undefined) byGroup.set(group_id, [{ id, username }]);
      else members.push({ id, username });
    }
    return byGroup;
  }
}

async function setMembers(store: Store, groupId: string, members: readonly string[]): Promise<void> {
  const ids = new Set<string>();
  for (const member of members) ids.add(await resolve(store, 'users', member));
  await store.deleteFrom('group_members').where('group_id', '=', groupId).execute();
  for (const id of ids) {
    await store.insertInto('group_members').values({ group_id: groupId, user_id: id }).execute();
  }
}

async function requireNewName(store: Store, name: string, id: string): Promise<void> {
  const taken = await store
    .selectFrom('groups')
    .select('id')
    .where('name', '=', name)
    .where('id', '!=', id)
    .executeTakeFirst();
  if (taken !== undefined) throw new GatewayError('conflict', 'there is a group of that name');
}

function toGroup(
  row: { id: string; name: string; description: string; built_in: number; created_at: number },
  members: Group['members'],
): Group {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    builtIn: row.built_in !== 0,
    members,
    createdAt: new Date(row.created_at).toISOString(),
  };
}
