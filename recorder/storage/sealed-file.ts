import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type ByteSource, bytesSource, openFile } from './byte-source.ts';
import { FileEnd, type FileWriter, openCutOff } from './file-writer.ts';

/**
 * The encrypted form of a recording's files (docs/recording.md, ADR 0018). AES-256-GCM in records, so that any part is
 * read without the rest, and what a crash leaves is whole up to its last record. Big-endian:
 *
 * ```
 * header  u8[8] 'OrielEnc', u8 version = 1, u8 shape, u16 0, u32 chunk size, u8[16] random id of the file
 * record  u32 length | last << 31, u8[12] nonce, u8[length] ciphertext, u8[16] tag
 * ```
 *
 * Authenticated with each record: the header, its index, whether it is the last, the recording's id and the file's
 * name. So records cannot be moved, dropped, taken from another file or cut off unseen. Nonces are random: a record
 * that was lost in a crash may be written anew at the same place.
 *
 * Shape 0, `log`: records as they were appended, found by following their lengths. Shape 1, `chunks`: all but the last
 * are as long as the chunk size, so that the place of any byte can be computed.
 */
export const Shape = { log: 0, chunks: 1 } as const;
export type Shape = (typeof Shape)[keyof typeof Shape];

/** What a file is encrypted with, and for. */
export interface Seal {
  /** 32 bytes, the recording's own. */
  readonly key: Uint8Array;
  readonly recordingId: string;
  /** The file's name within the recording, `video.mp4`. */
  readonly name: string;
}

/** A sealed file was altered, cut short, or does not belong to this key, recording or name. */
export class SealedFileError extends Error {
  override readonly name = 'SealedFileError';
}

/** A sealed file may be as it was written, but what it is sealed with is gone or was never here. */
export class MissingKeyError extends SealedFileError {
  constructor(file: string) {
    super(`${file} is encrypted, and there is no key for it`);
  }
}

/** A file lies there unencrypted whose recording has a key. */
export class UnsealedFileError extends SealedFileError {
  constructor(file: string) {
    super(`${file} is not encrypted, as everything of this recording was`);
  }
}

/** A file that lies there unencrypted. Closes it and throws `UnsealedFileError` where the recording has a key. */
export async function requireNoKey(
  source: ByteSource | undefined,
  key: Uint8Array | undefined,
  file: string,
): Promise<ByteSource | undefined> {
  if (source === undefined || key === undefined) return source;
  await source.close();
  throw new UnsealedFileError(file);
}

export const CHUNK_SIZE = 64 * 1024;
const MAGIC = Buffer.from('OrielEnc', 'latin1');
const VERSION = 1;
/** magic, version, shape, reserved, chunk size, id */
export const HEADER_SIZE = 8 + 1 + 1 + 2 + 4 + 16;
const LENGTH_SIZE = 4;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
/** What a record is longer than what it holds. */
export const RECORD_OVERHEAD = LENGTH_SIZE + NONCE_SIZE + TAG_SIZE;
const LAST = 0x8000_0000;
/** A file names its own chunk size; more than this nobody wrote. */
const MAX_CHUNK_SIZE = 16 * 1024 * 1024;

export function isSealed(start: Uint8Array): boolean {
  return MAGIC.equals(start.subarray(0, MAGIC.length));
}

/** Writes a sealed file. */
export class SealedWriter implements FileWriter {
  readonly #end: FileEnd;
  readonly #sealer: RecordSealer;
  readonly #shape: Shape;
  #index: number;
  #bytes: number;
  /** Of `chunks`: what does not fill a chunk yet. */
  #partial: Buffer[] = [];
  #partialBytes = 0;

  /** A new file; one that is there is replaced. */
  static async create(path: string, seal: Seal, shape: Shape): Promise<SealedWriter> {
    const header = Buffer.alloc(HEADER_SIZE);
    MAGIC.copy(header);
    header.writeUInt8(VERSION, 8);
    header.writeUInt8(shape, 9);
    header.writeUInt32BE(CHUNK_SIZE, 12);
    randomBytes(16).copy(header, 16);
    const file = await open(path, 'w', 0o600);
    return new SealedWriter(new FileEnd(file, 0, header), new RecordSealer(seal, header), shape, 0, 0);
  }

  /** Goes on with a log. What a crash left after its last whole record is cut off, and so is its end mark. */
  static async reopen(path: string, seal: Seal): Promise<{ writer: SealedWriter; content: Buffer; torn: number }> {
    const source = await openFile(path);
    let parsed: ParsedLog;
    try {
      if (source.size < HEADER_SIZE) {
        // The very first write was torn.
        const writer = await SealedWriter.create(path, seal, Shape.log);
        return { writer, content: EMPTY, torn: source.size };
      }
      parsed = await readLog(source, seal);
    } finally {
      await source.close();
    }
    const { header, content, records, torn } = parsed;
    const end = new FileEnd(await openCutOff(path, parsed.end), parsed.end);
    const writer = new SealedWriter(end, new RecordSealer(seal, header), Shape.log, records, content.length);
    return { writer, content, torn };
  }

