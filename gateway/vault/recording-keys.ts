import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Store } from '../store/store.ts';
import { KEY_SIZE } from './master-key.ts';
import type { Vault } from './vault.ts';

/**
 * The keys that recordings are encrypted with, one each, sealed by the vault's master key. They are in the database and
 * not beside the recordings: a copy of those is worth nothing without, and a destroyed key destroys every copy.
 */
export class RecordingKeys {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  /** A new recording's key; durable before anything is encrypted with it. */
  async create(id: string): Promise<Uint8Array> {
    const key = randomBytes(KEY_SIZE);
    const secret = this.#vault.seal(key.toString('base64'), ownerOf(id));
    await this.#store
      .insertInto('recording_keys')
      .values({ session_id: id, secret, created_at: Date.now(), destroyed_at: null })
      .execute();
    return Uint8Array.from(key);
  }

  /** Nothing where there never was one, as for recordings of older versions, or where it was destroyed. */
  async find(id: string): Promise<Uint8Array | undefined> {
    const row = await this.#store
      .selectFrom('recording_keys')
      .select('secret')
      .where('session_id', '=', id)
      .executeTakeFirst();
    if (row === undefined || row.secret === null) return undefined;
    return Uint8Array.from(Buffer.from(this.#vault.open(row.secret, ownerOf(id)), 'base64'));
  }

  /** From here on nobody can read the recording any more, nor any copy of it. That there was a key stays known. */
  async destroy(id: string): Promise<void> {
    await this.#store
      .updateTable('recording_keys')
      .set({ secret: null, destroyed_at: Date.now() })
      .where('session_id', '=', id)
      .where('secret', 'is not', null)
      .execute();
    // The database's file must not go on holding what was overwritten, nor its write-ahead log.
    await sql`pragma wal_checkpoint(truncate)`.execute(this.#store);
  }
}

/** A key does not open as another recording's, nor as an account's password. */
function ownerOf(id: string): string {
  return `recording ${id}`;
}
