import { execFile } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** A twelve-hour recording takes seconds; a disk that hangs must not keep a request for ever. */
const TIMEOUT_MS = 10 * 60_000;
/** A report names every altered part of a long recording, each in about 200 bytes. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs the program of `npm run verify` over a file, at lower priority: hashing hours of video must not stand in the way of
 * the process that moves bytes. Rejects when it does not come to a report.
 *
 * @param signingKeyFile whose public keys are trusted
 */
export function verifyInProcess<Report>(program: string, file: string, signingKeyFile: string): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [program, file, '--json', '-'],
      {
        env: { PATH: process.env.PATH, ORIEL_EVIDENCE_KEY_FILE: signingKeyFile },
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) => {
        try {
          // Its exit code tells the verdict, which the report has too.
          resolve(JSON.parse(stdout) as Report);
        } catch (cause) {
          reject(new Error(`verification failed: ${stderr.trim() || error?.message}`, { cause }));
        }
      },
    );
    try {
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It has ended already, or the system does not let us: it works at normal priority then.
    }
  });
}
