import { createHash, randomBytes } from 'node:crypto';
import { networkOf } from '../address.ts';
import type { Store } from '../store/store.ts';

/** How long a browser stays known after its last sign-in. */
export const DEVICE_LIFE_MS = 180 * 86_400_000;
/** Of one user; the longest unused are forgotten first. */
const MAX_PER_USER = 50;
const TOKEN_SIZE = 32;

/** Where somebody signs in. */
export interface Client {
  readonly address: string;
  readonly userAgent: string;
  /** The cookie of a browser that signed somebody in before. */
  readonly device: string | undefined;
}

/**
 * Browsers that have signed a user in before. It opens nothing: a known browser only is not held up by what others try
 * in its user's name, and a sign-in from one that is not known is worth a word to its user.
 */
export class KnownDevices {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  /** A name for the browser, if this user signed in with it before; nothing otherwise. */
  async recognise(username: string, { device }: Client): Promise<string | undefined> {
    if (device === undefined) return undefined;
    const hash = hashOf(device);
    const row = await this.#store
      .selectFrom('known_devices')
      .innerJoin('users', 'users.id', 'known_devices.user_id')
      .select('known_devices.token_hash')
      .where('users.username', '=', username)
      .where('token_hash', '=', hash)
      .where('last_used_at', '>', this.#now() - DEVICE_LIFE_MS)
      .executeTakeFirst();
    return row === undefined ? undefined : Buffer.from(hash).toString('hex').slice(0, 32);
  }

  /**
   * Remembers that the user signed in here. Returns the cookie to leave there, and whether the user would be surprised:
   * other places are known, but none like this.
   */
  async remember(userId: string, client: Client): Promise<{ readonly cookie: string; readonly unexpected: boolean }> {
    const now = this.#now();
    const known = await this.#store
      .selectFrom('known_devices')
      .select(['token_hash', 'address', 'user_agent'])
      .where('user_id', '=', userId)
      .where('last_used_at', '>', now - DEVICE_LIFE_MS)
      .orderBy('last_used_at', 'desc')
      .execute();
    const cookie = client.device ?? randomBytes(TOKEN_SIZE).toString('base64url');
    const hash = hashOf(cookie);
    const here = { address: client.address, user_agent: client.userAgent, last_used_at: now };
    await this.#store
      .insertInto('known_devices')
      .values({ token_hash: hash, user_id: userId, created_at: now, ...here })
      .onConflict((conflict) => conflict.columns(['token_hash', 'user_id']).doUpdateSet(here))
      .execute();
    const tooMany = known.slice(MAX_PER_USER - 1).map((row) => row.token_hash);
    await this.#store
      .deleteFrom('known_devices')
      .where('user_id', '=', userId)
      .where((where) =>
        where.or([
          where('last_used_at', '<=', now - DEVICE_LIFE_MS),
          ...(tooMany.length === 0 ? [] : [where('token_hash', 'in', tooMany)]),
        ]),
      )
      .where('token_hash', '!=', hash)
      .execute();
    const expected = known.some(
      (row) =>
        Buffer.compare(row.token_hash, hash) === 0 ||
        (networkOf(row.address) === networkOf(client.address) && row.user_agent === client.userAgent),
    );
    return { cookie, unexpected: known.length > 0 && !expected };
  }

  /** After this nobody is known any more: the password got into the wrong hands. */
  async forget(userId: string): Promise<void> {
    await this.#store.deleteFrom('known_devices').where('user_id', '=', userId).execute();
  }
}

function hashOf(token: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(token).digest());
}
