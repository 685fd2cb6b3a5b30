import { GatewayError } from '../../errors.ts';
import type { AccountRow, TargetRow } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { AccountRotationRow } from '../../store/vault-schema.ts';

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

export function findRotation(store: Store, accountId: string): Promise<AccountRotationRow | undefined> {
  return store.selectFrom('account_rotations').selectAll().where('account_id', '=', accountId).executeTakeFirst();
}

/** Throws `not_found`. */
export async function findAccount(
  store: Store,
  accountId: string,
): Promise<{ account: AccountRow; target: TargetRow }> {
  const account = await store.selectFrom('accounts').selectAll().where('id', '=', accountId).executeTakeFirst();
  if (account === undefined) throw new GatewayError('not_found', 'there is no such account');
  const target = await store
    .selectFrom('targets')
    .selectAll()
    .where('id', '=', account.target_id)
    .executeTakeFirstOrThrow();
  return { account, target };
}

export function settingsOf(row: Pick<AccountRotationRow, 'settings_json'>): RotationSettings {
  return { ...rotationDefaults, ...(JSON.parse(row.settings_json) as Partial<RotationSettings>) };
}

export function scheduled({ everyDays }: RotationSettings, from: number): number | null {
  return everyDays === 0 ? null : from + everyDays * DAY_MS;
}

export function toRotation(row: AccountRotationRow): Rotation {
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

export function iso(time: number): string {
  return new Date(time).toISOString();
}

const DAY_MS = 24 * 60 * 60_000;
