import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import { GatewayError } from '../errors.ts';
import type { EventIndex } from '../library/event-index.ts';
import type { EventWords } from '../library/event-text.ts';
import { lowered } from '../store/lowered.ts';
import type { SessionRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { RecordingResult } from './ports.ts';
import type { SessionFacts } from './session-contract.ts';

export type RecordingState = 'recording' | 'finishing' | 'ready' | 'failed' | 'deleted';

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
  /** Under legal hold: nothing deletes it. */
  readonly held: boolean;
  /** When and by which rule it was deleted. */
  readonly deletedAt: string | null;
  readonly deletedBy: 'age' | 'size' | null;
  /** Where the words that were searched for are in its events; milliseconds of the video. Only with a search. */
  readonly found?: readonly EventWords[];
}

export interface RecordingFilter {
  readonly limit: number;
  /** Only those older than the recording with this id: the next page. */
  readonly after?: string;
  /** Made before this moment. ISO 8601. */
  readonly before?: string;
  /** Started at this moment or later. ISO 8601. */
  readonly from?: string;
  /** Started before this moment. ISO 8601. */
  readonly to?: string;
  /** Parts of names, in any case. */
  readonly user?: string;
  readonly target?: string;
  readonly account?: string;
  /** Words, each of which is in a name of user, target or account, or in the recording's events. */
  readonly search?: string;
  /** Deleted ones are left out unless asked for. */
  readonly state?: RecordingState;
  /** Only those under legal hold, or only the others. */
  readonly held?: boolean;
  /** Length of the video; those without one are then left out. */
  readonly minSeconds?: number;
  readonly maxSeconds?: number;
}

/** Every session there was, and what became of its recording. */
export class SessionHistory {
  readonly #store: Store;
  readonly #events: EventIndex;

  constructor(store: Store, events: EventIndex) {
    this.#store = store;
    this.#events = events;
  }

  /** @param store the transaction that lets the session in */
  async created(
    facts: Omit<SessionFacts, 'terms'>,
    requestId: string | null,
    store: Store = this.#store,
  ): Promise<void> {
    await store
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
        request_id: requestId,
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
      .set({ ended_at: Math.floor(at), end_code: end.code, recording: FINISHING })
      .execute();
  }

  /** What the recorder made of it; nothing: there is no video. A session that never showed a desktop has none to miss. */
  async recordingFinished(id: string, result: RecordingResult | undefined): Promise<void> {
    const query = this.#store.updateTable('sessions').where('id', '=', id);
    if (result === undefined) {
      await query.where('recording', '!=', 'none').set({ recording: 'failed' }).execute();
      return;
    }
    const { durationMs, bytes, endedAt } = result;
    await query
      .set({ recording: 'ready', recording_duration_ms: Math.round(durationMs), recording_bytes: bytes })
      .execute();
    if (endedAt === undefined) return;
    // A gateway that starts after a crash closes the session at that moment, which may be days later.
    await this.#store
      .updateTable('sessions')
      .where('id', '=', id)
      .where('ended_at', '>', Math.floor(endedAt))
      .set({ ended_at: Math.floor(endedAt) })
      .execute();
  }

