import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import { type TlsVersion, tlsVersions } from '../rdp/tls-peer.ts';
import {
  type CertificateFacts,
  type CertificateTrust,
  certificateTrusts,
  decideTrust,
  type TrustDecision,
} from '../rdp/trust.ts';
import { type InputLogPolicy, inputLogPolicies } from '../sessions/input-log.ts';
import type { AccountRow, TargetRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { AccountLookup } from '../vault/providers/provider.ts';
import type { Secret } from '../vault/secret.ts';
import type { Vault } from '../vault/vault.ts';

export const nlaPolicies = ['required', 'preferred', 'never'] as const;
export type NlaPolicy = (typeof nlaPolicies)[number];

/** Whether standard RDP security will do where the server has nothing better. */
export const legacySecurityPolicies = ['refused', 'accepted'] as const;
export type LegacySecurity = (typeof legacySecurityPolicies)[number];

/** What a connection to a target must be at least. Anything less is refused, with a code of its own. */
export interface TargetSecurity {
  readonly nla: NlaPolicy;
  readonly certificateTrust: CertificateTrust;
  readonly minimumTls: TlsVersion;
  /** Log on by proof alone: the server never gets the password. Needs NLA. */
  readonly restrictedAdmin: boolean;
  readonly legacySecurity: LegacySecurity;
  /** Oldest version of CredSSP, 2 to 6: from 5 on it is safe from CVE-2018-0886. */
  readonly oldestCredSsp: number;
}

export const credSspVersions: readonly number[] = [2, 3, 4, 5, 6];

/** A remote desktop, as the API shows it. */
export interface Target extends TargetSecurity {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly demo: boolean;
  /** How much of keyboard and mouse goes into the event log of a recording. */
  readonly inputLog: InputLogPolicy;
  /** SHA-256 fingerprints in hex; `offered` is there when the server came with another one than the trusted. */
  readonly certificate: { readonly trusted: string | null; readonly offered: string | null };
  readonly createdAt: string;
  readonly accounts: readonly Account[];
}

/** An account on a target: never its password. */
export interface Account {
  readonly id: string;
  readonly username: string;
  readonly domain: string;
  readonly type: AccountType;
  /** Whether its users give their master password for it. */
  readonly masterPassword: boolean;
}

/** Where its password is: here, with whoever connects, the password of her own account in the directory, elsewhere. */
export const accountTypes = ['vaulted', 'prompted', 'directory', 'provider'] as const;
export type AccountType = (typeof accountTypes)[number];

export interface NewTarget extends Partial<TargetSecurity> {
  readonly name: string;
  readonly host: string;
  readonly port?: number;
  readonly demo?: boolean;
  readonly inputLog?: InputLogPolicy;
}

export type TargetChange = Partial<Pick<Target, 'name' | 'host' | 'port' | 'inputLog'> & TargetSecurity>;

export interface NewAccount {
  /** Empty: whoever connects says it, or is it. */
  readonly username?: string;
  readonly password?: string;
  readonly domain?: string;
  readonly type?: AccountType;
  readonly providerId?: string | null;
  readonly lookup?: AccountLookup;
  readonly masterPassword?: boolean;
}

/** What a connection needs: the only thing that carries a password out of here, and only to the driver. */
export interface Credentials {
  readonly username: string;
  readonly domain: string;
  /** For one use: whoever gets it wipes it. */
  readonly password: Secret;
}

const RDP_PORT = 3389;

/** Targets and the accounts on them. */
export class Targets {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  async list(): Promise<Target[]> {
    const targets = await this.#store.selectFrom('targets').selectAll().orderBy('name').orderBy('id').execute();
    const accounts = await this.#store.selectFrom('accounts').selectAll().orderBy('username').execute();
    const accountsOf = Map.groupBy(accounts, (account) => account.target_id);
    return targets.map((target) => toTarget(target, accountsOf.get(target.id) ?? []));
  }

  async get(id: string): Promise<Target> {
    const target = await this.#store.selectFrom('targets').selectAll().where('id', '=', id).executeTakeFirst();
    if (target === undefined) throw new GatewayError('not_found', 'there is no such target');
    const accounts = await this.#store
      .selectFrom('accounts')
      .selectAll()
      .where('target_id', '=', id)
      .orderBy('username')
      .execute();
    return toTarget(target, accounts);
  }

  /** The target that the gateway brings along. */
  async findDemo(): Promise<Target | undefined> {
    const row = await this.#store.selectFrom('targets').select('id').where('demo', '=', 1).executeTakeFirst();
    return row === undefined ? undefined : this.get(row.id);
  }

  async create(target: NewTarget): Promise<Target> {
    const row: TargetRow = {
      id: newId(),
      name: target.name,
      host: target.host,
      port: target.port ?? RDP_PORT,
      nla: target.nla ?? 'preferred',
      trusted_certificate: null,
      offered_certificate: null,
      demo: target.demo === true ? 1 : 0,
      created_at: Date.now(),
      certificate_trust: target.certificateTrust ?? 'first_use',
      minimum_tls: target.minimumTls ?? '1.2',
      restricted_admin: target.restrictedAdmin === true ? 1 : 0,
      legacy_security: target.legacySecurity ?? 'refused',
      oldest_credssp: target.oldestCredSsp ?? 2,
      input_log: target.inputLog ?? 'counts',
    };
    requireConsistent(toTarget(row, []));
    await this.#store.insertInto('targets').values(row).execute();
    return toTarget(row, []);
  }

  /** Another host or port is another server: what was known of its certificate no longer holds. */
  async change(id: string, change: TargetChange): Promise<Target> {
    const before = await this.get(id);
    requireConsistent({ ...before, ...change });
    const moved =
      (change.host !== undefined && change.host !== before.host) ||
      (change.port !== undefined && change.port !== before.port);
    await this.#store
      .updateTable('targets')
      .where('id', '=', id)
      .set({
        id, // so that an empty change is a statement too
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.host === undefined ? {} : { host: change.host }),
        ...(change.port === undefined ? {} : { port: change.port }),
        ...(change.nla === undefined ? {} : { nla: change.nla }),
        ...(change.certificateTrust === undefined ? {} : { certificate_trust: change.certificateTrust }),
        ...(change.minimumTls === undefined ? {} : { minimum_tls: change.minimumTls }),
        ...(change.restrictedAdmin === undefined ? {} : { restricted_admin: change.restrictedAdmin ? 1 : 0 }),
        ...(change.legacySecurity === undefined ? {} : { legacy_security: change.legacySecurity }),
        ...(change.oldestCredSsp === undefined ? {} : { oldest_credssp: change.oldestCredSsp }),
        ...(change.inputLog === undefined ? {} : { input_log: change.inputLog }),
        ...(moved ? { trusted_certificate: null, offered_certificate: null } : {}),
      })
      .execute();
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    const { numDeletedRows } = await this.#store.deleteFrom('targets').where('id', '=', id).executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new GatewayError('not_found', 'there is no such target');
  }

  async addAccount(targetId: string, account: NewAccount): Promise<Account> {
    await this.get(targetId);
    const id = newId();
    const row: AccountRow = {
      id,
      target_id: targetId,
      username: account.username ?? '',
      domain: account.domain ?? '',
      secret: this.#seal(account.password, id),
      created_at: Date.now(),
      type: account.type ?? 'vaulted',
      provider_id: account.providerId ?? null,
      lookup_json: JSON.stringify(account.lookup ?? {}),
      master_password: account.masterPassword === true ? 1 : 0,
    };
    requireComplete(row);
    await insertable(this.#store.insertInto('accounts').values(row).execute());
    return toAccount(row);
  }

  /** Reads and writes in one transaction: a password that is changed on the computer meanwhile is not put back. */
  async changeAccount(targetId: string, id: string, change: NewAccount): Promise<Account> {
    const written = this.#store.transaction().execute(async (store) => {
      const before = await this.#account(targetId, id, store);
      const type = change.type ?? before.type;
      const row: AccountRow = {
        ...before,
        username: change.username ?? before.username,
        domain: change.domain ?? before.domain,
        secret:
          change.password !== undefined
            ? this.#seal(change.password, id)
            : type === 'vaulted'
              ? before.secret
              : new Uint8Array(),
        type,
        provider_id:
          type !== 'provider' ? null : change.providerId === undefined ? before.provider_id : change.providerId,
        lookup_json: change.lookup === undefined ? before.lookup_json : JSON.stringify(change.lookup),
        master_password: (change.masterPassword ?? before.master_password !== 0) ? 1 : 0,
      };
      requireComplete(row);
      await store.updateTable('accounts').where('id', '=', id).set(row).execute();
      // What was checked out under a master password is the old one.
      if (change.password !== undefined || type !== before.type) {
        await store.deleteFrom('checked_out_secrets').where('account_id', '=', id).execute();
        // Whoever sets it by hand knows which one counts.
        const settled = { state: 'ok', pending: null, attempts: 0, error_code: null, error_detail: '' } as const;
        await store.updateTable('account_rotations').set(settled).where('account_id', '=', id).execute();
      }
      return row;
    });
    return toAccount(await insertable(written));
  }

  async removeAccount(targetId: string, id: string): Promise<void> {
    await this.#account(targetId, id);
    await this.#store.deleteFrom('accounts').where('id', '=', id).execute();
  }

  /** The id of the target that an account is on. Throws `not_found`. */
  async targetOf(accountId: string): Promise<string> {
    const row = await this.#store
      .selectFrom('accounts')
      .select('target_id')
      .where('id', '=', accountId)
      .executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such account');
    return row.target_id;
  }

  /** Throws `not_found` unless the target has that account. */
  async account(targetId: string, id: string): Promise<Account> {
    return toAccount(await this.#account(targetId, id));
  }

  /**
   * Whether a connection may go on with this certificate, by the target's rule. On first use it is kept; one that is
   * refused is remembered as offered, for an administrator to accept.
   */
  async checkCertificate(id: string, certificate: CertificateFacts): Promise<TrustDecision> {
    const { fingerprint } = certificate;
    const target = await this.get(id);
    const decision = decideTrust(
      { mode: target.certificateTrust, fingerprint: target.certificate.trusted },
      certificate,
    );
    if (decision.trusted && !decision.first) return decision;
    const update = this.#store.updateTable('targets').where('id', '=', id);
    if (!decision.trusted) {
      // By the system's rule there is nothing to accept.
      if (target.certificateTrust !== 'system') await update.set({ offered_certificate: fingerprint }).execute();
      return decision;
    }
    const { numUpdatedRows } = await update
      .where('trusted_certificate', 'is', null)
      .set({ trusted_certificate: fingerprint })
      .executeTakeFirst();
    // Another connection was first, maybe with another certificate.
    return numUpdatedRows === 0n ? this.checkCertificate(id, certificate) : decision;
  }

  /** Accepts the certificate that was offered, or the one named, or (where neither is) whatever comes next. */
  async trust(id: string, fingerprint?: string): Promise<Target> {
    const target = await this.get(id);
    await this.#store
      .updateTable('targets')
      .where('id', '=', id)
      .set({ trusted_certificate: fingerprint ?? target.certificate.offered, offered_certificate: null })
      .execute();
    return this.get(id);
  }

  #seal(password: string | undefined, id: string): Uint8Array {
    return password === undefined ? new Uint8Array() : this.#vault.seal(password, id);
  }

  async #account(targetId: string, id: string, store: Store = this.#store): Promise<AccountRow> {
    const row = await store
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', id)
      .where('target_id', '=', targetId)
      .executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such account');
    return row;
  }
}

