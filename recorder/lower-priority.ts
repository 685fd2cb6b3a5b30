import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lets a process wait for live work: recording may be late, that may not. Linux shares processors between groups of
 * processes before it looks at what is in them ("autogroup", one for each session in the sense of `setsid`, and so for each
 * process that is started detached): a group of its own has to be lowered as a group, or it has as much as all others.
 */
export function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, NICENESS);
    writeFileSync(`/proc/${pid}/autogroup`, String(NICENESS));
  } catch {
    // It has ended already, or the system does not let us, or has no such groups: neither is a reason not to record.
  }
}

const NICENESS = constants.priority.PRIORITY_BELOW_NORMAL;
