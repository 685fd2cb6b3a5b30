import { type Actor, can, seesAllRequests } from '../access/can.ts';
import type { Entitlements, Grant } from '../access/entitlements.ts';
import { isTimeZone } from '../access/time-windows.ts';
import { BEAT_MS } from '../beat.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { RequestItemRow, RequestRow } from '../store/access-schema.ts';
import { KeptQuery } from '../store/kept-query.ts';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import { countApproval, groupsOf, isStepOf, readSteps, stepsFor } from './approvals.ts';
import { type NewRequest, type PlannedItem, planItem, wantedAt } from './new-request.ts';
import { type Doer, type RequestBook, wrongState } from './request-book.ts';
import { grantedTimes, isFinal, openStates, pendingUntil, type RequestState } from './request-state.ts';
import { groupsToReviewAfter, reviewGroupsOf } from './reviews.ts';
import { type AskWebhook, checkTicket } from './ticket-check.ts';

export interface RequestsParts {
  readonly store: Store;
  readonly entitlements: Entitlements;
  readonly book: RequestBook;
  readonly askWebhook: AskWebhook;
  readonly now?: () => number;
}

/** Who decides, from where, and what she says to it. */
export interface Decision {
  readonly actor: Actor;
  readonly address: string;
  readonly comment?: string | undefined;
  /** What else belongs to the decision: done in its transaction, which ends when it throws. */
  readonly within?: (store: Store) => Promise<void>;
}

/** Access that is no more: whatever was opened with it has to end. */
export type Withdrawn = (requestId: string, code: ErrorCode, detail: string) => void;

/** How many requests the clock moves on in one transaction: others wait for the store meanwhile. */
const STEP = 20;
/** The store is asked with each beat what is due: what was changed past this process is noticed by then. */
const LONGEST_REST_MS = 0.9 * BEAT_MS;
const NEXT_DUE = new KeptQuery((store) =>
  store.selectFrom('requests').select(['id', 'due_at']).where('due_at', 'is not', null).orderBy('due_at').limit(STEP),
);
const NO_REST = { from: 0, until: 0, dueAt: 0 };
/** What one user may have waiting or open at a time. */
const MAX_OPEN = 20_000;

/**
 * Access that is asked for, decided on and taken back. Each command is one transaction that finds the request as it is
 * by the clock, does all or nothing, and leaves history and audit log behind; of two that come at the same moment, one
 * is first and the other is told so.
 */
export class Requests {
  readonly #parts: RequestsParts;
  readonly #now: () => number;
  #withdrawn: Withdrawn = () => {};
  /** By the clock, nothing is due in this time unless a request changes. */
  #rest = NO_REST;
  #changes = 0;
  #changed = () => {};

  constructor(parts: RequestsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    parts.book.listen(async () => {
      this.#changes++;
      this.#rest = NO_REST;
      this.#changed();
    });
  }

  /** When something is due next, by the wall clock, as far as that is known. */
  get dueAt(): number {
    return this.#rest.dueAt;
  }

  /** Who lets time act; set once. */
  onChanged(listener: () => void): void {
    this.#changed = listener;
  }

  /** Who ends the sessions; set once, by whoever puts the parts together. */
  onWithdrawn(listener: Withdrawn): void {
    this.#withdrawn = listener;
  }

  async create(actor: Actor, address: string, request: NewRequest): Promise<{ id: string; state: RequestState }> {
    const now = this.#now();
    const { store, entitlements } = this.#parts;
    const timeZone = request.timeZone ?? 'UTC';
    if (!isTimeZone(timeZone)) throw new GatewayError('bad_request', 'there is no such time zone');
    const accounts = request.items.map(({ accountId }) => accountId);
    if (new Set(accounts).size !== accounts.length) throw new GatewayError('bad_request', 'an account is there twice');
    const wanted = wantedAt(request, now);
    if (request.emergency === true && wanted !== null) {
      throw new GatewayError('bad_request', 'an emergency is now');
    }
    await this.#checkTickets(actor, request, await plan(entitlements, store, actor.id, request, wanted ?? now));
    return store.transaction().execute(async (transaction) => {
      await requireRoom(transaction, actor.id);
      // Once more: entitlements may have changed while the ticket was checked.
      const items = await plan(entitlements, transaction, actor.id, request, wanted ?? now);
      return this.#insert(transaction, actor, address, { request, items, wanted, timeZone, automatic: false }, now);
    });
  }

