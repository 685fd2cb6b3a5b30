import { createHash, randomBytes } from 'node:crypto';
import { renderSVG } from 'uqr';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { matchTotp, newTotpKey, otpauthUri, base32 as toBase32 } from './totp.ts';
import type { User } from './users.ts';

export const RECOVERY_CODES = 10;
/** 80 bits each: not to be guessed, so that a plain hash is enough to keep them. */
const RECOVERY_SIZE = 10;
const ISSUER = 'Oriel';

/** What a user's authenticator app needs, once. */
export interface Enrolment {
  readonly secret: string;
  readonly uri: string;
  /** The URI as a QR code. */
  readonly svg: string;
}

export interface SecondFactorState {
  readonly enrolled: boolean;
  readonly since: string | null;
  readonly recoveryCodesLeft: number;
}

/** Time-based one-time passwords of the gateway's own users, and the recovery codes for a lost telephone. */
export class SecondFactors {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #now: () => number;

  constructor(store: Store, vault: Vault, now: () => number = Date.now) {
    this.#store = store;
    this.#vault = vault;
    this.#now = now;
  }

  async state(userId: string): Promise<SecondFactorState> {
    const row = await this.#row(userId);
    const { left } = await this.#store
      .selectFrom('recovery_codes')
      .select(({ fn }) => fn.countAll<number>().as('left'))
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .executeTakeFirstOrThrow();
    const since = row?.confirmed_at ?? null;
    return {
      enrolled: since !== null,
      since: since === null ? null : new Date(since).toISOString(),
      recoveryCodesLeft: left,
    };
  }

  async isEnrolled(userId: string): Promise<boolean> {
    return (await this.#row(userId))?.confirmed_at != null;
  }

  /** Makes a key for a user who has none; it counts once `confirm` has seen a code of it. Starting over makes another. */
  async begin(user: Pick<User, 'id' | 'username'>): Promise<Enrolment> {
    const key = newTotpKey();
    const secret = toBase32(key);
    const row = {
      user_id: user.id,
      secret: this.#vault.seal(Buffer.from(key).toString('hex'), sealName(user.id)),
      created_at: this.#now(),
      confirmed_at: null,
      last_step: 0,
    };
    const { numInsertedOrUpdatedRows } = await this.#store
      .insertInto('second_factors')
      .values(row)
      .onConflict((conflict) =>
        conflict.column('user_id').doUpdateSet(row).where('second_factors.confirmed_at', 'is', null),
      )
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'there is a second factor already');
    const uri = otpauthUri(key, user.username, ISSUER);
    return { secret, uri, svg: renderSVG(uri, { ecc: 'M', border: 2 }) };
  }

  /** The first code: from here on one is asked for. Returns the recovery codes, which are not shown again. */
  async confirm(userId: string, code: string): Promise<readonly string[]> {
    const row = await this.#row(userId);
    if (row === undefined) throw new GatewayError('conflict', 'no second factor is being set up');
    if (row.confirmed_at !== null) throw new GatewayError('conflict', 'there is a second factor already');
    if (!(await this.#takeTotp(userId, code, false))) throw new GatewayError('code_wrong');
    return this.newRecoveryCodes(userId);
  }

  /** Replaces the recovery codes. */
  async newRecoveryCodes(userId: string): Promise<readonly string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await this.#store.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
      const rows = codes.map((code) => ({ user_id: userId, code_hash: recoveryHash(userId, code), used_at: null }));
      await transaction.insertInto('recovery_codes').values(rows).execute();
    });
    return codes;
  }

  /** Takes a code of either kind, once. Returns which kind it was; nothing where it is not right. */
  async take(userId: string, code: string): Promise<'totp' | 'recovery' | undefined> {
    const digits = code.replaceAll(/\s/g, '');
    if (/^\d{6}$/.test(digits)) return (await this.#takeTotp(userId, digits, true)) ? 'totp' : undefined;
    return (await this.#takeRecovery(userId, code)) ? 'recovery' : undefined;
  }

  /**
   * Ends the codes of the app, and the recovery codes, unless those are for a passkey too. Returns whether there were any.
   */
  async remove(userId: string, keepRecoveryCodes = false): Promise<boolean> {
    return this.#store.transaction().execute(async (transaction) => {
      if (!keepRecoveryCodes) await transaction.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
      const { numDeletedRows } = await transaction
        .deleteFrom('second_factors')
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    });
  }

  async #takeTotp(userId: string, code: string, confirmed: boolean): Promise<boolean> {
    const row = await this.#row(userId);
    if (row === undefined || (row.confirmed_at !== null) !== confirmed) return false;
    const key = Buffer.from(this.#vault.open(row.secret, sealName(userId)), 'hex');
    const now = this.#now();
    const step = matchTotp(key, code, now, row.last_step);
    if (step === undefined) return false;
    // INVARIANT: of two who come with the same code at once, one row is changed, and one gets in.
    const { numUpdatedRows } = await this.#store
      .updateTable('second_factors')
      .set({ last_step: step, confirmed_at: row.confirmed_at ?? now })
      .where('user_id', '=', userId)
      .where('secret', '=', row.secret)
      .where('last_step', '<', step)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  async #takeRecovery(userId: string, code: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#store
      .updateTable('recovery_codes')
      .set({ used_at: this.#now() })
      .where('user_id', '=', userId)
      .where('code_hash', '=', recoveryHash(userId, code))
      .where('used_at', 'is', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  #row(userId: string) {
    return this.#store.selectFrom('second_factors').selectAll().where('user_id', '=', userId).executeTakeFirst();
  }
}

/** `abcd-efgh-ijkl-mnop`, letters and digits that are not taken for others. */
function newRecoveryCode(): string {
  return toBase32(randomBytes(RECOVERY_SIZE))
    .toLowerCase()
    .replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** However it is typed: without regard to case, spaces and dashes. */
function recoveryHash(userId: string, code: string): Uint8Array {
  const plain = code.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return Uint8Array.from(createHash('sha256').update(`recovery ${userId} ${plain}`).digest());
}

function sealName(userId: string): string {
  return `second factor ${userId}`;
}
