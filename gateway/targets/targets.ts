import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { AccountRow, TargetRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';

export const nlaPolicies = ['required', 'preferred', 'never'] as const;
export type NlaPolicy = (typeof nlaPolicies)[number];

/** A remote desktop, as the API shows it. */
export interface Target {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly nla: NlaPolicy;
  readonly demo: boolean;
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
}

export interface NewTarget {
  readonly name: string;
  readonly host: string;
  readonly port?: number;
  readonly nla?: NlaPolicy;
  readonly demo?: boolean;
}

export type TargetChange = Partial<Pick<Target, 'name' | 'host' | 'port' | 'nla'>>;

export interface NewAccount {
  readonly username: string;
  readonly password: string;
  readonly domain?: string;
}

/** What a connection needs: the only thing that carries a password out of here, and only to the driver. */
export interface Credentials {
  readonly username: string;
  readonly domain: string;
  readonly password: string;
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
    return targets.map((target) =>
      toTarget(
        target,
        accounts.filter((account) => account.target_id === target.id),
      ),
    );
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
    };
    await this.#store.insertInto('targets').values(row).execute();
    return toTarget(row, []);
  }

  /** Another host or port is another server: what was known of its certificate no longer holds. */
  async change(id: string, change: TargetChange): Promise<Target> {
    const before = await this.get(id);
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
      username: account.username,
      domain: account.domain ?? '',
      secret: this.#vault.seal(account.password, id),
      created_at: Date.now(),
    };
    await this.#store.insertInto('accounts').values(row).execute();
    return toAccount(row);
  }

  async changeAccount(targetId: string, id: string, change: Partial<NewAccount>): Promise<Account> {
    await this.#account(targetId, id);
    await this.#store
      .updateTable('accounts')
      .where('id', '=', id)
      .set({
        id,
        ...(change.username === undefined ? {} : { username: change.username }),
        ...(change.domain === undefined ? {} : { domain: change.domain }),
        ...(change.password === undefined ? {} : { secret: this.#vault.seal(change.password, id) }),
      })
      .execute();
    return toAccount(await this.#account(targetId, id));
  }

  async removeAccount(targetId: string, id: string): Promise<void> {
    await this.#account(targetId, id);
    await this.#store.deleteFrom('accounts').where('id', '=', id).execute();
  }

  /** Throws `not_found` unless the target has that account. */
  async account(targetId: string, id: string): Promise<Account> {
    return toAccount(await this.#account(targetId, id));
  }

  async credentials(targetId: string, id: string): Promise<Credentials> {
    const row = await this.#account(targetId, id);
    return { username: row.username, domain: row.domain, password: this.#vault.open(row.secret, row.id) };
  }

  /** Trust on first use: whether a connection may go on with this certificate. A different one is remembered as offered. */
  async checkCertificate(id: string, fingerprint: string): Promise<boolean> {
    const row = await this.#store
      .selectFrom('targets')
      .select('trusted_certificate')
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return false;
    if (row.trusted_certificate === fingerprint) return true;
    const first = row.trusted_certificate === null;
    await this.#store
      .updateTable('targets')
      .where('id', '=', id)
      .set(first ? { trusted_certificate: fingerprint } : { offered_certificate: fingerprint })
      .execute();
    return first;
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

  /** Whether any secret is stored: then the vault's key must be there already. */
  static async holdsSecrets(store: Store): Promise<boolean> {
    return (await store.selectFrom('accounts').select('id').limit(1).executeTakeFirst()) !== undefined;
  }

  async #account(targetId: string, id: string): Promise<AccountRow> {
    const row = await this.#store
      .selectFrom('accounts')
      .selectAll()
      .where('id', '=', id)
      .where('target_id', '=', targetId)
      .executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such account');
    return row;
  }
}

function toTarget(row: TargetRow, accounts: readonly AccountRow[]): Target {
  return {
    id: row.id,
    name: row.name,
    host: row.host,
    port: row.port,
    nla: nlaPolicies.find((policy) => policy === row.nla) ?? 'required',
    demo: row.demo !== 0,
    certificate: { trusted: row.trusted_certificate, offered: row.offered_certificate },
    createdAt: new Date(row.created_at).toISOString(),
    accounts: accounts.map(toAccount),
  };
}

function toAccount(row: AccountRow): Account {
  return { id: row.id, username: row.username, domain: row.domain };
}
