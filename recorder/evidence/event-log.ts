import { createHash } from 'node:crypto';
import type { FileWriter } from '../storage/file-writer.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';
import { type GivenEvents, readLostEvents } from './event-journal.ts';

/**
 * The event log of a recording, `events.jsonl`: one JSON object a line, append-only, each line holding the SHA-256 of
 * the line before it (with its line feed), so that none can be changed, dropped or moved unseen. docs/recording.md
 * describes the fields; names and meanings are never changed, only added.
 */
export const EVENTS_FILE = 'events.jsonl';

/** What the first line's `prev` is. */
export const CHAIN_START = '0'.repeat(64);

/** One line, read. */
export interface RecordedEvent {
  /** Counts from 0. */
  readonly n: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The video's clock: milliseconds since its first frame; `null` for what came before there was one. */
  readonly t: number | null;
  readonly type: string;
  /** SHA-256 of the line before, hex. */
  readonly prev: string;
  readonly [field: string]: unknown;
}

export interface EventTimes {
  readonly at: number;
  readonly t: number | null;
}

/** What a closed log is, for the manifest. */
export interface EventLogState {
  readonly bytes: number;
  readonly lines: number;
  /** SHA-256 of the last line. */
  readonly head: string;
}

export interface EventLogOptions {
  readonly folder: RecordingFolder;
  readonly sessionId: string;
  readonly at: number;
  /** Lines cannot be written; tried again. Called each time that it begins. */
  readonly onTrouble?: ((cause: Error) => void) | undefined;
  /** Lines cannot be written for `FAIL_AFTER_MS`, or there are more than a log may hold. Called once for each. */
  readonly onFailure?: ((cause: Error) => void) | undefined;
}

/**
 * Appends to a recording's event log. A line is handed to the system within milliseconds, so a killed process loses
 * none that it was given, and made durable within a quarter of a second, which is what a power cut can cost.
 */
export class EventLog {
  readonly #writer: FileWriter;
  readonly #onFailure: ((cause: Error) => void) | undefined;
  readonly #onTrouble: ((cause: Error) => void) | undefined;
  readonly #folder: RecordingFolder;
  readonly #segments: Set<unknown>;
  readonly #given = { count: 0, lastOf: new Map<string, number>() } satisfies GivenEvents;
  #state: EventLogState;
  #untilMs = 0;
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;
  #syncedAt = 0;
  #syncTimer: NodeJS.Timeout | undefined;
  #troubleSince: number | undefined;
  #failed = false;
  #isFull = false;
  #closed = false;

  /** Opens a log, or goes on with one that a crash left: a torn last line is cut off. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const { folder } = options;
    const { writer, content, torn } = await folder.appendTo(EVENTS_FILE, (bytes) => bytes.lastIndexOf(LINE_FEED) + 1);
    try {
      const state = logState(content);
      const log = new EventLog(writer, state, options, readEvents(content));
      const times = { at: options.at, t: null };
      if (state.lines === 0) {
        log.append('log', { format: 'oriel-events', version: 1, session: options.sessionId }, times);
      }
      if (torn > 0) log.append('torn', { bytes: torn }, times);
      await log.flush();
      return log;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  private constructor(
    writer: FileWriter,
    state: EventLogState,
    { folder, onFailure, onTrouble }: EventLogOptions,
    events: readonly RecordedEvent[],
  ) {
    this.#folder = folder;
    this.#writer = writer;
    this.#state = state;
    this.#onFailure = onFailure;
    this.#onTrouble = onTrouble;
    this.#segments = new Set(events.flatMap((event) => (event.type === 'segment' ? [event.file] : [])));
    for (const { type, t } of events) this.#count(type, t);
  }

  /** What has been appended, whether or not it is on disk yet. */
  get state(): EventLogState {
    return this.#state;
  }

  /** The latest moment of the video that a line stands for. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** Files of the segments that the log has written down. */
  get segments(): ReadonlySet<unknown> {
    return this.#segments;
  }

  /**
   * Cheap, never throws, never waits. After `close` it does nothing. Past `MAX_LOG_BYTES` only what says how it ended is
   * written: the log is read at once when the recording is finished, and who floods it must not make that impossible.
   */
  append(type: string, fields: Readonly<Record<string, unknown>>, times: EventTimes): void {
    if (this.#closed || this.#failed) return;
    const { lines, bytes, head } = this.#state;
    const at = Math.round(times.at);
    const t = times.t === null ? null : Math.round(times.t);
    // The fixed fields come first and last, and a field of the same name cannot take their place.
    const { n: _n, at: _at, t: _t, type: _type, prev: _prev, ...rest } = fields;
    const line = Buffer.from(`${JSON.stringify({ n: lines, at, t, type, ...rest, prev: head })}\n`);
    this.#count(type, t);
    const isPast = bytes + line.length > MAX_LOG_BYTES;
    if (!isPast || RECORDER_EVENTS.has(type) || LAST_EVENTS.has(type)) {
      this.#state = { lines: lines + 1, bytes: bytes + line.length, head: sha256(line) };
      if (type === 'segment') this.#segments.add(rest.file);
      this.#waiting.push(line);
      this.#write();
    }
    if (isPast) this.#full();
  }

  /**
   * Appends what the gateway had written down and a kill kept from coming here.
   * @param startedAt milliseconds since the epoch of the video's first frame, if there is one
   */
  async appendLost(startedAt: number | undefined): Promise<void> {
    for (const { type, fields, at } of await readLostEvents(this.#folder, this.#given)) {
      this.append(type, fields, { at, t: startedAt === undefined ? null : Math.max(0, at - startedAt) });
    }
  }

  /** Resolves when everything appended so far is on disk, or rejects when it cannot be. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#writeOut();
    await this.#writer.sync();
  }

  /** Writes what is left and closes. Rejects when that is not possible; the file is closed all the same. */
  async close(): Promise<EventLogState> {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#syncTimer);
      try {
        await this.flush();
        await this.#writer.end();
      } catch (error) {
        await this.#writer.abandon();
        throw error;
      }
    }
    return this.#state;
  }

  #count(type: string, t: number | null): void {
    this.#untilMs = Math.max(this.#untilMs, t ?? 0);
    if (RECORDER_EVENTS.has(type)) return;
    this.#given.lastOf.set(type, this.#given.count++);
  }

