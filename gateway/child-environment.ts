import { clockEnvironment } from './clock.ts';

/**
 * What a child process needs of the gateway's environment: none of its settings, among which may be a password.
 * @param more what this one is to be told besides
 */
export function childEnvironment(logLevel: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...foreignEnvironment(), ORIEL_LOG_LEVEL: logLevel, ...more, ...clockEnvironment() };
}

/** All of the gateway's environment that is not its settings: how to sign in to a storage, say, and whose certificates to trust. */
export function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ORIEL_')));
}
