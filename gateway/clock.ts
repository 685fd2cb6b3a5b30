/**
 * Milliseconds since the epoch that never run backwards: the wall clock when the process started, and monotonic time
 * since. A clock that somebody sets does not bend a session's times.
 */
export function sessionClock(): number {
  return performance.timeOrigin + performance.now();
}
