import { type FileHandle, open } from 'node:fs/promises';

/** Writes one file from its start to its end, or goes on at its end. Calls that overlap are carried out in their order. */
export interface FileWriter {
  /** Bytes of content so far. */
  readonly bytes: number;
  /**
   * On its way to the disk when it resolves: a killed process loses it no more. When it rejects (a full disk), the
   * bytes are kept, and the next call of any kind tries them again.
   */
  append(bytes: Uint8Array): Promise<void>;
  /** Tries again what could not be written. */
  flush(): Promise<void>;
  /** Makes durable what was appended. */
  sync(): Promise<void>;
  /** Marks the end, makes everything durable and closes. */
  end(): Promise<void>;
  /** Closes the file as it is, without its end. Never rejects. */
  abandon(): Promise<void>;
}

/** Lets work begin when the work before it is done, however that went. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** What file writers have in common: bytes that go to the end of a file, and are kept until they are there. */
export class FileEnd {
  readonly #file: FileHandle;
  readonly #turns = new Turns();
  /** Where the next byte goes. */
  #position: number;
  #pending: Buffer;
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  /** @param pending goes first */
  constructor(file: FileHandle, position: number, pending: Buffer = EMPTY) {
    this.#file = file;
    this.#position = position;
    this.#pending = pending;
  }

  /** @param pieces made when it is their turn */
  append(pieces: () => readonly Buffer[]): Promise<void> {
    return this.#turns.take(async () => {
      this.#take(pieces());
      try {
        await this.#write();
      } finally {
        // Copied: the caller's bytes may change before the next attempt.
        if (this.#pending.length > 0) this.#pending = Buffer.from(this.#pending);
      }
    });
  }

  flush(): Promise<void> {
    return this.#turns.take(() => this.#write());
  }

  async sync(): Promise<void> {
    await this.flush();
    // Not within the turn: a slow disk must not keep what comes next from the system. And never more than one at a time:
    // whoever asks meanwhile shares the next, or a disk that is slower than they ask would hold all of the process's threads.
    this.#nextSync ??= this.#syncing.then(() => {
      this.#nextSync = undefined;
      const syncing = this.#file.datasync();
      this.#syncing = syncing.catch(() => {});
      return syncing;
    });
    return this.#nextSync;
  }

  /** @param pieces made when it is their turn */
  end(pieces: () => readonly Buffer[]): Promise<void> {
    return this.#turns.take(async () => {
      try {
        this.#take(pieces());
        await this.#write();
        await this.#file.sync();
      } finally {
        await this.#file.close();
      }
    });
  }

  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
  }

  /** What could not be written the last time goes first, as it was. */
  #take(pieces: readonly Buffer[]): void {
    const [only, ...more] = pieces;
    if (only === undefined) return;
    this.#pending = this.#pending.length === 0 && more.length === 0 ? only : Buffer.concat([this.#pending, ...pieces]);
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const { bytesWritten } = await this.#file.write(this.#pending, 0, this.#pending.length, this.#position);
      this.#position += bytesWritten;
      this.#pending = this.#pending.subarray(bytesWritten);
    }
  }
}

/** Opens a file that goes on at `end`; what stood behind it is cut off. */
export async function openCutOff(path: string, end: number): Promise<FileHandle> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(end);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file as it is. */
export class PlainWriter implements FileWriter {
  readonly #end: FileEnd;
  #bytes: number;

  /** A new file; one that is there is replaced. */
  static async create(path: string): Promise<PlainWriter> {
    return new PlainWriter(await open(path, 'w', 0o600), 0);
  }

  /** @param end where the file is cut off before it goes on */
  static async reopen(path: string, end: number): Promise<PlainWriter> {
    return new PlainWriter(await openCutOff(path, end), end);
  }

  private constructor(file: FileHandle, position: number) {
    this.#end = new FileEnd(file, position);
    this.#bytes = position;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.length;
    return this.#end.append(() => [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
  }

  flush(): Promise<void> {
    return this.#end.flush();
  }

  sync(): Promise<void> {
    return this.#end.sync();
  }

  end(): Promise<void> {
    return this.#end.end(() => []);
  }

  abandon(): Promise<void> {
    return this.#end.abandon();
  }
}

const EMPTY = Buffer.alloc(0);
