// The global one is looked up anew each time.
import { performance } from 'node:perf_hooks';

/**
 * Milliseconds since the epoch that never run backwards: the wall clock when the gateway started, and monotonic time
 * since. A clock that somebody sets does not bend a session's times.
 *
 * The gateway's child processes go by the same one, however the wall clock was set before they were started.
 */
export function sessionClock(): number {
  return origin + performance.now();
}

/** Notices when somebody sets the wall clock. What is corrected step by small step (NTP) counts once it has come to a second. */
export class ClockWatch {
  readonly #offset: () => number;
  #known: number;

  /** @param offset milliseconds by which the wall clock is ahead of one that nobody sets */
  constructor(offset: () => number = () => Date.now() - sessionClock()) {
    this.#offset = offset;
    this.#known = offset();
  }

  /** Milliseconds by which the wall clock was moved since this said so last; 0 while that is nothing to speak of. */
  moved(): number {
    const offset = this.#offset();
    const by = Math.round(offset - this.#known);
    if (Math.abs(by) < MOVED_MS) return 0;
    this.#known = offset;
    return by;
  }
}

const MOVED_MS = 1000;

/** What a child process needs in its environment to have this process's clock. */
export function clockEnvironment(): NodeJS.ProcessEnv {
  return { [VARIABLE]: String(zero) };
}

/** Milliseconds of the machine's monotonic clock, which all processes share. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const VARIABLE = 'ORIEL_CLOCK_ZERO';
const given = Number(process.env[VARIABLE] || Number.NaN);
/** What the time was when the monotonic clock began. */
const zero = Number.isFinite(given) ? given : performance.timeOrigin + performance.now() - monotonic();
const origin = zero + monotonic() - performance.now();
