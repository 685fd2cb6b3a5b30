import type { Actor } from '../access/can.ts';
import type { Audit, AuditAction } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { RequestItemRow, RequestRow } from '../store/access-schema.ts';
import type { Store } from '../store/store.ts';
import { atTime, isFinal, mayBecome, type RequestState } from './request-state.ts';

/** What happens to requests, as their history and the audit log name it. */
export const requestEvents = [
  'created',
  'emergency',
  'approved',
  'denied',
  'granted',
  'available',
  'revoked',
  'expired',
  'completed',
  'session-opened',
  'session-ended',
  'reviewed',
  'secret-revealed',
  'secret-typed',
] as const;
export type RequestEvent = (typeof requestEvents)[number];

/** Something that happened to a request, for whoever listens: in the transaction that it is part of. */
export interface RequestHappening {
  readonly event: RequestEvent;
  /** As it is afterwards. */
  readonly request: RequestRow;
  readonly items: readonly RequestItemRow[];
  /** Without one, the gateway itself: by the clock or by a rule. */
  readonly actor?: Pick<Actor, 'id' | 'username'> | undefined;
  readonly comment: string;
}

/** Throws to have the whole transaction undone. Must not use any store but the one it is given. */
export type RequestListener = (happening: RequestHappening, store: Store) => Promise<void>;

/** Who does something, and from where. */
export interface Doer {
  readonly actor?: Pick<Actor, 'id' | 'username'> | undefined;
  readonly address?: string;
  readonly comment?: string | undefined;
  readonly sessionId?: string;
}

/** Changes of a row that come with a change of its state. */
export type Changes = Partial<Omit<RequestRow, 'id' | 'state' | 'version'>>;

/**
 * The one place where a request changes its state. With each change go, in the caller's transaction: the line in its
 * history, the line in the audit log, and whatever the listeners write.
 */
export class RequestBook {
  readonly #audit: Audit;
  readonly #listeners: RequestListener[] = [];

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  listen(listener: RequestListener): void {
    this.#listeners.push(listener);
  }

  /** The request as it is by the clock: what is due is done first. Throws `not_found`. */
  async load(store: Store, id: string, now: number): Promise<RequestRow> {
    const row = await store.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such request');
    return this.advance(store, row, now);
  }

  /** Does what time has brought about. An approved request that nobody looked at in its time becomes expired at once. */
  async advance(store: Store, row: RequestRow, now: number): Promise<RequestRow> {
    const timing = { state: row.state as RequestState, startAt: row.start_at, endAt: row.end_at, dueAt: row.due_at };
    const state = atTime(timing, now);
    if (state === timing.state) return row;
    const changes = {
      due_at: row.end_at,
      ...(row.state === 'pending' ? { review: 'none' } : {}), // there is nothing to look at afterwards
    };
    return this.change(store, row, state, state === 'available' ? 'available' : 'expired', now, {}, changes);
  }

  /** Throws `conflict` when the request may not become that, or somebody else changed it meanwhile. */
  async change(
    store: Store,
    row: RequestRow,
    state: RequestState,
    event: RequestEvent,
    now: number,
    doer: Doer,
    changes: Changes = {},
  ): Promise<RequestRow> {
    if (!mayBecome(row.state as RequestState, state)) throw wrongState(row);
    // INVARIANT: what is final is never due again.
    const due = isFinal(state) ? { due_at: null } : {};
    const after = await this.#write(store, row, { ...changes, ...due, state });
    await this.note(store, after, event, now, doer);
    return after;
  }

  /** Marks that a request was read and acted upon, so that nobody else's change of it goes unseen. Throws `conflict`. */
  async touch(store: Store, row: RequestRow, changes: Changes = {}): Promise<RequestRow> {
    return this.#write(store, row, changes);
  }

  /** Writes down something that changes no state. */
  async note(store: Store, request: RequestRow, event: RequestEvent, now: number, doer: Doer): Promise<void> {
    const { actor, address, comment = '', sessionId } = doer;
    await store
      .insertInto('request_events')
      .values({
        request_id: request.id,
        at: now,
        actor_id: actor?.id ?? null,
        actor: actor?.username ?? '',
        event,
        state: request.state,
        comment,
        session_id: sessionId ?? null,
      })
      .execute();
    const items = await store
      .selectFrom('request_items')
      .selectAll()
      .where('request_id', '=', request.id)
      .orderBy('position')
      .execute();
    await this.#audit.record(
      {
        action: `request.${event.replace('-', '_')}` as AuditAction,
        actor,
        subject: subjectOf(items),
        details: {
          ...{ requestId: request.id, requester: request.username, state: request.state, comment },
          ...(event === 'created' || event === 'emergency' ? { reason: request.reason, ticket: request.ticket } : {}),
        },
        ...(address === undefined ? {} : { address }),
        ...(sessionId === undefined ? {} : { sessionId }),
      },
      store,
    );
    for (const listener of this.#listeners) await listener({ event, request, items, actor, comment }, store);
  }

  async #write(store: Store, row: RequestRow, changes: Partial<RequestRow>): Promise<RequestRow> {
    const { numUpdatedRows } = await store
      .updateTable('requests')
      .set({ ...changes, version: row.version + 1 })
      .where('id', '=', row.id)
      .where('state', '=', row.state)
      .where('version', '=', row.version)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new GatewayError('conflict', 'somebody else changed the request just now');
    return { ...row, ...changes, version: row.version + 1 };
  }
}

/** For `state` where something is asked of a request that it is not in the state for. */
export function wrongState(row: Pick<RequestRow, 'state'>): GatewayError {
  return new GatewayError('conflict', `the request is ${row.state}`);
}

/** In a few words, what a request is about. */
export function subjectOf(items: readonly RequestItemRow[]): string {
  const [first] = items;
  if (first === undefined) return '';
  const name = `${first.account_username} on ${first.target_name}`;
  return items.length === 1 ? name : `${name} and ${items.length - 1} more`;
}
