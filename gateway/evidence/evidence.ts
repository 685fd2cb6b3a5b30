import type { Readable } from 'node:stream';
import { isDeleted } from '../retention/deleted.ts';
import type { Store } from '../store/store.ts';

/**
 * What the gateway asks about the evidence in recordings. `gateway/main.ts` brings the recorder's own code for it;
 * ids are those of sessions, whose recordings are there.
 */
export interface Evidence {
  /** Of the key that recordings are signed with now. */
  publicKey(): Promise<{ readonly algorithm: 'Ed25519'; readonly id: string; readonly pem: string }>;
  /**
   * The event log, of a recording that goes on as far as it is; nothing where a recording has none. Rejects with
   * `recording_unreadable` or `recording_unreachable` where there is one that cannot be read.
   */
  events(id: string): Promise<readonly RecordingEvent[] | undefined>;
  /** Reads the whole file. */
  verify(id: string): Promise<Verified>;
  /**
   * Of a file that somebody sends: what it proves by itself and the gateway's keys.
   * @param keepFree bytes of the disk that it is not kept in meanwhile
   */
  verifyFile(bytes: Readable, keepFree: number): Promise<Verified>;
  /** A ZIP that is made while it is read; nothing where a recording carries no evidence. */
  bundle(id: string): Promise<{ readonly zip: Readable; readonly verdict: Verdict } | undefined>;
}

/** A line of the event log, docs/recording.md. */
export interface RecordingEvent {
  readonly n: number;
  readonly at: number;
  readonly t: number | null;
  readonly type: string;
  readonly [field: string]: unknown;
}

export type Verdict = 'whole' | 'altered' | 'cut-short' | 'no-evidence';

export interface Verified {
  readonly verdict: Verdict;
  /** The report in words, several lines. */
  readonly text: string;
  readonly report: object;
}

export interface Verification extends Verified {
  readonly at: string;
  /** Who had it checked. */
  readonly by: string;
}

/** The last check of each recording. */
export class Verifications {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async save(id: string, by: string, verified: Verified, at: number): Promise<Verification> {
    const row = { at, username: by, report_json: JSON.stringify(verified) };
    await this.#store.transaction().execute(async (transaction) => {
      // A check takes a while.
      if (await isDeleted(transaction, id)) return;
      await transaction
        .insertInto('verifications')
        .values({ session_id: id, ...row })
        .onConflict((conflict) => conflict.column('session_id').doUpdateSet(row))
        .execute();
    });
    return { at: new Date(at).toISOString(), by, ...verified };
  }

  async remove(id: string): Promise<void> {
    await this.#store.deleteFrom('verifications').where('session_id', '=', id).execute();
  }

  async find(id: string): Promise<Verification | undefined> {
    const row = await this.#store
      .selectFrom('verifications')
      .selectAll()
      .where('session_id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { at: new Date(row.at).toISOString(), by: row.username, ...(JSON.parse(row.report_json) as Verified) };
  }
}
