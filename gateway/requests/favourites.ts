import type { Entitlements } from '../access/entitlements.ts';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import type { NewRequest } from './new-request.ts';

/** A request that is made again and again. */
export interface Favourite {
  readonly id: string;
  readonly name: string;
  /** `#rrggbb` */
  readonly color: string;
  readonly request: NewRequest;
  readonly createdAt: string;
}

export type NewFavourite = Pick<Favourite, 'name' | 'color' | 'request'>;

/** So many are nobody's favourites. */
const MAX_FAVOURITES = 200;

/** The requests that users keep for the next time. */
export class Favourites {
  readonly #store: Store;
  readonly #entitlements: Entitlements;

  constructor(store: Store, entitlements: Entitlements) {
    this.#store = store;
    this.#entitlements = entitlements;
  }

  /** Without the accounts that the user is no longer entitled to, and without those of which nothing is left. */
  async list(userId: string): Promise<Favourite[]> {
    const rows = await this.#store
      .selectFrom('request_favourites')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('name')
      .orderBy('id')
      .execute();
    if (rows.length === 0) return [];
    const held = new Set((await this.#entitlements.grantsOf(userId)).map(({ account }) => account.id));
    return rows
      .map((row) => {
        const request = JSON.parse(row.request_json) as NewRequest;
        const items = request.items.filter(({ accountId }) => held.has(accountId));
        const createdAt = new Date(row.created_at).toISOString();
        return { id: row.id, name: row.name, color: row.color, request: { ...request, items }, createdAt };
      })
      .filter(({ request }) => request.items.length > 0);
  }

  async create(userId: string, favourite: NewFavourite): Promise<Favourite> {
    const own = await this.#store.selectFrom('request_favourites').select('id').where('user_id', '=', userId).execute();
    if (own.length >= MAX_FAVOURITES) throw new GatewayError('conflict', `at most ${MAX_FAVOURITES} favourites`);
    const row = {
      id: newId(),
      user_id: userId,
      name: favourite.name,
      color: favourite.color,
      request_json: JSON.stringify(favourite.request),
      created_at: Date.now(),
    };
    await this.#store.insertInto('request_favourites').values(row).execute();
    return { ...favourite, id: row.id, createdAt: new Date(row.created_at).toISOString() };
  }

  async change(userId: string, id: string, change: Partial<NewFavourite>): Promise<Favourite> {
    const { numUpdatedRows } = await this.#store
      .updateTable('request_favourites')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .set({
        id, // so that an empty change is a statement too
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.color === undefined ? {} : { color: change.color }),
        ...(change.request === undefined ? {} : { request_json: JSON.stringify(change.request) }),
      })
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw missing();
    const row = await this.#store
      .selectFrom('request_favourites')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return {
      id,
      name: row.name,
      color: row.color,
      request: JSON.parse(row.request_json) as NewRequest,
      createdAt: new Date(row.created_at).toISOString(),
    };
  }

  async remove(userId: string, id: string): Promise<void> {
    const { numDeletedRows } = await this.#store
      .deleteFrom('request_favourites')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw missing();
  }
}

function missing(): GatewayError {
  return new GatewayError('not_found', 'there is no such favourite');
}
