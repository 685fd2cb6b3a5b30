import { GatewayError } from '../../errors.ts';
import { Recurring } from '../../recurring.ts';
import type { RequestListener } from '../../requests/request-book.ts';
import { isFinal, type RequestState } from '../../requests/request-state.ts';
import { KeptQuery } from '../../store/kept-query.ts';
import type { Store } from '../../store/store.ts';
import {
  findAccount,
  findRotation,
  iso,
  type Rotation,
  type RotationReason,
  type RotationSettings,
  rotationDefaults,
  scheduled,
  settingsOf,
  toRotation,
} from './rotation.ts';
import { Rotator, type RotatorParts } from './rotator.ts';

export interface RotationsParts extends Omit<RotatorParts, 'now'> {
  /** Whether somebody is connected with it: what is due waits for the end. */
  inUse(accountId: string): boolean;
  readonly now?: () => number;
}

const TICK_MS = 5_000;

const DUE = new KeptQuery((store, now) =>
  store
    .selectFrom('account_rotations')
    .select(['account_id', 'due_for', 'state'])
    .where((eb) => eb.or([eb('due_at', '<=', now), eb('state', '=', 'changing')])),
);

/** Which passwords are changed, how and when; and what came of it. `Rotator` changes them. */
export class Rotations {
  readonly #parts: RotationsParts;
  readonly #now: () => number;
  readonly #rotator: Rotator;
  readonly #running = new Map<string, Promise<void>>();
  readonly #ticks: Recurring;

