import { writeFile } from 'node:fs/promises';
import { BenchError } from './cli.ts';

/**
 * Makes sure that a file can be written: said now, not after half an hour. Makes no folder for it: `mkdir` with
 * `recursive` never returns for one in a file system that has no room for new names, such as /proc.
 * @throws BenchError
 */
export async function claim(file: string): Promise<void> {
  try {
    await writeFile(file, '', { flag: 'a' });
  } catch (error) {
    throw new BenchError('file_unwritable', `${file}: ${(error as Error).message}`, { cause: error });
  }
}
