import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../manifest.ts';

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
  readonly directory: string;
  readonly sessionId: string;
  readonly at: number;
  /** Lines cannot be written for `FAIL_AFTER_MS`. Called at most once. */
  readonly onFailure?: ((cause: Error) => void) | undefined;
}

/**
 * Appends to a recording's event log. A line is handed to the system within milliseconds, so a killed process loses
 * none that it was given, and made durable within a second, which is what a power cut can cost.
 */
export class EventLog {
  readonly #file: FileHandle;
  readonly #onFailure: ((cause: Error) => void) | undefined;
  #state: EventLogState;
  /** Bytes that are in the file for sure; a write that failed half-way is repeated at the same place. */
  #written: number;
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;
  #syncedAt = 0;
  #syncTimer: NodeJS.Timeout | undefined;
  #troubleSince: number | undefined;
  #failed = false;
  #closed = false;

  /** Opens a log, or goes on with one that a crash left: a torn last line is cut off. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const path = join(options.directory, EVENTS_FILE);
    // Not `a`: positions are given, so that a write can be repeated.
    await (await open(path, 'a', 0o600)).close();
    const file = await open(path, 'r+');
    try {
      const { state, torn } = logState(await file.readFile());
      if (torn > 0) await file.truncate(state.bytes);
      const log = new EventLog(file, state, options.onFailure);
      const times = { at: options.at, t: null };
      if (state.lines === 0) {
        log.append('log', { format: 'oriel-events', version: 1, session: options.sessionId }, times);
      }
      if (torn > 0) log.append('torn', { bytes: torn }, times);
      await log.flush();
      await syncDirectory(options.directory);
      return log;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(file: FileHandle, state: EventLogState, onFailure: ((cause: Error) => void) | undefined) {
    this.#file = file;
    this.#state = state;
    this.#written = state.bytes;
    this.#onFailure = onFailure;
  }

  /** What has been appended, whether or not it is on disk yet. */
  get state(): EventLogState {
    return this.#state;
  }

  /** Files of the segments that the log has written down. */
  async segments(): Promise<Set<unknown>> {
    await this.flush();
    const bytes = Buffer.alloc(this.#state.bytes);
    await this.#file.read(bytes, 0, bytes.length, 0);
    return new Set(readEvents(bytes).flatMap((event) => (event.type === 'segment' ? [event.file] : [])));
  }

  /** Cheap, never throws, never waits. After `close` it does nothing. */
  append(type: string, fields: Readonly<Record<string, unknown>>, times: EventTimes): void {
    if (this.#closed || this.#failed) return;
    const { lines, bytes, head } = this.#state;
    const at = Math.round(times.at);
    const t = times.t === null ? null : Math.round(times.t);
    // The fixed fields come first and last, and a field of the same name cannot take their place.
    const { n: _n, at: _at, t: _t, type: _type, prev: _prev, ...rest } = fields;
    const line = Buffer.from(`${JSON.stringify({ n: lines, at, t, type, ...rest, prev: head })}\n`);
    this.#state = { lines: lines + 1, bytes: bytes + line.length, head: sha256(line) };
    this.#waiting.push(line);
    this.#write();
  }

  /** Resolves when everything appended so far is on disk, or rejects when it cannot be. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#waiting.length > 0) await this.#writeOut();
    await this.#file.datasync();
  }

  /** Writes what is left and closes. Rejects when that is not possible; the file is closed all the same. */
  async close(): Promise<EventLogState> {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#syncTimer);
      try {
        await this.flush();
      } finally {
        await this.#file.close();
      }
    }
    return this.#state;
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
    const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    this.#waiting = [bytes];
    const { bytesWritten } = await this.#file.write(bytes, 0, bytes.length, this.#written);
    this.#written += bytesWritten;
    // What was appended meanwhile stands behind `bytes`.
    const rest = bytes.subarray(bytesWritten);
    this.#waiting.splice(0, 1, ...(rest.length > 0 ? [rest] : []));
    if (this.#waiting.length > 0) await this.#writeOut();
  }

  #sync(): void {
    if (this.#syncTimer !== undefined || this.#closed) return;
    const wait = Math.max(0, this.#syncedAt + SYNC_INTERVAL_MS - performance.now());
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      this.#syncedAt = performance.now();
      if (!this.#closed) this.#file.datasync().catch((error: Error) => this.#trouble(error));
    }, wait);
    this.#syncTimer.unref();
  }

  /** A full disk may have room again in a moment; a log that stays behind is a recording that has failed. */
  #trouble(error: Error): void {
    if (this.#failed || this.#closed) return;
    const now = performance.now();
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

function logState(bytes: Uint8Array): { state: EventLogState; torn: number } {
  const end = bytes.lastIndexOf(LINE_FEED) + 1;
  let lines = 0;
  let head = CHAIN_START;
  for (const line of linesOf(bytes.subarray(0, end))) {
    head = sha256(line);
    lines++;
  }
  return { state: { bytes: end, lines, head }, torn: bytes.length - end };
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
/** A power cut costs the events of this long. */
const SYNC_INTERVAL_MS = 1000;
const RETRY_MS = 500;
const FAIL_AFTER_MS = 10_000;
