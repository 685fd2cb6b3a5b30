import { networkOf } from '../address.ts';

/** Wrong tries for one user from one network before it must wait. */
export const FAILURES_PER_PAIR = 5;
/** From a browser that has signed this user in before: a person who mistypes, most likely. */
export const FAILURES_PER_DEVICE = 10;
/** The first wait; each further wrong try doubles it. */
export const FIRST_WAIT_MS = 30_000;
export const LONGEST_WAIT_MS = 15 * 60_000;
/** Failures are forgotten this long after the last. */
export const FORGET_MS = 60 * 60_000;
/** Wrong tries from one network, for any users, before its tries are taken one by one. */
export const FAILURES_PER_NETWORK = 30;
/** The pace from then on. */
export const PACE_MS = 1000;
/** A try that would have to wait longer for its turn than this is refused. */
export const LONGEST_PACE_MS = 20_000;
/** Wrong tries for one user, from wherever, that administrators are told of; and again for each as many more. */
export const FAILURES_TO_REPORT = 20;
/** Remembered at most; the longest untouched are forgotten first. Bounds memory against made-up names and addresses. */
const MAX_REMEMBERED = 20_000;

/** Who tries to sign in, or to show a second factor. */
export interface Attempt {
  readonly username: string;
  readonly address: string;
  /** A browser that is known to have signed this user in before. */
  readonly knownDevice?: string | undefined;
}

/** How a try ended. `unfinished`: right so far, but more is asked for; counts neither way. */
export type Outcome = 'right' | 'wrong' | 'unfinished';

/** Too many wrong tries. */
export class LimitedError extends Error {
  override readonly name = 'LimitedError';
  readonly waitMs: number;
  constructor(waitMs: number) {
    super(`limited for ${waitMs} ms`);
    this.waitMs = waitMs;
  }
}

export interface LimiterOptions {
  readonly now?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<void>;
  /** Somebody guesses at this user's password; `failures` in the last hour. */
  readonly report?: (username: string, failures: number) => void;
}

interface Count {
  failures: number;
  last: number;
  /** No try before this. */
  until: number;
}

/**
 * Slows down guessing, without a way to lock others out.
 *
 * Wrong tries make a user wait *at one network*, ever longer; never a user alone, so that nobody is locked out from
 * elsewhere. A browser that has signed the user in before has a count of its own, so that not even somebody behind the
 * same address locks her out of it. A network that tries many names (an office behind one address, or an attack) is
 * never shut out: from then on its tries are taken one by one, at a pace that leads no guesser anywhere.
 */
export class LoginLimiter {
  readonly #counts = new Map<string, Count>();
  readonly #turns = new Map<string, Promise<void>>();
  /** When a network's next try is let through. */
  readonly #paces = new Map<string, number>();
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  readonly #report: (username: string, failures: number) => void;

  constructor(options: LimiterOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));
    this.#report = options.report ?? (() => {});
  }

  /**
   * Runs one try, after those that came before it for the same user from the same place: at once, each would count
   * before any is known to be right, and whoever signs in from several tabs would be refused with the right password.
   *
   * Throws `LimitedError`, without trying, where there were too many wrong ones. What `run` throws counts as wrong.
   */
  async try<T>(attempt: Attempt, run: () => Promise<{ readonly outcome: Outcome; readonly value: T }>): Promise<T> {
    const key = placeKey(attempt);
    return this.#inTurn(key, async () => {
      const wait = (this.#counts.get(key)?.until ?? 0) - this.#now();
      if (wait > 0) throw new LimitedError(wait);
      if (attempt.knownDevice === undefined) await this.#keepPace(attempt.address);
      // Counted before it is known, so that tries from many places at once do not slip through together.
      const taken = this.#count(attempt, key);
      let outcome: Outcome = 'wrong';
      try {
        const result = await run();
        outcome = result.outcome;
        return result.value;
      } finally {
        if (outcome === 'right') this.#counts.delete(key);
        if (outcome !== 'wrong') for (const counted of taken) this.#giveBack(counted);
        else this.#reportGuessing(attempt.username);
      }
    });
  }

  async #inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(key) ?? Promise.resolve()).then(run);
    const turn = result.then(
      () => {},
      () => {},
    );
    this.#turns.set(key, turn);
    try {
      return await result;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  async #keepPace(address: string): Promise<void> {
    const key = networkKey(address);
    if ((this.#current(key)?.failures ?? 0) < FAILURES_PER_NETWORK) return;
    const now = this.#now();
    const turn = Math.max(now, this.#paces.get(key) ?? 0);
    if (turn - now > LONGEST_PACE_MS) throw new LimitedError(turn - now);
    keep(this.#paces, key, turn + PACE_MS);
    await this.#sleep(turn - now);
  }

  /** Counts a failure in advance. Returns the keys that it was counted under. */
  #count(attempt: Attempt, key: string): readonly string[] {
    const free = attempt.knownDevice === undefined ? FAILURES_PER_PAIR : FAILURES_PER_DEVICE;
    this.#add(key, free);
    const others = [userKey(attempt.username)];
    if (attempt.knownDevice === undefined) others.push(networkKey(attempt.address));
    for (const other of others) this.#add(other, Number.POSITIVE_INFINITY);
    return [key, ...others];
  }

  #add(key: string, free: number): void {
    const now = this.#now();
    const failures = (this.#current(key)?.failures ?? 0) + 1;
    const wait = failures < free ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - free));
    keep(this.#counts, key, { failures, last: now, until: now + wait });
  }

  #giveBack(key: string): void {
    const count = this.#counts.get(key);
    if (count === undefined) return;
    count.failures -= 1;
    count.until = 0;
    if (count.failures <= 0) this.#counts.delete(key);
  }

  #current(key: string): Count | undefined {
    const count = this.#counts.get(key);
    return count !== undefined && count.last + FORGET_MS > this.#now() ? count : undefined;
  }

  #reportGuessing(username: string): void {
    const failures = this.#current(userKey(username))?.failures ?? 0;
    if (failures > 0 && failures % FAILURES_TO_REPORT === 0) this.#report(username, failures);
  }
}

/** To the end of the map's order: the longest untouched is forgotten first. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_REMEMBERED) {
    const first = map.keys().next();
    if (!first.done) map.delete(first.value);
  }
}

function placeKey({ username, address, knownDevice }: Attempt): string {
  const place = knownDevice === undefined ? `network ${networkOf(address)}` : `device ${knownDevice}`;
  return `${place} ${nameKey(username)}`;
}

function networkKey(address: string): string {
  return `all of ${networkOf(address)}`;
}

function userKey(username: string): string {
  return `user ${nameKey(username)}`;
}

/**
 * However it is written: a directory finds the same person with any domain before the name, in upper or lower case, with more
 * spaces, invisible characters ([RFC 4518] 2.2, 2.6.1) or accents. INVARIANT: no way to write a name has tries of its own.
 */
function nameKey(username: string): string {
  const name = username.slice(username.lastIndexOf('\\') + 1).normalize('NFKD');
  return name.toUpperCase().replaceAll(/[^\p{L}\p{N}\p{P}\p{S}]/gu, '');
}
