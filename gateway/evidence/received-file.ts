import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../errors.ts';

/** Twelve hours are less than 200 MB. */
export const MAX_RECEIVED_BYTES = 4e9;
/** After so many bytes it is looked at again whether there is room for more. */
const LOOK_EVERY_BYTES = 16e6;

export interface ReceivingLimits {
  readonly limit?: number;
  /** How many bytes may still be written: sessions are recorded onto the same disk. */
  readonly room?: () => Promise<number>;
}

/**
 * Keeps what somebody sends in a file while `use` works with it, and removes it whatever happens. Rejects with `too_large`
 * when it is more than `limit` bytes, or more than there is room for.
 *
 * @param directory made where it is missing
 */
export async function withReceivedFile<T>(
  bytes: Readable,
  directory: string,
  use: (path: string) => Promise<T>,
  { limit = MAX_RECEIVED_BYTES, room = async () => Number.POSITIVE_INFINITY }: ReceivingLimits = {},
): Promise<T> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(directory, 'file-'));
  const path = join(folder, 'received');
  try {
    await pipeline(bytes, (source) => limited(source, limit, room), createWriteStream(path, { mode: 0o600 })).catch(
      explain,
    );
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* limited(
  source: AsyncIterable<Uint8Array>,
  limit: number,
  room: () => Promise<number>,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  let lookAt = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > limit) throw new GatewayError('too_large', `more than ${limit} bytes`);
    if (size > lookAt) {
      if ((await room()) < LOOK_EVERY_BYTES) throw new GatewayError('too_large', NO_ROOM);
      lookAt = size + LOOK_EVERY_BYTES;
    }
    yield piece;
  }
}

const NO_ROOM = 'what room is left is for sessions that are recorded';

function explain(error: NodeJS.ErrnoException): never {
  if (error.code === 'ECONNRESET') throw new GatewayError('bad_request', 'the file broke off', { cause: error });
  if (error.code === 'ENOSPC') throw new GatewayError('too_large', 'no room for it', { cause: error });
  throw error;
}
