import type { Actor } from '../access/can.ts';
import type { Audit } from '../audit/audit.ts';
import { sessionClock } from '../clock.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import type { Targets } from '../targets/targets.ts';
import type { Connect, Pixels } from './ports.ts';
import { Session, type SessionFacts } from './session.ts';
import type { SessionHistory } from './session-history.ts';

/** How long a new session waits for its owner's browser: the ticket's life, and a moment for the attach itself. */
export const ATTACH_WITHIN_MS = 40_000;
/** Live sessions of one user at most, so that a script gone wild does not take the gateway from the others. */
const MAX_SESSIONS_PER_USER = 20;
/** US English; a user's own layout is a later setting. */
const DEFAULT_KEYBOARD_LAYOUT = 0x0409;

export interface SessionsParts {
  readonly connect: Connect;
  readonly pixels: Pixels;
  readonly record: boolean;
  /** Throws where there is no room for another recording. */
  readonly requireSpace: () => Promise<void>;
  /** A recording is finished; `ready`: and can be played. */
  readonly recorded: (id: string, ready: boolean) => Promise<void>;
  readonly targets: Targets;
  readonly history: SessionHistory;
  readonly audit: Audit;
  readonly log: Logger;
  readonly attachWithinMs?: number;
}

export interface OpenRequest {
  readonly targetId: string;
  readonly accountId: string;
  readonly width: number;
  readonly height: number;
  readonly keyboardLayout?: number;
}

/** The live sessions of this gateway. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #live = new Map<string, Session>();
  /** Work that goes on after a session has ended: its last rows, its recording. */
  readonly #unfinished = new Set<Promise<void>>();
  #stopping = false;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** Makes a session that waits for its owner's browser. */
  async open(actor: Actor, address: string, request: OpenRequest, signIn?: SessionFacts['signIn']): Promise<Session> {
    const { targets, audit, history } = this.#parts;
    const target = await targets.get(request.targetId);
    const account = await targets.account(request.targetId, request.accountId);
    this.#requireRoom(actor);
    if (this.#parts.record) await this.#parts.requireSpace();
    const facts: SessionFacts = {
      id: newId(),
      user: { id: actor.id, username: actor.username },
      address,
      signIn,
      target,
      account,
      // [MS-RDPBCGR] 2.2.1.3.2: an odd width is allowed, but servers round it; so that all sides agree, it is even.
      width: request.width & ~1,
      height: request.height,
      keyboardLayout: request.keyboardLayout ?? DEFAULT_KEYBOARD_LAYOUT,
      createdAt: sessionClock(),
    };
    await history.created(facts);
    await audit.record({
      action: 'session.requested',
      actor,
      address,
      subject: target.name,
      sessionId: facts.id,
      details: { account: account.username, targetId: target.id, accountId: account.id },
    });
    this.#requireRoom(actor);
    const session: Session = new Session(
      facts,
      {
        connect: this.#parts.connect,
        pixels: this.#parts.pixels,
        record: this.#parts.record,
        log: this.#parts.log,
        attachWithinMs: this.#parts.attachWithinMs ?? ATTACH_WITHIN_MS,
        readCredentials: () => targets.credentials(target.id, account.id),
        trustCertificate: (certificate) => this.#checkCertificate(facts, certificate),
      },
      {
        connected: () => this.#track(this.#connected(session)),
        ended: (end) => {
          this.#live.delete(session.id);
          this.#track(this.#ended(session, end));
        },
      },
    );
    this.#live.set(session.id, session);
    return session;
  }

  get(id: string): Session {
    const session = this.#live.get(id);
    if (session === undefined) throw new GatewayError('not_found', 'there is no such live session');
    return session;
  }

  list(): Session[] {
    return [...this.#live.values()];
  }

  /** Ends every session and waits for what they leave behind. No session starts afterwards. */
  async stop(code: ErrorCode): Promise<void> {
    this.#stopping = true;
    for (const session of this.#live.values()) session.end(code, 'the gateway stops');
    while (this.#unfinished.size > 0) await Promise.allSettled(this.#unfinished);
  }

  #requireRoom(actor: Actor): void {
    if (this.#stopping) throw new GatewayError('gateway_stopping');
    const own = this.list().filter((session) => session.facts.user.id === actor.id).length;
    if (own >= MAX_SESSIONS_PER_USER) {
      throw new GatewayError('too_many_requests', `a user has at most ${MAX_SESSIONS_PER_USER} sessions at a time`);
    }
  }

  /** By the target's rule. What changes in whom the gateway trusts is written down, as is what it refused. */
  async #checkCertificate(facts: SessionFacts, certificate: CertificateFacts): Promise<TrustDecision> {
    const { target } = facts;
    const decision = await this.#parts.targets.checkCertificate(target.id, certificate);
    if (decision.trusted && !decision.first) return decision;
    await this.#parts.audit.record({
      action: decision.trusted ? 'target.certificate_trusted' : 'target.certificate_refused',
      actor: facts.user,
      address: facts.address,
      subject: target.name,
      sessionId: facts.id,
      details: {
        targetId: target.id,
        fingerprint: certificate.fingerprint,
        ...(decision.trusted ? { firstUse: true } : { code: decision.code }),
      },
    });
    return decision;
  }

  async #connected(session: Session): Promise<void> {
    const { facts } = session;
    await this.#parts.history.connected(
      facts.id,
      session.startedAt ?? sessionClock(),
      session.recording === 'recording',
    );
    await this.#parts.audit.record({
      action: 'session.connected',
      actor: facts.user,
      address: facts.address,
      subject: facts.target.name,
      sessionId: facts.id,
      details: { account: facts.account.username, ...session.security },
    });
  }

  async #ended(session: Session, end: { code: string; message: string }): Promise<void> {
    const { facts } = session;
    await this.#parts.history.ended(facts.id, end, sessionClock());
    await this.#parts.audit.record({
      action: 'session.ended',
      actor: facts.user,
      address: facts.address,
      subject: facts.target.name,
      sessionId: facts.id,
      details: { code: end.code },
    });
    const result = await session.recordingFinished.catch((error: unknown) => {
      this.#parts.log.error({ err: error, session: facts.id }, 'recording was not finished');
      return undefined;
    });
    await this.#parts.history.recordingFinished(facts.id, result);
    await this.#parts.recorded(facts.id, result !== undefined);
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'writing down a session failed'))
      .finally(() => this.#unfinished.delete(tracked));
    this.#unfinished.add(tracked);
  }
}
