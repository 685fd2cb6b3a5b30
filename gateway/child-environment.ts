import { clockEnvironment } from './clock.ts';

/**
 * What a child process needs of the gateway's environment: none of its settings, among which may be a password.
 * @param more what this one is to be told besides
 */
export function childEnvironment(logLevel: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('ORIEL_'));
  return { ...Object.fromEntries(rest), ORIEL_LOG_LEVEL: logLevel, ...more, ...clockEnvironment() };
}
