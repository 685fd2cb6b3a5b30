import { cp, rm } from 'node:fs/promises';

/**
 * Copies what is recorded just now, as a crash would leave it. Files of encoders that are through go meanwhile: then it is copied once more, for
 * a copy without one that its list still had is no moment of the recording.
 */
export async function copyAsLeft(
  from: string,
  to: string,
  { filter = () => true }: { filter?: (path: string) => boolean } = {},
): Promise<void> {
  for (;;) {
    try {
      await cp(from, to, { recursive: true, filter });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await rm(to, { recursive: true, force: true });
    }
  }
}
