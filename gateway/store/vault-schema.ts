import type { Generated, Selectable } from 'kysely';

/** The tables of the vault, beside `accounts` and `recording_keys`. */
export interface VaultSchema {
  vault_keys: VaultKeysTable;
  vault_secrets: VaultSecretsTable;
  credential_providers: CredentialProvidersTable;
  master_passwords: MasterPasswordsTable;
  checked_out_secrets: CheckedOutSecretsTable;
  account_rotations: AccountRotationsTable;
  rotation_history: RotationHistoryTable;
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

/** How the password of an account is changed, and how that went. */
export interface AccountRotationsTable {
  account_id: string;
  /** `RotationSettings` */
  settings_json: string;
  /** ok | changing | failed | unknown */
  state: string;
  /** While it is being changed, or nobody knows whether it was: the new password, sealed. */
  pending: Uint8Array | null;
  /** When it is changed next, or tried again. */
  due_at: number | null;
  /** schedule | check-in | reveal | by-hand */
  due_for: string;
  /** 1: somebody was shown the present one. */
  revealed: number;
  /** That failed in a row. */
  attempts: number;
  last_at: number | null;
  error_code: string | null;
  error_detail: string;
  /** What the computer is known by, and another that it came with since. */
  host_key: string | null;
  offered_key: string | null;
}

export interface RotationHistoryTable {
  id: Generated<number>;
  account_id: string;
  at: number;
  reason: string;
  /** succeeded | reconciled | failed */
  outcome: string;
  detail: string;
}

export type AccountRotationRow = Selectable<AccountRotationsTable>;
export type VaultKeyRow = Selectable<VaultKeysTable>;
export type CredentialProviderRow = Selectable<CredentialProvidersTable>;
export type MasterPasswordRow = Selectable<MasterPasswordsTable>;
