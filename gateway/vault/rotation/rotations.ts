import { setTimeout as sleep } from 'node:timers/promises';
import type { Audit } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Notifier } from '../../notifications/kinds.ts';
import type { RequestListener } from '../../requests/request-book.ts';
import { isFinal, type RequestState } from '../../requests/request-state.ts';
import type { AccountRow, TargetRow } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { AccountRotationRow } from '../../store/vault-schema.ts';
import { Secret } from '../secret.ts';
import type { Vault } from '../vault.ts';
import { type ChangePlace, ChangerError, type Login, type PasswordChanger } from './changer.ts';
import { newPassword } from './new-password.ts';

/** The systems that passwords can be changed on. */
export const changers = ['ssh'] as const;
export type ChangerName = (typeof changers)[number];

/** When and how the password of an account is changed. */
export interface RotationSettings {
  readonly changer: ChangerName;
  /** Empty: the target's. */
  readonly host: string;
  readonly port: number;
  /** 0: not by the calendar. */
  readonly everyDays: number;
  /** When access to it is given back or over. */
  readonly onCheckIn: boolean;
  /** The same, where it was shown to somebody. */
  readonly afterReveal: boolean;
  readonly length: number;
  /** An account whose password is kept here, that changes it; null: the account itself. */
  readonly privilegedAccountId: string | null;
}

export const rotationDefaults: RotationSettings = {
  changer: 'ssh',
  host: '',
  port: 22,
  everyDays: 0,
  onCheckIn: false,
  afterReveal: false,
  length: 24,
  privilegedAccountId: null,
};

/** `unknown`: the change was cut short, and the computer could not be asked which of two passwords counts. */
export const rotationStates = ['ok', 'changing', 'failed', 'unknown'] as const;
export type RotationState = (typeof rotationStates)[number];

export const rotationReasons = ['schedule', 'check-in', 'reveal', 'by-hand'] as const;
export type RotationReason = (typeof rotationReasons)[number];

export interface Rotation {
  readonly settings: RotationSettings;
  readonly state: RotationState;
  readonly lastAt: string | null;
  /** When it is next tried or due. */
  readonly nextAt: string | null;
  readonly attempts: number;
  readonly error: { readonly code: string; readonly detail: string } | null;
  readonly hostKey: string | null;
  readonly offeredKey: string | null;
}

export interface RotationsParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly changers: Readonly<Record<ChangerName, PasswordChanger>>;
  readonly audit: Audit;
  readonly notifier: Notifier;
  readonly log: Logger;
  /** Whether somebody is connected with it: what is due waits for the end. */
  inUse(accountId: string): boolean;
  readonly now?: () => number;
  /** What a computer may go on with after a connection was lost, is over after this. */
  readonly settleMs?: number;
}

const TICK_MS = 5_000;
const SETTLE_MS = 2_000;
const DAY_MS = 24 * 60 * 60_000;
/** Between attempts; the last again and again. */
const RETRY_MS: readonly number[] = [60_000, 5 * 60_000, 30 * 60_000, 2 * 60 * 60_000, 12 * 60 * 60_000];

/**
 * Changes passwords, and never loses one: the new password is stored, as pending, before anything is asked of the
 * computer, and takes the old one's place when somebody was let in with it. Whatever dies in between is found at the
 * next start, where the computer itself says which of the two counts.
 */