  #write(): void {
    if (this.#writing !== undefined || this.#failed) return;
    this.#writing = this.#writeOut()
      .then(
        () => {
          this.#troubleSince = undefined;
          this.#sync();
        },
        (error: Error) => this.#trouble(error),
      )
      .finally(() => {
        this.#writing = undefined;
        if (this.#waiting.length > 0 && this.#troubleSince === undefined) this.#write();
      });
  }

  async #writeOut(): Promise<void> {
    do {
      const bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      // What cannot be written now the writer keeps, and tries again the next time.
      await this.#writer.append(bytes);
      // What was appended meanwhile stands behind `bytes`.
    } while (this.#waiting.length > 0);
  }

  #sync(): void {
    if (this.#syncTimer !== undefined || this.#closed) return;
    const wait = Math.max(0, this.#syncedAt + SYNC_INTERVAL_MS - performance.now());
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      this.#syncedAt = performance.now();
      if (!this.#closed) this.#writer.sync().catch((error: Error) => this.#trouble(error));
    }, wait);
    this.#syncTimer.unref();
  }

  #full(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#onFailure?.(new Error(`there are more than ${MAX_LOG_BYTES / 2 ** 20} MB of them`));
  }

  /** A full disk may have room again in a moment; a log that stays behind is a recording that has failed. */
  #trouble(error: Error): void {
    if (this.#failed || this.#closed) return;
    const now = performance.now();
    if (this.#troubleSince === undefined) this.#onTrouble?.(error);
    this.#troubleSince ??= now;
    if (now - this.#troubleSince > FAIL_AFTER_MS) {
      this.#failed = true;
      this.#onFailure?.(error);
      return;
    }
    setTimeout(() => {
      if (!this.#closed) this.#write();
    }, RETRY_MS).unref();
  }
}

/** Where a log stops making sense; `line` counts from 0. */
export interface ChainBreak {
  readonly line: number;
  readonly message: string;
}

export interface CheckedLog {
  readonly events: readonly RecordedEvent[];
  readonly head: string;
  readonly breaks: readonly ChainBreak[];
}

/** Reads a whole log and checks its chain. Never throws: whatever is wrong is a break. */
export function checkLog(bytes: Uint8Array): CheckedLog {
  const events: RecordedEvent[] = [];
  const breaks: ChainBreak[] = [];
  let head = CHAIN_START;
  let n = 0;
  for (const line of linesOf(bytes)) {
    const event = line.at(-1) === LINE_FEED ? parseEvent(line) : undefined;
    if (event === undefined) breaks.push({ line: n, message: `event ${n} is not readable` });
    else {
      events.push(event);
      if (event.n !== n) breaks.push({ line: n, message: `event ${event.n} stands in the place of event ${n}` });
      if (event.prev !== head) {
        breaks.push({
          line: n,
          message: n === 0 ? 'the first event is missing' : `event ${n - 1} is altered or missing`,
        });
      }
    }
    head = sha256(line);
    n++;
  }
  return { events, head, breaks };
}

/** The events of a log that may still be written to; what is not readable is left out. */
export function readEvents(bytes: Uint8Array): RecordedEvent[] {
  return [...checkLog(bytes).events];
}

function logState(bytes: Uint8Array): EventLogState {
  let lines = 0;
  let head = CHAIN_START;
  for (const line of linesOf(bytes)) {
    head = sha256(line);
    lines++;
  }
  return { bytes: bytes.length, lines, head };
}

/** Each with its line feed; the last may lack one. */
function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    yield bytes.subarray(start, end);
    start = end;
  }
}

function parseEvent(line: Uint8Array): RecordedEvent | undefined {
  try {
    const value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8')) as unknown;
    if (typeof value !== 'object' || value === null) return undefined;
    const { n, at, t, type, prev } = value as Record<string, unknown>;
    const valid = typeof n === 'number' && typeof at === 'number' && (t === null || typeof t === 'number');
    return valid && typeof type === 'string' && typeof prev === 'string' ? (value as RecordedEvent) : undefined;
  } catch {
    return undefined;
  }
}

export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const LINE_FEED = 10;
/** What recorders and their successors write by themselves; all else comes from the gateway, in its journal's order. */
const RECORDER_EVENTS: ReadonlySet<string> = new Set([
  ...[
    'log',
    'recording',
    'desktop',
    'segment',
    'finished',
    'torn',
    'recovered',
    'gateway-lost',
    'encoder-lost',
    'clock-moved',
    'late',
  ],
]);
/** Of the gateway's, those that say how a session ended. */
const LAST_EVENTS: ReadonlySet<string> = new Set(['terminated', 'ended']);
/** A day of typing and clicking without a pause, with every key in it, is less. Finishing takes eight times that in memory. */
export const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** A power cut costs the events of this long. */
const SYNC_INTERVAL_MS = 250;
const RETRY_MS = 500;
const FAIL_AFTER_MS = 10_000;
