import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sessionClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type {
  PixelOptions,
  PixelOwner,
  PixelOwnerWatch,
  PixelSession,
  Pixels,
  PixelViewer,
  PixelWatch,
  RecordingResult,
} from '../sessions/ports.ts';
import { HostChild } from './host-child.ts';
import type { FromHost, OpenOptions, ToHost } from './ipc.ts';
import { Patience } from './outbox.ts';
import { PixelSink } from './pixel-sink.ts';

export interface PixelHostOptions {
  /** Folder that holds one folder per recorded session. */
  readonly recordingsDirectory: string;
  readonly ffmpegPath: string;
  /** How many recordings are encoded at once. Default: as many as the machine has room for. */
  readonly encoders?: number | undefined;
  /** How many pixel hosts share those, each of which has its part; at least one. Default: 1. */
  readonly hosts?: number | undefined;
  /** The key that recordings are signed with; the host reads it itself. */
  readonly signingKeyFile?: string;
  /** Where the gateway itself writes down what happens in a recorded session; without it, a kill may cost events. */
  readonly openJournal?: (directory: string, sessionId: string, key: Uint8Array | undefined) => Journal;
  /** When a recording that could not be finished is tried again for the first time. */
  readonly retryMs?: number;
  /** How many of the host's threads sessions are spread over; a thread starts with the session before its first. Default: 1. */
  readonly threads?: number;
  readonly log: Logger;
}

/** Holds a session's events where no killed process takes them with it. Its calls never throw, reject or wait. */
export interface Journal {
  append(type: string, fields: EventFields, at: number): void;
  pending(type: string, fields: (at: number) => EventFields | undefined): void;
  /** Resolves when everything is with the system. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

type EventFields = Readonly<Record<string, unknown>>;

const RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 10 * 60_000;

/**
 * The gateway's side of the pixel host: starts it, starts another when it dies, and tells the sessions that were in
 * it. A host that dies takes no other session down than those it held.
 */
export class PixelHostProcess implements Pixels {
  readonly #options: PixelHostOptions;
  readonly #sessions = new Map<number, HostedSession>();
  #host: HostChild | undefined;
  #nextSession = 1;
  #nextViewer = 1;
  #closed = false;

  constructor(options: PixelHostOptions) {
    this.#options = options;
  }

  /** Starts the host now rather than with the first session. */
  start(): void {
    if (this.#closed) throw new GatewayError('gateway_stopping');
    this.#host ??= this.#spawn();
  }

  /** The running host's process. */
  get pid(): number | undefined {
    return this.#host?.child.pid;
  }

  async open(options: PixelOptions): Promise<PixelSession> {
    this.start();
    const id = this.#nextSession++;
    const { sessionId, record, recordingKey } = options;
    const hostOptions = record ? this.#recordingOptions(sessionId, recordingKey) : { sessionId };
    const { directory } = hostOptions;
    const { openJournal, retryMs = RETRY_MS } = this.#options;
    const journal = directory === undefined ? undefined : openJournal?.(directory, sessionId, recordingKey);
    const session = new OpenSession(id, options, hostOptions, journal, {
      send: (message, patience) => this.#send(message, patience),
      retry: (attempt) => this.#retryLater(session, Math.min(retryMs * 2 ** attempt, LONGEST_RETRY_MS)),
      done: () => this.#sessions.delete(id),
    });
    this.#sessions.set(id, session);
    this.#host?.flush();
    await session.opened;
    return {
      sink: session.sink,
      finished: session.finished,
      event: (type, fields, at) => session.event(type, fields, at),
      pending: (type, fields) => session.pending(type, fields),
      watch: (viewer) => session.watch(this.#nextViewer++, viewer),
      watchAsOwner: (owner) => session.watchAsOwner(this.#nextViewer++, owner),
      recordingWatched: () => session.recordingWatched(),
    };
  }

  /**
   * Waits for a recording that the pixel host of another process was making, or finishes it where that host is gone as
   * well. `left`: it could not be finished yet.
   */
  recover(sessionId: string, recordingKey: Uint8Array | undefined): Promise<RecordingResult | 'left' | undefined> {
    this.start();
    const id = this.#nextSession++;
    const finished = Promise.withResolvers<RecordingResult | 'left' | undefined>();
    const options = this.#recordingOptions(sessionId, recordingKey);
    const recovering = new RecoveringSession(
      () => this.#send({ kind: 'recover', session: id, at: sessionClock(), options }),
      (result) => {
        this.#sessions.delete(id);
        finished.resolve(result);
      },
    );
    this.#sessions.set(id, recovering);
    recovering.recover();
    return finished.promise;
  }

  /** Lets the host finish its recordings and waits for it to go. */
  async close(): Promise<void> {
    this.#closed = true;
    const host = this.#host;
    if (host === undefined) return;
    await host.leave();
  }

  #recordingOptions(sessionId: string, recordingKey: Uint8Array | undefined): OpenOptions {
    const { recordingsDirectory, ffmpegPath, signingKeyFile } = this.#options;
    return {
      sessionId,
      directory: join(recordingsDirectory, sessionId),
      ffmpegPath,
      ...(signingKeyFile === undefined ? {} : { signingKeyFile }),
      ...(recordingKey === undefined ? {} : { key: Buffer.from(recordingKey).toString('base64') }),
    };
  }

  #spawn(): HostChild {
    const script = fileURLToPath(new URL('./host.ts', import.meta.url));
    const host = new HostChild(script, this.#options, {
      message: (message) => this.#sessions.get(message.session)?.received(message),
      died: (detail) => this.#died(host, detail),
    });
    return host;
  }

