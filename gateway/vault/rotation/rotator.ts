import { setTimeout as sleep } from 'node:timers/promises';
import type { Audit } from '../../audit/audit.ts';
import type { Logger } from '../../log.ts';
import type { Notifier } from '../../notifications/kinds.ts';
import type { AccountRow, TargetRow } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { AccountRotationRow } from '../../store/vault-schema.ts';
import { Secret } from '../secret.ts';
import type { Vault } from '../vault.ts';
import { type ChangePlace, ChangerError, type Login, type PasswordChanger } from './changer.ts';
import { newPassword } from './new-password.ts';
import {
  type ChangerName,
  findAccount,
  findRotation,
  type RotationReason,
  type RotationSettings,
  scheduled,
  settingsOf,
} from './rotation.ts';

export interface RotatorParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly changers: Readonly<Record<ChangerName, PasswordChanger>>;
  readonly audit: Audit;
  readonly notifier: Notifier;
  readonly log: Logger;
  readonly now: () => number;
  /** What a computer may go on with after a connection was lost, is over after this. */
  readonly settleMs?: number | undefined;
}

const SETTLE_MS = 2_000;
const LONGEST_RETRY_MS = 12 * 60 * 60_000;
/** Between attempts; then the longest again and again. */
const RETRY_MS: readonly number[] = [60_000, 5 * 60_000, 30 * 60_000, 2 * 60 * 60_000];

/**
 * Changes one password, and never loses it: the new one is stored, as pending, before anything is asked of the computer,
 * and takes the old one's place when somebody was let in with it. Whatever dies in between is found at the next start,
 * where the computer itself says which of the two counts.
 */
export class Rotator {
  readonly #parts: RotatorParts;

  constructor(parts: RotatorParts) {
    this.#parts = parts;
  }

  /** Resolves when it is known what came of it, which the account's row then says. */
  async rotate(accountId: string, reason: RotationReason): Promise<void> {
    const { store } = this.#parts;
    const row = await findRotation(store, accountId);
    if (row === undefined) return;
    const { account, target } = await findAccount(store, accountId);
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
    const { store, vault, changers: known } = this.#parts;
    const { pending } = (await findRotation(store, row.account_id)) ?? row;
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
    const now = this.#parts.now();
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
    const now = this.#parts.now();
    const id = row.account_id;
    const detail = cause instanceof Error ? cause.message : String(cause);
    const { code, offeredKey } =
      cause instanceof ChangerError ? cause : ({ code: 'rotation_failed', offeredKey: undefined } as const);
    const wait = RETRY_MS[row.attempts] ?? LONGEST_RETRY_MS;
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
    const row = { account_id: accountId, at: this.#parts.now(), reason, outcome, detail };
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
      settings.privilegedAccountId === null ? undefined : await findAccount(store, settings.privilegedAccountId);
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

function pendingName(accountId: string): string {
  return `pending ${accountId}`;
}