/**
 * Whether a connection may fall back to standard RDP security now. It has no certificate: a target of which one was
 * accepted is past it, or whoever sits between could have the password for the asking.
 */
export function legacySecurityNow(target: Pick<Target, 'legacySecurity' | 'certificate'>): LegacySecurity {
  return target.certificate.trusted === null ? target.legacySecurity : 'refused';
}

/** Settings of which one would undo the other. */
function requireConsistent({ nla, restrictedAdmin, legacySecurity, certificateTrust }: TargetSecurity): void {
  if (restrictedAdmin && nla === 'never') {
    throw new GatewayError('conflict', 'Restricted Admin mode needs Network Level Authentication');
  }
  if (legacySecurity === 'accepted' && certificateTrust !== 'first_use') {
    throw new GatewayError('conflict', 'standard RDP security has no certificate that could be trusted');
  }
}

function toTarget(row: TargetRow, accounts: readonly AccountRow[]): Target {
  return {
    id: row.id,
    name: row.name,
    host: row.host,
    port: row.port,
    // What is in no list, a later version wrote: until it is understood, the strictest is right.
    nla: nlaPolicies.find((policy) => policy === row.nla) ?? 'required',
    certificateTrust: certificateTrusts.find((mode) => mode === row.certificate_trust) ?? 'pinned',
    minimumTls: tlsVersions.find((version) => version === row.minimum_tls) ?? '1.3',
    restrictedAdmin: row.restricted_admin !== 0,
    legacySecurity: legacySecurityPolicies.find((policy) => policy === row.legacy_security) ?? 'refused',
    oldestCredSsp: credSspVersions.find((version) => version === row.oldest_credssp) ?? 6,
    demo: row.demo !== 0,
    inputLog: inputLogPolicies.find((policy) => policy === row.input_log) ?? 'counts',
    certificate: { trusted: row.trusted_certificate, offered: row.offered_certificate },
    createdAt: new Date(row.created_at).toISOString(),
    accounts: accounts.map(toAccount),
  };
}

/** What an account of its type needs, and nothing that it cannot have. */
function requireComplete(row: AccountRow): void {
  const refuse = (detail: string): never => {
    throw new GatewayError('bad_request', detail);
  };
  const stored = row.secret.length > 0;
  if (row.type === 'vaulted' && !stored) refuse('an account whose password is kept here needs one');
  if (row.type !== 'vaulted' && stored) refuse('the password of such an account is not kept here');
  if (row.type === 'provider' && row.provider_id === null) refuse('the account names no provider');
  if (row.type !== 'provider' && row.provider_id !== null) refuse('an account of that type has no provider');
  if ((row.type === 'vaulted' || row.type === 'provider') && row.username === '') {
    refuse('the account needs a user name');
  }
}

/** A provider that is not there is the caller's mistake. */
async function insertable<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (cause) {
    if (!/FOREIGN KEY/i.test(String(cause))) throw cause;
    throw new GatewayError('bad_request', 'there is no such provider', { cause });
  }
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    username: row.username,
    domain: row.domain,
    // What is in no list, a later version wrote: what is asked for then, is what nobody keeps.
    type: accountTypes.find((type) => type === row.type) ?? 'prompted',
    masterPassword: row.master_password !== 0,
  };
}
