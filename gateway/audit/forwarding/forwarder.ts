import { hostname } from 'node:os';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Notifier } from '../../notifications/kinds.ts';
import { Recurring } from '../../recurring.ts';
import type { Audit } from '../audit.ts';
import type { Trail } from '../trail.ts';
import { deliver, NotDelivered } from './delivery.ts';
import type { Receiver, Receivers } from './receivers.ts';
import { frame, headMessage, rowMessage, type Sender, testMessage } from './syslog.ts';

export interface ForwarderParts {
  readonly receivers: Receivers;
  readonly trail: Trail;
  readonly audit: Audit;
  readonly notifier: Notifier;
  readonly log: Logger;
  readonly version: string;
  readonly now?: () => number;
  /** Tests shorten it. */
  readonly firstRetryMs?: number;
}

/** How a receiver stands. */
export interface ReceiverState {
  /** Rows that it does not have yet. */
  readonly behind: number;
  /** When the oldest of them was written. */
  readonly behindSince: string | null;
}

/** A row that waits longer than this is worth an alert. */
export const ALERT_AFTER_MS = 5 * 60_000;
const LOOK_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** A row that was written in a transaction is there when that has ended. */
const GATHER_MS = 20;
/** At first, and after every failure, one row at a time: what is not known to have arrived is little then. */
const FIRST_BATCH = 1;
const LARGEST_BATCH = 256;
/** A head is sent when the last one was sent this long ago. */
const HEAD_EVERY_MS = 5 * 60_000;

