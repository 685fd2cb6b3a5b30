import { mkdir } from 'node:fs/promises';
import { readWhole } from '../storage/byte-source.ts';
import type { FileWriter } from '../storage/file-writer.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';

/**
 * What the gateway knows of a recorded session, written down by the gateway itself before the pixel host has it. The event
 * log is what counts; this is where its writer's successor, or whoever finishes the recording, finds the lines that were
 * on their way when a process was killed. Two files by turns, so that a long session leaves no more than their size.
 */
export const JOURNAL_FILES = ['journal-0.jsonl', 'journal-1.jsonl'] as const;

type Fields = Readonly<Record<string, unknown>>;

/** One line of a journal. */
export interface JournalEntry {
  /** Counts what the gateway sent, from 0; the event log has its lines in the same order. */
  readonly n: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly fields: Fields;
  /** Not an event yet: what the next of its type would be if it were written now. */
  readonly pending?: true;
}

/** What an event log has of the gateway's events. */
export interface GivenEvents {
  readonly count: number;
  /** The number of the last event of each type. */
  readonly lastOf: ReadonlyMap<string, number>;
}

/** Appends to a session's journal. Nothing waits for it, and nothing fails with it: it is the second of two ways. */
export class EventJournal {
  readonly #folder: RecordingFolder;
  readonly #now: () => number;
  readonly #pendingEveryMs: number;
  readonly #rotateBytes: number;
  #writer: FileWriter | undefined;
  #turn = 0;
  #n = 0;
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;
  #make: (() => JournalEntry | undefined) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param now milliseconds since the epoch, by the clock that events have their times from */
  constructor(
    folder: RecordingFolder,
    now: () => number,
    { pendingEveryMs = PENDING_EVERY_MS, rotateBytes = ROTATE_BYTES } = {},
  ) {
    this.#folder = folder;
    this.#now = now;
    this.#pendingEveryMs = pendingEveryMs;
    this.#rotateBytes = rotateBytes;
  }

  /** With the system within milliseconds, where no kill reaches it. Cheap, never throws, never waits. */
  append(type: string, fields: Fields, at: number): void {
    if (this.#closed) return;
    this.#put({ n: this.#n++, at, type, fields });
  }

  /**
   * Something is being summed up that will be an event of this type; call it whenever there is more.
   * @param fields what the event would hold if it were written at that moment; nothing once it has been
   */
  pending(type: string, fields: (at: number) => Fields | undefined): void {
    if (this.#closed) return;
    this.#make = () => {
      const at = this.#now();
      const summed = fields(at);
      return summed && { n: this.#n, at, type, fields: summed, pending: true };
    };
    if (this.#timer !== undefined) return;
    this.#writePending();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writePending();
    }, this.#pendingEveryMs);
    this.#timer.unref();
  }

  /** Tries again what could not be written; resolves when everything is with the system, or cannot be given to it. */
  async flush(): Promise<void> {
    this.#write();
    while (this.#writing !== undefined) await this.#writing;
    await this.#writer?.flush().catch(() => {});
  }

  /** The files stay: who finishes the recording removes them. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
    await this.#writer?.abandon();
    this.#writer = undefined;
  }

  #writePending(): void {
    const entry = this.#make?.();
    this.#make = undefined;
    if (entry !== undefined) this.#put(entry);
  }

  #put(entry: JournalEntry): void {
    this.#waiting.push(Buffer.from(`${JSON.stringify(entry)}\n`));
    this.#write();
  }

  #write(): void {
    this.#writing ??= this.#writeOut()
      // A disk that has no room: what waits goes with the next event, or `flush`.
      .catch(() => {})
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #writeOut(): Promise<void> {
    while (this.#waiting.length > 0) {
      const writer = await this.#open();
      const bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      // What it cannot write now, it keeps and tries again with the next.
      await writer.append(bytes);
    }
  }

  async #open(): Promise<FileWriter> {
    if (this.#writer !== undefined && this.#writer.bytes < this.#rotateBytes) return this.#writer;
    await this.#writer?.abandon();
    this.#writer = undefined;
    await mkdir(this.#folder.path, { recursive: true, mode: 0o700 });
    this.#writer = await this.#folder.createLog(JOURNAL_FILES[this.#turn++ % 2] as string);
    return this.#writer;
  }
}

/**
 * What a journal holds that an event log does not, oldest first. A journal that cannot be read holds nothing: the log is
 * as good as it would be without it.
 */
export async function readLostEvents(folder: RecordingFolder, given: GivenEvents): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (const file of JOURNAL_FILES) entries.push(...(await readJournal(folder, file).catch(() => [])));
  const lost = entries.filter(({ n, pending }) => pending === undefined && n >= given.count).sort((a, b) => a.n - b.n);
  // Of two that were written in a row with nothing between them, the later one says more.
  const pending = entries
    .filter((entry) => entry.pending)
    .sort((a, b) => a.n - b.n || a.at - b.at)
    .at(-1);
  if (pending === undefined) return lost;
  const written = lost.some(({ n, type }) => type === pending.type && n >= pending.n);
  return written || (given.lastOf.get(pending.type) ?? -1) >= pending.n ? lost : [...lost, pending];
}

async function readJournal(folder: RecordingFolder, file: string): Promise<JournalEntry[]> {
  const source = await folder.openLog(file);
  if (source === undefined) return [];
  const content = await readWhole(source).finally(() => source.close());
  return content.toString('utf8').split('\n').flatMap(parseEntry);
}

/** Nothing of a line that is torn. */
function parseEntry(line: string): JournalEntry[] {
  try {
    const value = JSON.parse(line) as Partial<JournalEntry> | null;
    const { n, at, type, fields } = value ?? {};
    const valid = typeof n === 'number' && typeof at === 'number' && typeof type === 'string';
    return valid && typeof fields === 'object' && fields !== null ? [value as JournalEntry] : [];
  } catch {
    return [];
  }
}

/** A kill of everything at once costs this much of what is being summed up. */
const PENDING_EVERY_MS = 100;
/** Of each file: minutes of the densest input, and far more than can be on its way to the pixel host. */
const ROTATE_BYTES = 256 * 1024;
