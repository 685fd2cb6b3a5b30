import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { GatewayError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Store } from '../../store/store.ts';
import type { CredentialProviderRow } from '../../store/vault-schema.ts';
import type { Vault } from '../vault.ts';
import { HashiCorpProvider } from './hashicorp.ts';
import { HttpProvider } from './http-provider.ts';
import type {
  CredentialProvider,
  HashiCorpSettings,
  HttpSettings,
  ProviderSecrets,
  ProviderSettings,
} from './provider.ts';

/** A provider as the API shows it: which secrets there are, never they themselves. */
export type ProviderView = ProviderSettings & {
  readonly id: string;
  readonly name: string;
  readonly hasToken: boolean;
  readonly hasSecretId: boolean;
  readonly hasClientKey: boolean;
  readonly accounts: number;
  readonly createdAt: string;
};

/** All fields of either kind; those of the other mean nothing. A secret of null is taken away. */
export type ProviderFields = Partial<Omit<HttpSettings, 'kind'> & Omit<HashiCorpSettings, 'kind'>> & {
  readonly [Name in keyof ProviderSecrets]?: string | null;
};
export type NewProvider = ProviderFields & { readonly name: string; readonly kind: ProviderSettings['kind'] };

const common = { url: '', timeoutMs: 5000, ca: '', clientCertificate: '' } as const;
const defaults: { readonly [Kind in ProviderSettings['kind']]: ProviderSettings } = {
  http: { kind: 'http', ...common },
  hashicorp: {
    kind: 'hashicorp',
    ...common,
    namespace: '',
    mount: 'secret',
    version: 2,
    auth: 'token',
    authMount: 'approle',
    roleId: '',
  },
};

/** The credential providers of this gateway, and how they are reached. */
export class Providers {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  async list(): Promise<ProviderView[]> {
    const rows = await this.#store.selectFrom('credential_providers').selectAll().orderBy('name').execute();
    return Promise.all(rows.map((row) => this.#view(row)));
  }

  async get(id: string): Promise<ProviderView> {
    return this.#view(await this.#row(id));
  }

  async create(fields: NewProvider): Promise<ProviderView> {
    const id = newId();
    const { settings, secrets } = merge(defaults[fields.kind], {}, fields);
    await this.#requireNewName(fields.name, id);
    await this.#store
      .insertInto('credential_providers')
      .values({
        id,
        name: fields.name,
        settings_json: JSON.stringify(settings),
        secret: this.#seal(id, secrets),
        created_at: Date.now(),
      })
      .execute();
    return this.get(id);
  }

  async change(id: string, fields: ProviderFields & { readonly name?: string }): Promise<ProviderView> {
    const row = await this.#row(id);
    const before = { settings: settingsOf(row), secrets: this.#secrets(row) };
    const { settings, secrets } = merge(before.settings, before.secrets, fields);
    const elsewhere = settings.url !== before.settings.url || settings.ca !== before.settings.ca;
    const kept = (['token', 'secretId'] as const).filter((name) => fields[name] === undefined);
    if (elsewhere && kept.some((name) => before.secrets[name] !== undefined)) {
      throw new GatewayError('conflict', 'the token or secret id of the provider would go elsewhere: give it again');
    }
    if (fields.name !== undefined) await this.#requireNewName(fields.name, id);
    await this.#store
      .updateTable('credential_providers')
      .set({
        name: fields.name ?? row.name,
        settings_json: JSON.stringify(settings),
        secret: this.#seal(id, secrets),
      })
      .where('id', '=', id)
      .execute();
    return this.get(id);
  }

  /** Throws `conflict` while accounts come from it. */
  async remove(id: string): Promise<ProviderView> {
    const provider = await this.get(id);
    if (provider.accounts > 0) throw new GatewayError('conflict', `${provider.accounts} accounts come from it`);
    await this.#store.deleteFrom('credential_providers').where('id', '=', id).execute();
    return provider;
  }

  /** What asks it, as it is set up now. Throws `not_found`. */
  async open(id: string): Promise<CredentialProvider> {
    const row = await this.#row(id);
    const settings = settingsOf(row);
    const secrets = this.#secrets(row);
    return settings.kind === 'http' ? new HttpProvider(settings, secrets) : new HashiCorpProvider(settings, secrets);
  }

  async #row(id: string): Promise<CredentialProviderRow> {
    const row = await this.#store
      .selectFrom('credential_providers')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such provider');
    return row;
  }

  async #view(row: CredentialProviderRow): Promise<ProviderView> {
    const { token, secretId, clientKey } = this.#secrets(row);
    const { accounts } = await this.#store
      .selectFrom('accounts')
      .select(({ fn }) => fn.countAll<number>().as('accounts'))
      .where('provider_id', '=', row.id)
      .executeTakeFirstOrThrow();
    return {
      id: row.id,
      name: row.name,
      ...settingsOf(row),
      hasToken: token !== undefined,
      hasSecretId: secretId !== undefined,
      hasClientKey: clientKey !== undefined,
      accounts,
      createdAt: new Date(row.created_at).toISOString(),
    };
  }

