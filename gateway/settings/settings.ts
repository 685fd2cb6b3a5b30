import type { Store } from '../store/store.ts';

/** What an administrator may change while the gateway runs. */
export interface Settings {
  /** Whether the owner of a session is told that somebody watches it live. */
  readonly announceShadow: boolean;
}

const defaults: Settings = { announceShadow: true };

export class SettingsStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async read(): Promise<Settings> {
    const rows = await this.#store.selectFrom('settings').selectAll().execute();
    const stored = Object.fromEntries(rows.map((row) => [row.name, JSON.parse(row.value_json) as unknown]));
    return {
      announceShadow: typeof stored.announceShadow === 'boolean' ? stored.announceShadow : defaults.announceShadow,
    };
  }

  async change(change: Partial<Settings>): Promise<Settings> {
    for (const [name, value] of Object.entries(change)) {
      const valueJson = JSON.stringify(value);
      await this.#store
        .insertInto('settings')
        .values({ name, value_json: valueJson })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value_json: valueJson }))
        .execute();
    }
    return this.read();
  }

  /** Whether something that is done once in the life of a data folder was done. */
  async wasDone(mark: string): Promise<boolean> {
    const row = await this.#store
      .selectFrom('settings')
      .select('name')
      .where('name', '=', `done:${mark}`)
      .executeTakeFirst();
    return row !== undefined;
  }

  async markDone(mark: string): Promise<void> {
    await this.#store
      .insertInto('settings')
      .values({ name: `done:${mark}`, value_json: 'true' })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
