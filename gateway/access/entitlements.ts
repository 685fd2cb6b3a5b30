import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import { type PolicyRules, readRules } from './policy-rules.ts';
import { resolve } from './resolve.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Which group may use which accounts under which policy, as the API shows it. */
export interface Entitlement {
  readonly id: string;
  readonly group: Named;
  readonly policy: Named;
  /** `all`: every account there is and will be. */
  readonly accounts: 'all' | readonly { readonly id: string; readonly username: string; readonly target: Named }[];
  /** Besides: every account on these targets, now and later. */
  readonly targets: readonly Named[];
  readonly builtIn: boolean;
  readonly createdAt: string;
}

/** All by id, or by name where only one has it. */
export interface NewEntitlement {
  readonly group: string;
  readonly policy: string;
  readonly accounts?: 'all' | readonly string[];
  readonly targets?: readonly string[];
}

/** An account that a user may use, and how. */
export interface Grant {
  readonly entitlementId: string;
  readonly account: { readonly id: string; readonly username: string; readonly domain: string };
  readonly target: Named;
  readonly policy: Named;
  readonly rules: PolicyRules;
}

/** Who may use what. */
export class Entitlements {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<Entitlement[]> {
    return this.#read();
  }

  async get(id: string): Promise<Entitlement> {
    const [found] = await this.#read(id);
    if (found === undefined) throw new GatewayError('not_found', 'there is no such entitlement');
    return found;
  }

  async create(entitlement: NewEntitlement): Promise<Entitlement> {
    const id = newId();
    await this.#store.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('entitlements')
        .values({
          id,
          group_id: await resolve(transaction, 'groups', entitlement.group),
          policy_id: await resolve(transaction, 'policies', entitlement.policy),
          all_accounts: entitlement.accounts === 'all' ? 1 : 0,
          built_in: 0,
          created_at: Date.now(),
        })
        .execute();
      await setScope(transaction, id, entitlement);
    });
    return this.get(id);
  }

  async change(id: string, change: Partial<NewEntitlement>): Promise<Entitlement> {
    await this.#store.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('entitlements')
        .where('id', '=', id)
        .set({
          id, // so that an empty change is a statement too
          ...(change.group === undefined ? {} : { group_id: await resolve(transaction, 'groups', change.group) }),
          ...(change.policy === undefined ? {} : { policy_id: await resolve(transaction, 'policies', change.policy) }),
          ...(change.accounts === undefined ? {} : { all_accounts: change.accounts === 'all' ? 1 : 0 }),
        })
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('not_found', 'there is no such entitlement');
      await setScope(transaction, id, change);
    });
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    const { numDeletedRows } = await this.#store
      .deleteFrom('entitlements')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new GatewayError('not_found', 'there is no such entitlement');
  }

  /** What a user may use; an account comes once for each entitlement to it. */
  async grantsOf(userId: string, filter: GrantFilter = {}, store: Store = this.#store): Promise<Grant[]> {
    const rows = await grants(store, userId, filter)
      .orderBy('targets.name')
      .orderBy('accounts.username')
      .orderBy('accounts.id')
      .orderBy('entitlements.created_at')
      .execute();
    const rules = new Map<string, PolicyRules>();
    return rows.map((row) => {
      const read = rules.get(row.policyId) ?? readRules(row.rulesJson);
      rules.set(row.policyId, read);
      return {
        entitlementId: row.entitlementId,
        account: { id: row.accountId, username: row.username, domain: row.domain },
        target: { id: row.targetId, name: row.targetName },
        policy: { id: row.policyId, name: row.policyName },
        rules: read,
      };
    });
  }

  async #read(id?: string): Promise<Entitlement[]> {
    let query = this.#store
      .selectFrom('entitlements')
      .innerJoin('groups', 'groups.id', 'entitlements.group_id')
      .innerJoin('policies', 'policies.id', 'entitlements.policy_id')
      .selectAll('entitlements')
      .select(['groups.name as group_name', 'policies.name as policy_name'])
      .orderBy('groups.name')
      .orderBy('policies.name')
      .orderBy('entitlements.id');
    let accounts = this.#store
      .selectFrom('entitlement_accounts')
      .innerJoin('accounts', 'accounts.id', 'entitlement_accounts.account_id')
      .innerJoin('targets', 'targets.id', 'accounts.target_id')
      .select(['entitlement_id', 'accounts.id', 'accounts.username', 'targets.id as target_id', 'targets.name'])
      .orderBy('targets.name')
      .orderBy('accounts.username');
    let targets = this.#store
      .selectFrom('entitlement_targets')
      .innerJoin('targets', 'targets.id', 'entitlement_targets.target_id')
      .select(['entitlement_id', 'targets.id', 'targets.name'])
      .orderBy('targets.name');
    if (id !== undefined) {
      query = query.where('entitlements.id', '=', id);
      accounts = accounts.where('entitlement_id', '=', id);
      targets = targets.where('entitlement_id', '=', id);
    }
    const accountsOf = Map.groupBy(await accounts.execute(), ({ entitlement_id }) => entitlement_id);
    const targetsOf = Map.groupBy(await targets.execute(), ({ entitlement_id }) => entitlement_id);
    return (await query.execute()).map((row) => ({
      id: row.id,
      group: { id: row.group_id, name: row.group_name },
      policy: { id: row.policy_id, name: row.policy_name },
      accounts:
        row.all_accounts !== 0
          ? 'all'
          : (accountsOf.get(row.id) ?? []).map((account) => ({
              id: account.id,
              username: account.username,
              target: { id: account.target_id, name: account.name },
            })),
      targets: (targetsOf.get(row.id) ?? []).map((target) => ({ id: target.id, name: target.name })),
      builtIn: row.built_in !== 0,
      createdAt: new Date(row.created_at).toISOString(),
    }));
  }
}