  #died(host: HostChild, detail: string): void {
    if (this.#host !== host) return;
    this.#host = undefined;
    if (this.#closed) this.#options.log.info({ detail }, 'pixel host has left');
    else this.#options.log.error({ detail, sessions: this.#sessions.size }, 'pixel host died');
    const broken = [...this.#sessions.values()].filter((session) => !session.hostDied(detail, !this.#closed));
    // The next session starts another; one is needed before that where a recording is to be saved, and one that
    // lived for a while is worth replacing at once.
    if (!this.#closed && (broken.length > 0 || host.age > 5000)) this.start();
    for (const session of broken) session.recover();
  }

  /** A disk that was full may have room again. */
  #retryLater(session: OpenSession, milliseconds: number): void {
    const retry = () => {
      if (this.#closed) return;
      this.start();
      session.recover();
    };
    setTimeout(retry, milliseconds).unref();
  }

  #send(message: ToHost, patience: Patience = Patience.watched): void {
    this.#host?.send(message, patience);
  }
}

/** A session that a host was told of. */
interface HostedSession {
  received(message: FromHost): void;
  /** False when a recording is left that another host should finish: `recover` then. */
  hostDied(detail: string, mayRecover: boolean): boolean;
  recover(): void;
}

/** What one session asks of the process. */
interface SessionLinks {
  send(message: ToHost, patience?: Patience): void;
  /** Its recording could not be finished: `recover` again in a while. @param attempt how often that was tried already */
  retry(attempt: number): void;
  /** There is nothing to come any more. */
  done(): void;
}

/** One session's part: its sink, its viewers and what is still to come from the host. */
class OpenSession implements HostedSession {
  readonly sink: PixelSink;
  readonly opened: Promise<void>;
  readonly finished: Promise<RecordingResult | 'left' | undefined>;
  readonly #id: number;
  readonly #options: PixelOptions;
  readonly #hostOptions: OpenOptions;
  readonly #journal: Journal | undefined;
  readonly #links: SessionLinks;
  readonly #send: SessionLinks['send'];
  readonly #viewers = new Map<number, PixelViewer & Partial<PixelOwner>>();
  readonly #opening = Promise.withResolvers<void>();
  readonly #finishing = Promise.withResolvers<RecordingResult | 'left' | undefined>();
  #state: 'opening' | 'open' | 'failed' = 'opening';
  #isRecording = false;
  /** Its owner has told the host to finish. */
  #hasEnded = false;
  #wasRecovered = false;
  #retries = 0;
  /** `finished` has said that there may be a recording later. */
  #isLeft = false;

  constructor(
    id: number,
    options: PixelOptions,
    hostOptions: OpenOptions,
    journal: Journal | undefined,
    links: SessionLinks,
  ) {
    const { send } = links;
    this.#id = id;
    this.#options = options;
    this.#hostOptions = hostOptions;
    this.#journal = journal;
    this.#links = links;
    this.#send = send;
    this.opened = this.#opening.promise;
    this.finished = this.#finishing.promise;
    const events = {
      send: (message: ToHost) => send(message, this.#patience),
      overflowed: () => this.#fail('recording_failed', 'the pixel host cannot keep up'),
      broken: (error: unknown) => this.#fail('protocol_error', error instanceof Error ? error.message : String(error)),
      ended: (at: number) => {
        this.#hasEnded = true;
        this.#viewers.clear();
        send({ kind: 'finish', session: id, at });
      },
    };
    this.sink = new PixelSink(id, events, { recorded: hostOptions.directory !== undefined });
    send({ kind: 'open', session: id, at: sessionClock(), options: hostOptions });
  }

  /** Of what the server draws. */
  get #patience(): Patience {
    if (this.#viewers.size > 0) return Patience.watched;
    return this.#hostOptions.directory === undefined ? Patience.unseen : Patience.recorded;
  }

  event(type: string, fields: Readonly<Record<string, unknown>>, at: number): void {
    // Of a session that goes on without its recording nothing belongs into it any more.
    if (this.#hostOptions.directory === undefined || this.#wasRecovered) return;
    this.#journal?.append(type, fields, at);
    this.#send({ kind: 'event', session: this.#id, at, event: { type, fields } });
  }

  pending(type: string, fields: (at: number) => EventFields | undefined): void {
    if (!this.#wasRecovered) this.#journal?.pending(type, fields);
  }

  watch(id: number, viewer: PixelViewer): PixelWatch {
    return this.#watch(id, viewer, false);
  }

  watchAsOwner(id: number, owner: PixelOwner): PixelOwnerWatch {
    return {
      ...this.#watch(id, owner, true),
      takeState: (limit) => {
        if (!this.#viewers.has(id)) return;
        this.#send({ kind: 'take-state', session: this.#id, at: sessionClock(), viewer: id, limit });
      },
    };
  }

  #watch(id: number, viewer: PixelViewer & Partial<PixelOwner>, isOwner: boolean): PixelWatch {
    this.sink.need();
    if (this.#state === 'failed') {
      // Not within this call: the caller does not hold its watch yet.
      queueMicrotask(() => viewer.failed());
      return { acknowledge: () => {}, close: () => {} };
    }
    this.#viewers.set(id, viewer);
    const { updates } = this.sink;
    this.#send({ kind: 'attach-viewer', session: this.#id, at: sessionClock(), viewer: id, isOwner, updates });
    return {
      acknowledge: (seq) => {
        if (!this.#viewers.has(id)) return;
        this.#send({ kind: 'viewer-ack', session: this.#id, at: sessionClock(), viewer: id, seq });
      },
      close: () => {
        if (!this.#viewers.delete(id)) return;
        this.#send({ kind: 'detach-viewer', session: this.#id, at: sessionClock(), viewer: id });
        if (this.#viewers.size === 0) this.sink.rest();
      },
    };
  }

  recordingWatched(): void {
    if (this.#isRecording) this.#send({ kind: 'recording-watched', session: this.#id, at: sessionClock() });
  }

  received(message: FromHost): void {
    switch (message.kind) {
      case 'opened':
        this.#state = 'open';
        this.#isRecording = this.#hostOptions.directory !== undefined;
        this.#opening.resolve();
        return;
      case 'viewer-message':
        this.#viewers.get(message.viewer)?.send(message.message, message.updates);
        return;
      case 'viewer-shows':
        this.#viewers.get(message.viewer)?.shows?.(message.updates);
        return;
      case 'viewer-state':
        this.#viewers.get(message.viewer)?.state?.(message.state);
        return;
      case 'progress':
        this.sink.progress(message.bytes);
        return;
      case 'health':
        if (this.#state === 'open') this.#options.health?.(message.health);
        return;
      case 'troubled':
        if (this.#state === 'open') this.#options.troubled?.(message.detail);
        return;
      case 'failed':
        this.#fail(message.failure.code, message.failure.detail);
        return;
      case 'finished':
        // A host that meets a bug of its own saves what it has, and goes.
        if (!this.#hasEnded) this.#lost('the pixel host has left');
        this.#settle(message.recording);
        if (message.recording === 'left') this.#links.retry(this.#retries++);
    }
  }

  hostDied(detail: string, mayRecover: boolean): boolean {
    this.#lost(`the pixel host died: ${detail}`);
    // A recording that has killed two hosts is left to the next start of the gateway.
    if (this.#isRecording && mayRecover && !this.#wasRecovered) return false;
    this.#settle(this.#isRecording ? 'left' : undefined);
    return true;
  }

  recover(): void {
    this.#wasRecovered = true;
    const ask = () =>
      this.#send({ kind: 'recover', session: this.#id, at: sessionClock(), options: this.#hostOptions });
    // A session that ended with its host has said so by now: its last events are found in the journal.
    if (this.#journal === undefined) ask();
    else void this.#journal.flush().then(ask);
  }

  #lost(detail: string): void {
    this.#fail('recording_failed', detail);
    for (const viewer of this.#viewers.values()) viewer.failed();
    this.#viewers.clear();
  }

  #settle(recording: RecordingResult | 'left' | undefined): void {
    this.#finishing.resolve(recording);
    if (this.#isLeft && recording !== 'left') this.#options.finishedLater?.(recording);
    this.#isLeft = recording === 'left';
    // What a full disk did not take of the journal is tried again with the rest.
    if (this.#isLeft) return;
    void this.#journal?.close();
    this.#links.done();
  }

  #fail(code: PixelFailureCode, detail: string): void {
    const before = this.#state;
    this.#state = 'failed';
    this.sink.stop();
    if (before === 'opening') {
      this.#opening.reject(new GatewayError('recorder_unavailable', detail));
      this.#settle(undefined);
    } else if (before === 'open') {
      this.#options.failed(detail, code);
    }
  }
}

/** A recording that another process has left. */
class RecoveringSession implements HostedSession {
  readonly #ask: () => void;
  readonly #finished: (result: RecordingResult | 'left' | undefined) => void;
  #diedBefore = false;

  constructor(ask: () => void, finished: (result: RecordingResult | 'left' | undefined) => void) {
    this.#ask = ask;
    this.#finished = finished;
  }

  received(message: FromHost): void {
    if (message.kind === 'finished') this.#finished(message.recording);
  }

  hostDied(_detail: string, mayRecover: boolean): boolean {
    // As with any other: what has killed two hosts is left to the next start of the gateway.
    if (mayRecover && !this.#diedBefore) {
      this.#diedBefore = true;
      return false;
    }
    this.#finished('left');
    return true;
  }

  recover(): void {
    this.#ask();
  }
}

type PixelFailureCode = 'recorder_unavailable' | 'recording_failed' | 'protocol_error';
