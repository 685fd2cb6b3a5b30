import type { ErrorCode } from '../errors.ts';
import type { SessionFacts } from './session-contract.ts';
import type { SessionTerms } from './session-terms.ts';

export interface Limits extends Pick<SessionTerms, 'endsAt' | 'sessionMs' | 'idleMs' | 'warnMs'> {
  /** When the sign-in ends that it was opened in, by the wall clock. */
  readonly signInEndsAt: number;
}

/** What of the facts of a session limits it. Without a sign-in that does not. */
export function limitsOf({ terms, signIn }: Pick<SessionFacts, 'terms' | 'signIn'>): Limits {
  return { ...terms, signInEndsAt: signIn?.endsAt ?? Number.POSITIVE_INFINITY };
}

/** When a session ends at the latest, by the wall clock. @param startedAt when its desktop was there, or when it was made */
export function endOf(facts: Pick<SessionFacts, 'terms' | 'signIn'>, startedAt: number): number {
  const { endsAt, signInEndsAt, sessionMs } = limitsOf(facts);
  return Math.min(endsAt, signInEndsAt, sessionMs === 0 ? Number.POSITIVE_INFINITY : startedAt + sessionMs);
}

/** Of a session, what its limits are held against. Milliseconds. */
export interface Course {
  /** By the wall clock. */
  readonly wall: number;
  /** By the clock that `startedAt` and `lastInputAt` are by. */
  readonly now: number;
  /** When the desktop was there; not before it is. */
  readonly startedAt: number | undefined;
  readonly lastInputAt: number | undefined;
}

/** What to do about it, if anything. */
export type Verdict =
  | { readonly type: 'end'; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'warn'; readonly code: 'session_ending' | 'idle_ending' | 'idle_over'; readonly message: string };

/** How long before it ends a session is warned that nobody uses it; half of the limit where that is shorter. */
const IDLE_WARNING_MS = 60_000;

/** The limits of one session: says when to warn and when to end. Asked about once a second, but for when there is nothing to check. */
export class SessionLimits {
  readonly #limits: Limits;
  /** Warnings that are still to come, the longest first. */
  #warnings: number[];
  #idleWarned = false;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#warnings = [...limits.warnMs].sort((a, b) => b - a);
  }

  check(course: Course): Verdict | undefined {
    return this.#time(course) ?? this.#idle(course);
  }

  /** For so many milliseconds there is nothing to check, unless a clock is set. */
  rest({ wall, now, startedAt, lastInputAt }: Course): number {
    const { endsAt, signInEndsAt, sessionMs, idleMs } = this.#limits;
    const ofSession = sessionMs > 0 && startedAt !== undefined ? startedAt + sessionMs - now : Infinity;
    const ofTime = Math.min(endsAt - wall, signInEndsAt - wall, ofSession) - (this.#warnings[0] ?? 0);
    if (idleMs === 0 || lastInputAt === undefined) return ofTime;
    // Whoever was warned is to see at once that it was heard.
    return this.#idleWarned ? 0 : Math.min(ofTime, lastInputAt + idleMs - now - idleWarning(idleMs));
  }

  #time({ wall, now, startedAt }: Course): Verdict | undefined {
    const { endsAt, signInEndsAt, sessionMs } = this.#limits;
    const ofAccess = endsAt - wall;
    const ofSignIn = signInEndsAt - wall;
    if (ofAccess <= 0) return { type: 'end', code: 'access_expired', detail: 'the time of its request is over' };
    if (ofSignIn <= 0)
      return { type: 'end', code: 'sign_in_expired', detail: 'the sign-in that it was opened in is over' };
    const ofSession = sessionMs > 0 && startedAt !== undefined ? startedAt + sessionMs - now : Infinity;
    if (ofSession <= 0) return { type: 'end', code: 'session_too_long', detail: `longer than ${sessionMs} ms` };
    const left = Math.min(ofAccess, ofSignIn, ofSession);
    const due = this.#warnings.filter((warning) => left <= warning);
    // Nobody is there to be warned before the desktop is.
    if (due.length === 0 || startedAt === undefined) return undefined;
    this.#warnings = this.#warnings.slice(due.length);
    return {
      type: 'warn',
      code: 'session_ending',
      message: `This session ends in ${inWords(left)}: ${left === ofSignIn ? 'your sign-in ends' : 'its time is up'} then.`,
    };
  }

  #idle({ now, lastInputAt }: Course): Verdict | undefined {
    const { idleMs } = this.#limits;
    if (idleMs === 0 || lastInputAt === undefined) return undefined;
    const left = lastInputAt + idleMs - now;
    if (left <= 0) return { type: 'end', code: 'idle_too_long', detail: `nothing typed or clicked for ${idleMs} ms` };
    const warned = left <= idleWarning(idleMs);
    if (warned === this.#idleWarned) return undefined;
    this.#idleWarned = warned;
    return warned
      ? {
          type: 'warn',
          code: 'idle_ending',
          message: `This session ends in ${inWords(left)} unless something is typed or clicked.`,
        }
      : { type: 'warn', code: 'idle_over', message: 'The session goes on.' };
  }
}

function idleWarning(idleMs: number): number {
  return Math.min(IDLE_WARNING_MS, idleMs / 2);
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}