  /**
   * Makes the request behind a session that needs no asking. Throws `not_entitled`, and `request_required` where every
   * policy asks for something.
   */
  async createAutomatic(store: Store, actor: Actor, address: string, grant: Grant, now: number): Promise<string> {
    const request = { items: [{ accountId: grant.account.id }] };
    const items = [{ grant, minutes: grant.rules.defaultMinutes }];
    const made = { request, items, wanted: null, timeZone: 'UTC', automatic: true };
    return (await this.#insert(store, actor, address, made, now)).id;
  }

  /** Says yes. When it was the last that was needed, access is granted. */
  async approve(id: string, decision: Decision): Promise<RequestState> {
    const { book } = this.#parts;
    return this.#decide(id, decision, 'approve', async (store, row, groups, now) => {
      const before = await readSteps(store, id);
      const after = countApproval(before, groups);
      for (const [i, step] of after.entries()) {
        if (step.given === before[i]?.given) continue;
        await store
          .updateTable('request_steps')
          .set({ given: step.given })
          .where('request_id', '=', id)
          .where('track', '=', step.track)
          .where('step', '=', step.step)
          .execute();
      }
      const noted = await book.touch(store, row);
      await book.note(store, noted, 'approved', now, decision);
      if (after.some(({ given, needed }) => given < needed)) return noted;
      return this.#grant(store, noted, now);
    });
  }

  /** Says no, which is the last word: whoever may approve any step may deny. */
  async deny(id: string, decision: Decision): Promise<RequestState> {
    return this.#decide(id, decision, 'deny', async (store, row, groups, now) => {
      const steps = await readSteps(store, id);
      if (!steps.some((step) => isStepOf(step, groups))) {
        throw new GatewayError('forbidden', 'no policy of this request names a group of yours');
      }
      return this.#parts.book.change(store, row, 'denied', 'denied', now, decision, { review: 'none' });
    });
  }

  /** Takes access back, or what is to become access. Its sessions end. */
  async revoke(id: string, decision: Decision): Promise<RequestState> {
    const state = await this.#command(id, async (store, row, now) => {
      await this.#requireVisible(store, row, decision.actor);
      if (!(await this.#mayRevoke(store, row, decision.actor))) {
        throw new GatewayError('forbidden', 'no policy of this request names a group of yours');
      }
      const changes = row.state === 'pending' ? { review: 'none' } : {};
      return this.#parts.book.change(store, row, 'revoked', 'revoked', now, decision, changes);
    });
    this.#withdrawn(id, 'access_revoked', `by ${decision.actor.username}`);
    return state;
  }

  /** Gives access back before its time, or no longer asks for it. Only whoever asked for it does. */
  async checkIn(id: string, decision: Decision): Promise<RequestState> {
    const state = await this.#command(id, async (store, row, now) => {
      await this.#requireVisible(store, row, decision.actor);
      if (row.user_id !== decision.actor.id) throw new GatewayError('forbidden', 'it is the request of somebody else');
      const changes = row.state === 'pending' ? { review: 'none' } : {};
      return this.#parts.book.change(store, row, 'completed', 'completed', now, decision, changes);
    });
    this.#withdrawn(id, 'access_returned', `by ${decision.actor.username}`);
    return state;
  }

  /** Signs off what was done with access, for every group of reviewers that she is in; then it is the next one's turn. */
  async review(id: string, decision: Decision): Promise<RequestState> {
    return this.#command(id, async (store, row, now) => {
      await this.#requireVisible(store, row, decision.actor);
      if (row.user_id === decision.actor.id) throw ownRequest();
      const groups = await groupsOf(store, decision.actor.id);
      if (row.review_group_id !== null && !groups.has(row.review_group_id)) {
        throw new GatewayError('forbidden', 'the policy names another group of reviewers');
      }
      if (row.review !== 'due') throw new GatewayError('conflict', 'there is nothing to review');
      if (!isFinal(row.state as RequestState)) throw new GatewayError('conflict', 'access is not over yet');
      const [next] = await groupsToReviewAfter(store, row, groups);
      const changes = next === undefined ? { review: 'done' } : { review_group_id: next };
      const reviewed = await this.#parts.book.touch(store, row, changes);
      await this.#parts.book.note(store, reviewed, 'reviewed', now, decision);
      return reviewed;
    });
  }

  /** Completes the request behind a session that needed no asking, when that session is over. */
  async sessionEnded(requestId: string, sessionId: string): Promise<void> {
    await this.#command(requestId, async (store, row, now) => {
      await this.#parts.book.note(store, row, 'session-ended', now, { sessionId });
      if (row.automatic === 0 || isFinal(row.state as RequestState)) return row;
      return this.#parts.book.change(store, row, 'completed', 'completed', now, { sessionId });
    });
  }

  /**
   * Does what the clock has brought about since. Called when something is due, with each beat and at start; nothing depends on it, for a request
   * that is looked at or acted upon is brought up to date first.
   */
  async advance(): Promise<void> {
    const { store, book } = this.#parts;
    const now = this.#now();
    // Of nearly every second nothing is due: what costs nothing then is what all sessions wait for least.
    if (now >= this.#rest.from && now < this.#rest.until) return;
    for (;;) {
      const changes = this.#changes;
      const next = await NEXT_DUE.rows(store);
      const due = next.filter(({ due_at }) => due_at !== null && due_at <= now);
      if (due.length === 0) {
        const dueAt = next[0]?.due_at ?? Number.POSITIVE_INFINITY;
        if (changes === this.#changes) this.#rest = { from: now, until: Math.min(dueAt, now + LONGEST_REST_MS), dueAt };
        return;
      }
      const expired = await store.transaction().execute(async (transaction) => {
        const rows: RequestRow[] = [];
        for (const { id } of due) rows.push(await book.load(transaction, id, now));
        return rows.filter(({ state }) => state === 'expired');
      });
      for (const { id } of expired) this.#withdrawn(id, 'access_expired', 'its time is over');
      if (due.length < STEP) return;
    }
  }

  /** At start: no session of the last run is left, so what stood for one is over. */
  async completeInterrupted(): Promise<void> {
    const { store, book } = this.#parts;
    const rows = await store
      .selectFrom('requests')
      .select('id')
      .where('state', '=', 'available')
      .where('automatic', '=', 1)
      .execute();
    for (const { id } of rows) {
      await this.#command(id, async (transaction, row, now) =>
        isFinal(row.state as RequestState)
          ? row
          : book.change(transaction, row, 'completed', 'completed', now, { comment: 'the gateway stopped' }),
      );
    }
  }

  /** Takes back whatever users asked for that they are no longer entitled to, after entitlements have changed. */
  async withdrawUnentitled(): Promise<void> {
    const { store, entitlements, book } = this.#parts;
    const items = await store
      .selectFrom('requests')
      .innerJoin('request_items', 'request_items.request_id', 'requests.id')
      .select(['requests.id', 'requests.user_id', 'request_items.entitlement_id', 'request_items.account_id'])
      .where('requests.state', 'in', openStates)
      .execute();
    const turns = new Turns();
    const isHeld = async ({ user_id, account_id, entitlement_id }: (typeof items)[number]) => {
      const still = { accountId: account_id, entitlementId: entitlement_id };
      return (await entitlements.grantsOf(user_id, still)).length > 0;
    };
    for (const [id, ofRequest] of Map.groupBy(items, (item) => item.id)) {
      if (turns.isOver) await turns.pass();
      let held = false;
      for (const item of ofRequest) held ||= await isHeld(item);
      if (held) continue;
      await this.#command(id, async (transaction, row, now) => {
        if (isFinal(row.state as RequestState)) return row;
        const doer = { comment: 'no longer entitled' };
        return book.change(transaction, row, 'revoked', 'revoked', now, doer);
      });
      this.#withdrawn(id, 'access_revoked', 'no longer entitled');
    }
  }

  /** The request as it is by the clock. Throws `not_found`. */
  async current(id: string): Promise<RequestRow> {
    const now = this.#now();
    const row = await this.#parts.store.transaction().execute((store) => this.#parts.book.load(store, id, now));
    if (row.state === 'expired') this.#withdrawn(id, 'access_expired', 'its time is over');
    return row;
  }

  /** Whether a user may see a request: her own, one that she decides on, or all. */
  async isVisible(store: Store, row: RequestRow, actor: Actor): Promise<boolean> {
    if (row.user_id === actor.id || seesAllRequests(actor)) return true;
    if (!can(actor, 'request.decide')) return false;
    const groups = await groupsOf(store, actor.id);
    return (await readSteps(store, row.id)).some((step) => isStepOf(step, groups));
  }

  async #decide(
    id: string,
    decision: Decision,
    vote: 'approve' | 'deny',
    apply: (store: Store, row: RequestRow, groups: ReadonlySet<string>, now: number) => Promise<RequestRow>,
  ): Promise<RequestState> {
    const { actor, comment = '' } = decision;
    return this.#command(id, async (store, row, now) => {
      await this.#requireVisible(store, row, actor);
      await decision.within?.(store);
      if (row.user_id === actor.id) throw ownRequest();
      if (row.state !== 'pending') throw wrongState(row);
      const groups = await groupsOf(store, actor.id);
      const { numInsertedOrUpdatedRows } = await store
        .insertInto('request_votes')
        .values({ request_id: id, approver_id: actor.id, approver: actor.username, decision: vote, comment, at: now })
        .onConflict((conflict) => conflict.columns(['request_id', 'approver_id']).doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'you have decided on this already');
      return apply(store, row, groups, now);
    });
  }

  /** One transaction on one request, as it is by the clock. What time has done to it stays, whatever comes of the rest. */
  async #command(
    id: string,
    apply: (store: Store, row: RequestRow, now: number) => Promise<RequestRow>,
  ): Promise<RequestState> {
    const { store, book } = this.#parts;
    const now = this.#now();
    await this.current(id);
    const row = await store.transaction().execute(async (transaction) => {
      return apply(transaction, await book.load(transaction, id, now), now);
    });
    return row.state as RequestState;
  }

  async #requireVisible(store: Store, row: RequestRow, actor: Actor): Promise<void> {
    if (!(await this.isVisible(store, row, actor))) throw new GatewayError('not_found', 'there is no such request');
  }

  async #mayRevoke(store: Store, row: RequestRow, actor: Actor): Promise<boolean> {
    if (can(actor, 'session.control')) return true;
    const groups = await groupsOf(store, actor.id);
    return (await readSteps(store, row.id)).some((step) => isStepOf(step, groups));
  }

  async #checkTickets(actor: Actor, request: NewRequest, items: readonly PlannedItem[]): Promise<void> {
    const question = {
      ticket: request.ticket ?? '',
      username: actor.username,
      reason: request.reason ?? '',
      accounts: items.map(({ grant }) => ({ account: grant.account.username, target: grant.target.name })),
    };
    const asked = new Map(items.map(({ grant }) => [grant.policy.id, grant.rules]));
    for (const rules of asked.values()) await checkTicket(rules, question, this.#parts.askWebhook);
  }

  async #insert(
    store: Store,
    actor: Actor,
    address: string,
    made: {
      readonly request: NewRequest;
      readonly items: readonly PlannedItem[];
      readonly wanted: number | null;
      readonly timeZone: string;
      readonly automatic: boolean;
    },
    now: number,
  ): Promise<{ id: string; state: RequestState }> {
    const { book } = this.#parts;
    const { request, items, wanted, timeZone, automatic } = made;
    const id = newId();
    const emergency = request.emergency === true;
    const minutes = Math.max(...items.map((item) => item.minutes));
    const rules = items.map(({ grant }) => grant.rules);
    const pendingMinutes = Math.min(...rules.map((each) => each.pendingMinutes));
    const row: RequestRow = {
      id,
      user_id: actor.id,
      username: actor.username,
      state: 'pending',
      version: 1,
      created_at: now,
      wanted_at: wanted,
      start_at: null,
      end_at: null,
      due_at: pendingUntil(wanted, minutes, pendingMinutes, now),
      minutes,
      reason: request.reason ?? '',
      comment: request.comment ?? '',
      ticket: request.ticket ?? '',
      time_zone: timeZone,
      emergency: emergency ? 1 : 0,
      automatic: automatic ? 1 : 0,
      review: emergency || rules.some(({ review }) => review) ? 'due' : 'none',
      review_group_id: reviewGroupsOf(rules, emergency)[0] ?? null,
      search_text: searchText(actor, request, items),
    };
    await store.insertInto('requests').values(row).execute();
    for (const [position, item] of items.entries()) {
      await store
        .insertInto('request_items')
        .values(toItemRow(id, position, item))
        .execute();
    }
    const steps = await stepsFor(store, id, items);
    for (const step of steps) {
      // Those who would have been asked see what was done without them.
      await store
        .insertInto('request_steps')
        .values({ ...step, needed: emergency ? 0 : step.needed })
        .execute();
    }
    const doer: Doer = { actor, address, comment: request.comment ?? '' };
    await book.note(store, row, emergency ? 'emergency' : 'created', now, doer);
    const { state } = emergency || steps.length === 0 ? await this.#grant(store, row, now) : row;
    return { id, state: state as RequestState };
  }

  async #grant(store: Store, row: RequestRow, now: number): Promise<RequestRow> {
    const times = grantedTimes(row.wanted_at, row.minutes, now);
    const from = row.wanted_at ?? now;
    for (const { account_id, minutes } of await store
      .selectFrom('request_items')
      .select(['account_id', 'minutes'])
      .where('request_id', '=', row.id)
      .execute()) {
      await store
        .updateTable('request_items')
        .set({ end_at: from + minutes * 60_000 })
        .where('request_id', '=', row.id)
        .where('account_id', '=', account_id)
        .execute();
    }
    const changes = { start_at: times.startAt, end_at: times.endAt, due_at: times.dueAt };
    return this.#parts.book.change(store, row, times.state, 'granted', now, {}, changes);
  }
}

