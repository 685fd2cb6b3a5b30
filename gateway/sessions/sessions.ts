import { type Actor, seesAllTargets } from '../access/can.ts';
import type { RecordingMode } from '../access/policy-rules.ts';
import type { Audit } from '../audit/audit.ts';
import { sessionClock } from '../clock.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import type { Downgrade } from '../rdp/security.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import type { Store } from '../store/store.ts';
import type { Account, Target, Targets } from '../targets/targets.ts';
import type { AccountCredentials, CredentialUse, SuppliedCredential } from '../vault/account-credentials.ts';
import type { FileTransferRecord } from './file-transfer.ts';
import { type Freeze, freezerOf } from './input-gate.ts';
import type { LiveSession } from './live-session.ts';
import type { RecordingResult } from './ports.ts';
import type { SessionBacking, SessionFacts, SessionNews } from './session-contract.ts';
import type { SessionHistory } from './session-history.ts';
import type { SessionTerms } from './session-terms.ts';

/** How long a new session waits for its owner's browser: the ticket's life, and a moment for the attach itself. */
export const ATTACH_WITHIN_MS = 40_000;
/** The first wait before an end is tried again to be written down; each further one is twice as long, up to the longest. */
const WRITE_AGAIN_MS = 1000;
const LONGEST_WRITE_AGAIN_MS = 60_000;
/** Live sessions of one user at most, so that a script gone wild does not take the gateway from the others. */
const MAX_SESSIONS_PER_USER = 20;
/** US English; a user's own layout is a later setting. */
const DEFAULT_KEYBOARD_LAYOUT = 0x0409;

export interface SessionsParts {
  /** Makes a session that waits for its owner's browser. */
  readonly begin: BeginSession;
  readonly record: boolean;
  readonly createRecordingKey: (id: string) => Promise<Uint8Array>;
  /** Throws where there is no room for another recording. */
  readonly requireSpace: () => Promise<void>;
  /** A recording is finished; `ready`: and can be played. */
  readonly recorded: (id: string, ready: boolean) => Promise<void>;
  readonly gate: Gate;
  readonly targets: Targets;
  readonly credentials: Pick<AccountCredentials, 'read'>;
  readonly history: SessionHistory;
  readonly audit: Audit;
  readonly log: Logger;
  readonly attachWithinMs?: number;
  /** How soon what could not be written down is tried again; tests shorten it. */
  readonly writeAgainMs?: number;
}

/** `LocalSessions`, or the pool of worker processes. */
export type BeginSession = (facts: SessionFacts, backing: SessionBacking, news: SessionNews) => LiveSession;

/** Who lets sessions in, and is told of their end. */
export interface Gate {
  admit(
    actor: Actor,
    address: string,
    ask: {
      readonly sessionId: string;
      readonly accountId: string;
      readonly requestId?: string | undefined;
      readonly confirmedAt: number | null;
    },
    write: (store: Store, requestId: string) => Promise<void>,
  ): Promise<SessionTerms>;
  /** Throws when access was taken back since. */
  confirm(facts: Pick<SessionFacts, 'user' | 'account' | 'terms'>): Promise<void>;
  sessionEnded(requestId: string, sessionId: string): Promise<void>;
}

export interface OpenRequest {
  /** The request that gave access; without one, access must need no asking. */
  readonly requestId?: string;
  readonly targetId?: string;
  readonly accountId: string;
  readonly width: number;
  readonly height: number;
  readonly keyboardLayout?: number;
  /** What the account asks of its user, where she says it at once. */
  readonly credential?: SuppliedCredential;
}

