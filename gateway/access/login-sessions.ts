import { createHash, randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';
import type { User, Users } from './users.ts';

/** A sign-in lasts a working day, and ends earlier when nothing was asked for in a while. */
export const LIFETIME_MS = 12 * 60 * 60_000;
export const IDLE_MS = 2 * 60 * 60_000;
/** `last_seen_at` is written at most this often: not every request is worth a write. */
const SEEN_STEP_MS = 60_000;
const TOKEN_SIZE = 32;

/** Who is signed in. A token is known to its browser only; the table holds its hash. */
export class LoginSessions {
  readonly #store: Store;
  readonly #users: Users;
  readonly #now: () => number;

  constructor(store: Store, users: Users, now: () => number = Date.now) {
    this.#store = store;
    this.#users = users;
    this.#now = now;
  }

  async open(userId: string): Promise<string> {
    const token = randomBytes(TOKEN_SIZE).toString('base64url');
    const now = this.#now();
    await this.#store.deleteFrom('login_sessions').where('expires_at', '<=', now).execute();
    await this.#store
      .insertInto('login_sessions')
      .values({
        token_hash: hashOf(token),
        user_id: userId,
        created_at: now,
        last_seen_at: now,
        expires_at: now + LIFETIME_MS,
      })
      .execute();
    return token;
  }

  /** The user whom a token signs in, now. */
  async find(token: string): Promise<User | undefined> {
    const now = this.#now();
    const hash = hashOf(token);
    const row = await this.#store
      .selectFrom('login_sessions')
      .selectAll()
      .where('token_hash', '=', hash)
      .executeTakeFirst();
    if (row === undefined || row.expires_at <= now || row.last_seen_at + IDLE_MS <= now) return undefined;
    if (row.last_seen_at + SEEN_STEP_MS <= now) {
      await this.#store
        .updateTable('login_sessions')
        .set({ last_seen_at: now })
        .where('token_hash', '=', hash)
        .execute();
    }
    const user = await this.#users.find(row.user_id);
    return user === undefined || user.disabled ? undefined : user;
  }

  /** A name for a sign-in that tells nothing of its token, for the audit log and for evidence, and when it was. */
  async reference(token: string): Promise<{ reference: string; at: number } | undefined> {
    const row = await this.#store
      .selectFrom('login_sessions')
      .select('created_at')
      .where('token_hash', '=', hashOf(token))
      .executeTakeFirst();
    return row && { reference: referenceOf(token), at: row.created_at };
  }

  async close(token: string): Promise<void> {
    await this.#store.deleteFrom('login_sessions').where('token_hash', '=', hashOf(token)).execute();
  }
}

/** Of the hash's hash, so that it is of no use against the table. */
export function referenceOf(token: string): string {
  return createHash('sha256').update('sign-in').update(hashOf(token)).digest('hex').slice(0, 16);
}

function hashOf(token: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(token).digest());
}
