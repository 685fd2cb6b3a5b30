import { can, type Role } from '../access/can.ts';
import { readRules } from '../access/policy-rules.ts';
import type { Store } from '../store/store.ts';
import { type HistoryRow, type Interval, reachOf } from './reach.ts';

export const reportKinds = ['access', 'sessions', 'recordings', 'reviews'] as const;
/** Who could reach what; who did; what was recorded; what was reviewed. */
export type ReportKind = (typeof reportKinds)[number];

export interface ReportFilter {
  /** RFC 3339; from this moment on, and before that one. */
  readonly from: string;
  readonly to: string;
  /** Parts of names. */
  readonly person?: string;
  readonly target?: string;
}

export type Cell = string | number | boolean | null;
export type ReportRow = Readonly<Record<string, Cell>>;

export interface Report {
  readonly kind: ReportKind;
  readonly from: string;
  readonly to: string;
  /** Nothing is known of who could reach what before this moment. */
  readonly knownFrom: string | null;
  readonly columns: readonly string[];
  readonly rows: readonly ReportRow[];
  /** Whether there are more rows than a report holds. */
  readonly cut: boolean;
}

/** A report that is longer is one over too much. */
export const MAX_REPORT_ROWS = 50_000;

const COLUMNS: Readonly<Record<ReportKind, readonly string[]>> = {
  access: ['person', 'target', 'account', 'group', 'policy', 'needs', 'emergency', 'from', 'to'],
  sessions: [
    ...['person', 'target', 'account', 'openedAt', 'connectedAt', 'endedAt', 'endCode', 'approvedBy', 'reason'],
    ...['ticket', 'emergency', 'recording', 'requestId', 'sessionId'],
  ],
  recordings: [
    ...['person', 'target', 'account', 'openedAt', 'endedAt', 'recording', 'durationMs', 'bytes', 'held', 'deletedAt'],
    ...['deletedBy', 'verdict', 'verifiedAt', 'verifiedBy', 'viewed', 'downloaded', 'sessionId'],
  ],
  reviews: [
    ...['person', 'accounts', 'emergency', 'requestedAt', 'state', 'review', 'reviewedBy', 'reviewedAt', 'comment'],
    ...['sessions', 'waitingSince', 'requestId'],
  ],
};

/** What an auditor asks for over a time. */
export class Reports {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  async make(kind: ReportKind, filter: ReportFilter): Promise<Report> {
    const range = { from: Date.parse(filter.from), to: Math.min(Date.parse(filter.to), this.#now() + 1) };
    const rows = await this.#rows(kind, range);
    const found = rows.filter(
      (row) =>
        contains(row.person, filter.person) && contains(kind === 'reviews' ? row.accounts : row.target, filter.target),
    );
    return {
      kind,
      from: filter.from,
      to: filter.to,
      knownFrom: kind === 'access' ? await this.#knownFrom() : null,
      columns: COLUMNS[kind],
      rows: found.slice(0, MAX_REPORT_ROWS),
      cut: found.length > MAX_REPORT_ROWS,
    };
  }

  #rows(kind: ReportKind, range: Interval): Promise<ReportRow[]> {
    switch (kind) {
      case 'access':
        return this.#access(range);
      case 'sessions':
        return this.#sessions(range);
      case 'recordings':
        return this.#recordings(range);
      case 'reviews':
        return this.#reviews(range);
    }
  }

  async #access(range: Interval): Promise<ReportRow[]> {
    const rows = await this.#store
      .selectFrom('access_history')
      .select(['table_name', 'row_json', 'valid_from', 'valid_to'])
      .where('valid_from', '<', range.to)
      .where((eb) => eb.or([eb('valid_to', 'is', null), eb('valid_to', '>', range.from)]))
      .execute();
    const history: HistoryRow[] = rows.map((row) => ({
      table: row.table_name,
      row: JSON.parse(row.row_json) as HistoryRow['row'],
      from: row.valid_from,
      to: row.valid_to ?? Infinity,
    }));
    return reachOf(history, range, mayConnect).map(
      ({ person, target, account, group, policy, rulesJson, from, to }) => {
        const rules = readRules(rulesJson);
        const needs =
          rules.steps.length > 0 ? 'approval' : rules.reasonRequired || rules.ticketRequired ? 'reason' : 'nothing';
        return {
          person,
          target,
          account,
          group,
          policy,
          needs,
          emergency: rules.emergency,
          from: iso(from),
          to: iso(to),
        };
      },
    );
  }

