import { createHash, randomBytes } from 'node:crypto';
import type { LoginSessionRow } from '../store/sign-in-schema.ts';
import type { Store } from '../store/store.ts';
import type { User, Users } from './users.ts';

/** A sign-in lasts a working day, and ends earlier when nothing was asked for in a while. */
export const LIFETIME_MS = 12 * 60 * 60_000;
export const IDLE_MS = 2 * 60 * 60_000;
/** A sign-in that still owes its second factor. */
const UNFINISHED_LIFETIME_MS = 15 * 60_000;
/** `last_seen_at` is written at most this often: not every request is worth a write. */
const SEEN_STEP_MS = 60_000;
const TOKEN_SIZE = 32;
const MAX_USER_AGENT = 512;

/** `code`: a code is still owed. `enrol`: a second factor must be set up first. Neither may do anything else. */
export type SignInStage = 'full' | 'code' | 'enrol';
/** What began it. */
export const signInMethods = ['password', 'ldap', 'passkey', 'oidc'] as const;
export type SignInMethod = (typeof signInMethods)[number];

export interface NewSignIn {
  readonly address: string;
  readonly userAgent: string;
  readonly method: SignInMethod;
  readonly stage: SignInStage;
  /** Whether a second factor was shown with it. */
  readonly confirmed: boolean;
}

/** Who is signed in, and how. */
export interface SignedIn {
  readonly user: User;
  /** Names the sign-in and tells nothing of its token. */
  readonly reference: string;
  readonly method: SignInMethod;
  readonly stage: SignInStage;
  readonly createdAt: number;
  /** When it ends, however much it is used. */
  readonly expiresAt: number;
  /** When a second factor was last shown in it. */
  readonly confirmedAt: number | null;
  /** When a password or a second factor was last shown in it, its beginning included. */
  readonly provenAt: number;
}

/** One sign-in, as its user and administrators see it. */
export interface SignInEntry {
  readonly id: string;
  readonly address: string;
  readonly userAgent: string;
  readonly method: SignInMethod;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly expiresAt: string;
}

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

  async open(userId: string, signIn: NewSignIn): Promise<{ readonly token: string; readonly reference: string }> {
    const token = randomBytes(TOKEN_SIZE).toString('base64url');
    const reference = referenceOf(token);
    const now = this.#now();
    await this.#store.deleteFrom('login_sessions').where('expires_at', '<=', now).execute();
    await this.#store
      .insertInto('login_sessions')
      .values({
        token_hash: hashOf(token),
        reference,
        user_id: userId,
        created_at: now,
        last_seen_at: now,
        expires_at: now + (signIn.stage === 'full' ? LIFETIME_MS : UNFINISHED_LIFETIME_MS),
        address: signIn.address,
        user_agent: signIn.userAgent.slice(0, MAX_USER_AGENT),
        method: signIn.method,
        stage: signIn.stage,
        confirmed_at: signIn.confirmed ? now : null,
      })
      .execute();
    return { token, reference };
  }

  /** Whom a token signs in, now. */
  async find(token: string): Promise<SignedIn | undefined> {
    const now = this.#now();
    const hash = hashOf(token);
    const row = await this.#store
      .selectFrom('login_sessions')
      .selectAll()
      .where('token_hash', '=', hash)
      .executeTakeFirst();
    if (row === undefined || !isLive(row, now)) return undefined;
    if (row.last_seen_at + SEEN_STEP_MS <= now) {
      await this.#store
        .updateTable('login_sessions')
        .set({ last_seen_at: now })
        .where('token_hash', '=', hash)
        .execute();
    }
    const user = await this.#users.find(row.user_id);
    if (user === undefined || user.disabled) return undefined;
    return {
      user,
      reference: row.reference,
      method: row.method as SignInMethod,
      stage: row.stage as SignInStage,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      confirmedAt: row.confirmed_at,
      provenAt: row.proven_at ?? row.created_at,
    };
  }

  /** Something was done in a sign-in by another way than a request: it counts as use, unless the sign-in was over by then. */
  async used(reference: string, at: number): Promise<void> {
    await this.#store
      .updateTable('login_sessions')
      .set({ last_seen_at: at })
      .where('reference', '=', reference)
      .where('last_seen_at', '<', at)
      .where('last_seen_at', '>', at - IDLE_MS)
      .where('expires_at', '>', at)
      .execute();
  }

  /** Whether a sign-in is good now. */
  async isOpen(reference: string): Promise<boolean> {
    const row = await this.#store
      .selectFrom('login_sessions')
      .select(['expires_at', 'last_seen_at'])
      .where('reference', '=', reference)
      .executeTakeFirst();
    return row !== undefined && isLive(row, this.#now());
  }

  /** The user's sign-ins that are good now, the latest used first. */
  async list(userId: string): Promise<SignInEntry[]> {
    const rows = await this.#store
      .selectFrom('login_sessions')
      .selectAll()
      .where('user_id', '=', userId)
      .where('stage', '=', 'full')
      .orderBy('last_seen_at', 'desc')
      .execute();
    return rows.filter((row) => isLive(row, this.#now())).map(toEntry);
  }

  /**
   * A second factor was shown: the sign-in is good for what asks for one, and whole unless another is still to be set up.
   * @param counts whether it is of a kind that counts for the user
   */
  async confirm(reference: string, stage: 'full' | 'enrol' = 'full', counts = true): Promise<void> {
    const now = this.#now();
    await this.#store
      .updateTable('login_sessions')
      .set(({ eb, ref }) => ({
        ...(counts ? { confirmed_at: now } : {}),
        proven_at: now,
        ...(stage === 'full'
          ? {
              expires_at: eb
                .case()
                .when('stage', '=', 'full')
                .then(ref('expires_at'))
                .else(now + LIFETIME_MS)
                .end(),
            }
          : {}),
        stage,
      }))
      .where('reference', '=', reference)
      .execute();
  }

  /** The password was shown once more. */
  async prove(reference: string): Promise<void> {
    await this.#store
      .updateTable('login_sessions')
      .set({ proven_at: this.#now() })
      .where('reference', '=', reference)
      .execute();
  }

  async close(token: string): Promise<void> {
    await this.#store.deleteFrom('login_sessions').where('token_hash', '=', hashOf(token)).execute();
  }

  /** Ends some of a user's sign-ins: one, all, or all but one. Returns the references of those that there were. */
  async revoke(userId: string, which: { readonly only?: string; readonly except?: string } = {}): Promise<string[]> {
    let query = this.#store.deleteFrom('login_sessions').where('user_id', '=', userId);
    if (which.only !== undefined) query = query.where('reference', '=', which.only);
    if (which.except !== undefined) query = query.where('reference', '!=', which.except);
    return (await query.returning('reference').execute()).map((row) => row.reference);
  }
}

/** Of the hash's hash, so that it is of no use against the table. */
export function referenceOf(token: string): string {
  return createHash('sha256').update('sign-in').update(hashOf(token)).digest('hex').slice(0, 16);
}

function hashOf(token: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(token).digest());
}

function isLive(row: Pick<LoginSessionRow, 'expires_at' | 'last_seen_at'>, now: number): boolean {
  return row.expires_at > now && row.last_seen_at + IDLE_MS > now;
}

function toEntry(row: LoginSessionRow): SignInEntry {
  const iso = (time: number) => new Date(time).toISOString();
  return {
    id: row.reference,
    address: row.address,
    userAgent: row.user_agent,
    method: row.method as SignInMethod,
    createdAt: iso(row.created_at),
    lastSeenAt: iso(row.last_seen_at),
    expiresAt: iso(row.expires_at),
  };
}
