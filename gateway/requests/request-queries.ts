import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { type Actor, can, seesAllRequests } from '../access/can.ts';
import { readRules } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import type { RequestItemRow, RequestRow, RequestStepRow } from '../store/access-schema.ts';
import { lowered } from '../store/lowered.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { groupsOf, isStepOf, openSteps, readSteps } from './approvals.ts';
import { finalStates, isFinal, type RequestState } from './request-state.ts';
import type { Requests } from './requests.ts';

export interface RequestFilter {
  readonly limit: number;
  /** The id of the last one seen: the next page. */
  readonly after?: string;
  /** Which of those that can be seen. */
  readonly scope?: 'own' | 'to-decide' | 'to-review' | 'all';
  readonly state?: RequestState;
  /** Words that user, accounts, targets, reason, comment and ticket have among them. */
  readonly search?: string;
  readonly user?: string;
  readonly accountId?: string;
  readonly emergency?: boolean;
  /** Those made by opening a session, or only the others. */
  readonly automatic?: boolean;
  readonly from?: string;
  readonly to?: string;
}

/** Requests as the API shows them, to whoever may see them. */
export class RequestQueries {
  readonly #store: Store;
  readonly #requests: Requests;

  constructor(store: Store, requests: Requests) {
    this.#store = store;
    this.#requests = requests;
  }

