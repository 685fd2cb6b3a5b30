import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** A bound where all is lost, below what one test may take; nothing is expected to take so long. */
const PATIENCE_MS = 90_000;
const LOOK_MS = 20;

/** Looks until there is something other than `undefined` or `false`, and returns it. @throws with `what` and `seen` when that never comes */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seen: () => unknown = () => '',
): Promise<Exclude<T, undefined | false>> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(LOOK_MS)) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
  }
  return assert.fail(`waited in vain for ${what} ${seen()}`);
}
