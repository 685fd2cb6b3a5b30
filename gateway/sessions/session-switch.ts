import type { Actor } from '../access/can.ts';
import type { Audit } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** Whether new sessions are allowed, and who said so. */
export interface SwitchState {
  readonly stopped: boolean;
  readonly reason: string;
  readonly by: string;
  readonly at: string | null;
}

const NAME = 'sessionSwitch';
const allowed: SwitchState = { stopped: false, reason: '', by: '', at: null };

/** Stops all new sessions at once. Those there are go on. */
export class SessionSwitch {
  readonly #store: Store;
  readonly #audit: Audit;

  constructor(store: Store, audit: Audit) {
    this.#store = store;
    this.#audit = audit;
  }

  async read(store: Store = this.#store): Promise<SwitchState> {
    const row = await store.selectFrom('settings').selectAll().where('name', '=', NAME).executeTakeFirst();
    return row === undefined ? allowed : { ...allowed, ...(JSON.parse(row.value_json) as Partial<SwitchState>) };
  }

  /** Throws `sessions_stopped`. */
  async requireAllowed(store: Store = this.#store): Promise<void> {
    const { stopped, reason } = await this.read(store);
    if (stopped) throw new GatewayError('sessions_stopped', reason === '' ? undefined : reason);
  }

  async turn(stopped: boolean, reason: string, actor: Actor, address: string): Promise<SwitchState> {
    const state: SwitchState = { stopped, reason, by: actor.username, at: new Date().toISOString() };
    const valueJson = JSON.stringify(state);
    await this.#store.transaction().execute(async (store) => {
      await store
        .insertInto('settings')
        .values({ name: NAME, value_json: valueJson })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value_json: valueJson }))
        .execute();
      const action = stopped ? 'sessions.stopped' : 'sessions.allowed';
      await this.#audit.record({ action, actor, address, details: { reason } }, store);
    });
    return state;
  }
}