/**
 * Forwards the trail to each receiver, in order. The trail itself is the buffer, and the receiver's row says how far it has
 * come, so that nothing is lost when either side goes down. What may have arrived, and nobody knows, is sent again and
 * says so; it has its number.
 */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #now: () => number;
  readonly #sender: Sender;
  readonly #pumps = new Map<string, Pump>();
  readonly #looks: Recurring;
  #stopped = true;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#sender = { hostname: hostname(), version: parts.version };
    this.#looks = new Recurring(
      LOOK_EVERY_MS,
      () => this.look(),
      (error) => parts.log.error({ err: error }, 'the receivers of the trail could not be looked at'),
    );
    parts.audit.onRecorded(() => {
      for (const pump of this.#pumps.values()) pump.wake(GATHER_MS);
    });
  }

  async start(): Promise<void> {
    this.#stopped = false;
    await this.reload();
    this.#looks.start();
    this.#looks.now();
  }

  /** Sends what is left to whoever is there. The rest follows after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looks.stop();
    await Promise.all([...this.#pumps.values()].map((pump) => pump.stop(true)));
    this.#pumps.clear();
  }

  /** Receivers were added, changed or removed: each is tried at once. */
  async reload(): Promise<void> {
    if (this.#stopped) return;
    const enabled = (await this.#parts.receivers.list()).filter((receiver) => receiver.enabled);
    for (const [id, pump] of this.#pumps) {
      if (enabled.some((receiver) => receiver.id === id)) continue;
      this.#pumps.delete(id);
      void pump.stop();
    }
    for (const { id } of enabled) {
      const present = this.#pumps.get(id);
      if (present !== undefined) present.hurry();
      else {
        const pump = new Pump((size) => this.#forward(id, size), this.#parts);
        this.#pumps.set(id, pump);
        pump.hurry();
      }
    }
  }

  /** The last row that every enabled receiver has. */
  async forwardedUpTo(): Promise<number> {
    const receivers = await this.#parts.receivers.list();
    return Math.min(Number.MAX_SAFE_INTEGER, ...receivers.filter(({ enabled }) => enabled).map(({ cursor }) => cursor));
  }

  async stateOf({ cursor }: Receiver): Promise<ReceiverState> {
    const { trail } = this.#parts;
    const next = await trail.search.next(cursor);
    const last = (await trail.search.last())?.id ?? 0;
    const behindSince = next === undefined ? null : new Date(next.at).toISOString();
    return { behind: next === undefined ? 0 : last - next.id + 1, behindSince };
  }

  /** Sends a message of its own now. Throws `delivery_failed` with what went wrong. */
  async test(id: string, by: string): Promise<void> {
    const { format } = await this.#parts.receivers.get(id);
    const destination = await this.#parts.receivers.destination(id);
    try {
      await deliver(destination, [frame(testMessage(by, new Date(this.#now()), format, this.#sender))]);
    } catch (error) {
      throw new GatewayError('delivery_failed', (error as Error).message.slice(0, 300), { cause: error });
    }
    // It is there: what waits need not wait for the next try.
    this.#pumps.get(id)?.hurry();
  }

  /** Has everything from this row on sent again, marked as such. */
  async rewind(id: string, number: number): Promise<Receiver> {
    const { receivers } = this.#parts;
    const { cursor, maybe } = await receivers.get(id);
    if (number > cursor) throw new GatewayError('conflict', `only rows up to ${cursor} were sent`);
    await this.#pumps.get(id)?.stop();
    this.#pumps.delete(id);
    await receivers.progress(id, { cursor: number - 1, maybe: Math.max(maybe, cursor) });
    await this.reload();
    return receivers.get(id);
  }

  /** Tells administrators of receivers that are behind, and the trail when they have caught up. */
  async look(): Promise<void> {
    const { receivers, audit, notifier } = this.#parts;
    for (const receiver of await receivers.list()) {
      const { behind, behindSince } = await this.stateOf(receiver);
      const late = receiver.enabled && behindSince !== null && this.#now() - Date.parse(behindSince) > ALERT_AFTER_MS;
      if (late === receiver.told) continue;
      const { name, lastError } = receiver;
      await receivers.progress(receiver.id, { told: late });
      const details = late ? { behind, since: behindSince, error: lastError } : {};
      await audit.record({ action: late ? 'receiver.behind' : 'receiver.caught_up', subject: name, details });
      if (!late) continue;
      await notifier.publish({
        kind: 'trail.behind',
        title: `The audit trail does not reach ${name}`,
        text: `${behind} rows wait, the oldest since ${behindSince}. ${lastError}`,
        path: '/admin/settings/forwarding',
        audience: {},
        facts: { receiver: name, behind, since: behindSince, error: lastError },
      });
    }
  }

  /** Sends what comes next. @returns how many rows arrived; rejects when nobody knows */
  async #forward(id: string, size: number): Promise<number> {
    const { receivers, trail } = this.#parts;
    const receiver = await receivers.find(id);
    if (receiver?.enabled !== true) return 0;
    const { cursor, maybe, format } = receiver;
    const rows = await trail.after(cursor, size);
    const to = rows.at(-1)?.number ?? cursor;
    const head = await this.#dueHead(receiver, to);
    if (rows.length === 0 && head === undefined) return 0;
    const messages = rows.map((row) => rowMessage(row, format, this.#sender, row.number <= maybe));
    if (head !== undefined) messages.push(headMessage(head, format, this.#sender));
    try {
      await deliver(await receivers.destination(id), messages.map(frame), {
        // INVARIANT: before the first byte is sent it is on the disk that these rows may have arrived.
        connected: () => receivers.progress(id, { maybe: Math.max(maybe, to) }),
      });
    } catch (error) {
      const lastError = (error as Error).message.slice(0, 300);
      await receivers.progress(id, { lastError, failedAt: this.#now() });
      throw error;
    }
    const heads = head === undefined ? {} : { head: head.number };
    await receivers.progress(id, { cursor: to, ...heads, sentAt: this.#now(), lastError: '', failedAt: null });
    return rows.length;
  }

  /** A head that the receiver does not have, once it is time for one, and has the rows for. */
  async #dueHead({ head, sentAt }: Receiver, to: number) {
    const { trail } = this.#parts;
    const latest = await trail.heads.latest();
    if (latest === undefined || latest.number <= head || latest.number > to) return undefined;
    const before = head === 0 ? undefined : await trail.heads.find(head);
    const due =
      before === undefined || sentAt === null || Date.parse(latest.at) - Date.parse(before.at) > HEAD_EVERY_MS;
    return due ? latest : undefined;
  }
}

/** Keeps sending to one receiver, for as long as there is something; waits longer and longer while it cannot. */
class Pump {
  readonly #forward: (size: number) => Promise<number>;
  readonly #log: Logger;
  readonly #firstRetryMs: number;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #size = FIRST_BATCH;
  #stopped = false;
  #again = false;

  constructor(forward: (size: number) => Promise<number>, { log, firstRetryMs = FIRST_RETRY_MS }: ForwarderParts) {
    this.#forward = forward;
    this.#log = log;
    this.#firstRetryMs = firstRetryMs;
  }

  /** There is something to send; while the receiver is away, that does not bring it back sooner. */
  wake(after: number): void {
    this.#again = true;
    if (this.#stopped || this.#running !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        if (this.#failures > 0) this.wake(Math.min(LONGEST_RETRY_MS, this.#firstRetryMs * 2 ** (this.#failures - 1)));
        else if (this.#again) this.wake(GATHER_MS);
      });
    }, after);
    this.#timer.unref();
  }

  /** Now, whatever it was waiting for. */
  hurry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.wake(0);
  }

  /** @param drain whether what is left is sent first, where the receiver is there */
  async stop(drain = false): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (drain && this.#failures === 0) await this.#run();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        this.#again = false;
        const arrived = await this.#forward(this.#size);
        this.#failures = 0;
        if (arrived === 0 || (this.#stopped && arrived < this.#size)) return;
        this.#size = Math.min(LARGEST_BATCH, this.#size * 2);
      }
    } catch (error) {
      this.#failures++;
      this.#size = FIRST_BATCH;
      const known = error instanceof NotDelivered;
      this.#log[known ? 'warn' : 'error']({ err: error }, 'the trail could not be forwarded');
    }
  }
}