  /** The newest first, as the clock left them a second ago at most. Throws `not_found` when the one to go on after is not there. */
  async list(actor: Actor, filter: RequestFilter) {
    const groups = await groupsOf(this.#store, actor.id);
    let query = this.#store
      .selectFrom('requests')
      .selectAll()
      .where((eb) => visible(eb, actor, groups))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(filter.limit);
    const { scope = 'all' } = filter;
    if (scope === 'own') query = query.where('user_id', '=', actor.id);
    if (scope === 'to-decide') query = query.where((eb) => toDecide(eb, actor, groups));
    if (scope === 'to-review') query = query.where((eb) => toReview(eb, actor, groups));
    if (filter.after !== undefined) {
      const last = await this.#store
        .selectFrom('requests')
        .select(['id', 'created_at'])
        .where('id', '=', filter.after)
        .executeTakeFirst();
      if (last === undefined) throw new GatewayError('not_found', 'there is no such request');
      query = query.where(({ eb, and, or }) =>
        or([
          eb('created_at', '<', last.created_at),
          and([eb('created_at', '=', last.created_at), eb('id', '<', last.id)]),
        ]),
      );
    }
    if (filter.state !== undefined) query = query.where('state', '=', filter.state);
    if (filter.user !== undefined) {
      const { user } = filter;
      const wanted = user.toLowerCase();
      query = query.where(({ eb, or }) => or([eb('user_id', '=', user), eb(lowered('username', wanted), '=', wanted)]));
    }
    if (filter.emergency !== undefined) query = query.where('emergency', '=', filter.emergency ? 1 : 0);
    if (filter.automatic !== undefined) query = query.where('automatic', '=', filter.automatic ? 1 : 0);
    if (filter.from !== undefined) query = query.where('created_at', '>=', momentOf(filter.from));
    if (filter.to !== undefined) query = query.where('created_at', '<', momentOf(filter.to));
    if (filter.accountId !== undefined) {
      query = query.where('id', 'in', (eb) =>
        eb
          .selectFrom('request_items')
          .select('request_id')
          .where('account_id', '=', filter.accountId ?? ''),
      );
    }
    for (const word of filter.search?.split(/\s+/).filter(Boolean) ?? []) {
      const pattern = `%${word.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
      query = query.where(sql<SqlBool>`search_text like ${pattern} escape '\\'`);
    }
    const rows = await query.execute();
    const items = await this.#items(rows.map(({ id }) => id));
    return rows.map((row) => describe(row, items.get(row.id) ?? []));
  }

  /** How many wait for this actor, and how many of her own are open. */
  async counts(actor: Actor) {
    const groups = await groupsOf(this.#store, actor.id);
    const count = async (condition: (eb: ExpressionBuilder<Schema, 'requests'>) => ReturnType<typeof toDecide>) => {
      const { found } = await this.#store
        .selectFrom('requests')
        .select(({ fn }) => fn.countAll<number>().as('found'))
        .where(condition)
        .executeTakeFirstOrThrow();
      return Number(found);
    };
    const own = (state: RequestState) =>
      count((eb) => eb.and([eb('user_id', '=', actor.id), eb('state', '=', state), eb('automatic', '=', 0)]));
    return {
      toDecide: await count((eb) => toDecide(eb, actor, groups)),
      toReview: await count((eb) => toReview(eb, actor, groups)),
      pending: await own('pending'),
      available: await own('available'),
    };
  }

  /** One request with everything about it, as it is by the clock. Throws `not_found`. */
  async details(actor: Actor, id: string) {
    const row = await this.#requests.current(id);
    if (!(await this.#requests.isVisible(this.#store, row, actor))) {
      throw new GatewayError('not_found', 'there is no such request');
    }
    const store = this.#store;
    const steps = await readSteps(store, id);
    const votes = await store
      .selectFrom('request_votes')
      .selectAll()
      .where('request_id', '=', id)
      .orderBy('at')
      .orderBy('approver_id')
      .execute();
    const history = await store
      .selectFrom('request_events')
      .selectAll()
      .where('request_id', '=', id)
      .orderBy('id')
      .execute();
    const sessions = await store
      .selectFrom('sessions')
      .selectAll()
      .where('request_id', '=', id)
      .orderBy('created_at')
      .execute();
    const reviewGroup =
      row.review_group_id === null
        ? undefined
        : await store
            .selectFrom('groups')
            .select(['id', 'name'])
            .where('id', '=', row.review_group_id)
            .executeTakeFirst();
    return {
      ...describe(row, (await this.#items([id])).get(id) ?? []),
      steps: steps.map((step) => ({
        track: step.track,
        step: step.step,
        policy: step.policy_name,
        group: step.group_id === null ? null : { id: step.group_id, name: step.group_name },
        needed: step.needed,
        given: step.given,
      })),
      votes: votes.map((vote) => ({
        approver: { id: vote.approver_id, username: vote.approver },
        decision: vote.decision,
        comment: vote.comment,
        at: iso(vote.at),
      })),
      history: history.map((event) => ({
        at: iso(event.at),
        event: event.event,
        state: event.state,
        actor: event.actor_id === null ? null : { id: event.actor_id, username: event.actor },
        comment: event.comment,
        sessionId: event.session_id,
      })),
      sessions: sessions.map((session) => ({
        id: session.id,
        account: { id: session.account_id, username: session.account_username },
        target: { id: session.target_id, name: session.target_name },
        startedAt: iso(session.started_at),
        endedAt: iso(session.ended_at),
        endCode: session.end_code,
        recording: session.recording,
      })),
      reviewGroup: reviewGroup === undefined ? null : { id: reviewGroup.id, name: reviewGroup.name },
      may: await this.#may(actor, row, steps, new Set(votes.map(({ approver_id }) => approver_id))),
    };
  }

  async #may(actor: Actor, row: RequestRow, steps: readonly RequestStepRow[], voters: ReadonlySet<string>) {
    const state = row.state as RequestState;
    const own = row.user_id === actor.id;
    const groups = await groupsOf(this.#store, actor.id);
    const ofMine = steps.some((step) => isStepOf(step, groups));
    const next = openSteps(steps).some((step) => isStepOf(step, groups));
    const reviews = row.review_group_id === null || groups.has(row.review_group_id);
    return {
      decide: state === 'pending' && !own && !voters.has(actor.id) && can(actor, 'request.decide') && next,
      revoke: !isFinal(state) && can(actor, 'request.revoke') && (can(actor, 'session.control') || ofMine),
      checkIn: !isFinal(state) && own,
      review: row.review === 'due' && isFinal(state) && !own && can(actor, 'request.review') && reviews,
      open: state === 'available' && own && can(actor, 'session.open'),
    };
  }

  async #items(ids: readonly string[]): Promise<Map<string, RequestItemRow[]>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#store
      .selectFrom('request_items')
      .selectAll()
      .where('request_id', 'in', ids)
      .orderBy('position')
      .execute();
    return Map.groupBy(rows, ({ request_id }) => request_id);
  }
}

const nothing = sql<SqlBool>`1 = 0`;

type Requested = ExpressionBuilder<Schema, 'requests'>;

function visible(eb: Requested, actor: Actor, groups: ReadonlySet<string>) {
  if (seesAllRequests(actor)) return sql<SqlBool>`1 = 1`;
  const own = eb('user_id', '=', actor.id);
  return can(actor, 'request.decide') ? eb.or([own, eb.exists(stepOf(eb, groups))]) : own;
}

/** Pending, not her own, not decided on by her, and the next step of some track is one of hers. */
function toDecide(eb: Requested, actor: Actor, groups: ReadonlySet<string>) {
  const open = stepOf(eb, groups)
    .whereRef('request_steps.given', '<', 'request_steps.needed')
    .where((inner) =>
      inner.not(
        inner.exists(
          inner
            .selectFrom('request_steps as earlier')
            .select('earlier.step')
            .whereRef('earlier.request_id', '=', 'request_steps.request_id')
            .whereRef('earlier.track', '=', 'request_steps.track')
            .whereRef('earlier.step', '<', 'request_steps.step')
            .whereRef('earlier.given', '<', 'earlier.needed'),
        ),
      ),
    );
  const voted = eb
    .selectFrom('request_votes')
    .select('request_votes.approver_id')
    .whereRef('request_votes.request_id', '=', 'requests.id')
    .where('request_votes.approver_id', '=', actor.id);
  if (!can(actor, 'request.decide')) return eb.and([nothing]);
  return eb.and([
    eb('state', '=', 'pending'),
    eb('user_id', '!=', actor.id),
    eb.exists(open),
    eb.not(eb.exists(voted)),
  ]);
}

function toReview(eb: Requested, actor: Actor, groups: ReadonlySet<string>) {
  if (!can(actor, 'request.review')) return eb.and([nothing]);
  return eb.and([
    eb('review', '=', 'due'),
    eb('state', 'in', finalStates),
    eb('user_id', '!=', actor.id),
    eb.or([
      eb('review_group_id', 'is', null),
      ...(groups.size === 0 ? [] : [eb('review_group_id', 'in', [...groups])]),
    ]),
  ]);
}

function stepOf(eb: Requested, groups: ReadonlySet<string>) {
  return eb
    .selectFrom('request_steps')
    .select('request_steps.step')
    .whereRef('request_steps.request_id', '=', 'requests.id')
    .where((inner) =>
      inner.or([
        inner('request_steps.group_id', 'is', null),
        ...(groups.size === 0 ? [] : [inner('request_steps.group_id', 'in', [...groups])]),
      ]),
    );
}

function describe(row: RequestRow, items: readonly RequestItemRow[]) {
  return {
    id: row.id,
    state: row.state,
    user: { id: row.user_id, username: row.username },
    createdAt: iso(row.created_at),
    wantedAt: iso(row.wanted_at),
    startsAt: iso(row.start_at),
    endsAt: iso(row.end_at),
    waitsUntil: row.state === 'pending' ? iso(row.due_at) : null,
    minutes: row.minutes,
    reason: row.reason,
    comment: row.comment,
    ticket: row.ticket,
    timeZone: row.time_zone,
    emergency: row.emergency !== 0,
    automatic: row.automatic !== 0,
    review: row.review,
    items: items.map((item) => ({
      account: { id: item.account_id, username: item.account_username },
      target: { id: item.target_id, name: item.target_name },
      policy: { id: item.policy_id, name: item.policy_name },
      minutes: item.minutes,
      endsAt: iso(item.end_at),
      reveal: row.state === 'available' && readRules(item.rules_json).reveal,
      checkedOutAt: iso(item.checked_out_at),
    })),
  };
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

function momentOf(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new GatewayError('bad_request', 'there is no such moment');
  return at;
}
