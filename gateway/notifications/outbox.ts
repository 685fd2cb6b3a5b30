import type { Audit } from '../audit/audit.ts';
import { every } from '../beat.ts';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { KeptQuery } from '../store/kept-query.ts';
import type { OutboxRow } from '../store/notification-schema.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';

/** First wait after a failure; each further one doubles it. */
export const FIRST_RETRY_MS = 15_000;
export const LONGEST_RETRY_MS = 4 * 60 * 60_000;
/** About two days. */
export const MAX_ATTEMPTS = 22;
/** A delivery that has not ended by then is taken to have died with its gateway. */
const LEASE_MS = 2 * 60_000;
/** Of one lane. */
const AT_ONCE = 4;
/** How often the table is looked at without being told to. */
const POLL_MS = 5000;
const ANY_DUE = new KeptQuery((store, now) =>
  store.selectFrom('outbox').select('id').where('state', '=', 'waiting').where('next_at', '<=', now).limit(1),
);
/** Whoever publishes within a transaction has committed by then. */
const WAKE_MS = 100;
/** What was sent, or given up, is shown for this long. */
const KEEP_MS = 30 * 86_400_000;
const FORGET_EVERY_MS = 60 * 60_000;

export const outboxChannels = ['mail', 'webhook'] as const;
export type OutboxChannel = (typeof outboxChannels)[number];

/** Something to send. */
export interface Parcel {
  /** Stays the same over every attempt: whoever got it twice can tell. */
  readonly id: string;
  readonly recipient: string;
  readonly kind: string;
  readonly createdAt: number;
  readonly body: unknown;
}

/** What is sent one after the other, some at a time: mail, and what is for one webhook. */
interface Lane {
  readonly channel: OutboxChannel;
  readonly recipient?: string;
}

/** Sends one parcel, or throws: `Undeliverable` when trying again is of no use. */
export type Carrier = (parcel: Parcel) => Promise<void>;

export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}

export interface Delivery {
  readonly id: string;
  readonly channel: OutboxChannel;
  readonly recipient: string;
  readonly kind: string;
  readonly state: 'waiting' | 'sent' | 'failed';
  readonly attempts: number;
  readonly createdAt: string;
  readonly nextAt: string | null;
  readonly doneAt: string | null;
  readonly lastError: string;
}

export interface OutboxParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly log: Logger;
  readonly carriers: Readonly<Record<OutboxChannel, Carrier>>;
  readonly now?: () => number;
}

