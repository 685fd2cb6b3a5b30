import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AlertRule } from '../alerts/alert-rules.ts';
import { every } from '../beat.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RecordingResult } from '../sessions/ports.ts';
import type { SessionBacking, SessionFacts, SessionNews } from '../sessions/session-contract.ts';
import type { AttachGate } from '../tunnel/attach-gate.ts';
import type { Ticket } from '../tunnel/tickets.ts';
import { type ControlCalls, requireView, type WorkerAttachment, type WorkerSetup } from './messages.ts';
import { WorkerProcess } from './worker-process.ts';
import { WorkerSession } from './worker-session.ts';

export interface WorkerPoolParts {
  readonly count: number;
  readonly log: Logger;
  /** Another program in the workers' place, for tests. */
  readonly script?: string;
  /** How often it is looked whether workers are alive; tests shorten it. */
  readonly watchEveryMs?: number;
  /** When a recording that could not be finished is tried again for the first time. */
  readonly recoverAgainMs?: number;
}

/** What workers are started with, and what they come for. */
export interface WorkerPoolStart {
  /** Folder for the workers' Unix sockets, where nobody else may go. */
  readonly folder: string;
  readonly setup: Omit<WorkerSetup, 'number' | 'ownPath' | 'rules'>;
  readonly gate: Pick<AttachGate, 'enter' | 'left'>;
  /** What a ticket is for, without using it up. Throws `ticket_invalid`. */
  readTicket(text: string): Promise<Ticket>;
  tellAlert(session: WorkerSession, rule: AlertRule, detail: string): Promise<void>;
}

/** Connections that wait for a worker, while there is none. */
const MAX_HELD = 1024;
/** A worker that says nothing at all for so many of these is taken for stuck. */
const WATCH_EVERY_MS = 5000;
const MISSED = 6;
/** One that lived for this long is replaced at once, another later with each that follows. */
const STEADY_MS = 60_000;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that takes no message for longer is killed before. */
const CLONED_WITHIN_MS = 60_000;
const RECOVER_AGAIN_MS = 30_000;
const LONGEST_AGAIN_MS = 10 * 60_000;

/**
 * The worker processes of a gateway, and the sessions in them. A worker that is gone takes its own sessions along and no
 * others; it is replaced, and what it was recording is finished by another.
 */
