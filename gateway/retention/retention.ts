import type { Audit } from '../audit/audit.ts';
import { every } from '../beat.ts';
import { sessionClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { Store } from '../store/store.ts';
import { AgeClock, type ClockDoubt, describeDoubt } from './age-clock.ts';
import { type DeletionReason, dueRecordings, ruleFor, withoutAges } from './policy.ts';
import type { RetentionSettings } from './retention-settings.ts';
import { requireSpace, type Space, type SpaceState, spaceState } from './storage-space.ts';

/** The place where recordings are. `gateway/main.ts` brings it. */
export interface RecordingStorage {
  /** Destroys a recording: its key, so that no copy of it can be read any more, and its files. None there: no error. */
  destroy(id: string): Promise<void>;
  /** Room where recordings are written; nothing where it cannot be told. */
  space(): Promise<Space | undefined>;
}

export interface RetentionParts {
  readonly store: Store;
  readonly settings: RetentionSettings;
  readonly storage: RecordingStorage;
  readonly audit: Audit;
  readonly notifier: Notifier;
  readonly log: Logger;
  /** What else is known of a recording, and goes with it. */
  readonly forget: (id: string) => Promise<void>;
  readonly now?: () => number;
  /** What recordings are old by: a wall clock that somebody sets wrong must not destroy them within a minute. */
  readonly clock?: () => number;
}

export interface SweepResult {
  readonly at: string;
  readonly deleted: number;
}

/** Deletes what the rules no longer keep, and watches the disk. */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #ages: AgeClock;
  #endSweeps: (() => void) | undefined;
  #sweeping: Promise<SweepResult> | undefined;
  #again = false;
  #lastSweep: SweepResult | undefined;
  #lastState: SpaceState = 'ok';
  #stopped = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#clock = parts.clock ?? sessionClock;
    this.#ages = new AgeClock(parts.settings);
  }

  get lastSweep(): SweepResult | undefined {
    return this.#lastSweep;
  }

  /** Why nothing is deleted for its age at present, where that is so. */
  get clockDoubt(): ClockDoubt | undefined {
    return this.#ages.doubt;
  }

  /** Somebody says that the time is right: what is too old goes at once. @returns what was doubted */
  async believeClock(): Promise<ClockDoubt | undefined> {
    const doubt = await this.#ages.believe(this.#clock());
    this.changed();
    return doubt;
  }

  /** Sweeps now and every few minutes, until `stop`. */
  start(): void {
    this.#endSweeps = every(SWEEP_EVERY_MS, () => this.#sweepQuietly());
    this.#sweepQuietly();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endSweeps?.();
    await this.#sweeping?.catch(() => undefined);
  }

  /** A recording is finished, or a rule has changed: look anew. Cheap; never throws. */
  changed(): void {
    this.#sweepQuietly();
  }

  /** Throws `storage_full` when no further session may be recorded. */
  async requireSpace(): Promise<void> {
    const { storage, settings } = this.#parts;
    requireSpace(await storage.space(), await settings.watermarks());
  }

  /** Deletes what is due, one by one. What cannot be deleted now is tried again by the next sweep. */
  sweep(): Promise<SweepResult> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
      if (this.#again) this.#sweepQuietly();
    });
    return this.#sweeping;
  }

  #sweepQuietly(): void {
    if (this.#stopped) return;
    // A rule that changes in mid-sweep is for the next one.
    this.#again = this.#sweeping !== undefined;
    if (this.#again) return;
    this.sweep().catch((error: unknown) => this.#parts.log.error({ err: error }, 'retention failed'));
  }

  async #sweep(): Promise<SweepResult> {
    const { store, settings, log } = this.#parts;
    await this.#watchSpace();
    await this.#watchClock();
    const rules = await settings.rules();
    const rows = await store
      .selectFrom('sessions')
      .leftJoin('legal_holds', 'legal_holds.session_id', 'sessions.id')
      .select(['id', 'target_id', 'target_name', 'username', 'recording', 'recording_bytes', 'recording_deleted_by'])
      .select(({ fn }) => fn.coalesce('ended_at', 'created_at').as('ended'))
      .select('legal_holds.session_id as held')
      .where('recording', 'in', ['ready', 'failed', 'deleting'])
      .execute();
    const due = dueRecordings(
      rows
        .filter(({ recording }) => recording !== 'deleting')
        .map((row) => ({
          id: row.id,
          targetId: row.target_id,
          endedAt: row.ended,
          bytes: row.recording_bytes ?? 0,
          held: row.held !== null,
        })),
      this.clockDoubt === undefined ? rules : withoutAges(rules),
      this.#clock(),
    );
    // A deletion that was interrupted comes first: its key may be half gone.
    const begun = rows
      .filter(({ recording }) => recording === 'deleting')
      .map((row) => ({ id: row.id, reason: (row.recording_deleted_by ?? 'age') as DeletionReason }));
    const byId = new Map(rows.map((row) => [row.id, row]));
    let deleted = 0;
    for (const { id, reason } of [...begun, ...due]) {
      const row = byId.get(id);
      if (row === undefined || this.#stopped) continue;
      try {
        const rule = ruleFor(rules, row.target_id);
        const limit = reason === 'age' ? { maxAgeDays: rule.maxAgeDays } : { maxBytes: rule.maxBytes };
        const details = { owner: row.username, reason, ...limit, bytes: row.recording_bytes };
        if (await this.#delete(id, row.target_name, reason, details)) deleted++;
      } catch (error) {
        log.error({ err: error, session: id }, 'a recording could not be deleted');
      }
    }
    this.#lastSweep = { at: new Date(this.#now()).toISOString(), deleted };
    return this.#lastSweep;
  }

  /** INVARIANT: whatever is under legal hold at the moment of the claim is not touched, whatever was read before. */
  async #delete(
    id: string,
    target: string,
    reason: DeletionReason,
    details: Record<string, string | number | null>,
  ): Promise<boolean> {
    const { store, storage, audit, forget } = this.#parts;
    // First written down, then done: nothing is deleted unseen. The storage may not answer for hours, over which the gateway
    // may be started again: whose deletion has begun is written down already.
    const isClaimed = await store.transaction().execute(async (transaction) => {
      const before = await transaction
        .selectFrom('sessions')
        .select('recording')
        .where('id', '=', id)
        .where('recording', 'in', ['ready', 'failed', 'deleting'])
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('legal_holds').select('session_id').where('session_id', '=', id))),
        )
        .executeTakeFirst();
      if (before === undefined) return false;
      if (before.recording === 'deleting') return true;
      const claim = { recording: 'deleting', recording_deleted_by: reason };
      await transaction.updateTable('sessions').set(claim).where('id', '=', id).execute();
      await audit.record({ action: 'recording.deleted', subject: target, sessionId: id, details }, transaction);
      return true;
    });
    if (!isClaimed) return false;
    await storage.destroy(id);
    await forget(id);
    await store
      .updateTable('sessions')
      .set({ recording: 'deleted', recording_deleted_at: this.#now() })
      .where('id', '=', id)
      .execute();
    return true;
  }

  /** Writes down, and tells, when the disk becomes low or full, and when it is well again. */
  async #watchSpace(): Promise<void> {
    const { storage, settings, audit, notifier, log } = this.#parts;
    const space = await storage.space();
    const state = spaceState(space, await settings.watermarks());
    if (space === undefined || state === this.#lastState || state === 'unknown') return;
    this.#lastState = state;
    const facts = { freeBytes: space.free, totalBytes: space.total };
    await audit.record({ action: STATE_ACTIONS[state], details: facts });
    const text = `${Math.round(space.free / 1e6)} MB are free.`;
    const happening = { kind: 'storage.space', title: STATE_TITLES[state], text, path: '/admin/storage' } as const;
    await notifier.publish({ ...happening, audience: {}, facts: { state, ...facts } });
    if (state !== 'ok') log.warn({ state, ...space }, 'room for recordings is running out');
  }

  /** Writes down, and tells, where the clock may be wrong. */
  async #watchClock(): Promise<void> {
    const { audit, notifier, log } = this.#parts;
    const doubt = await this.#ages.look(this.#clock());
    if (doubt === undefined) return;
    const facts = describeDoubt(doubt);
    await audit.record({ action: 'retention.paused', details: facts });
    const text = [
      `The gateway ran last at ${facts.lastSeen}, and was started at ${facts.since} by its clock.`,
      'If that is wrong, set it and start the gateway again. If it is right, say so on the storage page.',
      `Otherwise recordings are deleted for their age from ${facts.until} on.`,
    ].join(' ');
    const happening = { kind: 'storage.clock', title: CLOCK_TITLE, text, path: '/admin/storage' } as const;
    await notifier.publish({ ...happening, audience: {}, facts });
    log.warn(facts, 'the clock may be wrong: no recording is deleted for its age');
  }
}

const CLOCK_TITLE = 'No recording is deleted for its age: the clock may be wrong';
const STATE_TITLES = {
  ok: 'There is room for recordings again',
  low: 'The disk for recordings is low',
  full: 'The disk for recordings is full: no session starts that must be recorded',
} as const;
const STATE_ACTIONS = { ok: 'storage.recovered', low: 'storage.low', full: 'storage.full' } as const;
/** Ages are days; the disk is looked at as often. */
const SWEEP_EVERY_MS = 60_000;
