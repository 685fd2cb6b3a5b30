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
  return stepByPhase.get(phase);
}

const stepByPhase: ReadonlyMap<string, number> = new Map([
  ['starting', 1],
  ['negotiating', 1],
  ['securing', 2],
  ['authenticating', 3],
  ['settings', 3],
  ['channels', 3],
  ['licensing', 4],
  ['capabilities', 4],
  ['finalizing', 4],
]);
