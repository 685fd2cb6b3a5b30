import { join } from 'node:path';
import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';

/** How long a statement waits while the gateway writes. Without it a test fails whenever the two meet. */
const BUSY_MS = 5000;

/** The store of a gateway that runs, for what no API does: time that passes, somebody who was at the file. */
export function openGatewayDatabase(dataDirectory: string, options: DatabaseSyncOptions = {}): DatabaseSync {
  return new DatabaseSync(join(dataDirectory, 'oriel.sqlite'), { timeout: BUSY_MS, ...options });
}
