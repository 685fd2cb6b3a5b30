import { createHash } from 'node:crypto';

/** What the first row follows. */
export const GENESIS = '0'.repeat(64);

/** One row of the trail, as it is hashed. */
export interface TrailRow {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly actorId: string | null;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly sessionId: string | null;
  /** JSON, as it was written: it is the text that is hashed. */
  readonly details: string;
}

/** A row with its place in the chain. */
export interface ChainedRow extends TrailRow {
  /** SHA-256 of the row with the hash of the one before it, hex. */
  readonly hash: string;
}

/**
 * SHA-256, hex, of a row and the hash of the one before it: of the line `oriel-audit-row-1` and a JSON array of its parts
 * without spaces, UTF-8. `docs/audit.md` describes it for whoever checks without our code.
 */
export function hashRow(previous: string, row: TrailRow): string {
  const { number, at, actorId, actor, address, action, subject, sessionId, details } = row;
  const parts = [previous, number, at, actorId, actor, address, action, subject, sessionId, details];
  return createHash('sha256')
    .update(`oriel-audit-row-1\n${JSON.stringify(parts)}`)
    .digest('hex');
}

/** A row of the database's table. */
export interface StoredRow {
  readonly id: number;
  readonly at: number;
  readonly actor_id: string | null;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly session_id: string | null;
  readonly details_json: string;
}

export function toTrailRow(row: StoredRow): TrailRow {
  return {
    number: row.id,
    at: row.at,
    actorId: row.actor_id,
    actor: row.actor,
    address: row.address,
    action: row.action,
    subject: row.subject,
    sessionId: row.session_id,
    details: row.details_json,
  };
}
