/** The steps of opening a desktop, in the words of the person who waits. */
export const connectionSteps = [
  'Preparing the session',
  'Reaching the computer',
  'Securing the connection',
  'Signing in',
  'Loading the desktop',
] as const;

/**
 * The step that a phase of the tunnel belongs to, as an index into `connectionSteps`; `undefined` for a phase that
 * this page does not know, which leaves the step where it is.
 */
export function stepOfPhase(phase: string): number | undefined {
  const name = phase.toLowerCase();
  for (const [step, words] of phaseWords) if (words.some((word) => name.includes(word))) return step;
  return undefined;
}

/** Looked through in order: the first hit counts. */
const phaseWords: readonly (readonly [step: number, words: readonly string[]])[] = [
  [4, ['active', 'capabilit', 'finali', 'connected', 'desktop']],
  [3, ['nla', 'credssp', 'logon', 'authent', 'licens', 'client-info', 'secure-settings', 'info']],
  [2, ['tls', 'security', 'mcs', 'basic', 'channel', 'gcc']],
  [1, ['resolv', 'tcp', 'connecting', 'negotiat', 'x224', 'initiation', 'dial']],
  [0, ['pending', 'prepar', 'attach', 'record', 'start']],
];
