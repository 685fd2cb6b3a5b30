import type { Audit } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { AccountRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Credentials } from '../targets/targets.ts';
import { type DirectoryName, directoryName, splitName } from './directory-names.ts';
import type { MasterPasswords } from './master-passwords.ts';
import type { AccountLookup, CredentialPurpose } from './providers/provider.ts';
import type { Providers } from './providers/providers.ts';
import { Secret } from './secret.ts';
import { type Vault, VaultError } from './vault.ts';

/** What a user is asked for. */
export const wants = ['username', 'password', 'master-password'] as const;
export type Want = (typeof wants)[number];

/** A question to the user of an account. */
export interface CredentialPrompt {
  readonly wants: readonly Want[];
  /** What is known already. */
  readonly username: string;
  readonly domain: string;
  /** Why she is asked again, if she is. */
  readonly again: 'reconnect' | 'master_password_wrong' | null;
}

/** Her answer; whoever was given it wipes it. */
export interface SuppliedCredential {
  readonly username?: string;
  readonly domain?: string;
  readonly password?: Secret;
  readonly masterPassword?: Secret;
}

/** Asks the user. Throws `credential_not_given`. */
export type AskUser = (prompt: CredentialPrompt) => Promise<SuppliedCredential>;

/** Who uses an account, and for what. */
export interface CredentialUse {
  readonly user: { readonly id: string; readonly username: string };
  readonly address: string;
  readonly accountId: string;
  readonly purpose: CredentialPurpose;
  /** Access that was given; without one it is the vault administrator who tries. */
  readonly requestId: string | null;
  readonly sessionId?: string;
  /** Whether the policy demands the user's master password. */
  readonly masterPassword: boolean;
}

export interface AccountCredentialsParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly providers: Providers;
  readonly masterPasswords: MasterPasswords;
  readonly audit: Audit;
  readonly notifier: Notifier;
}

/**
 * Brings the credential of an account from where it is: the vault, a provider, or whoever connects. Each use brings it
 * anew; nothing of it stays here. What it gives, the caller wipes.
 */
export class AccountCredentials {
  readonly #parts: AccountCredentialsParts;

  constructor(parts: AccountCredentialsParts) {
    this.#parts = parts;
  }

  async read(use: CredentialUse, ask: AskUser): Promise<Credentials> {
    const row = await this.#account(use.accountId);
    const known = row.type === 'directory' ? await this.#directoryName(use.user, row) : row;
    const prompt = promptOf(row, known, use);
    const supplied = prompt === undefined ? {} : await ask(prompt);
    try {
      return await this.#bring(use, row, known, supplied, ask);
    } catch (error) {
      await this.#report(use, row, error);
      throw error;
    }
  }

  /** What is stored, and nothing else. Throws `nothing_stored`. */
  async readStored(accountId: string): Promise<Credentials> {
    const row = await this.#account(accountId);
    if (row.type !== 'vaulted') throw new GatewayError('nothing_stored');
    return { username: row.username, domain: row.domain, password: new Secret(this.#open(row)) };
  }

  async #bring(
    use: CredentialUse,
    row: AccountRow,
    known: DirectoryName,
    supplied: SuppliedCredential,
    ask: AskUser,
  ): Promise<Credentials> {
    const demanded = row.master_password !== 0 || use.masterPassword;
    if (isSupplied(row)) return fromUser(row, known, supplied);
    const userKey =
      demanded && use.requestId !== null ? await this.#unlock(use, known, supplied.masterPassword, ask) : undefined;
    try {
      if (row.type === 'provider') return await this.#fromProvider(use, row);
      const { requestId } = use;
      const bytes =
        userKey === undefined || requestId === null
          ? this.#open(row)
          : await this.#parts.masterPasswords.checkedOut(
              { requestId, accountId: row.id, user: use.user },
              userKey,
              async () => this.#open(row),
            );
      return { username: row.username, domain: row.domain, password: new Secret(bytes) };
    } finally {
      userKey?.fill(0);
    }
  }