function ownRequest(): GatewayError {
  return new GatewayError('forbidden', 'nobody decides on a request of their own');
}

async function plan(
  entitlements: Entitlements,
  store: Store,
  userId: string,
  request: NewRequest,
  startAt: number,
): Promise<PlannedItem[]> {
  const planned: PlannedItem[] = [];
  for (const item of request.items) {
    const grants = await entitlements.grantsOf(userId, { accountId: item.accountId }, store);
    planned.push(planItem(request, item, grants, startAt));
  }
  return planned;
}

async function requireRoom(store: Store, userId: string): Promise<void> {
  const { count } = await store
    .selectFrom('requests')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('state', 'in', openStates)
    .executeTakeFirstOrThrow();
  if (count >= MAX_OPEN) throw new GatewayError('too_many_requests', `a user has at most ${MAX_OPEN} open requests`);
}

function toItemRow(requestId: string, position: number, { grant, minutes }: PlannedItem): RequestItemRow {
  return {
    request_id: requestId,
    position,
    account_id: grant.account.id,
    account_username: grant.account.username,
    target_id: grant.target.id,
    target_name: grant.target.name,
    minutes,
    entitlement_id: grant.entitlementId,
    policy_id: grant.policy.id,
    policy_name: grant.policy.name,
    rules_json: JSON.stringify(grant.rules),
    end_at: null,
    checked_out_at: null,
  };
}

function searchText(actor: Actor, request: NewRequest, items: readonly PlannedItem[]): string {
  const names = items.flatMap(({ grant }) => [grant.account.username, grant.target.name]);
  const words = [actor.username, request.reason, request.comment, request.ticket, ...new Set(names)];
  return words
    .filter((word) => word !== undefined && word !== '')
    .join('\n')
    .toLowerCase();
}
