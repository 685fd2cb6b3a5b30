import type { Actor } from '../access/can.ts';
import type { Audit, AuditAction } from '../audit/audit.ts';
import { errorRow, GatewayError } from '../errors.ts';
import type { LiveSession } from './live-session.ts';
import type { Sessions } from './sessions.ts';

/** What those who watch over sessions do to them. It is done first and at once, and then written down. */
export class Supervision {
  readonly #sessions: Sessions;
  readonly #audit: Audit;

  constructor(sessions: Sessions, audit: Audit) {
    this.#sessions = sessions;
    this.#audit = audit;
  }

  /** Nothing happens to a session that is frozen already. */
  async freeze(id: string, reason: string, actor: Actor, address: string): Promise<LiveSession> {
    const session = this.#sessions.get(id);
    if (session.freeze(actor, reason)) await this.#record('session.frozen', session, actor, address, { reason });
    return session;
  }

  async unfreeze(id: string, reason: string, actor: Actor, address: string): Promise<LiveSession> {
    const session = this.#sessions.get(id);
    if (session.unfreeze(actor, reason)) await this.#record('session.unfrozen', session, actor, address, { reason });
    return session;
  }

  /** Throws `not_ready` while nobody is there to read it. */
  async message(id: string, text: string, actor: Actor, address: string): Promise<void> {
    if (text.trim() === '') throw new GatewayError('bad_request', 'there is nothing in the message');
    const session = this.#sessions.get(id);
    session.message(actor, text);
    await this.#record('session.messaged', session, actor, address, { text });
  }

  /** The owner is told the reason. */
  async end(id: string, reason: string, actor: Actor, address: string): Promise<void> {
    const session = this.#sessions.get(id);
    const code = session.facts.user.id === actor.id ? 'ended_by_user' : 'ended_by_admin';
    const { message, hint } = errorRow(code);
    const words = {
      message: reason === '' ? message : `${message} ${reason}`,
      ...(hint === undefined ? {} : { hint }),
    };
    session.end(code, `by ${actor.username}`, words);
    if (code === 'ended_by_admin') await this.#record('session.terminated', session, actor, address, { reason });
  }

  #record(
    action: AuditAction,
    { id, facts }: LiveSession,
    actor: Actor,
    address: string,
    details: Readonly<Record<string, string>>,
  ): Promise<void> {
    const told = Object.fromEntries(Object.entries(details).filter(([, text]) => text !== ''));
    return this.#audit.record({
      action,
      actor,
      address,
      subject: facts.target.name,
      sessionId: id,
      details: { owner: facts.user.username, ...told },
    });
  }
}
