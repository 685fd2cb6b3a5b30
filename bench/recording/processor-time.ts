import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** User and system time of ended child processes (Linux: proc(5), fields cutime and cstime, in hundredths). */
export function childCpuSeconds(): number {
  const fields = processStatus('self');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Of a process when it has done what it was given: an encoder has taken its last picture long before that is encoded. */
export async function cpuSecondsAtRest(pid: number | undefined): Promise<number> {
  for (let before = cpuSecondsOf(pid); ; ) {
    await sleep(REST_MS);
    const now = cpuSecondsOf(pid);
    if (now === before) return now;
    before = now;
  }
}

/** Longer than a busy machine keeps a process waiting for a processor. */
const REST_MS = 400;

/** Of a running process so far (fields utime and stime). */
function cpuSecondsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const fields = processStatus(String(pid));
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Fields of proc(5)'s `stat`, from the third on: the second may hold spaces. */
function processStatus(process: string): string[] {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
