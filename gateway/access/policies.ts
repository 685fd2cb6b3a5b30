import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { PolicyRow } from '../store/access-schema.ts';
import type { Store } from '../store/store.ts';
import { type ApprovalStep, defaultRules, MAX_MINUTES, type PolicyRules, readRules } from './policy-rules.ts';
import { resolve } from './resolve.ts';
import { requirePattern } from './ticket-pattern.ts';
import { isTimeZone } from './time-windows.ts';

/** A policy, as the API shows it: its rules, with its approvals as they are asked for in `NewPolicy`. */
export interface Policy extends Omit<PolicyRules, 'steps'> {
  readonly id: string;
  readonly name: string;
  readonly builtIn: boolean;
  readonly createdAt: string;
  /** `needed` and `group` are those of the first step. */
  readonly approval: ApprovalStep & { readonly steps: readonly ApprovalStep[] };
}

/** Groups by id or by name. */
export interface NewPolicy extends Partial<Omit<PolicyRules, 'steps'>> {
  readonly name: string;
  readonly approval?: { readonly needed?: number; readonly group?: string | null; readonly steps?: Steps } | null;
}

type Steps = readonly { readonly needed: number; readonly group?: string | null }[];

/** Policies: what access asks for, and what it gives. */
export class Policies {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<Policy[]> {
    const rows = await this.#store.selectFrom('policies').selectAll().orderBy('name').execute();
    return rows.map(toPolicy);
  }

  async get(id: string): Promise<Policy> {
    return toPolicy(await this.#row(this.#store, id));
  }

  async create(policy: NewPolicy): Promise<Policy> {
    const id = newId();
    await this.#store.transaction().execute(async (transaction) => {
      await requireNewName(transaction, policy.name, id);
      const rules = await mergeRules(transaction, defaultRules, policy);
      await transaction
        .insertInto('policies')
        .values({ id, name: policy.name, built_in: 0, rules_json: JSON.stringify(rules), created_at: Date.now() })
        .execute();
    });
    return this.get(id);
  }

  /** What is not named stays. Access that was asked for keeps the rules that it was asked for under. */
  async change(id: string, change: Partial<NewPolicy>): Promise<Policy> {
    await this.#store.transaction().execute(async (transaction) => {
      const row = await this.#row(transaction, id);
      if (change.name !== undefined) await requireNewName(transaction, change.name, id);
      const rules = await mergeRules(transaction, readRules(row.rules_json), change);
      await transaction
        .updateTable('policies')
        .where('id', '=', id)
        .set({ name: change.name ?? row.name, rules_json: JSON.stringify(rules) })
        .execute();
    });
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    await this.#store.transaction().execute(async (transaction) => {
      await this.#row(transaction, id);
      const used = await transaction
        .selectFrom('entitlements')
        .select('id')
        .where('policy_id', '=', id)
        .executeTakeFirst();
      if (used !== undefined) throw new GatewayError('conflict', 'entitlements use this policy');
      await transaction.deleteFrom('policies').where('id', '=', id).execute();
    });
  }

  async #row(store: Store, id: string): Promise<PolicyRow> {
    const row = await store.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such policy');
    return row;
  }
}

async function mergeRules(store: Store, before: PolicyRules, change: Partial<NewPolicy>): Promise<PolicyRules> {
  const { name: _name, approval, reviewGroup, ...given } = change;
  // A form says that there is none with an empty field.
  const rest = {
    ...given,
    ...(given.ticketPattern === '' ? { ticketPattern: null } : {}),
    ...(given.ticketWebhook === '' ? { ticketWebhook: null } : {}),
  };
  const asksForTicket = rest.ticketPattern != null || rest.ticketWebhook != null;
  const maxMinutes = rest.maxMinutes ?? Math.max(before.maxMinutes, rest.defaultMinutes ?? 0);
  const rules: PolicyRules = {
    ...before,
    ...rest,
    steps: approval === undefined ? before.steps : await stepsOf(store, approval),
    reviewGroup: reviewGroup == null ? null : await resolve(store, 'groups', reviewGroup),
    // A list says that there is to be a reason, a pattern that there is to be a number, unless told otherwise.
    reasonRequired: rest.reasonRequired ?? ((rest.reasonCodes?.length ?? 0) > 0 || before.reasonRequired),
    ticketRequired: rest.ticketRequired ?? (asksForTicket || before.ticketRequired),
    maxMinutes,
    defaultMinutes: rest.defaultMinutes ?? Math.min(before.defaultMinutes, maxMinutes),
    ...(reviewGroup === undefined ? { reviewGroup: before.reviewGroup } : {}),
  };
  requireConsistent(rules);
  return rules;
}

async function stepsOf(store: Store, approval: NonNullable<NewPolicy['approval']> | null): Promise<ApprovalStep[]> {
  if (approval === null) return [];
  const given = approval.steps ?? [{ needed: approval.needed ?? 1, group: approval.group ?? null }];
  const steps: ApprovalStep[] = [];
  for (const { needed, group } of given) {
    if (needed > 0) steps.push({ needed, group: group == null ? null : await resolve(store, 'groups', group) });
  }
  return steps;
}

/** Rules of which one would undo the other. */
function requireConsistent(rules: PolicyRules): void {
  const { defaultMinutes, maxMinutes, ticketPattern, ticketWebhook, timeZone, windows } = rules;
  const refuse = (detail: string): never => {
    throw new GatewayError('bad_request', detail);
  };
  if (maxMinutes > MAX_MINUTES || defaultMinutes > maxMinutes) refuse('defaultMinutes is more than maxMinutes');
  if (!isTimeZone(timeZone)) refuse('there is no such time zone');
  if (windows.some(({ days }) => days.length === 0)) refuse('a time window has no day');
  if (ticketPattern !== null) requirePattern(ticketPattern);
  if (ticketWebhook !== null && !/^https?:$/.test(URL.parse(ticketWebhook)?.protocol ?? '')) {
    refuse('the address of the ticket webhook is not one of http or https');
  }
}

async function requireNewName(store: Store, name: string, id: string): Promise<void> {
  const taken = await store
    .selectFrom('policies')
    .select('id')
    .where('name', '=', name)
    .where('id', '!=', id)
    .executeTakeFirst();
  if (taken !== undefined) throw new GatewayError('conflict', 'there is a policy of that name');
}

function toPolicy(row: PolicyRow): Policy {
  const { steps, ...rules } = readRules(row.rules_json);
  const { needed, group } = steps[0] ?? { needed: 0, group: null };
  return {
    id: row.id,
    name: row.name,
    builtIn: row.built_in !== 0,
    ...rules,
    approval: { needed, group, steps },
    createdAt: new Date(row.created_at).toISOString(),
  };
}
