import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../errors.ts';

/** Somebody who has to find a security key first takes no longer than this. */
export const CHALLENGE_LIFE_MS = 5 * 60_000;
const CHALLENGE_SIZE = 32;

/** What a passkey is asked for. An answer to one is none to another. */
export type ChallengePurpose = 'sign-in' | 'second-factor' | 'register';

/** What was asked, of whom. */
export interface Challenge {
  /** base64url */
  readonly challenge: string;
  readonly purpose: ChallengePurpose;
  /** The sign-in that it belongs to; null where somebody signs in by it. */
  readonly reference: string | null;
}

/**
 * Challenges for passkeys: each good once, for its purpose and its sign-in, for a few minutes. What was asked travels
 * with the browser, signed with a key of this process; so nothing is kept for browsers that never answer, and nobody
 * can push out the challenge of another. Kept are those that were answered rightly, until they are too old.
 */
export class Challenges {
  readonly #key = randomBytes(32);
  readonly #used = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Makes one. `state` comes back with the answer. */
  issue(purpose: ChallengePurpose, reference: string | null): { readonly challenge: string; readonly state: string } {
    const challenge = randomBytes(CHALLENGE_SIZE).toString('base64url');
    const asked = { challenge, purpose, reference, until: this.#now() + CHALLENGE_LIFE_MS };
    const body = Buffer.from(JSON.stringify(asked)).toString('base64url');
    return { challenge, state: `${body}.${this.#sign(body)}` };
  }

  /** What was asked. Throws `challenge_expired` unless it is of this gateway, for this, not too old and not used. */
  read(state: string, purpose: ChallengePurpose, reference: string | null): Challenge {
    const [body = '', signature = ''] = state.split('.');
    const expected = Buffer.from(this.#sign(body));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new GatewayError('challenge_expired', 'not asked by this gateway since it was started');
    }
    const asked = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Challenge & { readonly until: number };
    if (asked.purpose !== purpose || asked.reference !== reference) {
      throw new GatewayError('challenge_expired', 'it was asked for something else');
    }
    if (asked.until <= this.#now() || this.#used.has(asked.challenge)) throw new GatewayError('challenge_expired');
    return asked;
  }

  /** Takes one that was answered rightly. INVARIANT: of two with the same answer, one gets here. */
  use({ challenge }: Challenge): void {
    const now = this.#now();
    for (const [old, until] of this.#used) {
      if (until > now) break;
      this.#used.delete(old);
    }
    if (this.#used.has(challenge)) throw new GatewayError('challenge_expired');
    this.#used.set(challenge, now + CHALLENGE_LIFE_MS);
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}
