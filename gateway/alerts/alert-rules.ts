import { isTimeZone, type TimeWindow } from '../access/time-windows.ts';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import { requireTextPattern } from './text-pattern.ts';

/** What is done when a rule is fired; whoever watches over sessions is told of each. */
export const alertActions = ['alert', 'freeze', 'end'] as const;
export type AlertAction = (typeof alertActions)[number];

/** What about a session a rule looks at. */
export type AlertCondition =
  /** It has lasted longer than this. */
  | { readonly kind: 'too-long'; readonly minutes: number }
  /** It is outside these hours. */
  | { readonly kind: 'odd-hour'; readonly windows: readonly TimeWindow[]; readonly timeZone: string }
  /** What was typed last holds something that this regular expression describes. */
  | { readonly kind: 'typed-text'; readonly pattern: string; readonly matchCase: boolean }
  /** Text that passes through the clipboard, in either direction, holds something of this kind. */
  | { readonly kind: 'clipboard-text'; readonly pattern: string; readonly matchCase: boolean }
  /** Nothing was typed or clicked for so long. */
  | { readonly kind: 'idle'; readonly minutes: number }
  /** There are more than so many of one user, target or account; those that came last. */
  | { readonly kind: 'too-many'; readonly sessions: number; readonly per: 'user' | 'target' | 'account' };
export type AlertKind = AlertCondition['kind'];

export interface AlertRuleFields {
  readonly name: string;
  readonly condition: AlertCondition;
  readonly action: AlertAction;
  readonly enabled: boolean;
  /** Whether the session's owner is told which rule it was. That it is frozen or ended, is told anyway. */
  readonly tellUser: boolean;
}

export interface AlertRule extends AlertRuleFields {
  readonly id: string;
  readonly createdAt: string;
}

/** Each costs something with every key. */
const MAX_RULES = 100;

/** The rules of the alerts, as administrators keep them. */
export class AlertRules {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<AlertRule[]> {
    const rows = await this.#store.selectFrom('alert_rules').selectAll().orderBy('created_at').orderBy('id').execute();
    return rows.map(({ id, name, rule_json, created_at }) => ({
      id,
      name,
      ...(JSON.parse(rule_json) as Omit<AlertRuleFields, 'name'>),
      createdAt: new Date(created_at).toISOString(),
    }));
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<AlertRule> {
    const rule = (await this.list()).find((found) => found.id === id);
    if (rule === undefined) throw new GatewayError('not_found', 'there is no such rule');
    return rule;
  }

  /** Throws `bad_request` for a pattern or time zone that is none. */
  async create(fields: AlertRuleFields): Promise<AlertRule> {
    requireSound(fields.condition);
    if ((await this.list()).length >= MAX_RULES) throw new GatewayError('bad_request', `at most ${MAX_RULES} rules`);
    const id = newId();
    const { name, ...rest } = fields;
    await this.#store
      .insertInto('alert_rules')
      .values({ id, name, rule_json: JSON.stringify(rest), created_at: Date.now() })
      .execute();
    return this.get(id);
  }

  async change(id: string, change: Partial<AlertRuleFields>): Promise<AlertRule> {
    const { id: _, createdAt: __, ...present } = await this.get(id);
    const { name, ...rest } = { ...present, ...change };
    requireSound(rest.condition);
    await this.#store
      .updateTable('alert_rules')
      .set({ name, rule_json: JSON.stringify(rest) })
      .where('id', '=', id)
      .execute();
    return this.get(id);
  }

  async remove(id: string): Promise<AlertRule> {
    const rule = await this.get(id);
    await this.#store.deleteFrom('alert_rules').where('id', '=', id).execute();
    return rule;
  }
}

function requireSound(condition: AlertCondition): void {
  if ('pattern' in condition) requireTextPattern(condition.pattern);
  if (condition.kind !== 'odd-hour') return;
  if (!isTimeZone(condition.timeZone)) throw new GatewayError('bad_request', 'there is no such time zone');
  if (condition.windows.length === 0) throw new GatewayError('bad_request', 'without hours there is no odd one');
}
