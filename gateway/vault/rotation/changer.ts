import type { ErrorCode } from '../../errors.ts';
import type { Secret } from '../secret.ts';

/** Where a password is changed. */
export interface ChangePlace {
  readonly host: string;
  readonly port: number;
  /** What the computer is known by; null: not yet, and then it is taken. */
  readonly hostKey: string | null;
  /** Keeps what the computer came with, before anything is sent to it. */
  pin(hostKey: string): Promise<void>;
}

export interface Login {
  readonly username: string;
  readonly password: Secret;
}

export interface ChangeJob {
  readonly place: ChangePlace;
  /** Whose password it is, with the present one. */
  readonly account: Login;
  readonly next: Secret;
  /** Who may change it for others; without one, the account changes its own. */
  readonly privileged?: Login | undefined;
}

/**
 * Changes passwords on one kind of system. What it needs to know is in the job; what it cannot do, it throws as a
 * `ChangerError`. The secrets are the caller's to wipe.
 */
export interface PasswordChanger {
  change(job: ChangeJob): Promise<void>;
  /** Whether somebody is let in with that password. Throws where that cannot be told. */
  signsIn(place: ChangePlace, login: Login): Promise<boolean>;
}

/** Why a password was not changed, or may not have been. */
export class ChangerError extends Error {
  override readonly name = 'ChangerError';
  readonly code: Extract<ErrorCode, 'rotation_failed' | 'host_key_changed'>;
  /** Nothing was changed, for certain. */
  readonly untouched: boolean;
  /** What the computer came with, where it is not what it is known by. */
  readonly offeredKey: string | undefined;

  constructor(
    message: string,
    more: { readonly untouched: boolean; readonly offeredKey?: string; readonly cause?: unknown },
  ) {
    super(message, { cause: more.cause });
    this.code = more.offeredKey === undefined ? 'rotation_failed' : 'host_key_changed';
    this.untouched = more.untouched;
    this.offeredKey = more.offeredKey;
  }
}
