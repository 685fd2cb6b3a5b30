import { randomBytes } from 'node:crypto';
import { argon2id } from '../access/passwords.ts';
import type { Audit } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { MasterPasswordRow } from '../store/vault-schema.ts';
import { KEY_SIZE, type PassphraseParameters } from './master-key.ts';
import type { Secret } from './secret.ts';
import { decrypt, encrypt, type Vault, VaultError } from './vault.ts';

export interface MasterPasswordState {
  readonly set: boolean;
  readonly since: string | null;
  /** Credentials that are checked out under it. */
  readonly checkedOut: number;
  readonly lockedUntil: string | null;
}

type Person = { readonly id: string; readonly username: string };

/** As for sign-in passwords: OWASP's first choice for argon2id. */
const COST = { memory: 19456, passes: 2, parallelism: 1 } as const;
/** Wrong tries in a row; then it is locked, for longer each time. */
const TRIES = 5;
const LOCK_MS = 60_000;
const MAX_LOCK_MS = 60 * 60_000;
export const MIN_MASTER_PASSWORD = 8;

/**
 * Passwords that only their users know. From each a key is derived that wraps a key of the user's own, and that wraps
 * what she has checked out: without her there is no using it, and changing the password moves one key.
 */
export class MasterPasswords {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #audit: Audit;
  readonly #now: () => number;

  constructor(store: Store, vault: Vault, audit: Audit, now: () => number = Date.now) {
    this.#store = store;
    this.#vault = vault;
    this.#audit = audit;
    this.#now = now;
  }

