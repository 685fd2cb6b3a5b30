import { readFileSync } from 'node:fs';

/** User and system time of ended child processes (Linux: proc(5), fields cutime and cstime, in hundredths). */
export function childCpuSeconds(): number {
  const fields = processStatus('self');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Of a running process so far (fields utime and stime). */
export function cpuSecondsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const fields = processStatus(String(pid));
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Fields of proc(5)'s `stat`, from the third on: the second may hold spaces. */
function processStatus(process: string): string[] {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
