import { randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';

/** What an administrator may change while the gateway runs. */
export interface Settings {
  /** Whether the owner of a session is told that somebody watches it live. */
  readonly announceShadow: boolean;
}

const defaults: Settings = { announceShadow: true };

const HARDWARE_ID = 'hardwareId';
const HARDWARE_ID_SIZE = 16;

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

  /** What licence servers of Windows know this installation by: 16 bytes, made by chance once in the life of its store. */
  async hardwareId(): Promise<Uint8Array> {
    const fresh = randomBytes(HARDWARE_ID_SIZE).toString('hex');
    await this.#store
      .insertInto('settings')
      .values({ name: HARDWARE_ID, value_json: JSON.stringify(fresh) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { value_json: stored } = await this.#store
      .selectFrom('settings')
      .select('value_json')
      .where('name', '=', HARDWARE_ID)
      .executeTakeFirstOrThrow();
    return new Uint8Array(Buffer.from(JSON.parse(stored) as string, 'hex'));
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
