import { readdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** How far recording stands behind live work, as nice(2) counts. */
export const Niceness = {
  /** What is not captured within seconds is lost when its process is killed. */
  capture: 5,
  /** Pictures that wait for their encoder are on the disk, and may. */
  encode: constants.priority.PRIORITY_BELOW_NORMAL,
} as const;

/**
 * Lets a process that was started detached wait for live work, with all the threads that it has or starts: recording may be
 * late, that may not. Linux shares processors between groups of processes before it looks at what is in them ("autogroup", one
 * for each session in the sense of `setsid`, and so for each process that is started detached): a group of its own has to be
 * lowered as a group, or it has as much as all others.
 */
export function lowerPriority(pid: number | undefined, niceness: number): void {
  if (pid === undefined) return;
  lowerThreads(pid, niceness);
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(niceness)));
}

/** The same for a process that is in one group with live work, within that group. */
export function lowerThreads(pid: number, niceness: number): void {
  for (const thread of threadsOf(pid)) {
    attempt(() => setPriority(thread, niceness));
  }
}

/** Each has a priority of its own; new ones begin with that of the one that starts them. */
function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}

function attempt(what: () => void): void {
  try {
    what();
  } catch {
    // It has ended already, or the system does not let us, or has no such groups: none of it is a reason not to record.
  }
}