  constructor(parts: RotationsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#rotator = new Rotator({ ...parts, now: this.#now });
    this.#ticks = new Recurring(
      TICK_MS,
      () => this.tick(),
      (error) => parts.log.error({ err: error }, 'passwords were not changed'),
    );
  }

  /** Settles what the last run left, and changes what is due from then on. */
  start(): void {
    this.#ticks.start();
    this.#ticks.now();
  }

  async stop(): Promise<void> {
    await this.#ticks.stop();
    await Promise.allSettled(this.#running.values());
  }

  /** Begins what is due. */
  async tick(): Promise<void> {
    const { store, inUse, log } = this.#parts;
    for (const { account_id: id, due_for, state } of await DUE.rows(store, this.#now())) {
      if (this.#running.has(id) || (state === 'ok' && inUse(id))) continue;
      this.#run(id, due_for as RotationReason).catch((error: unknown) =>
        log.warn({ err: error, account: id }, 'a password was not changed'),
      );
    }
  }

  async read(accountId: string): Promise<Rotation | null> {
    const row = await findRotation(this.#parts.store, accountId);
    return row === undefined ? null : toRotation(row);
  }

  async list(): Promise<ReadonlyMap<string, Rotation>> {
    const rows = await this.#parts.store.selectFrom('account_rotations').selectAll().execute();
    return new Map(rows.map((row) => [row.account_id, toRotation(row)]));
  }

  async history(accountId: string, limit: number) {
    const rows = await this.#parts.store
      .selectFrom('rotation_history')
      .selectAll()
      .where('account_id', '=', accountId)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ at, reason, outcome, detail }) => ({ at: iso(at), reason, outcome, detail }));
  }

  /** Sets it up or changes it. @param hostKey what the computer is known by; null: what it comes with next */
  async change(
    accountId: string,
    change: Partial<RotationSettings> & { readonly hostKey?: string | null },
  ): Promise<Rotation> {
    return this.#parts.store.transaction().execute(async (store) => {
      const { account } = await findAccount(store, accountId);
      if (account.type !== 'vaulted') throw new GatewayError('nothing_stored');
      const { hostKey, ...given } = change;
      const before = await findRotation(store, accountId);
      const settings = { ...(before === undefined ? rotationDefaults : settingsOf(before)), ...given };
      await requirePrivileged(store, accountId, settings.privilegedAccountId);
      const { host, port } = before === undefined ? rotationDefaults : settingsOf(before);
      const moved = before !== undefined && (host !== settings.host || port !== settings.port);
      const fresh = {
        state: 'ok',
        pending: null,
        due_for: 'schedule',
        revealed: 0,
        attempts: 0,
        last_at: null,
      } as const;
      // INVARIANT: of one that is there, what a change under way has written (the password that may count by now) stays.
      const changes = {
        settings_json: JSON.stringify(settings),
        // Another computer has another key.
        host_key: hostKey !== undefined ? hostKey : moved ? null : (before?.host_key ?? null),
        offered_key: hostKey !== undefined || moved ? null : (before?.offered_key ?? null),
        due_at:
          before !== undefined && before.state !== 'ok'
            ? before.due_at
            : scheduled(settings, before?.last_at ?? this.#now()),
      };
      const row = {
        ...(before ?? { account_id: accountId, ...fresh, error_code: null, error_detail: '' }),
        ...changes,
      };
      await store
        .insertInto('account_rotations')
        .values(row)
        .onConflict((conflict) => conflict.column('account_id').doUpdateSet(changes))
        .execute();
      return toRotation(row);
    });
  }

  /** No more changes. Refused while it is not known which of two passwords counts. */
  async remove(accountId: string): Promise<void> {
    const row = await findRotation(this.#parts.store, accountId);
    if (row === undefined) throw new GatewayError('not_found', 'the password of that account is not changed');
    if (row.pending !== null) throw new GatewayError('conflict', 'a change of it was cut short, and is not settled');
    await this.#parts.store.deleteFrom('account_rotations').where('account_id', '=', accountId).execute();
  }

  /** Changes it now, and waits for what comes of it. Throws `rotation_failed`, `host_key_changed`, `conflict`. */
  async rotateNow(accountId: string): Promise<Rotation> {
    if ((await findRotation(this.#parts.store, accountId)) === undefined) {
      throw new GatewayError('not_found', 'how the password of that account is changed is not set up');
    }
    if (this.#running.has(accountId)) throw new GatewayError('conflict', 'it is being changed already');
    await this.#run(accountId, 'by-hand');
    const row = await findRotation(this.#parts.store, accountId);
    if (row === undefined) throw new GatewayError('not_found');
    const rotation = toRotation(row);
    if (rotation.state === 'ok') return rotation;
    throw new GatewayError(
      rotation.error?.code === 'host_key_changed' ? 'host_key_changed' : 'rotation_failed',
      rotation.error?.detail,
    );
  }

  /** It was shown to somebody. */
  async revealed(accountId: string): Promise<void> {
    const { store } = this.#parts;
    await store.updateTable('account_rotations').set({ revealed: 1 }).where('account_id', '=', accountId).execute();
  }

  /** For the request book: access that is over is what a change may wait for. */
  readonly requestListener: RequestListener = async ({ event, request, items }, store) => {
    if (!isFinal(request.state as RequestState) || event === 'reviewed' || event === 'session-ended') return;
    for (const { account_id, checked_out_at } of items) {
      if (checked_out_at === null) continue;
      await store.deleteFrom('checked_out_secrets').where('request_id', '=', request.id).execute();
      const row = await store
        .selectFrom('account_rotations')
        .selectAll()
        .where('account_id', '=', account_id)
        .executeTakeFirst();
      if (row === undefined || row.state !== 'ok') continue;
      const { onCheckIn, afterReveal } = settingsOf(row);
      const shown = afterReveal && row.revealed !== 0;
      if (!onCheckIn && !shown) continue;
      await store
        .updateTable('account_rotations')
        .set({ due_at: this.#now(), due_for: shown ? 'reveal' : 'check-in' })
        .where('account_id', '=', account_id)
        .execute();
    }
  };

  #run(accountId: string, reason: RotationReason): Promise<void> {
    const run = this.#rotator.rotate(accountId, reason).finally(() => this.#running.delete(accountId));
    this.#running.set(accountId, run);
    return run;
  }
}

async function requirePrivileged(store: Store, accountId: string, id: string | null): Promise<void> {
  if (id === null) return;
  const row = await store.selectFrom('accounts').select('type').where('id', '=', id).executeTakeFirst();
  if (row?.type !== 'vaulted' || id === accountId) {
    throw new GatewayError('bad_request', 'the privileged account is another one whose password is kept here');
  }
}