  async state(userId: string): Promise<MasterPasswordState> {
    const row = await this.#row(userId);
    const { checkedOut } = await this.#store
      .selectFrom('checked_out_secrets')
      .select(({ fn }) => fn.countAll<number>().as('checkedOut'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    const locked = row !== undefined && row.locked_until > this.#now();
    return {
      set: row !== undefined,
      since: row === undefined ? null : new Date(row.set_at).toISOString(),
      checkedOut,
      lockedUntil: locked ? new Date(row.locked_until).toISOString() : null,
    };
  }

  /** Throws `conflict` where there is one: that is changed, or given up. */
  async set(user: Person, password: Secret, address: string): Promise<void> {
    const userKey = randomBytes(KEY_SIZE);
    const row = await this.#wrap(user.id, userKey, password).finally(() => userKey.fill(0));
    const { numInsertedOrUpdatedRows } = await this.#store
      .insertInto('master_passwords')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'there is a master password already');
    await this.#audit.record({ action: 'master_password.set', actor: user, address });
  }

  /** What is checked out stays. */
  async change(user: Person, present: Secret, next: Secret, address: string): Promise<void> {
    const userKey = await this.unlock(user, present, address);
    const row = await this.#wrap(user.id, userKey, next).finally(() => userKey.fill(0));
    await this.#store.updateTable('master_passwords').set(row).where('user_id', '=', user.id).execute();
    await this.#audit.record({ action: 'master_password.changed', actor: user, address });
  }

  /** For one that was forgotten: what was checked out under it can no longer be read. @returns how much that was */
  async reset(user: Person, address: string): Promise<number> {
    return this.#store.transaction().execute(async (store) => {
      const { numDeletedRows: lost } = await store
        .deleteFrom('checked_out_secrets')
        .where('user_id', '=', user.id)
        .executeTakeFirstOrThrow();
      const { numDeletedRows } = await store
        .deleteFrom('master_passwords')
        .where('user_id', '=', user.id)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw new GatewayError('master_password_missing');
      const details = { lost: Number(lost) };
      await this.#audit.record({ action: 'master_password.reset', actor: user, address, details }, store);
      return Number(lost);
    });
  }

  /**
   * The user's own key, for the caller to wipe. Throws `master_password_missing`, `_wrong`, and `_locked` after wrong
   * tries: each is counted before it is known to be one, so that many at once are as many tries.
   */
  async unlock(user: Person, password: Secret, address: string): Promise<Uint8Array> {
    const row = await this.#takeTry(user.id);
    const key = await derive(password, JSON.parse(row.parameters_json) as PassphraseParameters);
    try {
      const wrapped = this.#vault.openBytes(Uint8Array.from(row.wrapped_key), sealName(user.id));
      const userKey = decrypt(key, wrapped, WRAPPED);
      await this.#store
        .updateTable('master_passwords')
        .set({ failures: 0, locked_until: 0 })
        .where('user_id', '=', user.id)
        .execute();
      return userKey;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      await this.#audit.record({ action: 'master_password.failed', actor: user, address });
      const failures = row.failures + 1;
      if (failures % TRIES === 0) {
        await this.#audit.record({ action: 'master_password.limited', actor: user, address, details: { failures } });
      }
      throw new GatewayError('master_password_wrong', undefined, { cause: error });
    } finally {
      key.fill(0);
    }
  }

  /**
   * What is checked out under a request, in the clear, for the caller to wipe. The first time it is brought by `fetch`
   * and wrapped with the user's key; from then on until it is given back, nothing else is used.
   */
  async checkedOut(
    of: { readonly requestId: string; readonly accountId: string; readonly user: Person },
    userKey: Uint8Array,
    fetch: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const owner = `checked out ${of.requestId} ${of.accountId} ${of.user.id}`;
    const row = await this.#store
      .selectFrom('checked_out_secrets')
      .select('secret')
      .where('request_id', '=', of.requestId)
      .where('account_id', '=', of.accountId)
      .where('user_id', '=', of.user.id)
      .executeTakeFirst();
    if (row !== undefined) {
      return decrypt(userKey, this.#vault.openBytes(Uint8Array.from(row.secret), owner), owner);
    }
    const secret = await fetch();
    await this.#store
      .insertInto('checked_out_secrets')
      .values({
        request_id: of.requestId,
        account_id: of.accountId,
        user_id: of.user.id,
        secret: this.#vault.seal(encrypt(userKey, secret, owner), owner),
        created_at: this.#now(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return secret;
  }

  /** Counts a try, and refuses it while it is locked. */
  async #takeTry(userId: string): Promise<MasterPasswordRow> {
    return this.#store.transaction().execute(async (store) => {
      const row = await store
        .selectFrom('master_passwords')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirst();
      if (row === undefined) throw new GatewayError('master_password_missing');
      const now = this.#now();
      if (row.locked_until > now) throw new GatewayError('master_password_locked');
      const failures = row.failures + 1;
      const locks = Math.floor(failures / TRIES);
      const lockMs = Math.min(LOCK_MS * 2 ** (locks - 1), MAX_LOCK_MS);
      await store
        .updateTable('master_passwords')
        .set({ failures, locked_until: failures % TRIES === 0 ? now + lockMs : 0 })
        .where('user_id', '=', userId)
        .execute();
      return row;
    });
  }

  async #wrap(userId: string, userKey: Uint8Array, password: Secret): Promise<MasterPasswordRow> {
    const parameters: PassphraseParameters = { salt: randomBytes(16).toString('base64'), ...COST };
    const key = await derive(password, parameters);
    try {
      return {
        user_id: userId,
        parameters_json: JSON.stringify(parameters),
        wrapped_key: this.#vault.seal(encrypt(key, userKey, WRAPPED), sealName(userId)),
        set_at: this.#now(),
        failures: 0,
        locked_until: 0,
      };
    } finally {
      key.fill(0);
    }
  }

  #row(userId: string) {
    return this.#store.selectFrom('master_passwords').selectAll().where('user_id', '=', userId).executeTakeFirst();
  }
}

const WRAPPED = 'oriel master password';

function sealName(userId: string): string {
  return `master password ${userId}`;
}

function derive(password: Secret, { salt, memory, passes, parallelism }: PassphraseParameters): Promise<Uint8Array> {
  return argon2id(password.bytes, Buffer.from(salt, 'base64'), memory, passes, parallelism);
}