  #secrets(row: CredentialProviderRow): ProviderSecrets {
    if (row.secret === null) return {};
    return JSON.parse(this.#vault.open(Uint8Array.from(row.secret), sealName(row.id))) as ProviderSecrets;
  }

  #seal(id: string, secrets: ProviderSecrets): Uint8Array | null {
    return Object.keys(secrets).length === 0 ? null : this.#vault.seal(JSON.stringify(secrets), sealName(id));
  }

  async #requireNewName(name: string, id: string): Promise<void> {
    const taken = await this.#store
      .selectFrom('credential_providers')
      .select('id')
      .where('name', '=', name)
      .where('id', '!=', id)
      .executeTakeFirst();
    if (taken !== undefined) throw new GatewayError('conflict', 'there is a provider of that name');
  }
}

function settingsOf(row: CredentialProviderRow): ProviderSettings {
  const stored = JSON.parse(row.settings_json) as ProviderSettings;
  return { ...defaults[stored.kind], ...stored } as ProviderSettings;
}

function merge(
  before: ProviderSettings,
  secretsBefore: ProviderSecrets,
  fields: ProviderFields,
): { settings: ProviderSettings; secrets: ProviderSecrets } {
  const known = Object.keys(before).filter((name) => name !== 'kind' && Object.hasOwn(fields, name));
  const given = fields as Readonly<Record<string, unknown>>;
  const settings = { ...before, ...Object.fromEntries(known.map((name) => [name, given[name]])) } as ProviderSettings;
  const kept: Record<string, string> = { ...secretsBefore };
  for (const name of ['token', 'secretId', 'clientKey'] as const) {
    const value = fields[name];
    if (value === null || value === '') delete kept[name];
    else if (value !== undefined) kept[name] = value;
  }
  requireUsable(settings, kept);
  return { settings, secrets: kept };
}

/** What could not work anyway is refused when it is saved, not when somebody wants to connect. */
function requireUsable(settings: ProviderSettings, secrets: ProviderSecrets): void {
  const refuse = (detail: string, cause?: unknown): never => {
    throw new GatewayError('bad_request', detail, { cause });
  };
  const url = URL.parse(settings.url);
  const loopback = url !== null && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))) {
    refuse('the address of a provider is one of https, or of http on this machine');
  }
  if ((settings.clientCertificate === '') !== (secrets.clientKey === undefined)) {
    refuse('a client certificate and its key come together');
  }
  try {
    if (settings.ca !== '') new X509Certificate(settings.ca);
    if (secrets.clientKey !== undefined) {
      createSecureContext({ cert: settings.clientCertificate, key: secrets.clientKey });
    }
  } catch (cause) {
    refuse('a certificate or key is not one in PEM, or they do not belong together', cause);
  }
}

function sealName(id: string): string {
  return `credential provider ${id}`;
}
