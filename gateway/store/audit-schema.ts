import type { Generated, Selectable } from 'kysely';

/** The tables of the trail, besides `audit` itself. */
export interface AuditSchema {
  audit_heads: AuditHeadsTable;
  audit_archives: AuditArchivesTable;
  audit_receivers: AuditReceiversTable;
  access_history: AccessHistoryTable;
}

/** Signed statements of how far the trail had come. Append-only, as the trail. */
export interface AuditHeadsTable {
  number: number;
  hash: string;
  /** As it was signed: RFC 3339. */
  at: string;
  key_id: string;
  signature: string;
}

/** Ranges of rows that were taken out into a file; each with what was signed about it. */
export interface AuditArchivesTable {
  from_number: number;
  to_number: number;
  /** What the first row follows, and the hash of the last one. */
  previous_hash: string;
  last_hash: string;
  /** Of the file: its name in the archive folder and its SHA-256, hex. */
  file: string;
  digest: string;
  at: string;
  key_id: string;
  signature: string;
}

/** Where the trail is forwarded to. */
export interface AuditReceiversTable {
  id: string;
  name: string;
  enabled: number;
  /** rfc5424 | cef */
  format: string;
  /** tcp | tls */
  transport: string;
  host: string;
  port: number;
  /** PEM; empty: the authorities of this machine. */
  authorities: string;
  /** PEM; empty: none. */
  client_certificate: string;
  /** PEM, sealed by the vault for this receiver's id. */
  client_key: Uint8Array | null;
  /** close | none: how the arrival is confirmed */
  confirmation: string;
  created_at: number;
  /** The last row that arrived. */
  cursor: number;
  /** The last row that may have arrived: what is sent up to it is marked as sent again. */
  maybe: Generated<number>;
  /** The last head that arrived. */
  head: Generated<number>;
  sent_at: Generated<number | null>;
  last_error: Generated<string>;
  failed_at: Generated<number | null>;
  /** Whether administrators were told that it is behind. */
  told: Generated<number>;
}

/** What decides who may use what, by time. Kept by triggers of the tables themselves. */
export interface AccessHistoryTable {
  id: Generated<number>;
  table_name: string;
  row_key: string;
  row_json: string;
  valid_from: number;
  /** Null: still so. */
  valid_to: number | null;
}

export type AuditHeadRow = Selectable<AuditHeadsTable>;
export type AuditArchiveRow = Selectable<AuditArchivesTable>;
export type AuditReceiverRow = Selectable<AuditReceiversTable>;
export type AccessHistoryRow = Selectable<AccessHistoryTable>;
