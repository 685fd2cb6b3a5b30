/**
 * Milliseconds since the epoch that never run backwards: the wall clock when the gateway started, and monotonic time
 * since. A clock that somebody sets does not bend a session's times.
 *
 * The gateway's child processes go by the same one, however the wall clock was set before they were started.
 */
export function sessionClock(): number {
  return origin + performance.now();
}

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
