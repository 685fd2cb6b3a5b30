import { KeptQuery } from '../store/kept-query.ts';
import type { Store } from '../store/store.ts';

/** Settings that belong together, kept as one row. Fields that are not there yet are as they are by default. */
export class SettingsDocument<T extends object> {
  readonly #store: Store;
  readonly #name: string;
  readonly #defaults: T;
  /** Some are read every ten seconds. */
  readonly #row: KeptQuery<{ value_json: string }>;

  constructor(store: Store, name: string, defaults: T) {
    this.#store = store;
    this.#name = name;
    this.#defaults = defaults;
    this.#row = new KeptQuery((from) => from.selectFrom('settings').select('value_json').where('name', '=', name));
  }

  /** @param store a transaction, for whoever reads within one */
  async read(store: Store = this.#store): Promise<T> {
    const [row] = await this.#row.rows(store);
    return { ...this.#defaults, ...(row === undefined ? {} : (JSON.parse(row.value_json) as Partial<T>)) };
  }

  async change(change: Partial<T>): Promise<T> {
    return this.#store.transaction().execute(async (transaction) => {
      const next = { ...(await this.read(transaction)), ...change };
      const valueJson = JSON.stringify(next);
      await transaction
        .insertInto('settings')
        .values({ name: this.#name, value_json: valueJson })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value_json: valueJson }))
        .execute();
      return next;
    });
  }
}
