import { type ChildProcess, fork } from 'node:child_process';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { childEnvironment } from '../child-environment.ts';
import { sessionClock } from '../clock.ts';
import { GatewayError, isErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import { NODE_FLAGS } from '../node-flags.ts';
import type { Download } from '../sessions/file-downloads.ts';
import { Channel } from './channel.ts';
import { CONNECTION, type ControlCalls, type SessionCommand, type WorkerCalls, type WorkerSetup } from './messages.ts';
import type { SessionPlace } from './worker-session.ts';

export interface WorkerProcessParts {
  readonly script: string;
  readonly setup: WorkerSetup;
  readonly log: Logger;
  /** What the worker may call. @param viewings the live views that it has, by their numbers */
  calls(viewings: Set<number>): Omit<ControlCalls, 'ready' | 'alive' | 'took'>;
  /** Called once, however it went. @param untaken connections that it was handed, and did not take over */
  gone(detail: string, untaken: readonly Socket[]): void;
}

/** How long a worker that was asked to leave may take to finish its recordings. */
const LEAVE_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 30_000;

/** One run of a worker, as the control process sees it. */
export class WorkerProcess implements SessionPlace {
  readonly number: number;
  /** Unix socket where it listens. */
  readonly path: string;
  /** Resolves when it takes connections; rejects when it is gone before. */
  readonly ready: Promise<void>;
  /** Live views that it has let in. */
  readonly viewings = new Set<number>();
  readonly #child: ChildProcess;
  readonly #channel: Channel<WorkerCalls>;
  readonly #log: Logger;
  readonly #startedAt = sessionClock();
  readonly #gone = Promise.withResolvers<void>();
  #state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting';
  #silent = 0;
  #connections = 0;
  readonly #handed = new Map<number, Socket>();

  constructor({ script, setup, log, calls, gone }: WorkerProcessParts) {
    this.number = setup.number;
    this.path = setup.ownPath;
    this.#log = log;
    this.#child = fork(script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: childEnvironment(log.level),
      execArgv: [...NODE_FLAGS],
    });
    const started = Promise.withResolvers<void>();
    this.ready = started.promise;
    const offers: ControlCalls = {
      ...calls(this.viewings),
      ready: () => {
        if (this.#state !== 'starting') return;
        clearTimeout(timer);
        this.#state = 'ready';
        log.info({ pid: this.#child.pid }, 'worker started');
        started.resolve();
      },
      alive: () => {},
      took: (connection) => {
        // The worker has it open; this only closes what is open here.
        this.#handed.get(connection)?.destroy();
        this.#handed.delete(connection);
      },
    };
    const timer = setTimeout(() => this.#kill('it does not start'), READY_WITHIN_MS);
    this.#channel = new Channel((message, sent) => this.#child.send(message as object, sent), offers, log);
    this.#child.on('message', (message) => {
      this.#silent = 0;
      try {
        this.#channel.received(message);
      } catch (error) {
        log.error({ err: error }, 'a worker said something that is not understood');
        this.#kill('it said something that is not understood');
      }
    });
    const died = (detail: string) => {
      if (this.#state === 'gone') return;
      this.#state = 'gone';
      clearTimeout(timer);
      this.#channel.close();
      started.reject(new Error(`a worker did not start: ${detail}`));
      gone(detail, [...this.#handed.values()]);
      this.#gone.resolve();
    };
    this.#child.on('error', (error) => died(error.message));
    // Not `exit`: what it said last may still have to be read.
    this.#child.on('close', (code, signal) => died(signal === null ? `exit code ${code}` : `signal ${signal}`));
    // One that cannot be spoken to is none.
    this.#child.on('disconnect', () => {
      if (this.#state !== 'leaving') this.#kill('it cannot be spoken to');
    });
    this.#channel.tell('setup', setup);
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  get age(): number {
    return sessionClock() - this.#startedAt;
  }

  tell: Channel<WorkerCalls>['tell'] = (name, ...args) => this.#channel.tell(name, ...args);

  ask: Channel<WorkerCalls>['ask'] = (name, ...args) => this.#channel.ask(name, ...args);

  command(sessionId: string, command: SessionCommand): void {
    this.#channel.tell('command', sessionId, command);
  }

  /**
   * Hands a connection over. It stays open here until the worker has it: one that dies on the way has read nothing, and
   * another can have it.
   */
  connection(socket: Socket): void {
    const number = this.#connections++;
    this.#handed.set(number, socket);
    this.#child.send([CONNECTION, number], socket, { keepOpen: true }, (error) => {
      if (error !== null) this.#log.debug({ err: error }, 'a connection was not handed over');
    });
  }

  /** Another interval is over; @param most so many may go by without a word. */
  missed(most: number): void {
    if (++this.#silent >= most) this.#kill('it does not answer');
  }

  async download(sessionId: string, list: number, index: number): Promise<Download> {
    const answer = Promise.withResolvers<Download>();
    request({ socketPath: this.path, path: `/sessions/${sessionId}/files/${list}/${index}`, agent: false })
      .on('response', (response) => {
        const { headers } = response;
        const code = String(headers['x-oriel-error'] ?? '');
        if (response.statusCode === 200) {
          const name = decodeURIComponent(String(headers['x-oriel-name']));
          answer.resolve({ name, size: Number(headers['content-length']), stream: response });
          return;
        }
        response.resume();
        answer.reject(new GatewayError(isErrorCode(code) ? code : 'internal_error'));
      })
      .on('error', (error) => answer.reject(new GatewayError('connection_lost', undefined, { cause: error })))
      .end();
    return answer.promise;
  }

  /** Has it finish what it is recording and leave. */
  async leave(): Promise<void> {
    if (this.#state === 'gone') return;
    this.#state = 'leaving';
    this.#channel.tell('leave');
    const timer = setTimeout(() => this.#kill('it does not leave'), LEAVE_WITHIN_MS);
    await this.#gone.promise;
    clearTimeout(timer);
  }

  #kill(reason: string): void {
    if (this.#state === 'gone') return;
    this.#log.error({ reason }, 'worker is killed');
    this.#child.kill('SIGKILL');
  }
}
