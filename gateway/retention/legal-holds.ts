import type { Actor } from '../access/can.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** Why a recording is kept whatever the rules say, and by whose word. */
export interface LegalHold {
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}

/** Recordings that must not be deleted. A hold beats every rule until somebody lifts it. */
export class LegalHolds {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  async find(id: string): Promise<LegalHold | undefined> {
    const row = await this.#store.selectFrom('legal_holds').selectAll().where('session_id', '=', id).executeTakeFirst();
    return row && { at: new Date(row.placed_at).toISOString(), by: row.placed_by, reason: row.reason };
  }

  /** Throws `not_found` where there is no recording any more, `conflict` where one is held already. */
  async place(id: string, actor: Pick<Actor, 'id' | 'username'>, reason: string): Promise<LegalHold> {
    const at = this.#now();
    await this.#store.transaction().execute(async (transaction) => {
      // In one transaction with the row: a recording whose deletion has begun can no longer be held.
      const session = await transaction
        .selectFrom('sessions')
        .select('recording')
        .where('id', '=', id)
        .executeTakeFirst();
      if (session === undefined || ['none', 'deleting', 'deleted'].includes(session.recording)) {
        throw new GatewayError('not_found', 'there is no such recording, or no longer');
      }
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('legal_holds')
        .values({ session_id: id, placed_at: at, placed_by_id: actor.id, placed_by: actor.username, reason })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'the recording is under legal hold');
    });
    return { at: new Date(at).toISOString(), by: actor.username, reason };
  }

  /** Throws `not_found` where there is none. Returns what was lifted. */
  async lift(id: string): Promise<LegalHold> {
    const hold = await this.find(id);
    const { numDeletedRows } = await this.#store
      .deleteFrom('legal_holds')
      .where('session_id', '=', id)
      .executeTakeFirst();
    if (hold === undefined || numDeletedRows === 0n) throw new GatewayError('not_found', 'there is no legal hold');
    return hold;
  }
}