  /** Asks until it is right, or tried too often. */
  async #unlock(
    use: CredentialUse,
    known: DirectoryName,
    first: Secret | undefined,
    ask: AskUser,
  ): Promise<Uint8Array> {
    let given = first;
    for (;;) {
      if (given === undefined) throw new GatewayError('master_password_required');
      try {
        return await this.#parts.masterPasswords.unlock(use.user, given, use.address);
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'master_password_wrong') throw error;
      } finally {
        given.wipe();
      }
      const { username, domain } = known;
      given = (await ask({ wants: ['master-password'], username, domain, again: 'master_password_wrong' }))
        .masterPassword;
    }
  }

  async #fromProvider(use: CredentialUse, row: AccountRow): Promise<Credentials> {
    const { store, providers, audit } = this.#parts;
    if (row.provider_id === null) throw new GatewayError('provider_unavailable', 'the account has no provider');
    const target = await store
      .selectFrom('targets')
      .select(['id', 'name', 'host', 'port'])
      .where('id', '=', row.target_id)
      .executeTakeFirstOrThrow();
    const provider = await providers.open(row.provider_id);
    const { username, domain, password } = await provider.fetch({
      user: { id: use.user.id, username: use.user.username },
      account: { id: row.id, username: row.username, domain: row.domain },
      target,
      requestId: use.requestId,
      purpose: use.purpose,
      lookup: JSON.parse(row.lookup_json) as AccountLookup,
    });
    await audit.record({
      action: 'credential.supplied',
      ...eventOf(use, row),
      details: { accountId: row.id, providerId: row.provider_id, purpose: use.purpose },
    });
    return { username: username ?? row.username, domain: domain ?? row.domain, password };
  }

  #open(row: AccountRow): Uint8Array {
    return this.#parts.vault.openBytes(Uint8Array.from(row.secret), row.id);
  }

  async #directoryName(user: CredentialUse['user'], account: AccountRow): Promise<DirectoryName> {
    const { username, domain } = await directoryName(this.#parts.store, user);
    return { username, domain: domain === '' ? account.domain : domain };
  }

  async #account(id: string): Promise<AccountRow> {
    const row = await this.#parts.store.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such account');
    return row;
  }

  /** What goes wrong with a credential is written down; what was tampered with, somebody is told. */
  async #report(use: CredentialUse, row: AccountRow, error: unknown): Promise<void> {
    const { audit, notifier } = this.#parts;
    const tampered = error instanceof VaultError;
    if (!tampered && !(error instanceof GatewayError && error.code.startsWith('provider_'))) return;
    const details = { accountId: row.id, purpose: use.purpose, code: error.code, detail: error.detail ?? '' };
    await audit.record({
      action: tampered ? 'vault.tampered' : 'credential.refused',
      ...eventOf(use, row),
      details,
    });
    if (!tampered) return;
    await notifier.publish({
      kind: 'vault.alert',
      title: `The stored password of ${row.username} does not open`,
      text: 'It was altered in the database, or sealed with another master key. Set it anew, or bring it back.',
      path: `/admin/vault/${row.id}`,
      audience: {},
      facts: { accountId: row.id, code: error.code },
    });
  }
}

/** Whether whoever connects brings the password. */
export function isSupplied({ type }: Pick<AccountRow, 'type'>): boolean {
  return type === 'prompted' || type === 'directory';
}

function promptOf(
  row: AccountRow,
  { username, domain }: DirectoryName,
  use: CredentialUse,
): CredentialPrompt | undefined {
  const asked: Want[] = [];
  if (row.type === 'prompted' && row.username === '') asked.push('username');
  if (isSupplied(row)) asked.push('password');
  else if ((row.master_password !== 0 || use.masterPassword) && use.requestId !== null) asked.push('master-password');
  return asked.length === 0 ? undefined : { wants: asked, username, domain, again: null };
}

function fromUser(row: AccountRow, known: DirectoryName, supplied: SuppliedCredential): Credentials {
  if (supplied.password === undefined) throw new GatewayError('credential_not_given');
  const own = row.type === 'prompted' && row.username === '';
  const typed = own ? splitName(supplied.username ?? '') : known;
  if (typed.username === '') throw new GatewayError('credential_not_given', 'no user name was given');
  return {
    username: typed.username,
    domain: (own ? (supplied.domain ?? typed.domain) : typed.domain) || known.domain,
    password: supplied.password,
  };
}

function eventOf(use: CredentialUse, row: AccountRow) {
  return {
    actor: use.user,
    address: use.address,
    subject: row.username,
    ...(use.sessionId === undefined ? {} : { sessionId: use.sessionId }),
  };
}
