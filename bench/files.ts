import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BenchError } from './cli.ts';

/** Makes sure that a file can be written: said now, not after half an hour. @throws BenchError */
export async function claim(file: string): Promise<void> {
  try {
    await mkdir(dirname(resolve(file)), { recursive: true });
    await writeFile(file, '', { flag: 'a' });
  } catch (error) {
    throw new BenchError('file_unwritable', `${file}: ${(error as Error).message}`, { cause: error });
  }
}