  /** At start: sessions that a stopped gateway left open are over. Returns their ids. */
  async closeInterrupted(at: number): Promise<string[]> {
    const rows = await this.#store
      .updateTable('sessions')
      .where('ended_at', 'is', null)
      .set({ ended_at: Math.floor(at), end_code: 'gateway_stopping', recording: FINISHING })
      .returning('id')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** When and how a session ended, and whose it was; `undefined` where there was none. */
  async endOf(
    id: string,
  ): Promise<{ readonly userId: string; readonly at: number | null; readonly code: string | null } | undefined> {
    return await this.#store
      .selectFrom('sessions')
      .select(['user_id as userId', 'ended_at as at', 'end_code as code'])
      .where('id', '=', id)
      .executeTakeFirst();
  }

  /** Recordings that should have been finished and are not, those among them that were given up: they may have been finished since. */
  async unfinishedRecordings(): Promise<string[]> {
    const rows = await this.#store
      .selectFrom('sessions')
      .select('id')
      .where('recording', 'in', ['recording', 'finishing', 'failed'])
      .where('ended_at', 'is not', null)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Whether a recording was finished, whatever became of it since. */
  async isSettled(id: string): Promise<boolean> {
    const row = await this.#store
      .selectFrom('sessions')
      .select('id')
      .where('id', '=', id)
      .where('recording', 'in', ['ready', 'deleting', 'deleted'])
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The newest first. Throws `not_found` when the one to go on after is not there. */
  async recordings(filter: RecordingFilter): Promise<Recording[]> {
    let query = this.#library().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(filter.limit);
    if (filter.after !== undefined) {
      const { id, created_at } = await this.#row(filter.after);
      query = query.where(({ eb, and, or }) =>
        or([eb('created_at', '<', created_at), and([eb('created_at', '=', created_at), eb('id', '<', id)])]),
      );
    }
    const started = sql<number>`coalesce(started_at, created_at)`;
    if (filter.before !== undefined) query = query.where('created_at', '<', momentOf(filter.before));
    if (filter.from !== undefined) query = query.where(started, '>=', momentOf(filter.from));
    if (filter.to !== undefined) query = query.where(started, '<', momentOf(filter.to));
    if (filter.user !== undefined) query = query.where(holds('username', filter.user));
    if (filter.target !== undefined) query = query.where(holds('target_name', filter.target));
    if (filter.account !== undefined) query = query.where(holds('account_username', filter.account));
    const words = filter.search?.split(/\s+/).filter(Boolean) ?? [];
    for (const word of words) {
      query = query.where(({ or }) =>
        or([
          holds('username', word),
          holds('target_name', word),
          holds('account_username', word),
          this.#events.condition(word),
        ]),
      );
    }
    if (filter.held !== undefined) query = query.where('placed_at', filter.held ? 'is not' : 'is', null);
    query =
      filter.state === undefined || filter.state === 'deleted'
        ? query.where('recording', filter.state === undefined ? 'not in' : 'in', ['deleting', 'deleted'])
        : query.where('recording', '=', filter.state);
    if (filter.minSeconds !== undefined)
      query = query.where('recording_duration_ms', '>=', Math.round(filter.minSeconds * 1000));
    if (filter.maxSeconds !== undefined)
      query = query.where('recording_duration_ms', '<=', Math.round(filter.maxSeconds * 1000));
    const rows = await query.execute();
    if (words.length === 0) return rows.map(toRecording);
    const found = await this.#events.moments(
      rows.map(({ id }) => id),
      words,
    );
    return rows.map((row) => ({ ...toRecording(row), found: found.get(row.id) ?? [] }));
  }

  async recording(id: string): Promise<Recording> {
    return toRecording(await this.#row(id));
  }

  /** One whose video is there. Throws `not_found`, and `not_ready` while it is being made. */
  async finishedRecording(id: string): Promise<Recording> {
    const recording = await this.recording(id);
    if (recording.state === 'failed') throw new GatewayError('not_found', 'there is no video of this session');
    if (recording.state === 'deleted') throw new GatewayError('not_found', 'the recording was deleted by its rule');
    if (recording.state !== 'ready') throw new GatewayError('not_ready', 'the recording is not finished yet');
    return recording;
  }

  #library() {
    return this.#store
      .selectFrom('sessions')
      .leftJoin('legal_holds', 'legal_holds.session_id', 'sessions.id')
      .selectAll('sessions')
      .select('legal_holds.placed_at as held_at')
      .where('recording', '!=', 'none');
  }

  async #row(id: string): Promise<LibraryRow> {
    const row = await this.#library().where('sessions.id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such recording');
    return row;
  }
}

/** What `recording` is from the session's end on. */
const FINISHING = sql<string>`case when recording = 'recording' then 'finishing' else recording end`;

/** Whether a column holds a text, whatever the case; for SQLite and PostgreSQL alike. */
function holds(column: 'username' | 'target_name' | 'account_username', part: string): RawBuilder<SqlBool> {
  const wanted = part.toLowerCase();
  const pattern = `%${wanted.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`${lowered(column, wanted)} like ${pattern} escape '\\'`;
}

/** Throws `bad_request` where a text of the right shape is no moment, such as a day of a 13th month. */
function momentOf(iso: string): number {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) throw new GatewayError('bad_request', 'there is no such moment');
  return at;
}

type LibraryRow = SessionRow & { readonly held_at: number | null };

function toRecording(row: LibraryRow): Recording {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    id: row.id,
    state: row.recording === 'deleting' ? 'deleted' : (row.recording as RecordingState),
    user: { id: row.user_id, username: row.username },
    target: { id: row.target_id, name: row.target_name },
    account: { id: row.account_id, username: row.account_username },
    startedAt: new Date(row.started_at ?? row.created_at).toISOString(),
    endedAt: iso(row.ended_at),
    endCode: row.end_code,
    durationMs: row.recording_duration_ms,
    bytes: row.recording_bytes,
    held: row.held_at !== null,
    deletedAt: iso(row.recording_deleted_at),
    deletedBy: row.recording_deleted_by as Recording['deletedBy'],
  };
}
