import { isIPv6 } from 'node:net';

/** Wrong passwords for one user from one address before it must wait. */
export const FAILURES_PER_PAIR = 5;
/** Wrong passwords from one address for any users: a person mistypes, a list of names does not stop there. */
export const FAILURES_PER_ADDRESS = 30;
/** How long a failure counts. */
export const WINDOW_MS = 5 * 60_000;
/** Remembered at most; the oldest are forgotten first. Bounds memory against made-up names and addresses. */
const MAX_REMEMBERED = 20_000;

/**
 * Slows down guessing. Counts are kept per user *and* address, and per address; never per user alone, so nobody
 * can lock another out (least of all the only administrator) by failing in that name from elsewhere.
 */
export class LoginLimiter {
  readonly #failures = new Map<string, number[]>();
  readonly #turns = new Map<string, Promise<void>>();

  /**
   * Runs the attempts for one user from one address one after the other. At once, each would count before any is known to be
   * right, and somebody whose tabs or scripts sign in together would be refused with the right password.
   */
  async inTurn<T>(username: string, address: string, attempt: () => Promise<T>): Promise<T> {
    const key = pairKey(username, address);
    const result = (this.#turns.get(key) ?? Promise.resolve()).then(attempt);
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

  /** Whether another attempt is allowed, and if not, in how many milliseconds. Time is given, not read. */
  waitMs(username: string, address: string, now: number): number {
    return Math.max(
      this.#wait(pairKey(username, address), FAILURES_PER_PAIR, now),
      this.#wait(addressKey(address), FAILURES_PER_ADDRESS, now),
    );
  }

  /** Counts an attempt before its password is checked, so that many at once do not slip through together. */
  attempt(username: string, address: string, now: number): void {
    this.#count(pairKey(username, address), FAILURES_PER_PAIR, now);
    this.#count(addressKey(address), FAILURES_PER_ADDRESS, now);
  }

  /** The attempt was right: this user from this address starts afresh, and the address gets its count back. */
  succeeded(username: string, address: string): void {
    this.#failures.delete(pairKey(username, address));
    this.#failures.get(addressKey(address))?.pop();
  }

  #wait(key: string, limit: number, now: number): number {
    const times = this.#failures.get(key);
    const oldest = times?.at(-limit);
    return oldest === undefined ? 0 : Math.max(0, oldest + WINDOW_MS - now);
  }

  #count(key: string, limit: number, now: number): void {
    const times = (this.#failures.get(key) ?? []).filter((time) => time > now - WINDOW_MS);
    times.push(now);
    if (times.length > limit) times.shift();
    this.#failures.delete(key); // to the end of the map's order: the longest untouched is forgotten first
    this.#failures.set(key, times);
    if (this.#failures.size > MAX_REMEMBERED) {
      const first = this.#failures.keys().next();
      if (!first.done) this.#failures.delete(first.value);
    }
  }
}

function pairKey(username: string, address: string): string {
  return `pair ${network(address)} ${username.toLowerCase()}`;
}

function addressKey(address: string): string {
  return `address ${network(address)}`;
}

/** An IPv6 subscriber has a whole /64 to call from; it counts as one address. */
function network(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...rest].slice(0, 4).join(':');
}