  async #sessions(range: Interval): Promise<ReportRow[]> {
    const rows = await this.#sessionsWithin(range)
      .leftJoin('requests', 'requests.id', 'sessions.request_id')
      .selectAll('sessions')
      .select(['requests.reason', 'requests.ticket', 'requests.emergency'])
      .execute();
    const votes = await this.#store
      .selectFrom('request_votes')
      .innerJoin('sessions', 'sessions.request_id', 'request_votes.request_id')
      .select(['request_votes.request_id', 'request_votes.approver'])
      .where('decision', '=', 'approve')
      .where('sessions.created_at', '<', range.to)
      .distinct()
      .execute();
    const approvers = Map.groupBy(votes, ({ request_id }) => request_id);
    return rows.map((row) => ({
      person: row.username,
      target: row.target_name,
      account: row.account_username,
      openedAt: iso(row.created_at),
      connectedAt: iso(row.started_at),
      endedAt: iso(row.ended_at),
      endCode: row.end_code,
      approvedBy: (approvers.get(row.request_id ?? '') ?? []).map(({ approver }) => approver).join(', '),
      reason: row.reason,
      ticket: row.ticket,
      emergency: row.emergency === 1,
      recording: row.recording,
      requestId: row.request_id,
      sessionId: row.id,
    }));
  }

  async #recordings(range: Interval): Promise<ReportRow[]> {
    const rows = await this.#sessionsWithin(range)
      .leftJoin('legal_holds', 'legal_holds.session_id', 'sessions.id')
      .leftJoin('verifications', 'verifications.session_id', 'sessions.id')
      .selectAll('sessions')
      .select(['legal_holds.session_id as held', 'verifications.at as verified_at', 'verifications.report_json'])
      .select('verifications.username as verified_by')
      .execute();
    const looks = await this.#store
      .selectFrom('audit')
      .select(['session_id', 'action'])
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('action', 'in', ['recording.viewed', 'recording.downloaded'])
      .groupBy(['session_id', 'action'])
      .execute();
    const counts = new Map(looks.map(({ session_id, action, count }) => [`${action} ${session_id}`, count]));
    return rows.map((row) => ({
      person: row.username,
      target: row.target_name,
      account: row.account_username,
      openedAt: iso(row.created_at),
      endedAt: iso(row.ended_at),
      recording: row.recording,
      durationMs: row.recording_duration_ms,
      bytes: row.recording_bytes,
      held: row.held !== null,
      deletedAt: iso(row.recording_deleted_at),
      deletedBy: row.recording_deleted_by,
      verdict: row.report_json === null ? null : (JSON.parse(row.report_json) as { verdict: string }).verdict,
      verifiedAt: iso(row.verified_at),
      verifiedBy: row.verified_by,
      viewed: counts.get(`recording.viewed ${row.id}`) ?? 0,
      downloaded: counts.get(`recording.downloaded ${row.id}`) ?? 0,
      sessionId: row.id,
    }));
  }

  /** Requests that were to be reviewed, and emergencies, which always are. */
  async #reviews(range: Interval): Promise<ReportRow[]> {
    const rows = await this.#store
      .selectFrom('requests')
      .selectAll()
      .where((eb) => eb.or([eb('review', '!=', 'none'), eb('emergency', '=', 1)]))
      .where('created_at', '>=', range.from)
      .where('created_at', '<', range.to)
      .orderBy('created_at')
      .execute();
    const named = this.#store
      .selectFrom('requests')
      .select('id')
      .where('created_at', '>=', range.from)
      .where('created_at', '<', range.to);
    const items = await this.#store.selectFrom('request_items').selectAll().where('request_id', 'in', named).execute();
    const events = await this.#store
      .selectFrom('request_events')
      .selectAll()
      .where('request_id', 'in', named)
      .where('event', 'in', ['reviewed', 'session-opened', 'completed', 'expired', 'revoked'])
      .orderBy('id')
      .execute();
    const itemsOf = Map.groupBy(items, ({ request_id }) => request_id);
    const eventsOf = Map.groupBy(events, ({ request_id }) => request_id);
    return rows.map((row) => {
      const own = eventsOf.get(row.id) ?? [];
      const review = own.findLast(({ event }) => event === 'reviewed');
      const over = own.findLast(({ event }) => event !== 'reviewed' && event !== 'session-opened');
      return {
        person: row.username,
        accounts: (itemsOf.get(row.id) ?? [])
          .map(({ account_username, target_name }) => `${account_username} on ${target_name}`)
          .join(', '),
        emergency: row.emergency === 1,
        requestedAt: iso(row.created_at),
        state: row.state,
        review: row.review === 'due' && over === undefined ? 'later' : row.review,
        reviewedBy: review?.actor ?? null,
        reviewedAt: iso(review?.at ?? null),
        comment: review?.comment ?? null,
        sessions: own.filter(({ event }) => event === 'session-opened').length,
        waitingSince: row.review === 'due' ? iso(over?.at ?? null) : null,
        requestId: row.id,
      };
    });
  }

  #sessionsWithin(range: Interval) {
    return this.#store
      .selectFrom('sessions')
      .where('sessions.created_at', '<', range.to)
      .where((eb) => eb.or([eb('sessions.ended_at', 'is', null), eb('sessions.ended_at', '>=', range.from)]))
      .orderBy('sessions.created_at')
      .limit(MAX_REPORT_ROWS + 1);
  }

  async #knownFrom(): Promise<string | null> {
    const row = await this.#store
      .selectFrom('access_history')
      .select(({ fn }) => fn.min('valid_from').as('first'))
      .executeTakeFirst();
    return iso(row?.first ?? null);
  }
}

function mayConnect(rolesJson: string): boolean {
  return can({ id: '', username: '', roles: JSON.parse(rolesJson) as Role[] }, 'session.open');
}

function contains(cell: Cell | undefined, part: string | undefined): boolean {
  return part === undefined || String(cell).toLowerCase().includes(part.toLowerCase());
}

function iso(time: number | null): string | null {
  return time === null || time === Infinity ? null : new Date(time).toISOString();
}
