import { resolve } from 'node:path';
import { BenchError } from '../../cli.ts';
import { readStream } from './store.ts';

/** A file that `bench -- capture` has written, as one kind of work. */
export interface CapturedStream {
  readonly scenario: string;
  readonly size: string;
  readonly server: string;
  readonly file: string;
}

/** @param list files, by commas @throws BenchError for a file that is no stream */
export async function capturedStreams(list: string): Promise<CapturedStream[]> {
  const files = list.split(',').filter((file) => file !== '');
  return Promise.all(
    files.map(async (file) => {
      try {
        const { name, width, height } = await readStream(file);
        return { scenario: name, size: `${width}x${height}`, server: 'captured', file: resolve(file) };
      } catch (error) {
        throw new BenchError('file_unreadable', `--stream ${file}: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
}
