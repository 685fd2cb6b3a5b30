import { GatewayError } from '../errors.ts';
import type { AccountRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { toAccount } from '../targets/targets.ts';
import type { AccountLookup } from './providers/provider.ts';
import type { Rotations } from './rotation/rotations.ts';

/** The accounts as whoever looks after them sees them: where each password comes from, and how changing it goes. */
export class VaultAccounts {
  readonly #store: Store;
  readonly #rotations: Rotations;

  constructor(store: Store, rotations: Rotations) {
    this.#store = store;
    this.#rotations = rotations;
  }

  async list() {
    const rotations = await this.#rotations.list();
    const rows = await this.#rows().execute();
    return rows.map((row) => ({ ...describe(row), rotation: rotations.get(row.id) ?? null }));
  }

  /** Throws `not_found`. */
  async get(id: string) {
    const row = await this.#rows().where('accounts.id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such account');
    return {
      ...describe(row),
      rotation: await this.#rotations.read(id),
      history: await this.#rotations.history(id, HISTORY),
    };
  }

  #rows() {
    return this.#store
      .selectFrom('accounts')
      .innerJoin('targets', 'targets.id', 'accounts.target_id')
      .leftJoin('credential_providers', 'credential_providers.id', 'accounts.provider_id')
      .selectAll('accounts')
      .select(['targets.name as target_name', 'targets.host as target_host', 'credential_providers.name as provider'])
      .orderBy('targets.name')
      .orderBy('accounts.username')
      .orderBy('accounts.id');
  }
}

const HISTORY = 100;

type Row = AccountRow & {
  readonly target_name: string;
  readonly target_host: string;
  readonly provider: string | null;
};

function describe(row: Row) {
  return {
    ...toAccount(row),
    target: { id: row.target_id, name: row.target_name, host: row.target_host },
    provider: row.provider_id === null ? null : { id: row.provider_id, name: row.provider ?? '' },
    lookup: JSON.parse(row.lookup_json) as AccountLookup,
    createdAt: new Date(row.created_at).toISOString(),
  };
}
