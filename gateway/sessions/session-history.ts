import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import { GatewayError } from '../errors.ts';
import type { SessionRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { RecordingResult } from './ports.ts';
import type { SessionFacts } from './session.ts';

export type RecordingState = 'recording' | 'finishing' | 'ready' | 'failed';

/** A recording as the API shows it; its id is that of its session. */
export interface Recording {
  readonly id: string;
  readonly state: RecordingState;
  readonly user: { readonly id: string; readonly username: string };
  readonly target: { readonly id: string; readonly name: string };
  readonly account: { readonly id: string; readonly username: string };
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly endCode: string | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
}

/** Every session there was, and what became of its recording. */
export class SessionHistory {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async created(facts: SessionFacts): Promise<void> {
    await this.#store
      .insertInto('sessions')
      .values({
        id: facts.id,
        user_id: facts.user.id,
        username: facts.user.username,
        target_id: facts.target.id,
        target_name: facts.target.name,
        account_id: facts.account.id,
        account_username: facts.account.username,
        width: facts.width,
        height: facts.height,
        created_at: Math.floor(facts.createdAt),
        started_at: null,
        ended_at: null,
        end_code: null,
        recording: 'none',
        recording_duration_ms: null,
        recording_bytes: null,
      })
      .execute();
  }

  /** The desktop is there; `recorded`: and its recording has begun. */
  async connected(id: string, at: number, recorded: boolean): Promise<void> {
    await this.#store
      .updateTable('sessions')
      .where('id', '=', id)
      .set({ started_at: Math.floor(at), ...(recorded ? { recording: 'recording' } : {}) })
      .execute();
  }

  async ended(id: string, end: SessionEnd, at: number): Promise<void> {
    await this.#store
      .updateTable('sessions')
      .where('id', '=', id)
      .set((expression) => ({
        ended_at: Math.floor(at),
        end_code: end.code,
        recording: expression
          .case()
          .when('recording', '=', 'recording')
          .then('finishing')
          .else(expression.ref('recording'))
          .end(),
      }))
      .execute();
  }

  /** What the recorder made of it; nothing: there is no video. A session that never showed a desktop has none to miss. */
  async recordingFinished(id: string, result: RecordingResult | undefined): Promise<void> {
    const query = this.#store.updateTable('sessions').where('id', '=', id);
    if (result === undefined) {
      await query.where('recording', '!=', 'none').set({ recording: 'failed' }).execute();
      return;
    }
    await query
      .set({
        recording: 'ready',
        recording_duration_ms: Math.round(result.durationMs),
        recording_bytes: result.bytes,
      })
      .execute();
  }

  /** At start: sessions that a stopped gateway left open are over. Returns their ids. */
  async closeInterrupted(at: number): Promise<string[]> {
    const rows = await this.#store
      .updateTable('sessions')
      .where('ended_at', 'is', null)
      .set({ ended_at: Math.floor(at), end_code: 'gateway_stopping' })
      .returning('id')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Recordings that should have been finished and are not. */
  async unfinishedRecordings(): Promise<string[]> {
    const rows = await this.#store
      .selectFrom('sessions')
      .select('id')
      .where('recording', 'in', ['recording', 'finishing'])
      .where('ended_at', 'is not', null)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** The newest first. */
  async recordings(options: { limit: number; before?: string }): Promise<Recording[]> {
    let query = this.#store
      .selectFrom('sessions')
      .selectAll()
      .where('recording', '!=', 'none')
      .orderBy('created_at', 'desc')
      .limit(options.limit);
    if (options.before !== undefined) query = query.where('created_at', '<', Date.parse(options.before));
    return (await query.execute()).map(toRecording);
  }

  async recording(id: string): Promise<Recording> {
    const row = await this.#store
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', id)
      .where('recording', '!=', 'none')
      .executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such recording');
    return toRecording(row);
  }
}

function toRecording(row: SessionRow): Recording {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    id: row.id,
    state: row.recording as RecordingState,
    user: { id: row.user_id, username: row.username },
    target: { id: row.target_id, name: row.target_name },
    account: { id: row.account_id, username: row.account_username },
    startedAt: new Date(row.started_at ?? row.created_at).toISOString(),
    endedAt: iso(row.ended_at),
    endCode: row.end_code,
    durationMs: row.recording_duration_ms,
    bytes: row.recording_bytes,
  };
}
