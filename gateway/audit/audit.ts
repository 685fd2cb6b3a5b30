import type { Actor } from '../access/can.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { type AuditEntry, type AuditFilter, AuditSearch } from './audit-search.ts';
import { GENESIS, hashRow, type StoredRow, toTrailRow } from './chain.ts';

/** What is written down. Grows; a name is never given another meaning. */
export const auditActions = [
  'gateway.started',
  'gateway.stopped',
  'clock.moved',
  'group.created',
  'group.changed',
  'group.deleted',
  'policy.created',
  'policy.changed',
  'policy.deleted',
  'entitlement.created',
  'entitlement.changed',
  'entitlement.deleted',
  'request.created',
  'request.emergency',
  'request.approved',
  'request.denied',
  'request.granted',
  'request.available',
  'request.revoked',
  'request.expired',
  'request.completed',
  'request.session_opened',
  'request.session_ended',
  'request.reviewed',
  'request.secret_revealed',
  'request.secret_typed',
  'session.refused',
  'session.file_transferred',
  'sessions.stopped',
  'sessions.allowed',
  'login.succeeded',
  'login.first_step',
  'login.failed',
  'login.limited',
  'login.guessing',
  'logout',
  'sign_in.revoked',
  'second_factor.enrolled',
  'second_factor.removed',
  'second_factor.confirmed',
  'second_factor.failed',
  'second_factor.limited',
  'second_factor.recovery_used',
  'second_factor.recovery_renewed',
  'passkey.registered',
  'passkey.renamed',
  'passkey.removed',
  'passkey.cloned',
  'identity.linked',
  'identity.unlinked',
  'identity.refused',
  'identity.ended',
  'webhook.created',
  'webhook.changed',
  'webhook.deleted',
  'delivery.failed',
  'delivery.retried',
  'user.created',
  'user.changed',
  'user.deleted',
  'target.created',
  'target.changed',
  'target.deleted',
  'target.certificate_trusted',
  'target.certificate_refused',
  'target.tested',
  'account.created',
  'account.changed',
  'account.deleted',
  'setting.changed',
  'setting.tested',
  'vault.rewrap_begun',
  'vault.rewrapped',
  'vault.tampered',
  'provider.created',
  'provider.changed',
  'provider.deleted',
  'provider.tried',
  'credential.supplied',
  'credential.refused',
  'master_password.set',
  'master_password.changed',
  'master_password.reset',
  'master_password.failed',
  'master_password.limited',
  'rotation.changed',
  'rotation.removed',
  'rotation.asked',
  'rotation.succeeded',
  'rotation.failed',
  'rotation.reconciled',
  'rotation.host_key',
  'session.requested',
  'session.connected',
  'session.downgraded',
  'session.ended',
  'session.watched',
  'session.unwatched',
  'session.frozen',
  'session.unfrozen',
  'session.messaged',
  'session.terminated',
  'session.alert',
  'alert_rule.created',
  'alert_rule.changed',
  'alert_rule.deleted',
  'recording.viewed',
  'recording.downloaded',
  'recording.verified',
  'recording.held',
  'recording.hold_lifted',
  'recording.deleted',
  'retention.changed',
  'retention.paused',
  'retention.resumed',
  'storage.low',
  'storage.full',
  'storage.recovered',
  'evidence.downloaded',
  'action.refused',
  'trail.started',
  'trail.broken',
  'trail.verified',
  'trail.exported',
  'trail.archived',
  'trail.archive_downloaded',
  'report.made',
  'receiver.created',
  'receiver.changed',
  'receiver.deleted',
  'receiver.tested',
  'receiver.rewound',
  'receiver.behind',
  'receiver.caught_up',
] as const;
export type AuditAction = (typeof auditActions)[number];

export interface AuditEvent {
  readonly action: AuditAction;
  /** Who did it; without one, the gateway itself or somebody not signed in. */
  readonly actor?: Pick<Actor, 'id' | 'username'> | undefined;
  /** A name given by somebody not signed in, for failed logins. */
  readonly claimedName?: string;
  readonly address?: string;
  /** What it was done to: a name or an id. */
  readonly subject?: string;
  readonly sessionId?: string;
  /** More, never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

const MAX_NAME = 256;

/**
 * The append-only record of who did what. Each row carries its number and the hash of its content with the row before; the
 * table's triggers refuse to change or delete a row.
 */
export class Audit {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();

  constructor(store: Store, log: Logger, now: () => number = Date.now) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
  }

  /**
   * Writes one event; throws when it cannot be kept, so that what must be audited does not happen unseen.
   * @param store the transaction that the event is part of, so that either both are kept or neither
   */
  async record(event: AuditEvent, store: Store = this.#store): Promise<void> {
    const row = {
      at: this.#now(),
      actor_id: event.actor?.id || null,
      actor: nameOf(event.actor?.username ?? event.claimedName),
      address: nameOf(event.address),
      action: event.action,
      subject: nameOf(event.subject),
      session_id: event.sessionId || null,
      details_json: JSON.stringify(event.details ?? {}),
    };
    // INVARIANT: the last row is read and the next one written in one transaction; there is one connection, so one order.
    if (store.isTransaction) await append(store, row);
    else await store.transaction().execute((transaction) => append(transaction, row));
    this.#log.info({ audit: { ...row, details_json: undefined, details: event.details } }, 'audit');
    for (const listener of this.#listeners) listener();
  }

  /** The newest first. `before` is the number to go on from. */
  list(options: AuditFilter & { limit: number; before?: number }): Promise<AuditEntry[]> {
    return new AuditSearch(this.#store).list(options);
  }

  /** Calls back after a row was written; it may be part of a transaction that has not ended yet. */
  onRecorded(listener: () => void): void {
    this.#listeners.add(listener);
  }
}

type NewRow = Omit<StoredRow, 'id'>;

async function append(store: Store, row: NewRow): Promise<void> {
  const last = await store.selectFrom('audit').select(['id', 'hash']).orderBy('id', 'desc').limit(1).executeTakeFirst();
  const numbered = { id: (last?.id ?? 0) + 1, ...row };
  const hash = hashRow(last?.hash ?? GENESIS, toTrailRow(numbered));
  await store
    .insertInto('audit')
    .values({ ...numbered, hash })
    .execute();
}

/** Half a character, left over where a name was cut, would not come back from the database as it went in. */
function nameOf(text = ''): string {
  return text.slice(0, MAX_NAME).toWellFormed();
}
