import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteSource, openFile, readAhead, readWhole } from './byte-source.ts';
import { type FileWriter, PlainWriter } from './file-writer.ts';
import { MissingKeyError, openSealed, openSealedLog, requireNoKey, SealedWriter, Shape } from './sealed-file.ts';

/** What the names of files that are not whole yet end with. */
export const PARTIAL_SUFFIX = '.part';
/** What encrypted files' names end with. */
export const SEALED_SUFFIX = '.sealed';

/** A file that is appended to while others may read it, and that survives its writer. */
export interface ReopenedLog {
  readonly writer: FileWriter;
  /** What the file holds already. */
  readonly content: Buffer;
  /** Bytes at its end that made no sense and were cut off. */
  readonly torn: number;
}

/**
 * A recording's folder: files by their plain names, whether they are encrypted or, in recordings of format version 1
 * and where there is no key, as they are. INVARIANT: with a key, nothing of a recording reaches the disk unencrypted, and
 * nothing is read that lies there so: somebody else put it there, and it would be played, or even finished and signed.
 */
export class RecordingFolder {
  /** On this machine's disk. */
  readonly path: string;
  readonly recordingId: string;
  readonly #key: Uint8Array | undefined;

  /** @param key 32 bytes, this recording's own; without it files are written as they are */
  constructor(path: string, recordingId: string, key?: Uint8Array) {
    this.path = path;
    this.recordingId = recordingId;
    this.#key = key;
  }

  get isSealed(): boolean {
    return this.#key !== undefined;
  }

  /** Where a file that is written now lies on the disk. */
  pathOf(name: string): string {
    return join(this.path, this.#key === undefined ? name : `${name}${SEALED_SUFFIX}`);
  }

  /** For random access; `undefined` when it is not there. Rejects with `SealedFileError` where it is not as it was sealed. */
  async open(name: string): Promise<ByteSource | undefined> {
    const sealed = await this.#openSealed(name, openSealed);
    return sealed ?? (await this.#openPlain(name));
  }

  /** As `open`, of a file that may still be written to or was when its writer died: as far as it is whole. From front to back. */
  async openLog(name: string): Promise<ByteSource | undefined> {
    const sealed = await this.#openSealed(name, (source, seal) => openSealedLog(readAhead(source), seal));
    if (sealed !== undefined) return sealed;
    const plain = await this.#openPlain(name);
    return plain && readAhead(plain);
  }

  /** All of a file; `undefined` when it is not there. */
  async read(name: string): Promise<Buffer | undefined> {
    const source = await this.open(name);
    if (source === undefined) return undefined;
    try {
      return await readWhole(source);
    } finally {
      await source.close();
    }
  }

  /** A new file for random access; one that is there is replaced when it is written to its end and renamed by `commit`. */
  async create(name: string): Promise<FileWriter> {
    return this.#create(`${this.pathOf(name)}${PARTIAL_SUFFIX}`, name, Shape.chunks);
  }

  /** Puts what `create` wrote in its place; after a power cut there is the old file or the new one. */
  async commit(name: string): Promise<void> {
    const path = this.pathOf(name);
    await rename(`${path}${PARTIAL_SUFFIX}`, path);
    await this.sync();
  }

  /** Atomic and durable. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const writer = await this.create(name);
    try {
      await writer.append(bytes);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writer.end();
    await this.commit(name);
  }

  /** A new file that grows piece by piece, each of which a crash leaves as it is. */
  async createLog(name: string): Promise<FileWriter> {
    return this.#create(this.pathOf(name), name, Shape.log);
  }

  /**
   * Goes on with a log, or begins one.
   * @param wholeBytes of a log that is not encrypted: how much of it makes sense
   */
  async appendTo(name: string, wholeBytes: (content: Buffer) => number): Promise<ReopenedLog> {
    const path = this.pathOf(name);
    if ((await stat(path).catch(() => undefined)) === undefined) {
      const writer = await this.createLog(name);
      // A sealed file begins with a header, so that a crash right after this leaves a log and not an empty file.
      await writer.sync();
      await this.sync();
      return { writer, content: Buffer.alloc(0), torn: 0 };
    }
    if (this.#key !== undefined) {
      return SealedWriter.reopen(path, { key: this.#key, recordingId: this.recordingId, name });
    }
    const source = await openFile(path);
    const content = await readWhole(source).finally(() => source.close());
    const end = wholeBytes(content);
    const writer = await PlainWriter.reopen(path, end);
    return { writer, content: content.subarray(0, end), torn: content.length - end };
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      for (const path of [join(this.path, name), join(this.path, `${name}${SEALED_SUFFIX}`)]) {
        // What cannot be removed costs space, not the recording.
        await rm(path, { force: true }).catch(() => {});
        await rm(`${path}${PARTIAL_SUFFIX}`, { force: true }).catch(() => {});
      }
    }
  }

  /** Bytes on the disk; `undefined` when it is not there. */
  async sizeOf(name: string): Promise<number | undefined> {
    for (const path of [`${join(this.path, name)}${SEALED_SUFFIX}`, join(this.path, name)]) {
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined) return found.size;
    }
    return undefined;
  }

  /** Everything in the folder, as it is called on the disk. */
  files(): Promise<string[]> {
    return readdir(this.path);
  }

  /** Makes renames and new files durable. */
  sync(): Promise<void> {
    return syncDirectory(this.path);
  }

  async #create(path: string, name: string, shape: Shape): Promise<FileWriter> {
    if (this.#key === undefined) return PlainWriter.create(path);
    return SealedWriter.create(path, { key: this.#key, recordingId: this.recordingId, name }, shape);
  }

  async #openPlain(name: string): Promise<ByteSource | undefined> {
    return requireNoKey(await openIfThere(join(this.path, name)), this.#key, name);
  }

  async #openSealed(name: string, opener: typeof openSealed): Promise<ByteSource | undefined> {
    const source = await openIfThere(`${join(this.path, name)}${SEALED_SUFFIX}`);
    if (source === undefined) return undefined;
    if (this.#key === undefined) {
      await source.close();
      throw new MissingKeyError(name);
    }
    return opener(source, { key: this.#key, recordingId: this.recordingId, name });
  }
}

/** Makes renames and new files in a folder durable. Windows has no such thing and needs none. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => {});
  await handle.close();
}

async function openIfThere(path: string): Promise<ByteSource | undefined> {
  try {
    return await openFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
