import type { Generated, Selectable } from 'kysely';

/** The tables of signing in, beside `users`. */
export interface SignInSchema {
  login_sessions: LoginSessionsTable;
  second_factors: SecondFactorsTable;
  recovery_codes: RecoveryCodesTable;
  known_devices: KnownDevicesTable;
  user_identities: UserIdentitiesTable;
  oidc_sign_ins: OidcSignInsTable;
  directory_identities: DirectoryIdentitiesTable;
  passkeys: PasskeysTable;
}

export interface LoginSessionsTable {
  /** SHA-256 of the token: a copy of the database signs nobody in. */
  token_hash: Uint8Array;
  user_id: string;
  created_at: number;
  last_seen_at: number;
  expires_at: number;
  /** Its name for people, for the audit log and for evidence; tells nothing of the token. */
  reference: Generated<string>;
  address: Generated<string>;
  user_agent: Generated<string>;
  /** password | ldap | passkey | oidc */
  method: Generated<string>;
  /** full | code: a code is still owed | enrol: a second factor must be set up first */
  stage: Generated<string>;
  /** When a second factor was last shown in this sign-in. */
  confirmed_at: Generated<number | null>;
  /** When a password or a factor was last shown in it, after its beginning. */
  proven_at: Generated<number | null>;
}

export interface SecondFactorsTable {
  user_id: string;
  /** The TOTP key, sealed by the vault for this user. */
  secret: Uint8Array;
  created_at: number;
  /** Null until a first code has proved that the key arrived. */
  confirmed_at: number | null;
  /** The time step of the last code that was taken; none at or before it is taken again. */
  last_step: number;
}

export interface RecoveryCodesTable {
  user_id: string;
  code_hash: Uint8Array;
  used_at: number | null;
}

export interface KnownDevicesTable {
  /** SHA-256 of the cookie. */
  token_hash: Uint8Array;
  user_id: string;
  address: string;
  user_agent: string;
  created_at: number;
  last_used_at: number;
}

/** Who a user is at an OpenID provider. */
export interface UserIdentitiesTable {
  issuer: string;
  subject: string;
  user_id: string;
  linked_at: number;
  last_sign_in_at: number | null;
  /** What the provider's group claim said last. */
  groups_json: string;
}

/** What a sign-in through an OpenID provider is checked again by, and ended. */
export interface OidcSignInsTable {
  reference: string;
  issuer: string;
  subject: string;
  sid: string | null;
  /** Sealed for the reference. */
  id_token: Uint8Array;
  refresh_token: Uint8Array | null;
  checked_at: number;
}

/** Who a user is in the directory (LDAP). */
export interface DirectoryIdentitiesTable {
  user_id: string;
  /** What stays when somebody is renamed or moved: objectGUID or entryUUID, in hex or as text. */
  unique_id: string;
  dn: string;
  /** active | disabled | expired | locked | gone | not_mapped: as the directory said last */
  state: string;
  /** Names of the directory's groups, as it said last. */
  groups_json: string;
  linked_at: number;
  checked_at: number;
  last_sign_in_at: number | null;
}

export interface PasskeysTable {
  id: string;
  user_id: string;
  /** base64url */
  credential_id: string;
  /** COSE */
  public_key: Uint8Array;
  /** The authenticator's signature counter, where it has one: only ever grows. */
  counter: number;
  transports_json: string;
  name: string;
  /** Whether it may leave the device that it was made on. */
  synced: number;
  created_at: number;
  last_used_at: number | null;
  /** When the counter went back: somebody has a copy, and it is not taken any more. */
  cloned_at: number | null;
}

export type LoginSessionRow = Selectable<LoginSessionsTable>;
export type PasskeyRow = Selectable<PasskeysTable>;
export type DirectoryIdentityRow = Selectable<DirectoryIdentitiesTable>;
export type SecondFactorRow = Selectable<SecondFactorsTable>;
export type OidcSignInRow = Selectable<OidcSignInsTable>;
