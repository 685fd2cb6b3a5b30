import { spawnSync } from 'node:child_process';

/** Variables with secrets in them. */
const SECRET_VARIABLES = ['ORIEL_MASTER_KEY', 'ORIEL_NEXT_MASTER_KEY', 'ORIEL_ADMIN_PASSWORD'] as const;

/**
 * Keeps what this process holds in memory out of files that describe it: no core dump, no environment in a diagnostic
 * report, and no secret in the environment of the programs that it starts. Called once the configuration is read.
 */
export function hardenProcess(environment: NodeJS.ProcessEnv = process.env): void {
  for (const name of SECRET_VARIABLES) delete environment[name];
  process.report.excludeEnv = true;
  // Node has no setrlimit. Where util-linux is missing, the container or the service says it.
  if (process.platform === 'linux') {
    spawnSync('prlimit', [`--pid=${process.pid}`, '--core=0:0'], { stdio: 'ignore' });
  }
}
