import { encodeFileList, type FileDescriptor } from '#protocol/channels/cliprdr/file-list.ts';
import { encodeFileSize, type FileContentsRequest } from '#protocol/channels/cliprdr/pdu.ts';
import { concatBytes } from '#protocol/core/bytes.ts';
import { type FileOffer, type FilePart, type FileWanted, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { safeFileNames } from './file-names.ts';
import { FileTransfer, type TransferEvents } from './file-transfer.ts';

export interface FileUploadsParts {
  readonly events: TransferEvents;
  /** Asks the browser for a part of a file. */
  ask(wanted: FileWanted): void;
  /** Answers the desktop; no data where there is none to give. */
  respond(streamId: number, data: Uint8Array | undefined): void;
  nextId(): number;
}

interface Upload {
  readonly list: number;
  readonly files: readonly { readonly name: string; readonly size: number; readonly index: number }[];
  /** By position in the list: those that are under way. */
  readonly transfers: Map<number, FileTransfer>;
}

/** Lists that a desktop may have kept for it. */
const MAX_LOCKED = 16;
/** Parts that a desktop may ask for before it has the first. */
const MAX_WAITING = 64;
/** A browser that takes longer to read is not going to. */
const READ_WITHIN_MS = 30_000;

/**
 * Files of the owner's browser in the desktop's clipboard. The desktop asks for parts of them as it pastes; each is read
 * in the browser then, and nothing is kept here.
 */
export class FileUploads {
  readonly #parts: FileUploadsParts;
  #current: Upload | undefined;
  /** What was offered before, where a desktop that locks nothing was in the middle of it. */
  #former: Upload | undefined;
  readonly #locked = new Map<number, Upload>();
  readonly #waiting: { readonly contents: FileContentsRequest; readonly upload: Upload }[] = [];
  #reading: Reading | undefined;
  #request = 0;

  constructor(parts: FileUploadsParts) {
    this.#parts = parts;
  }

  /** The browser has these files, in place of others. */
  offered({ list, files }: FileOffer): void {
    const names = safeFileNames(files.map(({ name }) => name));
    this.withdraw();
    this.#current = {
      list,
      files: files.map(({ size, index }, at) => ({ name: names[at] ?? 'file', size, index })),
      transfers: new Map(),
    };
  }

  /** Nothing is offered any more; what the desktop has locked, or has begun to read, it may still read. */
  withdraw(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined && [...current.transfers.values()].some(({ running }) => running)) this.#former = current;
  }

  /** The list as the desktop reads it; nothing where there is none. */
  get fileList(): Uint8Array | undefined {
    if (this.#current === undefined) return undefined;
    const files = this.#current.files.map(
      ({ name, size }): FileDescriptor => ({ name, size: BigInt(size), showProgress: true }),
    );
    return encodeFileList(files);
  }

  lock(clipDataId: number): void {
    if (this.#current !== undefined && this.#locked.size < MAX_LOCKED) this.#locked.set(clipDataId, this.#current);
  }

  unlock(clipDataId: number): void {
    this.#locked.delete(clipDataId);
  }

  /** The desktop wants to know how large a file is, or a part of it. */
  wanted(contents: FileContentsRequest): void {
    const upload = this.#uploadOf(contents);
    const file = upload?.files[contents.index];
    if (upload === undefined || file === undefined || this.#waiting.length >= MAX_WAITING) {
      this.#parts.respond(contents.streamId, undefined);
    } else if (contents.operation === 'size') {
      this.#parts.respond(contents.streamId, encodeFileSize(BigInt(file.size)));
    } else {
      this.#waiting.push({ contents, upload });
      this.#next();
    }
  }

  /** What the browser has read. */
  received({ request, state, part }: FilePart): void {
    const reading = this.#reading;
    if (reading === undefined || reading.wanted.request !== request) return;
    reading.bytes += part.length;
    // A browser that sends more than was asked for is not to be believed.
    if (state === 'failed' || reading.bytes > reading.wanted.length) this.#read(undefined);
    else {
      reading.parts.push(part.slice());
      if (state === 'last') this.#read(concatBytes(...reading.parts));
    }
  }

  /** @returns whether it was one of these */
  cancel(id: number): boolean {
    for (const upload of this.#uploads()) {
      for (const transfer of upload.transfers.values()) {
        if (transfer.id !== id) continue;
        transfer.end('cancelled');
        return true;
      }
    }
    return false;
  }

  /** The session is frozen, or over: nothing more passes, and who waits for something is told. */
  stop(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    clearTimeout(reading?.timer);
    const waiting = [...(reading === undefined ? [] : [reading]), ...this.#waiting.splice(0)];
    for (const { contents } of waiting) this.#parts.respond(contents.streamId, undefined);
    for (const upload of this.#uploads()) for (const transfer of upload.transfers.values()) transfer.end('failed');
  }

  #uploadOf({ clipDataId, index, position }: FileContentsRequest): Upload | undefined {
    // Some desktops name a lock that they never asked for.
    const locked = clipDataId === undefined ? undefined : this.#locked.get(clipDataId);
    if (locked !== undefined) return locked;
    // Who is in the middle of a file reads on in that one, not in another that has its place in the list by now.
    const readsOn = position > 0n && this.#former?.transfers.get(index)?.running === true;
    return readsOn && this.#current?.transfers.has(index) !== true ? this.#former : this.#current;
  }

  #uploads(): Set<Upload> {
    const offered = [this.#former, this.#current].filter((upload) => upload !== undefined);
    return new Set([...this.#locked.values(), ...offered]);
  }

  #next(): void {
    while (this.#reading === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { contents, upload } = next;
      const file = upload.files[contents.index];
      const transfer = this.#transferOf(upload, contents);
      if (file === undefined || transfer.stopped || contents.position > BigInt(file.size)) {
        this.#parts.respond(contents.streamId, undefined);
        continue;
      }
      const position = Number(contents.position);
      const length = Math.min(contents.length, TunnelLimits.filePartBytes, file.size - position);
      if (length === 0) {
        this.#parts.respond(contents.streamId, new Uint8Array());
        finish(transfer);
        continue;
      }
      const wanted = { request: ++this.#request, list: upload.list, index: file.index, position, length };
      const timer = setTimeout(() => this.#read(undefined), READ_WITHIN_MS);
      timer.unref();
      this.#reading = { contents, transfer, wanted, parts: [], bytes: 0, timer };
      this.#parts.ask(wanted);
    }
  }

  /** Who pastes, reads from the beginning: that is another time that the file passes. */
  #transferOf(upload: Upload, { index, position }: FileContentsRequest): FileTransfer {
    const present = upload.transfers.get(index);
    // One that was cancelled stays so, until the files are offered anew.
    const again = position === 0n && present !== undefined && present.done > 0 && !present.cancelled;
    if (present !== undefined && !again) return present;
    present?.end('failed');
    const { name = '', size = 0 } = upload.files[index] ?? {};
    const facts = { id: this.#parts.nextId(), direction: 'to-desktop', name, size } as const;
    const transfer = new FileTransfer(facts, this.#parts.events);
    upload.transfers.set(index, transfer);
    return transfer;
  }

  #read(data: Uint8Array | undefined): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#reading = undefined;
    clearTimeout(reading.timer);
    const { contents, transfer, wanted } = reading;
    // Shorter than it was: the file has changed in between.
    const whole = data !== undefined && data.length === wanted.length && !transfer.stopped ? data : undefined;
    this.#parts.respond(contents.streamId, whole);
    if (whole === undefined) transfer.end('failed');
    // What is read again, or past a gap, passes without being counted: the whole file then has no hash.
    else if (wanted.position === transfer.done) transfer.passed(whole);
    finish(transfer);
    this.#next();
  }
}

function finish(transfer: FileTransfer): void {
  if (transfer.running && transfer.done === transfer.size) transfer.end('done');
}

interface Reading {
  readonly contents: FileContentsRequest;
  readonly transfer: FileTransfer;
  readonly wanted: FileWanted;
  readonly parts: Uint8Array[];
  bytes: number;
  readonly timer: NodeJS.Timeout;
}
