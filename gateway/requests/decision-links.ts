import { jwtVerify, SignJWT } from 'jose';
import { can } from '../access/can.ts';
import { toActor, type Users } from '../access/users.ts';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Store } from '../store/store.ts';
import type { RequestState } from './request-state.ts';
import type { Decision, Requests } from './requests.ts';

const AUDIENCE = 'oriel.decision';
const ALGORITHM = 'HS256';
/** A link in a mail is good for this long; its request may be decided or over before. */
export const LINK_LIFE_MS = 3 * 24 * 60 * 60_000;

/** What a link does: approve or deny one request, once, as one approver. */
export interface DecisionLink {
  readonly id: string;
  readonly requestId: string;
  readonly approverId: string;
  readonly decision: 'approve' | 'deny';
}

export interface DecisionLinksParts {
  readonly store: Store;
  readonly users: Users;
  readonly requests: Requests;
  /** Looks up somebody who is from a directory; throws `directory_refused` where she may not be here any more. */
  requireCurrent(user: { readonly id: string }): Promise<unknown>;
  /** What links are signed with, 32 bytes. */
  readonly key: Uint8Array;
  readonly now?: () => number;
}

/**
 * Links by which an approver decides from a mail, without signing in. Whoever holds one can use it, so each is for one
 * approver, one decision and one use, and does only what its approver still may. Looking at a link uses nothing up:
 * mail programs look at links before people do.
 */
export class DecisionLinks {
  readonly #parts: DecisionLinksParts;
  readonly #now: () => number;

  constructor(parts: DecisionLinksParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Tokens for one approver. @param store the transaction that the mail is written in */
  async issue(
    requestId: string,
    approverId: string,
    store: Store = this.#parts.store,
  ): Promise<Record<'approve' | 'deny', string>> {
    const now = this.#now();
    await store.deleteFrom('decision_links').where('expires_at', '<=', now).execute();
    const token = async (decision: 'approve' | 'deny') => {
      const id = newId();
      const expiresAt = now + LINK_LIFE_MS;
      await store
        .insertInto('decision_links')
        .values({
          id,
          request_id: requestId,
          approver_id: approverId,
          decision,
          expires_at: expiresAt,
          used_at: null,
        })
        .execute();
      return new SignJWT({ request: requestId, decision })
        .setProtectedHeader({ alg: ALGORITHM })
        .setAudience(AUDIENCE)
        .setSubject(approverId)
        .setJti(id)
        .setExpirationTime(new Date(expiresAt))
        .sign(this.#parts.key);
    };
    return { approve: await token('approve'), deny: await token('deny') };
  }

  /** What a link would do, and as whom. Throws `ticket_invalid`; never says which of the reasons it was. */
  async look(token: string) {
    const link = await this.#verify(token);
    const actor = await this.#approver(link);
    return { link, actor };
  }

  /**
   * Decides by a link, and uses it up with the decision. Throws `ticket_invalid`, `directory_unavailable`, and what the decision
   * throws.
   */
  async use(token: string, address: string, comment: string | undefined): Promise<{ id: string; state: RequestState }> {
    const { requests, requireCurrent } = this.#parts;
    // As with every decision: a link lives for days, and nobody needs to have been signed in since its approver left.
    await requireCurrent({ id: (await this.#verify(token)).approverId }).catch((error: unknown) => {
      const gone = error instanceof GatewayError && error.code === 'directory_refused';
      throw gone ? new GatewayError('ticket_invalid', undefined, { cause: error }) : error;
    });
    const { link, actor } = await this.look(token);
    const by: Decision = { actor, address, comment, within: (store) => this.#useUp(store, link) };
    const state = await (link.decision === 'approve'
      ? requests.approve(link.requestId, by)
      : requests.deny(link.requestId, by));
    return { id: link.requestId, state };
  }

  /** In the decision's transaction: of two uses at the same moment one is first. */
  async #useUp(store: Store, link: DecisionLink): Promise<void> {
    const { numUpdatedRows } = await store
      .updateTable('decision_links')
      .set({ used_at: this.#now() })
      .where('id', '=', link.id)
      .where('used_at', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new GatewayError('ticket_invalid');
  }

  async #verify(token: string): Promise<DecisionLink> {
    const { payload } = await jwtVerify(token, this.#parts.key, {
      algorithms: [ALGORITHM],
      audience: AUDIENCE,
      requiredClaims: ['exp', 'jti', 'sub'],
      currentDate: new Date(this.#now()),
    }).catch((error: unknown) => {
      throw new GatewayError('ticket_invalid', undefined, { cause: error });
    });
    const row = await this.#parts.store
      .selectFrom('decision_links')
      .selectAll()
      .where('id', '=', payload.jti ?? '')
      .executeTakeFirst();
    const { request, decision, sub } = payload;
    if (
      row === undefined ||
      row.used_at !== null ||
      row.request_id !== request ||
      row.approver_id !== sub ||
      row.decision !== decision ||
      (decision !== 'approve' && decision !== 'deny')
    ) {
      throw new GatewayError('ticket_invalid');
    }
    return { id: row.id, requestId: row.request_id, approverId: row.approver_id, decision };
  }

  /** Who the link is for, if she still may decide at all. */
  async #approver(link: DecisionLink) {
    const user = await this.#parts.users.find(link.approverId);
    if (user === undefined || user.disabled || !can(toActor(user), 'request.decide')) {
      throw new GatewayError('ticket_invalid');
    }
    return toActor(user);
  }
}
