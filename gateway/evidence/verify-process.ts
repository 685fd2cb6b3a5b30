import { execFile } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { foreignEnvironment } from '../child-environment.ts';

/** A twelve-hour recording takes seconds; a disk that hangs must not keep a request for ever. */
const TIMEOUT_MS = 10 * 60_000;
/** A report names every altered part of a long recording, each in about 200 bytes. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program that checks a recording, at lower priority: hashing hours of video must not stand in the way of the
 * process that moves bytes. Rejects when it does not come to a report.
 *
 * @param job given to the program on stdin, as JSON
 */
export function verifyInProcess<Report>(program: string, job: object): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [program],
      {
        env: foreignEnvironment(),
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout) as Report);
        } catch (cause) {
          reject(new Error(`verification failed: ${stderr.trim() || error?.message}`, { cause }));
        }
      },
    );
    // A program that is gone before it has read this says so by its exit.
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(job));
    try {
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It has ended already, or the system does not let us: it works at normal priority then.
    }
  });
}