export interface GrantFilter {
  readonly accountId?: string;
  readonly entitlementId?: string;
}

/** The one query that says who may use what: group, entitlement and account, all of them still there. */
function grants(store: Store, userId: string, filter: GrantFilter) {
  const query = store
    .selectFrom('group_members')
    .innerJoin('users', 'users.id', 'group_members.user_id')
    .innerJoin('entitlements', 'entitlements.group_id', 'group_members.group_id')
    .innerJoin('policies', 'policies.id', 'entitlements.policy_id')
    .innerJoin('accounts', (join) =>
      join.on((eb) =>
        eb.or([
          eb('entitlements.all_accounts', '=', 1),
          eb.exists(
            eb
              .selectFrom('entitlement_accounts')
              .select('entitlement_accounts.account_id')
              .whereRef('entitlement_accounts.entitlement_id', '=', 'entitlements.id')
              .whereRef('entitlement_accounts.account_id', '=', 'accounts.id'),
          ),
          eb.exists(
            eb
              .selectFrom('entitlement_targets')
              .select('entitlement_targets.target_id')
              .whereRef('entitlement_targets.entitlement_id', '=', 'entitlements.id')
              .whereRef('entitlement_targets.target_id', '=', 'accounts.target_id'),
          ),
        ]),
      ),
    )
    .innerJoin('targets', 'targets.id', 'accounts.target_id')
    .where('group_members.user_id', '=', userId)
    .where('users.disabled', '=', 0)
    .select([
      'entitlements.id as entitlementId',
      'accounts.id as accountId',
      'accounts.username as username',
      'accounts.domain as domain',
      'targets.id as targetId',
      'targets.name as targetName',
      'policies.id as policyId',
      'policies.name as policyName',
      'policies.rules_json as rulesJson',
    ]);
  return query
    .$if(filter.accountId !== undefined, (q) => q.where('accounts.id', '=', filter.accountId ?? ''))
    .$if(filter.entitlementId !== undefined, (q) => q.where('entitlements.id', '=', filter.entitlementId ?? ''));
}

async function setScope(store: Store, id: string, scope: Pick<Partial<NewEntitlement>, 'accounts' | 'targets'>) {
  if (scope.accounts !== undefined) {
    await store.deleteFrom('entitlement_accounts').where('entitlement_id', '=', id).execute();
    const references = scope.accounts === 'all' ? [] : scope.accounts;
    for (const account of await resolveAll(store, 'accounts', references)) {
      await store.insertInto('entitlement_accounts').values({ entitlement_id: id, account_id: account }).execute();
    }
  }
  if (scope.targets !== undefined) {
    await store.deleteFrom('entitlement_targets').where('entitlement_id', '=', id).execute();
    for (const target of await resolveAll(store, 'targets', scope.targets)) {
      await store.insertInto('entitlement_targets').values({ entitlement_id: id, target_id: target }).execute();
    }
  }
}

async function resolveAll(
  store: Store,
  table: 'accounts' | 'targets',
  references: readonly string[],
): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const reference of references) ids.add(await resolve(store, table, reference));
  return ids;
}
