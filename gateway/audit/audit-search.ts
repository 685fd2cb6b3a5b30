import { type SelectQueryBuilder, sql } from 'kysely';
import type { AuditRow, Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';

/** Which rows are meant; what is absent does not matter. */
export interface AuditFilter {
  /** `login.failed`; or what stands before the point: `login`. */
  readonly action?: string;
  /** Part of the name of whoever did it. */
  readonly person?: string;
  /** Part of the name of what it was done to. */
  readonly subject?: string;
  readonly sessionId?: string;
  readonly outcome?: AuditOutcome;
  /** Part of any name, address or detail. */
  readonly search?: string;
  /** RFC 3339; from this moment on, and before that one. */
  readonly from?: string;
  readonly to?: string;
}

export const auditOutcomes = ['done', 'refused'] as const;
/** Whether it came to what was wanted. */
export type AuditOutcome = (typeof auditOutcomes)[number];

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly actorId: string | null;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly outcome: AuditOutcome;
  readonly subject: string;
  readonly sessionId: string | null;
  readonly details: Record<string, unknown>;
  readonly hash: string;
}

/** What was wanted and did not come about, by how the names of actions end. */
const refusals = ['failed', 'refused', 'limited', 'denied', 'guessing', 'broken', 'full', 'behind'];

export function outcomeOf(action: string): AuditOutcome {
  return refusals.some((ending) => action.endsWith(ending)) ? 'refused' : 'done';
}

/** How many rows are read at a time. */
const CHUNK = 1000;

/** Reads the trail by what is looked for. */
export class AuditSearch {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest first. `before` is the number to go on from. */
  async list({ limit, before, ...filter }: AuditFilter & { limit: number; before?: number }): Promise<AuditEntry[]> {
    const matches = matcherOf(filter);
    const found: AuditEntry[] = [];
    let last = before;
    for (;;) {
      let query = this.#query(filter).orderBy('id', 'desc').limit(limit);
      if (last !== undefined) query = query.where('id', '<', last);
      const rows = await query.execute();
      for (const row of rows) if (matches(row)) found.push(toEntry(row));
      if (rows.length < limit || found.length >= limit) return found.slice(0, limit);
      last = rows.at(-1)?.id;
    }
  }

  /** The oldest first, some at a time, so that others get their turn. @param last the last number that counts */
  async *rows(filter: AuditFilter = {}, last = Number.MAX_SAFE_INTEGER): AsyncGenerator<AuditRow> {
    const matches = matcherOf(filter);
    const turns = new Turns();
    let number = 0;
    for (;;) {
      const rows = await this.#query(filter)
        .where('id', '>', number)
        .where('id', '<=', last)
        .orderBy('id')
        .limit(CHUNK)
        .execute();
      for (const row of rows) {
        if (turns.isOver) await turns.pass();
        if (matches(row)) yield row;
      }
      if (rows.length < CHUNK) return;
      number = rows.at(-1)?.id ?? number;
    }
  }

  /** Some that follow this one, the oldest first. */
  after(number: number, limit: number): Promise<AuditRow[]> {
    return this.#store.selectFrom('audit').selectAll().where('id', '>', number).orderBy('id').limit(limit).execute();
  }

  /** The one that follows this one. */
  async next(number: number): Promise<{ readonly id: number; readonly at: number } | undefined> {
    return (await this.after(number, 1))[0];
  }

  async last(): Promise<{ readonly id: number; readonly hash: string } | undefined> {
    return this.#store.selectFrom('audit').select(['id', 'hash']).orderBy('id', 'desc').limit(1).executeTakeFirst();
  }

  async hashOf(number: number): Promise<string | undefined> {
    const row = await this.#store.selectFrom('audit').select('hash').where('id', '=', number).executeTakeFirst();
    return row?.hash;
  }

  /** A first cut in the database, where letters beyond ASCII stand for any; `matcherOf` has the last word. */
  #query(filter: AuditFilter): SelectQueryBuilder<Schema, 'audit', AuditRow> {
    let query = this.#store.selectFrom('audit').selectAll();
    const { action, person, subject, sessionId, outcome, search, from, to } = filter;
    // A name, or the beginning of some: `login` is all that has to do with signing in.
    if (action?.includes('.') === true) query = query.where('action', '=', action);
    else if (action !== undefined) query = query.where('action', '>=', action).where('action', '<', `${action}~`);
    if (sessionId !== undefined) query = query.where('session_id', '=', sessionId);
    if (outcome !== undefined) {
      query = query.where((build) => {
        const refused = build.or(refusals.map((ending) => build('action', 'like', `%${ending}`)));
        return outcome === 'refused' ? refused : build.not(refused);
      });
    }
    if (from !== undefined) query = query.where('at', '>=', Date.parse(from));
    if (to !== undefined) query = query.where('at', '<', Date.parse(to));
    if (person !== undefined) query = query.where(like('actor', person));
    if (subject !== undefined) query = query.where(like('subject', subject));
    if (search !== undefined) {
      query = query.where((build) =>
        build.or([
          ...searchedColumns.map((column) => like(column, search)(build)),
          like('details_json', JSON.stringify(search).slice(1, -1))(build),
        ]),
      );
    }
    return query;
  }
}

const searchedColumns = ['actor', 'subject', 'action', 'address', 'session_id'] as const;

export function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    actorId: row.actor_id,
    actor: row.actor,
    address: row.address,
    action: row.action,
    outcome: outcomeOf(row.action),
    subject: row.subject,
    sessionId: row.session_id,
    details: JSON.parse(row.details_json) as Record<string, unknown>,
    hash: row.hash,
  };
}

function matcherOf({ person, subject, search }: AuditFilter): (row: AuditRow) => boolean {
  const contains = (text: string, part: string | undefined) =>
    part === undefined || text.toLowerCase().includes(part.toLowerCase());
  const escaped = search === undefined ? undefined : JSON.stringify(search).slice(1, -1);
  return (row) =>
    contains(row.actor, person) &&
    contains(row.subject, subject) &&
    (searchedColumns.some((column) => contains(row[column] ?? '', search)) || contains(row.details_json, escaped));
}

// biome-ignore lint/suspicious/noExplicitAny: Kysely's expression builder, whose types are of no use to a caller
function like(column: string, part: string): (build: any) => any {
  const pattern = [...part].map((letter) => (letter > '\u007f' ? '%' : letter.replace(/[\\%_]/, '\\$&'))).join('');
  return (build) => sql<boolean>`${build.ref(column)} like ${`%${pattern}%`} escape '\\'`;
}
