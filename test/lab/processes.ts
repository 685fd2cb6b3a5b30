import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export { freePort } from '../../gateway/testing/free-port.ts';

/** How long a server or screen may take to come up, and whatever else is waited for: a bound where all is lost, not what is expected. */
export const START_TIMEOUT_MS = 90_000;

/** A child in a process group of its own, with the last of what it printed. */
export interface LabProcess {
  readonly name: string;
  readonly pid: number;
  /** The last 64 KB of stdout and stderr together. */
  output(): string;
  /** True once it has exited. */
  exited(): boolean;
  /** Ends the whole group: `signal` (SIGTERM), then SIGKILL after `patience` ms (2000). Resolves once it is gone. */
  stop(signal?: NodeJS.Signals, patience?: number): Promise<void>;
}

const OUTPUT_KEPT = 64 * 1024;
const running = new Set<ChildProcess>();

// A test run that is ended in the middle takes its servers with it.
process.on('exit', () => {
  for (const child of running) killGroup(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

/** Starts a program in a process group of its own; `env` is added to this process's. */
export function startProcess(
  name: string,
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): LabProcess {
  // The kernel ends it with this process, also when that is killed and can clean nothing up.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(String(error))));
  child.on('exit', () => running.delete(child));
  const exited = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  return {
    name,
    pid: child.pid ?? -1,
    output: () => output,
    exited,
    async stop(signal = 'SIGTERM', patience = 2000) {
      if (child.pid === undefined) return;
      // Also when the leader has gone already: its group may still have members.
      killGroup(child, signal);
      if (exited()) return;
      const gone = once(child, 'exit');
      const late = setTimeout(() => killGroup(child, 'SIGKILL'), patience);
      await gone;
      clearTimeout(late);
      killGroup(child, 'SIGKILL');
    },
  };
}

/** Runs a short command to its end and returns its stdout; throws with its stderr when it fails. */
export function runCommand(
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string | Buffer } = {},
): Buffer {
  const [file = '', ...args] = command;
  const result = spawnSync(file, args, {
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    input: options.input ?? '',
    maxBuffer: 256 * 1024 * 1024,
    timeout: START_TIMEOUT_MS,
  });
  if (result.error) throw new Error(`cannot run ${file}`, { cause: result.error });
  if (result.status !== 0) {
    throw new Error(
      `${command.join(' ')} failed (${result.status ?? result.signal}): ${result.stderr.toString().trim()}`,
    );
  }
  return result.stdout;
}

/** What a test starts for itself, and ends. */
type Started = { stop(): unknown } | { close(): unknown };

/** Starts things at once. Where one does not start, the others are ended, for they would keep the test's process alive. */
export async function startAll<T extends readonly Started[]>(
  ...starting: { [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  const results = await Promise.allSettled(starting);
  const failure = results.find(({ status }) => status === 'rejected');
  if (failure === undefined) return Promise.all(starting);
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value as Started] : []));
  await Promise.allSettled(started.map((thing) => ('stop' in thing ? thing.stop() : thing.close())));
  throw (failure as PromiseRejectedResult).reason;
}

const LONGEST_INTERVAL_MS = 1000;

/** Thrown by a probe to say that waiting longer is of no use. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
}

/**
 * Asks `probe` every `interval` ms until it gives a value; fails with `what` and the last error when `timeout` ms have passed. One that takes
 * long is asked less often: what it waits for has to be done meanwhile, by this process as well.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  { timeout = START_TIMEOUT_MS, interval = 100 }: { timeout?: number; interval?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeout;
  let last: unknown;
  do {
    const asked = performance.now();
    try {
      const value = await probe();
      if (value !== undefined && value !== false && value !== null) return value;
      last = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    await sleep(Math.max(interval, Math.min(LONGEST_INTERVAL_MS, performance.now() - asked)));
  } while (performance.now() < deadline);
  throw new Error(`waited ${timeout / 1000} s in vain for ${what}`, { cause: last });
}

/** Waits until something listens on a loopback port, without connecting to it: xrdp counts and logs every connection. */
export async function waitForPort(port: number, server: LabProcess): Promise<void> {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  await waitFor(`${server.name} on port ${port}`, () => {
    if (server.exited()) throw new Hopeless(`${server.name} has exited: ${server.output().slice(-2000)}`);
    return readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .some((line) => {
        const [, local, , state] = line.trim().split(/\s+/);
        return local === wanted && state === '0A';
      });
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody left in the group.
  }
}
