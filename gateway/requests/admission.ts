import type { Actor } from '../access/can.ts';
import type { Entitlements, Grant } from '../access/entitlements.ts';
import { needsNoRequest, type PolicyRules, readRules } from '../access/policy-rules.ts';
import { closesAt, isWithin } from '../access/time-windows.ts';
import { GatewayError } from '../errors.ts';
import type { SessionSwitch } from '../sessions/session-switch.ts';
import { type SessionTerms, termsOf } from '../sessions/session-terms.ts';
import type { RequestItemRow, RequestRow } from '../store/access-schema.ts';
import type { Store } from '../store/store.ts';
import { demands } from './new-request.ts';
import type { RequestBook } from './request-book.ts';
import type { Requests } from './requests.ts';

/** How long after a second factor was shown a session may be opened that asks for one. */
export const STEP_UP_MS = 5 * 60_000;

export interface AdmissionParts {
  readonly store: Store;
  readonly entitlements: Entitlements;
  readonly requests: Requests;
  readonly book: RequestBook;
  readonly sessionSwitch: SessionSwitch;
  readonly now?: () => number;
}

/** A session that somebody wants to open. */
export interface Ask {
  readonly sessionId: string;
  readonly accountId: string;
  /** Without one, the session must need no asking. */
  readonly requestId?: string | undefined;
  /** When the user last showed a second factor. */
  readonly confirmedAt: number | null;
}

/** A secret that somebody wants to see. */
export interface RevealAsk {
  readonly requestId: string;
  readonly accountId: string;
  readonly confirmedAt: number | null;
}

/** Decides whether a session may be opened, and under which terms. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #now: () => number;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Lets a session in, or throws why not. What it was let in by, that it was, and the session itself are written in
   * one transaction: of two that want an account that only one may have, one gets it.
   * @param write writes the session
   */
  async admit(
    actor: Actor,
    address: string,
    ask: Ask,
    write: (store: Store, requestId: string) => Promise<void>,
  ): Promise<SessionTerms> {
    const now = this.#now();
    const { store, sessionSwitch, book } = this.#parts;
    return store.transaction().execute(async (transaction) => {
      await sessionSwitch.requireAllowed(transaction);
      const request = await this.#requestFor(transaction, actor, address, ask, now);
      const item = await itemOf(transaction, request.id, ask.accountId);
      const rules = readRules(item.rules_json);
      await this.#requireUsable(transaction, request, item, rules, ask, now);
      await requireFree(transaction, item, rules, now);
      await checkOut(transaction, item, now);
      await write(transaction, request.id);
      const touched = await book.touch(transaction, request);
      await book.note(transaction, touched, 'session-opened', now, { actor, address, sessionId: ask.sessionId });
      const closing = request.emergency !== 0 ? Infinity : closesAt(rules.windows, rules.timeZone, now);
      return termsOf(rules, {
        requestId: request.id,
        entitlementId: item.entitlement_id,
        policy: { id: item.policy_id, name: item.policy_name },
        emergency: request.emergency !== 0,
        reason: request.reason,
        ticket: request.ticket,
        endsAt: Math.min(item.end_at ?? now, closing),
      });
    });
  }

  /**
   * Throws unless whoever asks may see the secret of an account now: under a request of her own that would open a
   * session, and whose policy permits it.
   * @param shown whether she has: then that is written down, and the account is hers as if she had opened a session
   */
  async reveal(actor: Actor, address: string, ask: RevealAsk, shown: boolean): Promise<PolicyRules> {
    const now = this.#now();
    const { store, book, sessionSwitch } = this.#parts;
    return store.transaction().execute(async (transaction) => {
      await sessionSwitch.requireAllowed(transaction);
      const request = await this.#requestFor(transaction, actor, address, { ...ask, sessionId: '' }, now);
      const item = await itemOf(transaction, request.id, ask.accountId);
      const rules = readRules(item.rules_json);
      await this.#requireUsable(transaction, request, item, rules, { ...ask, sessionId: '' }, now);
      if (!rules.reveal) throw new GatewayError('forbidden', `policy "${item.policy_name}" does not show passwords`);
      await requireFree(transaction, item, rules, now);
      if (!shown) return rules;
      await checkOut(transaction, item, now);
      const comment = `${item.account_username} on ${item.target_name}`;
      const touched = await book.touch(transaction, request);
      await book.note(transaction, touched, 'secret-revealed', now, { actor, address, comment });
      return rules;
    });
  }

  /** Writes down that a secret was typed into a session. */
  async typed(
    actor: Pick<Actor, 'id' | 'username'>,
    address: string,
    requestId: string,
    sessionId: string,
  ): Promise<void> {
    const now = this.#now();
    const { store, book } = this.#parts;
    await store.transaction().execute(async (transaction) => {
      const request = await book.load(transaction, requestId, now);
      await book.note(transaction, request, 'secret-typed', now, { actor, address, sessionId });
    });
  }

  /** Once the session is there to be ended: throws when its access was taken back in between. */
  async confirm(admitted: {
    readonly requestId: string;
    readonly entitlementId: string;
    readonly userId: string;
    readonly accountId: string;
  }): Promise<void> {
    const { requests, entitlements, sessionSwitch } = this.#parts;
    const { state } = await requests.current(admitted.requestId);
    if (state !== 'available') throw new GatewayError('access_revoked', `the request is ${state}`);
    // Of a request for several accounts, this one alone may be gone.
    const grants = await entitlements.grantsOf(admitted.userId, admitted);
    if (grants.length === 0) throw new GatewayError('access_revoked', 'no longer entitled');
    await sessionSwitch.requireAllowed();
  }

  /** The request that stands behind the session: the one named, or one made now. */
  async #requestFor(store: Store, actor: Actor, address: string, ask: Ask, now: number): Promise<RequestRow> {
    const { book, requests, entitlements } = this.#parts;
    if (ask.requestId !== undefined) {
      const row = await book.load(store, ask.requestId, now);
      // As if it did not exist: it is no business of anybody else's.
      if (row.user_id !== actor.id) throw new GatewayError('not_found', 'there is no such request');
      if (row.automatic !== 0) throw new GatewayError('request_not_available', 'it was for another session');
      return row;
    }
    const grants = await entitlements.grantsOf(actor.id, { accountId: ask.accountId }, store);
    const grant = chooseOpen(grants, now);
    return book.load(store, await requests.createAutomatic(store, actor, address, grant, now), now);
  }

  async #requireUsable(
    store: Store,
    request: RequestRow,
    item: RequestItemRow,
    rules: PolicyRules,
    ask: Ask,
    now: number,
  ): Promise<void> {
    if (request.state !== 'available') {
      throw new GatewayError('request_not_available', `the request is ${request.state}`);
    }
    if (item.end_at === null || item.end_at <= now) {
      throw new GatewayError('request_not_available', 'the time for this account is over');
    }
    const still = { accountId: item.account_id, entitlementId: item.entitlement_id };
    const grants = await this.#parts.entitlements.grantsOf(request.user_id, still, store);
    if (grants.length === 0) throw new GatewayError('not_entitled');
    if (request.emergency === 0 && !isWithin(rules.windows, rules.timeZone, now)) {
      throw new GatewayError('outside_hours', `policy "${item.policy_name}"`);
    }
    if (rules.stepUp && (ask.confirmedAt === null || now - ask.confirmedAt > STEP_UP_MS)) {
      throw new GatewayError('step_up_required', `policy "${item.policy_name}"`);
    }
  }
}