/**
 * Sends what is in the outbox table until it arrived: at least once, each with an id that stays the same. What is written
 * there in the transaction of what happened is neither lost nor sent for something that did not happen.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #now: () => number;
  readonly #running = new Set<Promise<void>>();
  /** How many are under way, by the name of their lane. */
  readonly #busy = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #endPolls: (() => void) | undefined;
  /** When the timer fires, by a clock that nobody sets. */
  #wakesAt = Infinity;
  #stopped = true;
  /** For good: what is not on its way yet stays for the next start. */
  #isOver = false;
  /** When it was last looked, by that clock, what need not be shown any more. */
  #forgotAt = Number.NEGATIVE_INFINITY;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** @param store the transaction that this is part of */
  async add(
    store: Store,
    parcels: readonly { readonly channel: OutboxChannel; readonly recipient: string; kind: string; body: unknown }[],
  ): Promise<void> {
    if (parcels.length === 0) return;
    const now = this.#now();
    const rows = parcels.map(({ channel, recipient, kind, body }) => {
      const id = newId();
      return {
        id,
        channel,
        recipient,
        kind,
        body: this.#parts.vault.seal(JSON.stringify(body), sealName(id)),
        created_at: now,
        state: 'waiting',
        attempts: 0,
        next_at: now,
        done_at: null,
        last_error: '',
      };
    });
    await store.insertInto('outbox').values(rows).execute();
    this.#wake(WAKE_MS);
  }

  start(): void {
    this.#stopped = false;
    this.#endPolls = every(POLL_MS, () => this.#look());
    this.#wake(0);
  }

  /** Waits for what is being sent now. The rest is sent after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#isOver = true;
    this.#endPolls?.();
    clearTimeout(this.#timer);
    await Promise.allSettled(this.#running);
  }

  /** The newest first. */
  async list(limit: number): Promise<Delivery[]> {
    const rows = await this.#parts.store
      .selectFrom('outbox')
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(toDelivery);
  }

  /** Has something tried again now that waits, or was given up. */
  async retry(id: string): Promise<void> {
    const { numUpdatedRows } = await this.#parts.store
      .updateTable('outbox')
      .set({ state: 'waiting', attempts: 0, next_at: this.#now(), done_at: null })
      .where('id', '=', id)
      .where('state', '!=', 'sent')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new GatewayError('not_found');
    this.#wake(0);
  }

  /** Sends everything that is due, as far as other rounds leave room; for the timer, and for tests. */
  async deliverDue(): Promise<void> {
    const lanes = await this.#lanesDue();
    await Promise.all(lanes.map((lane) => this.#deliverLane(lane)));
  }

  /** INVARIANT: a receiver that takes its time keeps nothing waiting but what is for itself. */
  async #deliverLane(lane: Lane): Promise<void> {
    const name = `${lane.channel} ${lane.recipient ?? ''}`;
    const busy = this.#busy.get(name) ?? 0;
    if (busy >= AT_ONCE || this.#isOver) return;
    this.#busy.set(name, AT_ONCE);
    const rows = await this.#claim(lane, AT_ONCE - busy).catch((error: unknown) => {
      this.#leave(name, AT_ONCE - busy);
      throw error;
    });
    this.#leave(name, AT_ONCE - busy - rows.length);
    await Promise.all(
      rows.map(async (row) => {
        await this.#deliver(row).finally(() => this.#leave(name, 1));
        await this.#deliverLane(lane);
      }),
    );
  }

  #leave(name: string, places: number): void {
    const busy = (this.#busy.get(name) ?? 0) - places;
    if (busy > 0) this.#busy.set(name, busy);
    else this.#busy.delete(name);
  }

  async #lanesDue(): Promise<Lane[]> {
    const now = this.#now();
    // Nothing is due, more often than not, and this looks at one entry of an index.
    if ((await ANY_DUE.rows(this.#parts.store, now)).length === 0) return [];
    const rows = await this.#parts.store
      .selectFrom('outbox')
      .select(['channel', 'recipient'])
      .distinct()
      .where('state', '=', 'waiting')
      .where('next_at', '<=', now)
      .execute();
    const hooks = rows.filter(({ channel }) => channel === 'webhook');
    const mail = rows.length > hooks.length ? [{ channel: 'mail' } as const] : [];
    return [...mail, ...hooks.map(({ recipient }) => ({ channel: 'webhook' as const, recipient }))];
  }

  #wake(after: number): void {
    const at = performance.now() + after;
    // Whoever wants to be served soon is not put off by whoever looks in later.
    if (this.#stopped || at >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => {
      this.#wakesAt = Infinity;
      this.#look();
    }, after);
    this.#timer.unref();
  }

  #look(): void {
    const round: Promise<void> = this.deliverDue()
      .then(() => this.#forget())
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'the outbox could not be worked on'))
      .finally(() => this.#running.delete(round));
    this.#running.add(round);
  }

  /** INVARIANT: a row is taken by changing when it is due next, so that no two rounds send it, and a crash only delays it. */
  async #claim({ channel, recipient }: Lane, atMost: number): Promise<OutboxRow[]> {
    const now = this.#now();
    return this.#parts.store.transaction().execute(async (transaction) => {
      const due = await transaction
        .selectFrom('outbox')
        .selectAll()
        .where('state', '=', 'waiting')
        .where('next_at', '<=', now)
        .where('channel', '=', channel)
        .$if(recipient !== undefined, (query) => query.where('recipient', '=', recipient ?? ''))
        .orderBy('next_at')
        .limit(atMost)
        .execute();
      for (const row of due) {
        await transaction
          .updateTable('outbox')
          .set({ attempts: row.attempts + 1, next_at: now + LEASE_MS })
          .where('id', '=', row.id)
          .execute();
      }
      return due.map((row) => ({ ...row, attempts: row.attempts + 1 }));
    });
  }

  async #deliver(row: OutboxRow): Promise<void> {
    const { carriers, vault, log } = this.#parts;
    const channel = row.channel as OutboxChannel;
    try {
      const body = JSON.parse(vault.open(Uint8Array.from(row.body), sealName(row.id))) as unknown;
      const { id, recipient, kind, created_at: createdAt } = row;
      await carriers[channel]({ id, recipient, kind, createdAt, body });
    } catch (error) {
      const reason = (error as Error).message.slice(0, 500);
      const last = error instanceof Undeliverable || row.attempts >= MAX_ATTEMPTS;
      log.warn({ err: error, id: row.id, channel, attempts: row.attempts, last }, 'a notification did not arrive');
      await this.#failed(row, reason, last);
      return;
    }
    await this.#set(row.id, { state: 'sent', done_at: this.#now(), last_error: '' });
  }

  async #failed(row: OutboxRow, reason: string, last: boolean): Promise<void> {
    const now = this.#now();
    if (!last) {
      const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (row.attempts - 1));
      await this.#set(row.id, { next_at: now + wait, last_error: reason });
      return;
    }
    await this.#set(row.id, { state: 'failed', done_at: now, last_error: reason });
    const details = { channel: row.channel, kind: row.kind, attempts: row.attempts, reason };
    await this.#parts.audit.record({ action: 'delivery.failed', subject: row.recipient, details });
  }

  async #set(id: string, change: Partial<OutboxRow>): Promise<void> {
    await this.#parts.store.updateTable('outbox').set(change).where('id', '=', id).execute();
  }

  async #forget(): Promise<void> {
    const now = performance.now();
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    await this.#parts.store
      .deleteFrom('outbox')
      .where('state', '!=', 'waiting')
      .where('done_at', '<', this.#now() - KEEP_MS)
      .execute();
  }
}

function sealName(id: string): string {
  return `outbox ${id}`;
}

function toDelivery(row: OutboxRow): Delivery {
  const iso = (time: number) => new Date(time).toISOString();
  return {
    id: row.id,
    channel: row.channel as OutboxChannel,
    recipient: row.recipient,
    kind: row.kind,
    state: row.state as Delivery['state'],
    attempts: row.attempts,
    createdAt: iso(row.created_at),
    nextAt: row.state === 'waiting' ? iso(row.next_at) : null,
    doneAt: row.done_at === null ? null : iso(row.done_at),
    lastError: row.last_error,
  };
}