export class WorkerPool {
  readonly #parts: WorkerPoolParts;
  readonly #log: Logger;
  readonly #sessions = new Map<string, WorkerSession>();
  /** By their numbers less 1; nothing where one is awaited. */
  readonly #workers: (WorkerProcess | undefined)[];
  readonly #crashes: number[];
  readonly #held: Socket[] = [];
  readonly #awaiting: ((worker: WorkerProcess | undefined) => void)[] = [];
  #start: WorkerPoolStart | undefined;
  #rules: readonly AlertRule[] = [];
  #runs = 0;
  #turn = 0;
  #endWatch: (() => void) | undefined;
  #stopping = false;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#workers = new Array(parts.count);
    this.#crashes = new Array<number>(parts.count).fill(0);
  }

  /** A session that waits for its owner's browser, whichever worker that comes to. */
  begin(facts: SessionFacts, backing: SessionBacking, news: SessionNews): WorkerSession {
    const session = new WorkerSession(facts, backing, news, {
      log: this.#log,
      done: (id) => this.#sessions.delete(id),
    });
    this.#sessions.set(facts.id, session);
    return session;
  }

  /** Resolves when all workers take connections. Rejects when one does not get so far. */
  async start(start: WorkerPoolStart): Promise<void> {
    this.#start = start;
    await Promise.all(this.#crashes.map((_, index) => this.#spawn(index).ready));
    this.#endWatch = every(this.#parts.watchEveryMs ?? WATCH_EVERY_MS, () => this.#check());
  }

  /** The rules for what is typed and copied, from here on. */
  useRules(rules: readonly AlertRule[]): void {
    this.#rules = rules;
    for (const worker of this.#ready()) worker.tell('rules', rules);
  }

  /** Takes over a connection that nothing was read from yet. */
  connection(socket: Socket): void {
    const worker = this.#leastBusy();
    if (worker !== undefined) worker.connection(socket);
    else if (this.#stopping || this.#held.length >= MAX_HELD) socket.destroy();
    else this.#held.push(socket);
  }

  /** Once all sessions are over. Resolves when every worker has left, and its recordings are finished. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endWatch?.();
    for (const socket of this.#held.splice(0)) socket.destroy();
    for (const awaiting of this.#awaiting.splice(0)) awaiting(undefined);
    await Promise.all(this.#workers.map((worker) => worker?.leave()));
  }

  #spawn(index: number): WorkerProcess {
    const { script = fileURLToPath(new URL('./main.ts', import.meta.url)) } = this.#parts;
    const { folder, setup } = this.#started();
    const number = index + 1;
    const log = this.#log.child({ worker: number });
    const ownPath = join(folder, `worker-${++this.#runs}.sock`);
    const worker: WorkerProcess = new WorkerProcess({
      script,
      setup: { ...setup, number, ownPath, rules: this.#rules },
      log,
      calls: (viewings) => this.#callsOf(() => worker, viewings),
      gone: (detail, untaken) => {
        this.#gone(index, worker, detail);
        for (const socket of untaken) this.connection(socket);
      },
    });
    this.#workers[index] = worker;
    worker.ready.then(
      () => {
        // They may have changed since it was told.
        worker.tell('rules', this.#rules);
        for (const socket of this.#held.splice(0)) this.connection(socket);
        for (const awaiting of this.#awaiting.splice(0)) awaiting(worker);
      },
      // `gone` says so, too.
      () => {},
    );
    return worker;
  }

  #gone(index: number, worker: WorkerProcess, detail: string): void {
    this.#workers[index] = undefined;
    const { gate } = this.#started();
    for (const viewing of worker.viewings) gate.left(viewing);
    void rm(worker.path, { force: true }).catch(() => {});
    const lost = [...this.#sessions.values()].filter(({ place }) => place === worker);
    if (this.#stopping) this.#log.info({ worker: index + 1, detail }, 'worker has left');
    else this.#log.error({ worker: index + 1, detail, sessions: lost.length }, 'worker died');
    for (const session of lost) {
      session.end('worker_lost', detail);
      void this.#recover(session);
    }
    if (this.#stopping) return;
    const crashes = worker.age > STEADY_MS ? 1 : (this.#crashes[index] ?? 0) + 1;
    this.#crashes[index] = crashes;
    const pause = crashes === 1 ? 0 : Math.min(1000 * 2 ** (crashes - 2), LONGEST_PAUSE_MS);
    const replace = () => {
      if (!this.#stopping) this.#spawn(index);
    };
    setTimeout(replace, pause).unref();
  }

  /** Has the recording of a worker that is gone finished by another; tries again as long as something is in the way. */
  async #recover(session: WorkerSession): Promise<void> {
    const { recoverAgainMs = RECOVER_AGAIN_MS } = this.#parts;
    for (let attempt = 0; ; attempt++) {
      const result = await this.#recoverNow(session);
      session.recorded(result);
      if (result !== 'left' || this.#stopping) return;
      const pause = Math.min(recoverAgainMs * 2 ** attempt, LONGEST_AGAIN_MS);
      await new Promise<void>((resolve) => setTimeout(resolve, pause).unref());
    }
  }

  async #recoverNow({ id, recordingKey, recording }: WorkerSession): Promise<RecordingResult | 'left' | undefined> {
    // No key, no recording: it is made before anything is written.
    if (recording === 'off' || recordingKey === undefined) return undefined;
    // One that dies over it, or just then, is followed by another at once.
    for (let deaths = 0; deaths < 2; deaths++) {
      const worker = this.#leastBusy() ?? (await this.#nextReady());
      if (worker === undefined) return 'left';
      try {
        return await worker.ask('recover', id, recordingKey);
      } catch (error) {
        this.#log.warn({ err: error, session: id, worker: worker.number }, 'a recording was not finished');
      }
    }
    return 'left';
  }

  #callsOf(own: () => WorkerProcess, viewings: Set<number>): Omit<ControlCalls, 'ready' | 'alive' | 'took'> {
    /** INVARIANT: a worker has a say in its own sessions only. */
    const mine = (id: string) => {
      const session = this.#sessions.get(id);
      if (session === undefined || session.place !== own()) {
        throw new GatewayError('not_found', 'there is no such session in this worker');
      }
      return session;
    };
    return {
      enter: (ticket, address) => this.#enter(own(), ticket, address),
      left: (viewing) => {
        if (viewings.delete(viewing)) this.#started().gate.left(viewing);
      },
      recordingKey: (id) => mine(id).createRecordingKey(),
      credentials: async (id, again) => {
        const { username, domain, password } = await mine(id).readCredentials(again);
        const bytes = Uint8Array.from(password.bytes);
        password.wipe();
        // Node may keep a message for a while before it clones it.
        setTimeout(() => bytes.fill(0), CLONED_WITHIN_MS).unref();
        return { username, domain, password: bytes };
      },
      trust: async (id, certificate) => mine(id).trustCertificate(certificate),
      views: (views) => {
        for (const [id, view] of views) this.#sessions.get(id)?.place === own() && mine(id).seen(requireView(view));
      },
      connected: (id, view) => mine(id).connected(requireView(view)),
      reconnected: (id) => mine(id).reconnected(),
      downgraded: (id, view, downgrades) => mine(id).downgraded(requireView(view), downgrades),
      fileTransferred: (id, transfer) => mine(id).fileTransferred(transfer),
      alert: (id, rule, detail) => this.#started().tellAlert(mine(id), rule, detail),
      ended: (id, view, end) => mine(id).endedThere(requireView(view), end),
      recorded: (id, result) => mine(id).recorded(result),
    };
  }

  async #enter(worker: WorkerProcess, text: string, address: string): Promise<WorkerAttachment> {
    const { gate, readTicket } = this.#started();
    const { sessionId, role } = await readTicket(text);
    const place = this.#sessions.get(sessionId)?.place;
    if (role === 'shadow' && place instanceof WorkerProcess && place !== worker) {
      this.#log.info({ session: sessionId, worker: worker.number, from: place.number }, 'live view is relayed');
      return { role: 'elsewhere', path: place.path };
    }
    const attachment = await gate.enter(text, address);
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw new GatewayError('not_found', 'there is no such live session');
    if (attachment.role === 'owner') {
      const order = session.start(worker);
      this.#log.info({ session: sessionId, worker: worker.number }, 'session starts');
      return { ...attachment, order };
    }
    worker.viewings.add(attachment.viewing);
    return attachment;
  }

  #ready(): WorkerProcess[] {
    return this.#workers.filter((worker) => worker?.isReady === true) as WorkerProcess[];
  }

  /** The worker with the fewest sessions; of several, the one whose turn it is. */
  #leastBusy(): WorkerProcess | undefined {
    const ready = this.#ready();
    const counts = new Map(ready.map((worker) => [worker, 0]));
    for (const { place, state } of this.#sessions.values()) {
      const worker = place as WorkerProcess;
      if (state.name !== 'ended' && counts.has(worker)) counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    const fewest = Math.min(...counts.values());
    const least = ready.filter((worker) => counts.get(worker) === fewest);
    return least[this.#turn++ % least.length];
  }

  /** Nothing when the gateway stops first. */
  #nextReady(): Promise<WorkerProcess | undefined> {
    if (this.#stopping) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#awaiting.push(resolve));
  }

  /** INVARIANT: a process that was suspended and goes on finds messages waiting: one silent interval means nothing. */
  #check(): void {
    for (const worker of this.#ready()) worker.missed(MISSED);
  }

  #started(): WorkerPoolStart {
    if (this.#start === undefined) throw new Error('the workers are not started');
    return this.#start;
  }
}