async function itemOf(store: Store, requestId: string, accountId: string): Promise<RequestItemRow> {
  const item = await store
    .selectFrom('request_items')
    .selectAll()
    .where('request_id', '=', requestId)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (item === undefined) throw new GatewayError('not_entitled', 'the request is for other accounts');
  return item;
}

/** From its first use on, an account is checked out under its request. */
async function checkOut(store: Store, item: RequestItemRow, now: number): Promise<void> {
  if (item.checked_out_at !== null) return;
  await store
    .updateTable('request_items')
    .set({ checked_out_at: now })
    .where('request_id', '=', item.request_id)
    .where('account_id', '=', item.account_id)
    .execute();
}

/** Of the grants to an account, that which a session can simply be opened by. */
function chooseOpen(grants: readonly Grant[], now: number): Grant {
  if (grants.length === 0) throw new GatewayError('not_entitled');
  const open = grants
    .filter(({ rules }) => needsNoRequest(rules))
    .toSorted((a, b) => demands(a.rules) - demands(b.rules) || b.rules.defaultMinutes - a.rules.defaultMinutes);
  const [first] = open;
  if (first === undefined) throw new GatewayError('request_required');
  const found = open.find(({ rules }) => isWithin(rules.windows, rules.timeZone, now));
  if (found === undefined) throw new GatewayError('outside_hours', `policy "${first.policy.name}"`);
  return found;
}

/** Throws `account_in_use` where the account is somebody else's at present, or has as many sessions as it may. */
async function requireFree(store: Store, item: RequestItemRow, rules: PolicyRules, now: number): Promise<void> {
  const holders = await store
    .selectFrom('request_items')
    .innerJoin('requests', 'requests.id', 'request_items.request_id')
    .select(['requests.username', 'request_items.rules_json', 'request_items.end_at'])
    .where('request_items.account_id', '=', item.account_id)
    .where('request_items.request_id', '!=', item.request_id)
    .where('request_items.checked_out_at', 'is not', null)
    .where('request_items.end_at', '>', now)
    .where('requests.state', '=', 'available')
    .execute();
  const holder = holders.find(({ rules_json }) => readRules(rules_json).exclusive);
  if (holder !== undefined) throw new GatewayError('account_in_use', `checked out by ${holder.username}`);
  const live = await store
    .selectFrom('sessions')
    .select(['username', 'request_id'])
    .where('account_id', '=', item.account_id)
    .where('ended_at', 'is', null)
    .execute();
  const other = live.find(({ request_id }) => request_id !== item.request_id);
  if (rules.exclusive && other !== undefined) {
    throw new GatewayError('account_in_use', `in use by ${other.username}`);
  }
  if (rules.maxSessions > 0 && live.length >= rules.maxSessions) {
    throw new GatewayError('account_in_use', `${live.length} sessions use it`);
  }
}
