import type { Actor } from '../access/can.ts';
import type { Logger } from '../log.ts';
import type { AuditRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** What is written down. Grows; a name is never given another meaning. */
export const auditActions = [
  'gateway.started',
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
  'session.refused',
  'sessions.stopped',
  'sessions.allowed',
  'login.succeeded',
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
  'vault.rewrap_begun',
  'vault.rewrapped',
  'vault.tampered',
  'provider.created',
  'provider.changed',
  'provider.deleted',
  'provider.tried',
  'credential.supplied',
  'credential.refused',
  'secret.revealed',
  'secret.typed',
  'secret.refused',
  'master_password.set',
  'master_password.changed',
  'master_password.reset',
  'master_password.failed',
  'master_password.limited',
  'rotation.changed',
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
  'storage.low',
  'storage.full',
  'storage.recovered',
  'evidence.downloaded',
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

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly actorId: string | null;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly sessionId: string | null;
  readonly details: Record<string, unknown>;
}

const MAX_NAME = 256;

/** The append-only record of who did what. The table's triggers refuse to change or delete a row. */
export class Audit {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #now: () => number;

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
      actor_id: event.actor?.id ?? null,
      actor: (event.actor?.username ?? event.claimedName ?? '').slice(0, MAX_NAME),
      address: event.address ?? '',
      action: event.action,
      subject: (event.subject ?? '').slice(0, MAX_NAME),
      session_id: event.sessionId ?? null,
      details_json: JSON.stringify(event.details ?? {}),
    };
    await store.insertInto('audit').values(row).execute();
    this.#log.info({ audit: { ...row, details_json: undefined, details: event.details } }, 'audit');
  }

  /** The newest first. `before` is the id to go on from. */
  async list(options: { limit: number; before?: number; action?: string; sessionId?: string }): Promise<AuditEntry[]> {
    let query = this.#store.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(options.limit);
    if (options.before !== undefined) query = query.where('id', '<', options.before);
    if (options.action !== undefined) query = query.where('action', '=', options.action);
    if (options.sessionId !== undefined) query = query.where('session_id', '=', options.sessionId);
    return (await query.execute()).map(toEntry);
  }
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    actorId: row.actor_id,
    actor: row.actor,
    address: row.address,
    action: row.action,
    subject: row.subject,
    sessionId: row.session_id,
    details: JSON.parse(row.details_json) as Record<string, unknown>,
  };
}
