import type { LoginSessions } from '../access/login-sessions.ts';
import { every } from '../beat.ts';
import { sessionClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { LiveSession } from './live-session.ts';

/** Shorter than any idleness that counts by orders of magnitude. */
const LOOK_EVERY_MS = 60_000;

export interface SignInUseParts {
  readonly sessions: { list(): readonly Pick<LiveSession, 'facts' | 'lastInputAt' | 'viewers'>[] };
  readonly logins: Pick<LoginSessions, 'used'>;
  readonly log: Logger;
}

/**
 * Who types in a desktop uses the sign-in that it was opened in, and so does who watches one: neither asks the API for anything
 * meanwhile.
 */
export class SignInUse {
  readonly #parts: SignInUseParts;
  /** By reference, when it was last used so, as far as that was written down. */
  #known = new Map<string, number>();
  #end: (() => void) | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: SignInUseParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#end = every(LOOK_EVERY_MS, () => {
      this.#writing ??= this.look()
        .catch((error: unknown) => this.#parts.log.error({ err: error }, 'the use of sign-ins was not written down'))
        .finally(() => {
          this.#writing = undefined;
        });
    });
  }

  async stop(): Promise<void> {
    this.#end?.();
    await this.#writing;
  }

  /** Writes down what was used since. */
  async look(): Promise<void> {
    const now = sessionClock();
    const used = new Map<string, number>();
    const use = (reference: string | undefined, at: number) => {
      if (reference !== undefined) used.set(reference, Math.max(at, used.get(reference) ?? 0));
    };
    for (const { facts, lastInputAt, viewers } of this.#parts.sessions.list()) {
      if (lastInputAt !== undefined) use(facts.signIn?.reference, lastInputAt);
      for (const { signIn } of viewers) use(signIn, now);
    }
    for (const [reference, at] of used) {
      if ((this.#known.get(reference) ?? 0) >= at) continue;
      // Sign-ins go by the wall clock.
      await this.#parts.logins.used(reference, Math.round(Date.now() - (now - at)));
    }
    this.#known = used;
  }
}
