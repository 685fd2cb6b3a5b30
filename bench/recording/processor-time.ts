import { setTimeout as sleep } from 'node:timers/promises';
import { tickedSeconds } from '../live/processes.ts';

/** User and system time of ended child processes. */
export function childCpuSeconds(): number {
  return tickedSeconds(process.pid)?.endedChildren ?? 0;
}

/** Of a process when it has done what it was given: an encoder has taken its last picture long before that is encoded. */
export async function cpuSecondsAtRest(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  for (let before = ownSeconds(pid); ; ) {
    await sleep(REST_MS);
    const now = ownSeconds(pid);
    if (now === before) return now;
    before = now;
  }
}

function ownSeconds(pid: number): number {
  const ticked = tickedSeconds(pid);
  if (ticked === undefined) throw new Error(`process ${pid} is gone`);
  return ticked.own;
}

/** Longer than a busy machine keeps a process waiting for a processor. */
const REST_MS = 400;
