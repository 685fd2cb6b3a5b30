import { Readable } from 'node:stream';
import { FileAttributes, type FileDescriptor } from '#protocol/channels/cliprdr/file-list.ts';
import { decodeFileSize, type FileContentsRequest, fileSizeRequest } from '#protocol/channels/cliprdr/pdu.ts';
import { type FileOffer, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { GatewayError } from '../errors.ts';
import { safeFileNames } from './file-names.ts';
import { FileTransfer, type TransferEvents } from './file-transfer.ts';

export interface FileDownloadsParts {
  readonly events: TransferEvents;
  /** Asks the desktop for a part of a file. */
  ask(request: FileContentsRequest): void;
  lock(clipDataId: number): void;
  unlock(clipDataId: number): void;
  nextId(): number;
}

/** A file on its way to the browser. */
export interface Download {
  readonly name: string;
  readonly size: number;
  readonly stream: Readable;
}

interface Entry {
  readonly name: string;
  readonly size: number | undefined;
  /** Position in the desktop's own list. */
  readonly index: number;
}

interface List {
  readonly number: number;
  readonly files: readonly Entry[];
  readonly locked: boolean;
  /** Downloads that are under way. */
  users: number;
}

/** Asked for at a time: small enough to stop soon, large enough not to wait for each. */
const PART_BYTES = 256 * 1024;
/** A desktop that takes longer for a part does not answer. */
const ANSWER_WITHIN_MS = 30_000;
const MAX_DOWNLOADS = 4;

/** Files in the desktop's clipboard, and those on their way to the owner's browser, part by part as she takes them. */
export class FileDownloads {
  readonly #parts: FileDownloadsParts;
  readonly #asked = new Map<number, { resolve(data: Uint8Array | undefined): void; readonly timer: NodeJS.Timeout }>();
  readonly #running = new Set<FileTransfer>();
  /** Those whose size the desktop has yet to say. */
  #beginning = 0;
  #list: List | undefined;
  #lists = 0;
  #streamId = 0;

  constructor(parts: FileDownloadsParts) {
    this.#parts = parts;
  }

  /**
   * The desktop's clipboard holds these. Folders are left out: what is in them is in the list as well.
   * @returns what the browser is told
   */
  offered(described: readonly FileDescriptor[], canLock: boolean): FileOffer {
    this.withdraw();
    const files = described
      .map((file, index) => ({ ...file, index }))
      .filter(({ attributes = 0 }) => (attributes & FileAttributes.directory) === 0)
      .slice(0, TunnelLimits.files);
    const names = safeFileNames(files.map(({ name }) => name));
    const number = ++this.#lists;
    const entries = files.map(({ size, index }, at) => ({ name: names[at] ?? 'file', size: sizeOf(size), index }));
    this.#list = { number, files: entries, locked: canLock, users: 0 };
    if (canLock) this.#parts.lock(number);
    return { list: number, files: entries.map(({ name, size }, index) => ({ name, size: size ?? 0, index })) };
  }

  /** The desktop's clipboard holds something else. */
  withdraw(): void {
    const list = this.#list;
    this.#list = undefined;
    if (list !== undefined) this.#unlockUnused(list);
  }

  /** Begins to take a file over. Throws `not_found`, `too_many_requests`, `connection_lost`. */
  async open(number: number, index: number): Promise<Download> {
    const list = this.#list;
    const entry = list?.number === number ? list.files[index] : undefined;
    if (list === undefined || entry === undefined)
      throw new GatewayError('not_found', 'it is no longer in the clipboard');
    if (this.#running.size + this.#beginning >= MAX_DOWNLOADS) {
      throw new GatewayError('too_many_requests', 'too many files at once');
    }
    const size = await this.#begin(list, entry);
    const facts = { id: this.#parts.nextId(), direction: 'from-desktop', name: entry.name, size } as const;
    const transfer = new FileTransfer(facts, this.#parts.events);
    this.#running.add(transfer);
    const over = () => {
      // Whoever takes it has gone: the others have said why before.
      transfer.end('cancelled');
      if (this.#running.delete(transfer)) this.#leave(list);
    };
    const stream = Readable.from(this.#read(list, entry, transfer), { objectMode: false, highWaterMark: PART_BYTES });
    stream.once('close', over);
    return { name: entry.name, size, stream };
  }

  /** The desktop answers. */
  answered(streamId: number, data: Uint8Array | undefined): void {
    const asked = this.#asked.get(streamId);
    if (asked === undefined) return;
    this.#asked.delete(streamId);
    clearTimeout(asked.timer);
    asked.resolve(data?.slice());
  }

  /** @returns whether it was one of these */
  cancel(id: number): boolean {
    const found = [...this.#running].find((transfer) => transfer.id === id);
    found?.end('cancelled');
    return found !== undefined;
  }

  /** The session is frozen or over, or the desktop is lost: nothing more passes. */
  stop(): void {
    for (const transfer of this.#running) transfer.end('failed');
    for (const streamId of [...this.#asked.keys()]) this.answered(streamId, undefined);
  }

  async *#read(list: List, { index }: Entry, transfer: FileTransfer): AsyncGenerator<Uint8Array> {
    while (transfer.running && transfer.done < transfer.size) {
      const length = Math.min(PART_BYTES, transfer.size - transfer.done);
      const position = BigInt(transfer.done);
      const of = list.locked ? { clipDataId: list.number } : {};
      const data = await this.#ask({
        streamId: this.#nextStream(),
        index,
        operation: 'range',
        position,
        length,
        ...of,
      });
      // Less than it said there is, or more than was asked for: what comes out is not that file.
      if (data === undefined || data.length === 0 || data.length > length) transfer.end('failed');
      if (!transfer.running || data === undefined) throw new GatewayError('connection_lost', 'the file was cut short');
      transfer.passed(data);
      yield data;
    }
    if (!transfer.running) throw new GatewayError('connection_lost', 'the file was cut short');
    transfer.end('done');
  }

  /** From here on it counts as under way: the desktop keeps the list for it while it is asked for the size. */
  async #begin(list: List, entry: Entry): Promise<number> {
    list.users++;
    this.#beginning++;
    try {
      return entry.size ?? (await this.#sizeOf(list, entry));
    } catch (error) {
      this.#leave(list);
      throw error;
    } finally {
      this.#beginning--;
    }
  }

  async #sizeOf(list: List, { index }: Entry): Promise<number> {
    const data = await this.#ask(fileSizeRequest(this.#nextStream(), index, list.locked ? list.number : undefined));
    const size = data?.length === 8 ? sizeOf(decodeFileSize(data)) : undefined;
    if (size === undefined) throw new GatewayError('connection_lost', 'the desktop does not say how large the file is');
    return size;
  }

  #ask(request: FileContentsRequest): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answered(request.streamId, undefined), ANSWER_WITHIN_MS);
      timer.unref();
      this.#asked.set(request.streamId, { resolve, timer });
      this.#parts.ask(request);
    });
  }

  #nextStream(): number {
    this.#streamId = (this.#streamId + 1) >>> 0;
    return this.#streamId;
  }

  #leave(list: List): void {
    list.users--;
    if (this.#list !== list) this.#unlockUnused(list);
  }

  #unlockUnused(list: List): void {
    if (list.locked && list.users === 0) this.#parts.unlock(list.number);
  }
}

/** A size that no file has, is a lie. */
function sizeOf(size: bigint | undefined): number | undefined {
  return size === undefined || size > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(size);
}
