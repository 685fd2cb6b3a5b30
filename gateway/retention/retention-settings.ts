import type { Store } from '../store/store.ts';
import type { SeenClock } from './age-clock.ts';
import { KEEP_ALL, type RetentionRule, type RetentionRules } from './policy.ts';
import { DEFAULT_WATERMARKS, type Watermarks } from './storage-space.ts';

/** What administrators have decided about keeping recordings; kept in the database. */
export class RetentionSettings {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async rules(): Promise<RetentionRules> {
    const rows = await this.#store.selectFrom('retention_rules').selectAll().execute();
    const targets = new Map(
      rows.map((row) => [row.target_id, { maxAgeDays: row.max_age_days, maxBytes: row.max_bytes }] as const),
    );
    return { default: (await this.#read<RetentionRule>(RULE)) ?? KEEP_ALL, targets };
  }

  async watermarks(): Promise<Watermarks> {
    return (await this.#read<Watermarks>(WATERMARKS)) ?? DEFAULT_WATERMARKS;
  }

  setDefault(rule: RetentionRule): Promise<void> {
    return this.#write(RULE, rule);
  }

  setWatermarks(watermarks: Watermarks): Promise<void> {
    return this.#write(WATERMARKS, watermarks);
  }

  /** Nothing before the first look at it. */
  clock(): Promise<SeenClock | undefined> {
    return this.#read<SeenClock>(CLOCK);
  }

  setClock(seen: SeenClock): Promise<void> {
    return this.#write(CLOCK, seen);
  }

  /** @param rule without one, the default is for this target too */
  async setTarget(targetId: string, rule: RetentionRule | undefined): Promise<void> {
    if (rule === undefined) {
      await this.#store.deleteFrom('retention_rules').where('target_id', '=', targetId).execute();
      return;
    }
    const row = { max_age_days: rule.maxAgeDays, max_bytes: rule.maxBytes };
    await this.#store
      .insertInto('retention_rules')
      .values({ target_id: targetId, ...row })
      .onConflict((conflict) => conflict.column('target_id').doUpdateSet(row))
      .execute();
  }

  async #read<T>(name: string): Promise<T | undefined> {
    const row = await this.#store
      .selectFrom('settings')
      .select('value_json')
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? undefined : (JSON.parse(row.value_json) as T);
  }

  async #write(name: string, value: object): Promise<void> {
    const valueJson = JSON.stringify(value);
    await this.#store
      .insertInto('settings')
      .values({ name, value_json: valueJson })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value_json: valueJson }))
      .execute();
  }
}

const RULE = 'retention.default';
const WATERMARKS = 'retention.watermarks';
const CLOCK = 'retention.clock';
