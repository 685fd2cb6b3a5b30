import type { Selectable } from 'kysely';

/** The tables of the vault, beside `accounts` and `recording_keys`. */
export interface VaultSchema {
  vault_keys: VaultKeysTable;
  vault_secrets: VaultSecretsTable;
  credential_providers: CredentialProvidersTable;
  directory_names: DirectoryNamesTable;
  master_passwords: MasterPasswordsTable;
  checked_out_secrets: CheckedOutSecretsTable;
}

/** Master keys: their names, never they themselves. One is current; while secrets move, another is next. */
export interface VaultKeysTable {
  /** 16 hexadecimal digits */
  id: string;
  /** current | next */
  state: string;
  /** file | environment | passphrase */
  source: string;
  /** `PassphraseParameters`, of a passphrase. */
  parameters_json: string | null;
  /** While secrets move: the other key, encrypted with this one, so that either will do after a crash. */
  bridge: Uint8Array | null;
  created_at: number;
}

/** What the gateway itself needs to stay the same when the master key changes, sealed by the vault. */
export interface VaultSecretsTable {
  name: string;
  secret: Uint8Array;
}

/** Where credentials come from that are not kept here. */
export interface CredentialProvidersTable {
  id: string;
  name: string;
  /** `ProviderSettings` */
  settings_json: string;
  /** `ProviderSecrets` as JSON, sealed for this provider. */
  secret: Uint8Array | null;
  created_at: number;
}

/** Who a user is in her directory, where that is not her name here. */
export interface DirectoryNamesTable {
  user_id: string;
  username: string;
  domain: string;
}

/** Of each user who has one: a key of her own, wrapped by a key that is derived from her master password. */
export interface MasterPasswordsTable {
  user_id: string;
  /** `PassphraseParameters` */
  parameters_json: string;
  wrapped_key: Uint8Array;
  set_at: number;
  /** Wrong tries in a row. */
  failures: number;
  locked_until: number;
}

/** What was checked out under a master password: encrypted with the user's own key, then sealed by the vault. */
export interface CheckedOutSecretsTable {
  request_id: string;
  account_id: string;
  user_id: string;
  secret: Uint8Array;
  created_at: number;
}

export type VaultKeyRow = Selectable<VaultKeysTable>;
export type CredentialProviderRow = Selectable<CredentialProvidersTable>;
export type MasterPasswordRow = Selectable<MasterPasswordsTable>;
