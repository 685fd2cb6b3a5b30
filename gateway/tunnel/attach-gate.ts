import type { Audit } from '../audit/audit.ts';
import { sessionClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SessionFacts } from '../sessions/session-contract.ts';
import type { ViewerInfo } from '../sessions/session-viewers.ts';
import type { SettingsStore } from '../settings/settings.ts';
import type { Ticket, Tickets } from './tickets.ts';

export interface AttachGateParts {
  readonly tickets: Tickets;
  readonly settings: Pick<SettingsStore, 'read'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly log: Logger;
  /** Throws `not_found` unless there is such a live session. */
  facts(sessionId: string): SessionFacts;
  /** Whether the ticket's user may still do what it is for: between issue and use, much can happen. */
  mayAttach(ticket: Ticket): Promise<boolean>;
}

/** What somebody who came with a ticket may do now. */
export type Attachment =
  | { readonly role: 'owner'; readonly sessionId: string }
  | {
      readonly role: 'shadow';
      readonly sessionId: string;
      /** For `left`. */
      readonly viewing: number;
      readonly viewer: ViewerInfo;
      /** Whether the owner is told. */
      readonly announce: boolean;
    };

/** Lets browsers into sessions, once for each ticket, and keeps the book of who watches. */
export class AttachGate {
  readonly #parts: AttachGateParts;
  readonly #viewings = new Map<number, Omit<Parameters<Audit['record']>[0], 'action'>>();
  #next = 1;

  constructor(parts: AttachGateParts) {
    this.#parts = parts;
  }

  /** Throws `ticket_invalid`, `forbidden` or `not_found`. A live view that was let in is to be reported when it has `left`. */
  async enter(text: string, address: string): Promise<Attachment> {
    const ticket = await this.#parts.tickets.redeem(text);
    if (!(await this.#parts.mayAttach(ticket))) throw new GatewayError('forbidden');
    const facts = this.#parts.facts(ticket.sessionId);
    return ticket.role === 'owner'
      ? { role: 'owner', sessionId: ticket.sessionId }
      : this.#watch(ticket, facts, address);
  }

  /** A live view is over. */
  left(viewing: number): void {
    const event = this.#viewings.get(viewing);
    if (event === undefined) return;
    this.#viewings.delete(viewing);
    this.#parts.audit
      .record({ action: 'session.unwatched', ...event })
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'audit failed'));
  }

  async #watch(ticket: Ticket, facts: SessionFacts, address: string): Promise<Attachment> {
    const { audit, settings } = this.#parts;
    const { terms, target, user } = facts;
    if (!terms.liveView) throw new GatewayError('forbidden', 'the policy allows no live view');
    const announce = terms.liveViewAnnounced ?? (await settings.read()).announceShadow;
    const event = { actor: ticket.user, address, subject: target.name, sessionId: ticket.sessionId };
    // Written down before the first picture: nobody watches unseen.
    await audit.record({
      action: 'session.watched',
      ...event,
      details: { owner: user.username, announced: announce },
    });
    const viewing = this.#next++;
    this.#viewings.set(viewing, event);
    // While that was written she was not among the viewers yet that a withdrawn right, or a sign-out, closes.
    if (!(await this.#parts.mayAttach(ticket))) {
      this.left(viewing);
      throw new GatewayError('forbidden');
    }
    const { id: userId, username } = ticket.user;
    const { signIn, signInEndsAt } = ticket;
    const viewer = { userId, username, since: sessionClock(), signIn, signInEndsAt };
    return { role: 'shadow', sessionId: ticket.sessionId, viewing, viewer, announce };
  }
}
