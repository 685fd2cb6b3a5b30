import type { Generated, Insertable, Selectable } from 'kysely';
import type { AccessSchema } from './access-schema.ts';
import type { AlertSchema } from './alert-schema.ts';
import type { AuditSchema } from './audit-schema.ts';
import type { NotificationSchema } from './notification-schema.ts';
import type { RetentionSchema } from './retention-schema.ts';
import type { SignInSchema } from './sign-in-schema.ts';
import type { VaultSchema } from './vault-schema.ts';

/** The tables. Times are milliseconds since the epoch; booleans are 0 or 1; `*_json` columns hold JSON text. */
export interface Schema
  extends AccessSchema,
    SignInSchema,
    NotificationSchema,
    RetentionSchema,
    AlertSchema,
    VaultSchema,
    AuditSchema {
  users: UsersTable;
  targets: TargetsTable;
  accounts: AccountsTable;
  settings: SettingsTable;
  sessions: SessionsTable;
  audit: AuditTable;
  verifications: VerificationsTable;
  recording_keys: RecordingKeysTable;
}

export interface UsersTable {
  id: string;
  username: string;
  password_hash: string;
  roles_json: string;
  disabled: number;
  created_at: number;
  email: Generated<string | null>;
  display_name: Generated<string | null>;
  /** The account in the directory that this user is: sAMAccountName or uid. */
  directory_username: Generated<string | null>;
  directory_domain: Generated<string | null>;
}

export interface TargetsTable {
  id: string;
  name: string;
  host: string;
  port: number;
  nla: string;
  /** SHA-256 of the certificate that was accepted, in hex; null until first use. */
  trusted_certificate: string | null;
  /** SHA-256 of another one that the server came with since. */
  offered_certificate: string | null;
  demo: number;
  created_at: number;
  /** first_use | pinned | system */
  certificate_trust: Generated<string>;
  /** 1.0 | 1.1 | 1.2 | 1.3 */
  minimum_tls: Generated<string>;
  restricted_admin: Generated<number>;
  /** refused | accepted: standard RDP security */
  legacy_security: Generated<string>;
  /** 2 to 6 */
  oldest_credssp: Generated<number>;
  /** full | counts | off: what of the input goes into a recording's event log */
  input_log: Generated<string>;
}

export interface AccountsTable {
  id: string;
  target_id: string;
  username: string;
  domain: string;
  /** The password, sealed by the vault for this account's id; empty where it is not kept here. */
  secret: Uint8Array;
  created_at: number;
  /** vaulted | prompted | directory | provider */
  type: Generated<string>;
  provider_id: Generated<string | null>;
  /** `AccountLookup`: what of the provider is meant. */
  lookup_json: Generated<string>;
  /** 1: whoever uses it gives her master password for it. */
  master_password: Generated<number>;
}

export interface SettingsTable {
  name: string;
  value_json: string;
}

/** Every session there was. Names are copied in, so that the row stays true when user or target go. */
export interface SessionsTable {
  id: string;
  user_id: string;
  username: string;
  target_id: string;
  target_name: string;
  account_id: string;
  account_username: string;
  width: number;
  height: number;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  end_code: string | null;
  /** none | recording | finishing | ready | failed | deleting | deleted */
  recording: string;
  recording_deleted_at: Generated<number | null>;
  /** age | size: the rule that it was deleted by */
  recording_deleted_by: Generated<string | null>;
  recording_duration_ms: number | null;
  recording_bytes: number | null;
  /** The request that it was opened under; none for sessions from before there were any. */
  request_id: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  at: number;
  actor_id: string | null;
  actor: string;
  address: string;
  action: string;
  subject: string;
  session_id: string | null;
  details_json: string;
  /** SHA-256 of this row with the one before it, hex. */
  hash: string;
}

/** What recordings are encrypted with. */
export interface RecordingKeysTable {
  session_id: string;
  /** The key, sealed by the vault for this recording's id; null: destroyed. */
  secret: Uint8Array | null;
  created_at: number;
  destroyed_at: number | null;
}

/** The last check of each recording. */
export interface VerificationsTable {
  session_id: string;
  at: number;
  username: string;
  report_json: string;
}

export type UserRow = Selectable<UsersTable>;
export type TargetRow = Selectable<TargetsTable>;
export type AccountRow = Selectable<AccountsTable>;
export type SessionRow = Selectable<SessionsTable>;
export type NewSessionRow = Insertable<SessionsTable>;
export type AuditRow = Selectable<AuditTable>;