/** The live sessions of this gateway. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #live = new Map<string, LiveSession>();
  /** Work that goes on after a session has ended: its last rows, its recording. */
  readonly #unfinished = new Set<Promise<void>>();
  /** Freezes of sessions that their owners left, by user and target. */
  readonly #heldOver = new Map<string, Freeze>();
  readonly #stopped = Promise.withResolvers<void>();
  #stopping = false;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /**
   * Makes a session that waits for its owner's browser, if whoever asks may have it.
   * @param confirmedAt when the user last showed a second factor
   */
  async open(
    actor: Actor,
    address: string,
    request: OpenRequest,
    signIn?: SessionFacts['signIn'],
    confirmedAt: number | null = null,
  ): Promise<LiveSession> {
    const { gate, audit, history } = this.#parts;
    const { target, account } = await this.#find(actor, request);
    this.#requireRoom(actor);
    const facts: Omit<SessionFacts, 'terms'> = {
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
    const event = { actor, address, subject: target.name };
    const details = { account: account.username, targetId: target.id, accountId: account.id };
    const ask = { sessionId: facts.id, accountId: account.id, requestId: request.requestId, confirmedAt };
    const terms = await gate
      .admit(actor, address, ask, async (store, requestId) => {
        await history.created(facts, requestId, store);
        const requested = { action: 'session.requested', ...event, sessionId: facts.id } as const;
        await audit.record({ ...requested, details: { ...details, requestId } }, store);
      })
      .catch(async (error: unknown) => {
        const code = error instanceof GatewayError ? error.code : 'internal_error';
        await audit.record({ action: 'session.refused', ...event, details: { ...details, code } });
        throw error;
      });
    const session = await this.#start({ ...facts, terms });
    if (request.credential !== undefined) session.supply(request.credential);
    try {
      this.#requireRoom(actor, session);
      if (session.recording !== 'off') await this.#parts.requireSpace();
      // From here on it can be found and ended. What was taken back before, is found out now.
      await gate.confirm(session.facts);
    } catch (error) {
      session.end(error instanceof GatewayError ? error.code : 'internal_error', 'refused after all');
      throw error;
    }
    return session;
  }

  find(id: string): LiveSession | undefined {
    return this.#live.get(id);
  }

  get(id: string): LiveSession {
    const session = this.find(id);
    if (session === undefined) throw new GatewayError('not_found', 'there is no such live session');
    return session;
  }

  list(): LiveSession[] {
    return [...this.#live.values()];
  }

  /** Ends whatever was opened with a request that gives no access any more. */
  endByRequest(requestId: string, code: ErrorCode, detail: string): void {
    for (const session of this.list()) {
      if (session.facts.terms.requestId === requestId) session.end(code, detail);
    }
  }

  /** Holds every session against its limits. @returns milliseconds for which there is nothing to look at, unless a clock is set */
  tick(wall: number = Date.now()): number {
    return Math.min(...this.list().map((session) => session.tick(wall)));
  }

  /** Ends every session and waits for what they leave behind. No session starts afterwards. */
  async stop(code: ErrorCode): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve();
    for (const session of this.#live.values()) session.end(code, 'the gateway stops');
    while (this.#unfinished.size > 0) await Promise.allSettled(this.#unfinished);
  }

  /** @param counted one that is there already, and does not count */
  #requireRoom(actor: Actor, counted?: LiveSession): void {
    if (this.#stopping) throw new GatewayError('gateway_stopping');
    const own = this.list().filter((session) => session !== counted && session.facts.user.id === actor.id).length;
    if (own >= MAX_SESSIONS_PER_USER) {
      throw new GatewayError('too_many_requests', `a user has at most ${MAX_SESSIONS_PER_USER} sessions at a time`);
    }
  }

  /** INVARIANT: whoever may not use an account learns nothing of it, not even whether it exists. */
  async #find(actor: Actor, request: OpenRequest): Promise<{ target: Target; account: Account }> {
    const { targets } = this.#parts;
    try {
      const targetId = request.targetId ?? (await targets.targetOf(request.accountId));
      return { target: await targets.get(targetId), account: await targets.account(targetId, request.accountId) };
    } catch (error) {
      if (seesAllTargets(actor)) throw error;
      throw new GatewayError('not_entitled', undefined, { cause: error });
    }
  }

  async #start(facts: SessionFacts): Promise<LiveSession> {
    const session: LiveSession = this.#parts.begin(
      facts,
      {
        record: await this.#recordingFor(facts.terms),
        createRecordingKey: () => this.#parts.createRecordingKey(facts.id),
        attachWithinMs: this.#parts.attachWithinMs ?? ATTACH_WITHIN_MS,
        readCredentials: (ask) => this.#parts.credentials.read(useOf(facts, 'connect'), ask),
        trustCertificate: (certificate) => this.#checkCertificate(facts, certificate),
      },
      {
        fileTransferred: (transfer) => this.#track(this.#fileTransferred(session, transfer)),
        connected: () => this.#track(this.#connected(session)),
        downgraded: (downgrades) => this.#track(this.#downgraded(session, downgrades)),
        recordingFinishedLater: (result) => this.#track(this.#recorded(facts.id, result)),
        ended: (end) => {
          this.#live.delete(session.id);
          if (session.frozen !== undefined && !endedByOthers.has(end.code)) {
            this.#heldOver.set(placeOf(session.facts), session.frozen);
          }
          this.#track(this.#ended(session, end));
        },
      },
    );
    this.#takeOverFreeze(session);
    this.#live.set(session.id, session);
    return session;
  }

  /** Nobody gets out of a freeze by closing the tab, or beside it by opening another one. */
  #takeOverFreeze(session: LiveSession): void {
    const place = placeOf(session.facts);
    const beside = this.list().find(({ frozen, facts }) => frozen !== undefined && placeOf(facts) === place);
    const freeze = beside?.frozen ?? this.#heldOver.get(place);
    this.#heldOver.delete(place);
    if (freeze !== undefined) session.freeze(freezerOf(freeze), freeze.reason, freeze.since);
  }

  /** As the policy says, or else as the gateway is set up. Where recording is not required, it may also not be had. */
  async #recordingFor(terms: SessionTerms): Promise<RecordingMode> {
    const mode = terms.recording ?? (this.#parts.record ? 'required' : 'off');
    if (mode !== 'on') return mode;
    return this.#parts.requireSpace().then(
      () => 'on',
      () => 'off',
    );
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

  async #connected(session: LiveSession): Promise<void> {
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

  async #fileTransferred({ id, facts }: LiveSession, transfer: FileTransferRecord): Promise<void> {
    const { direction, name, size, bytes, state, sha256 = '' } = transfer;
    await this.#parts.audit.record({
      action: 'session.file_transferred',
      actor: facts.user,
      address: facts.address,
      subject: facts.target.name,
      sessionId: id,
      details: { direction, name, size, state, ...(sha256 === '' ? { passed: bytes } : { sha256 }) },
    });
  }

  async #downgraded(session: LiveSession, downgrades: readonly Downgrade[]): Promise<void> {
    const { facts } = session;
    await this.#parts.audit.record({
      action: 'session.downgraded',
      actor: facts.user,
      address: facts.address,
      subject: facts.target.name,
      sessionId: facts.id,
      details: { downgrades: downgrades.join(' '), ...session.security },
    });
  }

  async #ended(session: LiveSession, end: { code: string; message: string }): Promise<void> {
    const { facts } = session;
    const { history, gate, audit } = this.#parts;
    const at = sessionClock();
    const event = { actor: facts.user, address: facts.address, subject: facts.target.name, sessionId: facts.id };
    await this.#write(() => history.ended(facts.id, end, at));
    await this.#write(() => gate.sessionEnded(facts.terms.requestId, facts.id));
    await this.#write(() => audit.record({ action: 'session.ended', ...event, details: { code: end.code } }));
    const result = await session.recordingFinished.catch((error: unknown) => {
      this.#parts.log.error({ err: error, session: facts.id }, 'recording was not finished');
      return undefined;
    });
    if (result !== 'left') await this.#recorded(facts.id, result);
  }

  async #recorded(id: string, result: RecordingResult | undefined): Promise<void> {
    await this.#write(() => this.#parts.history.recordingFinished(id, result));
    await this.#parts.recorded(id, result !== undefined);
  }

  /**
   * Until it is done: on a disk that is full for a while, or in a store that somebody holds. A session that is over must not count as one
   * that goes on, for that keeps others from its account. What a stop leaves, the next start does.
   */
  async #write(step: () => Promise<void>): Promise<void> {
    for (let wait = this.#parts.writeAgainMs ?? WRITE_AGAIN_MS; ; wait = Math.min(2 * wait, LONGEST_WRITE_AGAIN_MS)) {
      try {
        return await step();
      } catch (error) {
        // What was refused would be so again.
        if (error instanceof GatewayError || this.#stopping) throw error;
        this.#parts.log.error({ err: error, againInMs: wait }, 'the end of a session was not written down');
      }
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, wait).unref();
      });
      await Promise.race([waited, this.#stopped.promise]);
      clearTimeout(timer);
    }
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'writing down a session failed'))
      .finally(() => this.#unfinished.delete(tracked));
    this.#unfinished.add(tracked);
  }
}

/**
 * Ends that somebody decided on who could have released the session. After every other one a freeze waits for the user's next
 * session with the target: an end that she can bring about (a wrong password, a desktop that logs off) releases nothing.
 */
const endedByOthers: ReadonlySet<string> = new Set([
  ...(['ended_by_admin', 'access_revoked', 'directory_withdrawn', 'gateway_stopping'] as const),
]);

/** Who uses the account of a session, and by which leave. */
export function useOf(facts: SessionFacts, purpose: CredentialUse['purpose']): CredentialUse {
  return {
    user: facts.user,
    address: facts.address,
    accountId: facts.account.id,
    purpose,
    requestId: facts.terms.requestId,
    sessionId: facts.id,
    masterPassword: facts.terms.masterPassword,
  };
}

function placeOf({ user, target }: Pick<SessionFacts, 'user' | 'target'>): string {
  return `${user.id} ${target.id}`;
}
