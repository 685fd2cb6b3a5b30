import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Names under which a secret could stand in a logged object. No code passes one on purpose; this is the second fence,
 * and the canary test looks whether it was needed.
 */
const SECRET_NAMES = ['password', 'secret', 'ticket', 'token', 'authorization', 'cookie', 'credentials', 'hash'];

/** JSON lines to stderr: stdout is kept for what a person reads, such as the first password and the address. */
export function createLogger(level: string, stream: DestinationStream = destination({ dest: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    stream,
  );
}
