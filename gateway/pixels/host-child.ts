import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { childEnvironment } from '../child-environment.ts';
import { sessionClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { PIXEL_HOST_FLAGS } from '../node-flags.ts';
import { decodeFromHost, type FromHost, IpcFrameReader, type ToHost } from './ipc.ts';
import { Outbox, Patience } from './outbox.ts';

export interface HostEvents {
  message(message: FromHost): void;
  /** Called once, also after `leave`. */
  died(detail: string): void;
}

export interface HostChildOptions {
  readonly log: Logger;
  readonly threads?: number | undefined;
  readonly encoders?: number | undefined;
  readonly hosts?: number | undefined;
}

/** How long a host that was asked to leave may take to finish its recordings. */
const LEAVE_WITHIN_MS = 60_000;

/** Of the first thread's socket in the child; the other threads' follow. */
const FIRST_SOCKET = 3;

/** One run of the host program, with a socket to each of its threads: a session's thread is known by its number. */
export class HostChild {
  readonly child: ChildProcess;
  readonly #links: readonly ThreadLink[];
  readonly #log: Logger;
  readonly #events: HostEvents;
  readonly #startedAt = sessionClock();
  readonly #gone = Promise.withResolvers<void>();
  /** The first one is the program itself. */
  readonly #started = new Set([0]);
  #dead = false;

  constructor(script: string, { log, threads = 1, encoders, hosts = 1 }: HostChildOptions, events: HostEvents) {
    this.#log = log;
    this.#events = events;
    const sockets = Array.from({ length: threads }, () => 'pipe' as const);
    // Not detached: Linux would have it wait for a processor as a group of its own, and the gateway for that group as a whole. The terminal's
    // Ctrl+C reaches it, and is left to the gateway.
    this.child = spawn(process.execPath, [...PIXEL_HOST_FLAGS, script], {
      stdio: ['ignore', 'inherit', 'inherit', ...sockets],
      env: childEnvironment(log.level, {
        ORIEL_PIXEL_HOSTS: String(hosts),
        // Four, which is the default, are soon waiting for a slow disk, and pictures behind them.
        UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
        ...(encoders === undefined ? {} : { ORIEL_ENCODERS: String(encoders) }),
      }),
    });
    this.child.on('error', (error) => this.#died(error.message));
    // Not `exit`: what it said last may still have to be read.
    this.child.on('close', (code, signal) => this.#died(signal === null ? `exit code ${code}` : `signal ${signal}`));
    this.#links = sockets.map((_, thread) => this.#link(this.child.stdio[FIRST_SOCKET + thread] as Socket));
  }

  get age(): number {
    return sessionClock() - this.#startedAt;
  }

  send(message: ToHost, patience: Patience): void {
    if (this.#dead) return;
    const thread = (message.session - 1) % this.#links.length;
    this.#startThread(thread, message.at);
    this.#links[thread]?.outbox.add(message, patience);
    // The next session's as well: it takes half a second of a process that stands behind live work, and nobody should wait for that.
    if (message.kind === 'open') this.#startThread((thread + 1) % this.#links.length, message.at);
  }

  flush(): void {
    for (const { outbox } of this.#links) outbox.flush();
  }

  async leave(): Promise<void> {
    this.flush();
    for (const { socket } of this.#links) socket.end();
    const timer = setTimeout(() => {
      this.#log.error('the pixel host does not finish; it is killed');
      this.child.kill('SIGKILL');
    }, LEAVE_WITHIN_MS);
    await this.#gone.promise;
    clearTimeout(timer);
  }

  #startThread(thread: number, at: number): void {
    if (this.#started.has(thread)) return;
    this.#started.add(thread);
    this.#links[0]?.outbox.add({ kind: 'start-thread', session: 0, at, thread }, Patience.watched);
  }

  #link(socket: Socket): ThreadLink {
    const reader = new IpcFrameReader();
    socket.on('data', (chunk) => {
      try {
        for (const frame of reader.push(chunk)) this.#events.message(decodeFromHost(frame));
      } catch (error) {
        this.#log.error({ err: error }, 'the pixel host sent something that is not understood');
        this.child.kill('SIGKILL');
      }
    });
    socket.on('error', (error) => this.#log.debug({ err: error }, 'pixel host socket'));
    const outbox = new Outbox((bytes, done) => {
      if (!socket.destroyed) socket.write(bytes, done);
    });
    return { socket, outbox };
  }

  #died(detail: string): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const { socket, outbox } of this.#links) {
      outbox.stop();
      socket.destroy();
    }
    this.#events.died(detail);
    this.#gone.resolve();
  }
}

interface ThreadLink {
  readonly socket: Socket;
  readonly outbox: Outbox;
}
