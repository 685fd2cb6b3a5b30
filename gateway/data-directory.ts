import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from './config.ts';

/**
 * Makes the data folder where there is none, with those it is in. Throws `ConfigError`.
 *
 * One after the other: Node's own `recursive` goes round for ever where a file system answers that a folder's parent is
 * missing, which it is not. /proc does, and so do folders whose contents are mounted on demand.
 *
 * @param path absolute
 */
export async function makeDataDirectory(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await isThere(folder)); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    try {
      await mkdir(folder, { mode: 0o700 });
    } catch (cause) {
      // Somebody else has made it meanwhile.
      if (await isThere(folder)) continue;
      throw new ConfigError('ORIEL_DATA', `${folder} cannot be made (${(cause as NodeJS.ErrnoException).code})`);
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  if (path === dirname(path)) return true;
  return stat(path).then(
    () => true,
    () => false,
  );
}
