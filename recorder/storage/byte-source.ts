import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** Bytes that can be read at any place, wherever they are and however they are kept. */
export interface ByteSource {
  readonly size: number;
  /** Milliseconds since the epoch, where that is known. */
  readonly modifiedAt?: number | undefined;
  /** `length` bytes from `position` on; fewer where the source ends before. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** A file as it is. Rejects as `open` does. */
export async function openFile(path: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    return new FileSource(file, size, mtimeMs);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    size: buffer.length,
    read: async (position, length) => buffer.subarray(position, position + length),
    close: async () => {},
  };
}

/** A source as far as it can be read: of an encrypted file, up to what is not as it was written. */
export async function readablePart(source: ByteSource): Promise<ByteSource> {
  let size = 0;
  try {
    for await (const bytes of piecesOf(source)) size += bytes.length;
    return source;
  } catch {
    // A piece spans several records: those before the one that cannot be read count.
    for (let step = STEP; step >= 1; step /= 2) {
      const bytes = await source.read(size, step).catch(() => undefined);
      if (bytes?.length === step) size += step;
    }
  }
  return {
    size,
    read: (position, length) => source.read(position, Math.min(length, size - position)),
    close: () => source.close(),
  };
}

/**
 * A source that is read from front to back in small pieces: a frame of an idle desktop has 200 bytes, and each read is a turn
 * of the thread pool. What can be read piece by piece, and not at once, is.
 */
export function readAhead(source: ByteSource): ByteSource {
  let window: Buffer = Buffer.alloc(0);
  let windowAt = 0;
  return {
    size: source.size,
    modifiedAt: source.modifiedAt,
    async read(position, length) {
      const end = Math.min(position + length, source.size);
      if (position < windowAt || end > windowAt + window.length) {
        if (length >= AHEAD) return source.read(position, length);
        const ahead = await source.read(position, AHEAD).catch(() => undefined);
        if (ahead === undefined) return source.read(position, length);
        [window, windowAt] = [ahead, position];
      }
      return window.subarray(position - windowAt, end - windowAt);
    },
    close: () => source.close(),
  };
}

export async function readWhole(source: ByteSource, limit = MAX_WHOLE): Promise<Buffer> {
  if (source.size > limit) throw new Error(`${source.size} bytes are more than the ${limit} that are read at once`);
  return source.read(0, source.size);
}

/** Piece by piece, from `start` to before `end`. Throws where the source ends before. */
export async function* piecesOf(source: ByteSource, start = 0, end = source.size): AsyncGenerator<Buffer> {
  for (let at = start; at < end; ) {
    const bytes = await source.read(at, Math.min(STEP, end - at));
    if (bytes.length === 0) throw new Error(`the source ends at ${at}, ${end - at} bytes too early`);
    at += bytes.length;
    yield bytes;
  }
}

/** A stream of a part of a source that closes the source when it ends, however it ends. */
export function streamOf(source: ByteSource, start = 0, end = source.size): Readable {
  const pieces = async function* () {
    try {
      yield* piecesOf(source, start, end);
    } finally {
      await source.close();
    }
  };
  // Not object mode: a response counts bytes.
  const stream = Readable.from(pieces(), { objectMode: false, highWaterMark: STEP });
  // A stream that is destroyed before it was read never enters the generator.
  stream.once('close', () => void source.close().catch(() => {}));
  return stream;
}

class FileSource implements ByteSource {
  readonly size: number;
  readonly modifiedAt: number;
  readonly #file: FileHandle;
  #closed: Promise<void> | undefined;

  constructor(file: FileHandle, size: number, modifiedAt: number) {
    this.#file = file;
    this.size = size;
    this.modifiedAt = modifiedAt;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - position));
    const bytes = Buffer.allocUnsafe(wanted);
    let at = 0;
    while (at < wanted) {
      const { bytesRead } = await this.#file.read(bytes, at, wanted - at, position + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  }

  close(): Promise<void> {
    this.#closed ??= this.#file.close();
    return this.#closed;
  }
}

const STEP = 1024 * 1024;
const AHEAD = 64 * 1024;
/** Event logs and manifests are read at once; twelve hours of typing without a pause are a tenth of it. */
const MAX_WHOLE = 512 * 1024 * 1024;
