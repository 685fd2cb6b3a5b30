import { statfs } from 'node:fs/promises';
import { GatewayError } from '../errors.ts';

/** Where recordings are written, as far as room goes. Bytes. */
export interface Space {
  readonly free: number;
  readonly total: number;
}

/** When the disk counts as low, and when no further session may be recorded on it. Bytes that are free. */
export interface Watermarks {
  readonly warnFreeBytes: number;
  readonly stopFreeBytes: number;
}

export type SpaceState = 'ok' | 'low' | 'full' | 'unknown';

/** A gigabyte is what the sessions that go on may still take: an hour of one is 15 MB, and joining it takes that again. */
export const DEFAULT_WATERMARKS: Watermarks = { warnFreeBytes: 5e9, stopFreeBytes: 1e9 };

export function spaceState(space: Space | undefined, { warnFreeBytes, stopFreeBytes }: Watermarks): SpaceState {
  if (space === undefined) return 'unknown';
  if (space.free < stopFreeBytes) return 'full';
  return space.free < warnFreeBytes ? 'low' : 'ok';
}

/** Throws `storage_full` where a session should be recorded and there is not enough room left. */
export function requireSpace(space: Space | undefined, watermarks: Watermarks): void {
  if (space === undefined || spaceState(space, watermarks) !== 'full') return;
  throw new GatewayError(
    'storage_full',
    `${megabytes(space.free)} MB are free, and ${megabytes(watermarks.stopFreeBytes)} MB are kept for sessions that go on`,
  );
}

/** The space of the file system that a folder is on, for this process; nothing where it cannot be told. */
export async function spaceOf(folder: string): Promise<Space | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return undefined;
  }
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
