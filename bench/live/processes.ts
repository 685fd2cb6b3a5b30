import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a tree of processes has cost: proc(5) of Linux. */
export interface TreeUsage {
  /** User and system time, with that of children which have ended. */
  readonly cpuSeconds: number;
  /** Proportional set size: memory that is shared counts in parts. */
  readonly pssMb: number;
}

/** Of processes and all their descendants. One that ends meanwhile counts as long as its parent has waited for it. */
export function measureTree(roots: readonly number[]): TreeUsage {
  let cpuSeconds = 0;
  let pssMb = 0;
  for (const pid of treeOf(roots)) {
    cpuSeconds += cpuSecondsOf(pid);
    pssMb += pssMbOf(pid);
  }
  return { cpuSeconds, pssMb };
}

export function treeCpuSeconds(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

/** Of all threads that go by a name (cut to 15 characters), in processes and their descendants: seconds on a processor so far. */
export function threadCpuSeconds(roots: readonly number[], name: string): number {
  let seconds = 0;
  for (const pid of treeOf(roots)) {
    for (const tid of numericNames(`/proc/${pid}/task`)) {
      const task = `/proc/${pid}/task/${tid}`;
      if (read(`${task}/comm`)?.trim() !== name.slice(0, 15)) continue;
      seconds += Number(read(`${task}/schedstat`)?.split(' ')[0] ?? 0) / 1e9;
    }
  }
  return seconds;
}

/** How long the first threads of processes, where programs of Node run, were ready and waited for a processor so far, in seconds. */
export function waitSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(read(`/proc/${pid}/schedstat`)?.split(' ')[1] ?? 0) / 1e9, 0);
}

/** What the first threads of processes have asked of the system so far. */
export interface Calls {
  /** Writes of any kind; null where the system does not say. */
  readonly writes: number | null;
  /** How often they have waited, for the next thing to do nearly always: each time somebody has to wake them. */
  readonly waits: number;
}

export function callsOf(pids: readonly number[]): Calls {
  const numbers = (file: string, name: string) =>
    pids.map((pid) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(read(`/proc/${pid}/task/${pid}/${file}`) ?? '')?.[1]),
    );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const writes = sum(numbers('io', 'syscw'));
  return { writes: Number.isNaN(writes) ? null : writes, waits: sum(numbers('status', 'voluntary_ctxt_switches')) };
}

/** The process that listens on a port of this machine; undefined where that cannot be seen. */
export function listenerOf(port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    (read(file) ?? '')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(suffix) && state === LISTENING)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const holders = numericNames('/proc').filter((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)));
    } catch {
      return false;
    }
  });
  // Children have what their parents have opened.
  return holders.find((pid) => !holders.includes(Number(statFields(pid)?.[1])));
}

const LISTENING = '0A';

/** These processes and all their descendants. */
export function treeOf(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const pid of numericNames('/proc')) {
    const parent = Number(statFields(pid)?.[1]);
    if (Number.isNaN(parent)) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const found = [...roots];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return [...new Set(found)];
}

/** Exact to the nanosecond where the scheduler says so, else to a hundredth of a second; ended children to that. */
export function cpuSecondsOf(pid: number): number {
  const ticks = tickedSeconds(pid);
  return ticks === undefined ? 0 : (scheduledSeconds(pid) ?? ticks.own) + ticks.endedChildren;
}

/** User and system time as the kernel has counted it, in hundredths of a second: of all threads that a process has or had. */
export function tickedSeconds(pid: number): { readonly own: number; readonly endedChildren: number } | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  const ticks = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
  return { own: ticks(UTIME), endedChildren: ticks(CUTIME) };
}

/** Time on the processor of a process's threads. Node's live as long as the process does. */
function scheduledSeconds(pid: number): number | undefined {
  let nanoseconds = 0;
  for (const thread of numericNames(`/proc/${pid}/task`)) {
    const [onCpu] = read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ') ?? [];
    if (onCpu === undefined) return undefined;
    nanoseconds += Number(onCpu);
  }
  return nanoseconds === 0 ? undefined : nanoseconds / 1e9;
}

function pssMbOf(pid: number): number {
  const found = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
  return found === null ? 0 : (Number(found[1]) * 1024) / 1e6;
}

/** Of what `statFields` says: user and system time are beside each other, each in ticks. */
const UTIME = 11;
const CUTIME = 13;
const TICKS_PER_SECOND = 100;

/** Fields of proc(5)'s `stat`, from the third on: the second may hold spaces. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function numericNames(folder: string): number[] {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((name) => !Number.isNaN(name));
  } catch {
    return [];
  }
}

/** Undefined for a process that has gone. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
