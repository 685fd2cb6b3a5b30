import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { DemoReport, DemoStart } from './main.ts';

export interface DemoProcess {
  readonly pid: number | undefined;
  readonly port: number;
  /** Resolves when the process has ended, wanted or not. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs the demo desktop as a child process that ends with this one. Rejects if it cannot listen.
 *
 * @param onLog gets the lines that it prints
 */
export async function startDemoProcess(
  options: DemoStart['options'],
  onLog: (line: string) => void = () => {},
): Promise<DemoProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Nothing of this process' environment is its business, least of all passwords.
    env: {
      PATH: process.env.PATH ?? '',
      // The canvas asks for the home directory when it is loaded, and a container's user may have none.
      HOME: process.env.HOME ?? tmpdir(),
      ...(process.env.TZ ? { TZ: process.env.TZ } : {}),
    },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') onLog(line);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const report = new Promise<DemoReport>((resolve) => {
    child.once('message', (message: DemoReport) => resolve(message));
    child.once('error', (error) => resolve({ kind: 'failed', message: error.message }));
    child.once('exit', (code) => resolve({ kind: 'failed', message: `demo desktop ended with code ${code}` }));
  });
  const start: DemoStart = { kind: 'start', options };
  child.send(start);
  const answer = await report;
  if (answer.kind === 'failed') throw new Error(answer.message);
  const stop = async () => {
    if (child.connected) child.disconnect();
    await ended;
  };
  return { pid: child.pid, port: answer.port, ended, stop };
}