export class Rotations {
  readonly #parts: RotationsParts;
  readonly #now: () => number;
  readonly #running = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RotationsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Settles what the last run left, and changes what is due from then on. */
  start(): void {
    const tick = (): void => {
      this.tick().catch((error: unknown) => this.#parts.log.error({ err: error }, 'passwords were not changed'));
    };
    this.#timer = setInterval(tick, TICK_MS);
    this.#timer.unref();
    tick();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#running.values());
  }

  /** Begins what is due. */
  async tick(): Promise<void> {
    const { store, inUse, log } = this.#parts;
    const due = await store
      .selectFrom('account_rotations')
      .select(['account_id', 'due_for', 'state'])
      .where((eb) => eb.or([eb('due_at', '<=', this.#now()), eb('state', '=', 'changing')]))
      .execute();
    for (const { account_id: id, due_for, state } of due) {
      if (this.#running.has(id) || (state === 'ok' && inUse(id))) continue;
      this.#run(id, due_for as RotationReason).catch((error: unknown) =>
        log.warn({ err: error, account: id }, 'a password was not changed'),
      );
    }
  }

  async read(accountId: string): Promise<Rotation | null> {
    const row = await this.#find(accountId);
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
    const { store } = this.#parts;
    const { account } = await this.#places(accountId);
    if (account.type !== 'vaulted') throw new GatewayError('nothing_stored');
    const { hostKey, ...given } = change;
    const before = await this.#find(accountId);
    const settings = { ...(before === undefined ? rotationDefaults : settingsOf(before)), ...given };
    await this.#requirePrivileged(accountId, settings.privilegedAccountId);
    const { host, port } = before === undefined ? rotationDefaults : settingsOf(before);
    const moved = before !== undefined && (host !== settings.host || port !== settings.port);
    const fresh = { state: 'ok', pending: null, due_for: 'schedule', revealed: 0, attempts: 0, last_at: null } as const;
    const row = {
      ...(before ?? { account_id: accountId, ...fresh, error_code: null, error_detail: '' }),
      settings_json: JSON.stringify(settings),
      // Another computer has another key.
      host_key: hostKey !== undefined ? hostKey : moved ? null : (before?.host_key ?? null),
      offered_key: hostKey !== undefined || moved ? null : (before?.offered_key ?? null),
      due_at:
        before !== undefined && before.state !== 'ok'
          ? before.due_at
          : scheduled(settings, before?.last_at ?? this.#now()),
    };
    await store
      .insertInto('account_rotations')
      .values(row)
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
      .execute();
    return toRotation(row);
  }

  /** No more changes. Refused while it is not known which of two passwords counts. */
  async remove(accountId: string): Promise<void> {
    const row = await this.#find(accountId);
    if (row === undefined) throw new GatewayError('not_found', 'the password of that account is not changed');
    if (row.pending !== null) throw new GatewayError('conflict', 'a change of it was cut short, and is not settled');
    await this.#parts.store.deleteFrom('account_rotations').where('account_id', '=', accountId).execute();
  }

  /** Changes it now, and waits for what comes of it. Throws `rotation_failed`, `host_key_changed`, `conflict`. */
  async rotateNow(accountId: string): Promise<Rotation> {
    if ((await this.#find(accountId)) === undefined) {
      throw new GatewayError('not_found', 'how the password of that account is changed is not set up');
    }
    if (this.#running.has(accountId)) throw new GatewayError('conflict', 'it is being changed already');
    await this.#run(accountId, 'by-hand');
    const row = await this.#find(accountId);
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
    const run = this.#rotate(accountId, reason).finally(() => this.#running.delete(accountId));
    this.#running.set(accountId, run);
    return run;
  }

  async #rotate(accountId: string, reason: RotationReason): Promise<void> {
    const row = await this.#find(accountId);
    if (row === undefined) return;
    const { account, target } = await this.#places(accountId);
    const settings = settingsOf(row);
    const job = await this.#job(row, account, target, settings);
    try {
      // What was cut short is settled first: it may be done already. Where it is not, it is begun anew.
      if (row.pending !== null && (await this.#settle(row, job, reason)) !== 'old') return;
      await this.#changeAnew(row, job, settings, reason);
    } finally {
      for (const secret of [job.account.password, job.privileged?.password]) secret?.wipe();
    }
  }

  async #changeAnew(row: AccountRotationRow, job: Job, settings: RotationSettings, reason: RotationReason) {
    const { store, vault, changers: known } = this.#parts;
    const changer = known[settings.changer];
    const next = newPassword(settings.length);
    try {
      await store
        .updateTable('account_rotations')
        .set({ pending: vault.seal(next.bytes, pendingName(row.account_id)), state: 'changing', due_for: reason })
        .where('account_id', '=', row.account_id)
        .execute();
      try {
        await changer.change({ ...job, next });
        if (!(await changer.signsIn(job.place, { ...job.account, password: next }))) {
          throw new ChangerError('nobody is let in with the new password', { untouched: false });
        }
      } catch (error) {
        if (error instanceof ChangerError && error.untouched) await this.#failed(row, reason, error, 'failed');
        else {
          await sleep(this.#parts.settleMs ?? SETTLE_MS);
          await this.#settle(row, job, reason, error);
        }
        return;
      }
      await this.#succeeded(row, next, reason, 'succeeded');
    } finally {
      next.wipe();
    }
  }

  /**
   * Asks the computer which password counts after a change that was cut short.
   * @param cause why, where it is known
   */
  async #settle(
    row: AccountRotationRow,
    job: Job,
    reason: RotationReason,
    cause?: unknown,
  ): Promise<'old' | 'new' | 'unknown'> {
    const { vault, changers: known } = this.#parts;
    const { pending } = (await this.#find(row.account_id)) ?? row;
    if (pending === null) return 'old';
    const changer = known[settingsOf(row).changer];
    const next = new Secret(vault.openBytes(Uint8Array.from(pending), pendingName(row.account_id)));
    try {
      if (await changer.signsIn(job.place, { ...job.account, password: next })) {
        await this.#succeeded(row, next, reason, cause === undefined ? 'reconciled' : 'succeeded');
        return 'new';
      }
      if (await changer.signsIn(job.place, job.account)) {
        if (cause !== undefined) await this.#failed(row, reason, cause, 'failed');
        return 'old';
      }
      const neither = new Error('neither the old nor the new password is let in', { cause });
      await this.#failed(row, reason, neither, 'unknown');
    } catch (error) {
      await this.#failed(row, reason, cause ?? error, 'unknown');
    } finally {
      next.wipe();
    }
    return 'unknown';
  }

  async #succeeded(row: AccountRotationRow, next: Secret, reason: RotationReason, outcome: 'succeeded' | 'reconciled') {
    const { store, vault, audit } = this.#parts;
    const now = this.#now();
    const id = row.account_id;
    await store.transaction().execute(async (transaction) => {
      await transaction
        .updateTable('accounts')
        .set({ secret: vault.seal(next.bytes, id) })
        .where('id', '=', id)
        .execute();
      // What was checked out under a master password is the old one.
      await transaction.deleteFrom('checked_out_secrets').where('account_id', '=', id).execute();
      await transaction
        .updateTable('account_rotations')
        .set({
          ...{ state: 'ok', pending: null, revealed: 0, attempts: 0, error_code: null, error_detail: '' },
          last_at: now,
          due_at: scheduled(settingsOf(row), now),
          due_for: 'schedule',
        })
        .where('account_id', '=', id)
        .execute();
      await this.#note(transaction, id, reason, outcome, '');
      const action = outcome === 'succeeded' ? 'rotation.succeeded' : 'rotation.reconciled';
      const subject = await subjectOf(transaction, id);
      await audit.record({ action, subject, details: { accountId: id, reason } }, transaction);
    });
  }

  /** @param state `failed`: the old password counts; `unknown`: that is not known, and both are kept */
  async #failed(row: AccountRotationRow, reason: RotationReason, cause: unknown, state: 'failed' | 'unknown') {
    const { store, audit, notifier, log } = this.#parts;
    const now = this.#now();
    const id = row.account_id;
    const detail = cause instanceof Error ? cause.message : String(cause);
    const { code, offeredKey } =
      cause instanceof ChangerError ? cause : ({ code: 'rotation_failed', offeredKey: undefined } as const);
    const wait = RETRY_MS[Math.min(row.attempts, RETRY_MS.length - 1)] ?? DAY_MS;
    log.warn({ account: id, code, detail, state }, 'a password was not changed');
    await store.transaction().execute(async (transaction) => {
      await transaction
        .updateTable('account_rotations')
        .set({
          state,
          ...(state === 'failed' ? { pending: null } : {}),
          attempts: row.attempts + 1,
          due_at: now + wait,
          due_for: reason,
          error_code: code,
          error_detail: detail,
          ...(offeredKey === undefined ? {} : { offered_key: offeredKey }),
        })
        .where('account_id', '=', id)
        .execute();
      await this.#note(transaction, id, reason, 'failed', detail);
      const subject = await subjectOf(transaction, id);
      await audit.record(
        { action: 'rotation.failed', subject, details: { accountId: id, reason, code, detail, state } },
        transaction,
      );
      // Once for each series of failures, and when it becomes worse.
      if (row.attempts > 0 && !(state === 'unknown' && row.state !== 'unknown')) return;
      await notifier.publish(
        {
          kind: 'vault.alert',
          title: `The password of ${subject} was not changed`,
          text: state === 'unknown' ? `It is not known which password counts: ${detail}` : detail,
          path: `/admin/vault/${id}`,
          audience: {},
          facts: { accountId: id, code, state },
        },
        transaction,
      );
    });
  }

  #note(store: Store, accountId: string, reason: RotationReason, outcome: string, detail: string) {
    const row = { account_id: accountId, at: this.#now(), reason, outcome, detail };
    return store.insertInto('rotation_history').values(row).execute();
  }

  async #job(
    row: AccountRotationRow,
    account: AccountRow,
    target: TargetRow,
    settings: RotationSettings,
  ): Promise<Job> {
    const { store, vault } = this.#parts;
    const login = (of: AccountRow): Login => ({
      username: of.username,
      password: new Secret(vault.openBytes(Uint8Array.from(of.secret), of.id)),
    });
    const privileged =
      settings.privilegedAccountId === null ? undefined : await this.#places(settings.privilegedAccountId);
    const place: ChangePlace & { hostKey: string | null } = {
      host: settings.host === '' ? target.host : settings.host,
      port: settings.port,
      hostKey: row.host_key,
      pin: async (hostKey) => {
        const update = store.updateTable('account_rotations').set({ host_key: hostKey, offered_key: null });
        await update.where('account_id', '=', row.account_id).execute();
        await this.#parts.audit.record({
          action: 'rotation.host_key',
          subject: await subjectOf(store, row.account_id),
          details: { accountId: row.account_id, hostKey, firstUse: true },
        });
        place.hostKey = hostKey;
      },
    };
    return { place, account: login(account), privileged: privileged && login(privileged.account) };
  }

  async #requirePrivileged(accountId: string, id: string | null): Promise<void> {
    if (id === null) return;
    const row = await this.#parts.store.selectFrom('accounts').select('type').where('id', '=', id).executeTakeFirst();
    if (row?.type !== 'vaulted' || id === accountId) {
      throw new GatewayError('bad_request', 'the privileged account is another one whose password is kept here');
    }
  }

  async #places(accountId: string): Promise<{ account: AccountRow; target: TargetRow }> {
    const { store } = this.#parts;
    const account = await store.selectFrom('accounts').selectAll().where('id', '=', accountId).executeTakeFirst();
    if (account === undefined) throw new GatewayError('not_found', 'there is no such account');
    const target = await store
      .selectFrom('targets')
      .selectAll()
      .where('id', '=', account.target_id)
      .executeTakeFirstOrThrow();
    return { account, target };
  }

  #find(accountId: string): Promise<AccountRotationRow | undefined> {
    return this.#parts.store
      .selectFrom('account_rotations')
      .selectAll()
      .where('account_id', '=', accountId)
      .executeTakeFirst();
  }
}

interface Job {
  readonly place: ChangePlace;
  readonly account: Login;
  readonly privileged: Login | undefined;
}

async function subjectOf(store: Store, accountId: string): Promise<string> {
  const row = await store
    .selectFrom('accounts')
    .innerJoin('targets', 'targets.id', 'accounts.target_id')
    .select(['accounts.username', 'targets.name'])
    .where('accounts.id', '=', accountId)
    .executeTakeFirstOrThrow();
  return `${row.username} on ${row.name}`;
}

function settingsOf(row: Pick<AccountRotationRow, 'settings_json'>): RotationSettings {
  return { ...rotationDefaults, ...(JSON.parse(row.settings_json) as Partial<RotationSettings>) };
}

function scheduled({ everyDays }: RotationSettings, from: number): number | null {
  return everyDays === 0 ? null : from + everyDays * DAY_MS;
}

function toRotation(row: AccountRotationRow): Rotation {
  return {
    settings: settingsOf(row),
    state: rotationStates.find((state) => state === row.state) ?? 'unknown',
    lastAt: row.last_at === null ? null : iso(row.last_at),
    nextAt: row.due_at === null ? null : iso(row.due_at),
    attempts: row.attempts,
    error: row.error_code === null ? null : { code: row.error_code, detail: row.error_detail },
    hostKey: row.host_key,
    offeredKey: row.offered_key,
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function pendingName(accountId: string): string {
  return `pending ${accountId}`;
}
