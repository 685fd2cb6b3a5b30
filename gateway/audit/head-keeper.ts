import { type FileHandle, open } from 'node:fs/promises';
import { ConfigError } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import { type Head, headLine, parseHead, signHead, type TrailSigner } from './signatures.ts';

/** After the first row that no head commits to yet. */
const SIGN_AFTER_MS = 1000;
/** There are as many as seconds in which something was written down. */
const LISTED_AT_ONCE = 1000;
/** Of the heads file, what is looked at at a start. */
const TAIL_BYTES = 128 * 1024;

export interface HeadKeeperParts {
  readonly store: Store;
  readonly signer: TrailSigner;
  /** Beside the database: who cuts the end off the one has to do so with the other. */
  readonly file: string;
  readonly log: Logger;
  readonly now?: () => number;
}

/** What the heads of the last run say about the rows that are there now. */
export interface Standing {
  /** The highest head of the file that does not go with the rows; none: all is well. */
  readonly broken: Head | undefined;
  readonly last: number;
}

/** Signs how far the trail has come: a second after something was written, at the stop, and when asked. */
export class HeadKeeper {
  readonly #parts: HeadKeeperParts;
  #timer: NodeJS.Timeout | undefined;
  #signing: Promise<Head | undefined> | undefined;
  #stopped = false;

  constructor(parts: HeadKeeperParts) {
    this.#parts = parts;
  }

  /** Something was written. */
  changed(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sign().catch((error: unknown) => this.#parts.log.error({ err: error }, 'the trail cannot be signed'));
    }, SIGN_AFTER_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.sign();
  }

  /** The head of all that is there; signed now, unless it is already. Nothing: the trail is empty. */
  async sign(): Promise<Head | undefined> {
    while (this.#signing !== undefined) await this.#signing.catch(() => undefined);
    this.#signing = this.#sign().finally(() => {
      this.#signing = undefined;
    });
    return this.#signing;
  }

  /** Signed heads, the oldest first. */
  async list(): Promise<Head[]> {
    const turns = new Turns();
    const heads: Head[] = [];
    for (let last = -1; ; ) {
      const rows = await this.#parts.store
        .selectFrom('audit_heads')
        .selectAll()
        .where('number', '>', last)
        .orderBy('number')
        .limit(LISTED_AT_ONCE)
        .execute();
      heads.push(...rows.map(toHead));
      if (rows.length < LISTED_AT_ONCE) return heads;
      last = rows.at(-1)?.number ?? last;
      if (turns.isOver) await turns.pass();
    }
  }

  async latest(): Promise<Head | undefined> {
    const row = await this.#parts.store
      .selectFrom('audit_heads')
      .selectAll()
      .orderBy('at', 'desc')
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && toHead(row);
  }

  async find(number: number): Promise<Head | undefined> {
    const { store } = this.#parts;
    const row = await store.selectFrom('audit_heads').selectAll().where('number', '=', number).executeTakeFirst();
    return row && toHead(row);
  }

  /** Those of the file; none where there is no file. */
  fileHeads(): Promise<Head[]> {
    return readHeads(this.#parts.file);
  }

  /** Holds the last head of the file against the rows: a look at the start, not the whole check. */
  async standing(): Promise<Standing> {
    const { store } = this.#parts;
    const last = await store.selectFrom('audit').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
    const head = (await lastHeads(this.#parts.file)).reduce<Head | undefined>(higher, undefined);
    const row =
      head && (await store.selectFrom('audit').select('hash').where('id', '=', head.number).executeTakeFirst());
    return { last: last?.id ?? 0, broken: head !== undefined && row?.hash !== head.hash ? head : undefined };
  }

  async #sign(): Promise<Head | undefined> {
    const { store, signer, file, now = Date.now } = this.#parts;
    const last = await store
      .selectFrom('audit')
      .select(['id', 'hash'])
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    const before = await this.latest();
    if (last === undefined || before?.hash === last.hash) return before;
    const head = signHead(signer, { number: last.id, hash: last.hash, at: new Date(now()).toISOString() });
    // The file first: what it says is in the database already, for the row was committed.
    await appendLine(file, headLine(head));
    const { number, hash, at, key, signature } = head;
    await store
      .insertInto('audit_heads')
      .values({ number, hash, at, key_id: key, signature })
      // Of a trail whose end was cut off: what was signed before stays, and speaks against it.
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return head;
  }
}

/** Throws `ConfigError` where heads cannot be written down, which is better found out before anybody is let in. */
export async function requireHeadsFile(path: string): Promise<void> {
  try {
    await (await open(path, 'a', 0o600)).close();
  } catch (error) {
    // No folder is made: where one is missing, the disk that it should be on may be.
    throw new ConfigError('ORIEL_AUDIT_HEADS_FILE', `cannot be written: ${(error as Error).message}`);
  }
}

/** Heads in a file of lines, such as the one beside the database or what a syslog server kept of them. */
export async function readHeads(path: string): Promise<Head[]> {
  return withFile(path, async (file) => {
    const heads: Head[] = [];
    // Line by line: a second of every busy one of some months is more than a string can hold.
    for await (const line of file.readLines({ encoding: 'utf8' })) {
      const head = parseHead(line);
      if (head !== undefined) heads.push(head);
    }
    return heads;
  });
}

/** The last of them, some hundreds: they are written in their order, and a start must not take longer from year to year. */
async function lastHeads(path: string): Promise<Head[]> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const tail = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(tail, 0, tail.length, start);
    const lines = tail.subarray(0, bytesRead).toString('utf8').split('\n');
    return lines.flatMap((line) => parseHead(line) ?? []);
  });
}

/** Nothing where there is no file. */
async function withFile(path: string, read: (file: FileHandle) => Promise<Head[]>): Promise<Head[]> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

export function toHead(row: { number: number; hash: string; at: string; key_id: string; signature: string }): Head {
  return { number: row.number, hash: row.hash, at: row.at, key: row.key_id, signature: row.signature };
}

function higher(one: Head | undefined, other: Head): Head {
  return one === undefined || other.number >= one.number ? other : one;
}

async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.appendFile(`${line}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}