  private constructor(end: FileEnd, sealer: RecordSealer, shape: Shape, index: number, bytes: number) {
    this.#end = end;
    this.#sealer = sealer;
    this.#shape = shape;
    this.#index = index;
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.length;
    return this.#end.append(() => {
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return this.#shape === Shape.log ? this.#sealPieces(content) : this.#sealFullChunks(content);
    });
  }

  flush(): Promise<void> {
    return this.#end.flush();
  }

  /** Of `chunks`, only full ones become durable. */
  sync(): Promise<void> {
    return this.#end.sync();
  }

  end(): Promise<void> {
    return this.#end.end(() => this.#sealer.seal(this.#index++, Buffer.concat(this.#partial), true));
  }

  abandon(): Promise<void> {
    return this.#end.abandon();
  }

  #sealPieces(content: Buffer): Buffer[] {
    const records: Buffer[] = [];
    for (let at = 0; at < content.length; at += CHUNK_SIZE) {
      records.push(...this.#sealer.seal(this.#index++, content.subarray(at, at + CHUNK_SIZE), false));
    }
    return records;
  }

  /** The last chunk stays back, full or not, because it needs its mark. */
  #sealFullChunks(content: Buffer): Buffer[] {
    // Copied: the caller's bytes may change before the chunk is full.
    this.#partial.push(Buffer.from(content));
    this.#partialBytes += content.length;
    if (this.#partialBytes <= CHUNK_SIZE) return [];
    const all = Buffer.concat(this.#partial);
    const records: Buffer[] = [];
    let at = 0;
    for (; all.length - at > CHUNK_SIZE; at += CHUNK_SIZE) {
      records.push(...this.#sealer.seal(this.#index++, all.subarray(at, at + CHUNK_SIZE), false));
    }
    this.#partial = [all.subarray(at)];
    this.#partialBytes = all.length - at;
    return records;
  }
}

/**
 * Opens a sealed file whose end must be there. Rejects with `SealedFileError` where the key does not fit or the end is
 * missing; what is altered in the middle is found when it is read.
 */
export async function openSealed(source: ByteSource, seal: Seal): Promise<ByteSource> {
  try {
    const { header, shape, chunkSize } = await readHeader(source);
    const opener = new RecordOpener(seal, header);
    if (shape === Shape.chunks) return await ChunkedSource.open(source, opener, chunkSize);
    const log = await LogSource.open(source, opener);
    if (!log.ended) throw new SealedFileError(`${seal.name} is cut short, or something was put behind its end`);
    return log;
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Opens a log that may still be written to, or was when its writer died: as far as its records are whole. */
export async function openSealedLog(source: ByteSource, seal: Seal): Promise<ByteSource> {
  try {
    // Its writer died before its first write, or in it.
    if (source.size < HEADER_SIZE) {
      await source.close();
      return bytesSource(EMPTY);
    }
    const { header } = await readHeader(source);
    return await LogSource.open(source, new RecordOpener(seal, header));
  } catch (error) {
    await source.close();
    throw error;
  }
}

interface ParsedLog {
  readonly header: Buffer;
  readonly content: Buffer;
  readonly records: number;
  /** Where the last whole record ends that is not the end mark. */
  readonly end: number;
  readonly torn: number;
}

async function readLog(source: ByteSource, seal: Seal): Promise<ParsedLog> {
  const { header } = await readHeader(source);
  const opener = new RecordOpener(seal, header);
  const all = await source.read(0, source.size);
  const pieces: Buffer[] = [];
  let at = HEADER_SIZE;
  let records = 0;
  let ended = false;
  while (!ended && at + RECORD_OVERHEAD <= all.length) {
    const word = all.readUInt32BE(at);
    const last = word >= LAST;
    const end = at + RECORD_OVERHEAD + (last ? word - LAST : word);
    if (end > all.length) break;
    const content = opener.tryOpen(records, all.subarray(at, end));
    // A power cut may leave a file as long as it was to be, and zeros in it.
    if (content === undefined) break;
    ended = last;
    if (last && content.length === 0) return { header, content: Buffer.concat(pieces), records, end: at, torn: 0 };
    pieces.push(content);
    records++;
    at = end;
  }
  return { header, content: Buffer.concat(pieces), records, end: at, torn: all.length - at };
}

async function readHeader(source: ByteSource): Promise<{ header: Buffer; shape: Shape; chunkSize: number }> {
  const header = await source.read(0, HEADER_SIZE);
  if (header.length < HEADER_SIZE || !isSealed(header)) throw new SealedFileError('not a sealed file');
  const version = header.readUInt8(8);
  if (version !== VERSION) throw new SealedFileError(`sealed with version ${version}, this build knows ${VERSION}`);
  const shape = header.readUInt8(9);
  const chunkSize = header.readUInt32BE(12);
  if ((shape !== Shape.log && shape !== Shape.chunks) || chunkSize === 0 || chunkSize > MAX_CHUNK_SIZE) {
    throw new SealedFileError("the sealed file's header is altered");
  }
  return { header, shape, chunkSize };
}

class ChunkedSource implements ByteSource {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #opener: RecordOpener;
  readonly #chunkSize: number;
  readonly #chunks: number;
  /** The chunk read last: readers go on where they were. */
  #cached: { readonly index: number; readonly content: Buffer } | undefined;

  static async open(source: ByteSource, opener: RecordOpener, chunkSize: number): Promise<ChunkedSource> {
    const body = source.size - HEADER_SIZE;
    const stride = chunkSize + RECORD_OVERHEAD;
    const chunks = Math.max(1, Math.ceil(body / stride));
    const opened = new ChunkedSource(source, opener, chunkSize, chunks, body - chunks * RECORD_OVERHEAD);
    // Only the last chunk says that it is the last: without it nobody knows how much is missing.
    if (opened.size < 0) throw new SealedFileError('the sealed file is cut short');
    await opened.#chunk(chunks - 1);
    return opened;
  }

  constructor(source: ByteSource, opener: RecordOpener, chunkSize: number, chunks: number, size: number) {
    this.#source = source;
    this.#opener = opener;
    this.#chunkSize = chunkSize;
    this.#chunks = chunks;
    this.size = size;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.size);
    if (position >= end) return EMPTY;
    const first = Math.floor(position / this.#chunkSize);
    const last = Math.floor((end - 1) / this.#chunkSize);
    const from = position - first * this.#chunkSize;
    if (first === last) return (await this.#chunk(first)).subarray(from, from + end - position);
    // One read of the source for all of them: it may be at the other end of a network.
    const stride = this.#chunkSize + RECORD_OVERHEAD;
    const sealed = await this.#source.read(HEADER_SIZE + first * stride, (last - first + 1) * stride);
    const pieces: Buffer[] = [];
    for (let index = first; index <= last; index++) {
      const at = (index - first) * stride;
      pieces.push(this.#opener.open(index, sealed.subarray(at, at + stride), index === this.#chunks - 1));
    }
    return Buffer.concat(pieces).subarray(from, from + end - position);
  }

  get modifiedAt(): number | undefined {
    return this.#source.modifiedAt;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  async #chunk(index: number): Promise<Buffer> {
    if (this.#cached?.index === index) return this.#cached.content;
    const stride = this.#chunkSize + RECORD_OVERHEAD;
    const sealed = await this.#source.read(HEADER_SIZE + index * stride, stride);
    const content = this.#opener.open(index, sealed, index === this.#chunks - 1);
    this.#cached = { index, content };
    return content;
  }
}

class LogSource implements ByteSource {
  readonly size: number;
  readonly ended: boolean;
  readonly #source: ByteSource;
  readonly #opener: RecordOpener;
  /** Where each record begins, in the file and in its content; one more of the latter, for the end. */
  readonly #places: readonly number[];
  readonly #offsets: readonly number[];
  #cached: { readonly index: number; readonly content: Buffer } | undefined;

  static async open(source: ByteSource, opener: RecordOpener): Promise<LogSource> {
    const places: number[] = [];
    const offsets: number[] = [0];
    let ended = false;
    let place = HEADER_SIZE;
    let window: Buffer = EMPTY;
    let windowAt = place;
    while (!ended && place + RECORD_OVERHEAD <= source.size) {
      if (place + LENGTH_SIZE > windowAt + window.length) {
        windowAt = place;
        window = await source.read(place, CHUNK_SIZE);
        if (window.length < LENGTH_SIZE) break;
      }
      const word = window.readUInt32BE(place - windowAt);
      const length = word >= LAST ? word - LAST : word;
      const end = place + RECORD_OVERHEAD + length;
      if (end > source.size) break;
      ended = word >= LAST;
      places.push(place);
      offsets.push((offsets.at(-1) as number) + length);
      place = end;
    }
    const trailing = place < source.size;
    // The lengths of a torn end may be anything; whether its last record is whole, only its tag tells.
    while (places.length > 0) {
      const log = new LogSource(source, opener, places, offsets, ended && !trailing);
      if (await log.#isWhole(places.length - 1)) return log;
      places.pop();
      offsets.pop();
      ended = false;
    }
    return new LogSource(source, opener, places, offsets, false);
  }

  constructor(
    source: ByteSource,
    opener: RecordOpener,
    places: readonly number[],
    offsets: readonly number[],
    ended: boolean,
  ) {
    this.#source = source;
    this.#opener = opener;
    this.#places = places;
    this.#offsets = offsets;
    this.ended = ended;
    this.size = offsets.at(-1) as number;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.size);
    const pieces: Buffer[] = [];
    let at = position;
    for (let index = this.#recordAt(position); at < end; index++) {
      const start = this.#offsets[index] as number;
      const piece = (await this.#record(index)).subarray(at - start, end - start);
      pieces.push(piece);
      at += piece.length;
      // A record without content: only the end mark is one.
      if (index >= this.#places.length) break;
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  get modifiedAt(): number | undefined {
    return this.#source.modifiedAt;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** The record that holds a position, by bisection. */
  #recordAt(position: number): number {
    let low = 0;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#offsets[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #record(index: number): Promise<Buffer> {
    if (this.#cached?.index === index) return this.#cached.content;
    const sealed = await this.#sealed(index);
    // Whether it is the last was looked at when the log was opened.
    const content = this.#opener.open(index, sealed, sealed.readUInt32BE(0) >= LAST);
    this.#cached = { index, content };
    return content;
  }

  async #isWhole(index: number): Promise<boolean> {
    return this.#opener.tryOpen(index, await this.#sealed(index)) !== undefined;
  }

  #sealed(index: number): Promise<Buffer> {
    const length = (this.#offsets[index + 1] as number) - (this.#offsets[index] as number);
    return this.#source.read(this.#places[index] as number, length + RECORD_OVERHEAD);
  }
}

class RecordSealer {
  readonly #seal: Seal;
  readonly #header: Buffer;

  constructor(seal: Seal, header: Buffer) {
    this.#seal = seal;
    this.#header = header;
  }

  seal(index: number, content: Uint8Array, last: boolean): Buffer[] {
    const start = Buffer.alloc(LENGTH_SIZE + NONCE_SIZE);
    start.writeUInt32BE(last ? content.length + LAST : content.length);
    // A fresh random nonce a record: one key seals far fewer than the 2^32 where two could meet.
    const nonce = randomBytes(NONCE_SIZE);
    nonce.copy(start, LENGTH_SIZE);
    const cipher = createCipheriv('aes-256-gcm', this.#seal.key, nonce);
    cipher.setAAD(associatedData(this.#seal, this.#header, index, last));
    const body = cipher.update(content);
    cipher.final();
    return [start, body, cipher.getAuthTag()];
  }
}

class RecordOpener {
  readonly #seal: Seal;
  readonly #header: Buffer;

  constructor(seal: Seal, header: Buffer) {
    this.#seal = seal;
    this.#header = header;
  }

  open(index: number, record: Buffer, last: boolean): Buffer {
    const content = record.length < RECORD_OVERHEAD ? undefined : this.tryOpen(index, record);
    if (content === undefined || record.readUInt32BE(0) >= LAST !== last) {
      throw new SealedFileError(
        `${this.#seal.name}: record ${index} does not open: altered, cut short, or another key`,
      );
    }
    return content;
  }

  /** `undefined` when it is not as it was sealed. */
  tryOpen(index: number, record: Buffer): Buffer | undefined {
    const word = record.readUInt32BE(0);
    const last = word >= LAST;
    if ((last ? word - LAST : word) !== record.length - RECORD_OVERHEAD) return undefined;
    const body = LENGTH_SIZE + NONCE_SIZE;
    const nonce = record.subarray(LENGTH_SIZE, body);
    const decipher = createDecipheriv('aes-256-gcm', this.#seal.key, nonce, { authTagLength: TAG_SIZE });
    decipher.setAAD(associatedData(this.#seal, this.#header, index, last));
    decipher.setAuthTag(record.subarray(record.length - TAG_SIZE));
    try {
      const content = decipher.update(record.subarray(body, record.length - TAG_SIZE));
      decipher.final();
      return content;
    } catch {
      return undefined;
    }
  }
}

function associatedData({ recordingId, name }: Seal, header: Buffer, index: number, last: boolean): Buffer {
  const place = Buffer.alloc(9);
  place.writeBigUInt64BE(BigInt(index));
  place.writeUInt8(last ? 1 : 0, 8);
  return Buffer.concat([header, place, Buffer.from(`${recordingId}/${name}`, 'utf8')]);
}

const EMPTY = Buffer.alloc(0);
