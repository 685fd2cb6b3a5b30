import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../errors.ts';

/** Twelve hours are less than 200 MB. */
export const MAX_RECEIVED_BYTES = 4e9;

/**
 * Keeps what somebody sends in a file while `use` works with it, and removes it whatever happens. Rejects with `too_large`
 * when it is more than `limit` bytes, or more than the disk has room for.
 *
 * @param directory made where it is missing
 */
export async function withReceivedFile<T>(
  bytes: Readable,
  directory: string,
  use: (path: string) => Promise<T>,
  limit = MAX_RECEIVED_BYTES,
): Promise<T> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(directory, 'file-'));
  const path = join(folder, 'received');
  try {
    await pipeline(bytes, (source) => limited(source, limit), createWriteStream(path, { mode: 0o600 })).catch(explain);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > limit) throw new GatewayError('too_large', `more than ${limit} bytes`);
    yield piece;
  }
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code === 'ECONNRESET') throw new GatewayError('bad_request', 'the file broke off', { cause: error });
  if (error.code === 'ENOSPC') throw new GatewayError('too_large', 'no room for it', { cause: error });
  throw error;
}
