import { promisify } from 'node:util';
import { constants, unzip, type ZstdOptions, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { MAX_CANVAS_PIXELS } from '../capture/desktop-picture.ts';
import type { I420Picture } from '../capture/i420.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import { type FileWriter, Turns } from '../storage/file-writer.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';

/**
 * Pictures that wait for an encoder, on the disk: the first whole, of each later one the areas that changed. Without loss, and encrypted as the recording is.
 *
 * An entry is a header (little-endian: u32 bytes of the body, f64 timestamp, u32 areas) and a body: per area four u32
 * (x, y, width, height), then per area its Y, U and V samples; with Zstandard (RFC 8878), and behind that
 * u32, how many bytes come out of it.
 */
export class Spool {
  readonly #folder: RecordingFolder;
  readonly #name: string;
  readonly #writer: FileWriter;
  readonly #turns = new Turns();
  #source: ByteSource | undefined;
  #readAt = 0;
  #isClosed = false;

  /** @param base what the encoder has or is being given, and of when that is: recovery begins with it, `take` behind it */
  static async create(
    folder: RecordingFolder,
    name: string,
    base?: { readonly picture: I420Picture; readonly at: number },
  ): Promise<Spool> {
    const spool = new Spool(folder, name, await folder.createLog(name));
    if (base === undefined) return spool;
    try {
      spool.#readAt = await spool.add(packAreas(base.picture, [base.picture.bounds]), base.at);
      return spool;
    } catch (error) {
      await spool.#writer.abandon();
      throw error;
    }
  }

  private constructor(folder: RecordingFolder, name: string, writer: FileWriter) {
    this.#folder = folder;
    this.#name = name;
    this.#writer = writer;
  }

  /**
   * Resolves when the areas are on their way to the disk, and takes them over.
   * @returns bytes that they take there
   */
  add(areas: PackedAreas, at: number): Promise<number> {
    return this.#turns.take(async () => {
      const entry = await encodeEntry(at, areas);
      await this.#writer.append(entry);
      return entry.byteLength;
    });
  }

  /** Makes durable what was added. */
  async sync(): Promise<void> {
    await this.#writer.sync().catch((error: unknown) => {
      if (!this.#isClosed) throw error;
    });
  }

  /** Brings `picture`, as it was with the entry before, one entry further and says of what time it is then. */
  async take(picture: I420Picture): Promise<number> {
    return this.#turns.take(async () => {
      // A log is as long as it was when it was opened.
      if (this.#source === undefined || this.#readAt >= this.#source.size) {
        await this.#source?.close();
        this.#source = await this.#folder.openLog(this.#name);
      }
      if (this.#source === undefined) throw new Error('the spool is gone');
      const entry = await readEntry(this.#source, this.#readAt);
      if (entry === undefined) throw new Error('the spool is cut short');
      this.#readAt = entry.end;
      entry.apply(picture);
      return entry.at;
    });
  }

  /** Everything in it has been encoded. */
  async remove(): Promise<void> {
    await this.close();
    await this.#folder.remove(this.#name);
  }

  /** Leaves it for `readSpool`. */
  async close(): Promise<void> {
    await this.#turns.take(async () => {
      await this.#source?.close();
      this.#source = undefined;
      this.#isClosed = true;
      await this.#writer.end();
    });
  }
}

/** Name of the spool of a segment. */
export function spoolFile(segmentFile: string): string {
  return segmentFile.replace('.mp4', '.spool');
}

/** Name of the picture that is kept beside a segment; it is a spool with one entry. */
export function keptFile(segmentFile: string): string {
  return segmentFile.replace('.mp4', '.kept');
}

/** Replaces the one before; durable when it resolves. */
export async function writeKeptPicture(
  folder: RecordingFolder,
  segmentFile: string,
  { picture, at }: { readonly picture: I420Picture; readonly at: number },
): Promise<void> {
  await folder.write(keptFile(segmentFile), await encodeEntry(at, packAreas(picture, [picture.bounds])));
}

/** Areas of a picture with their samples as they were. */
export interface PackedAreas {
  readonly count: number;
  /** A part of a buffer that is used again once they are in an entry. */
  readonly bytes: Buffer;
}

/** Copies areas (even edges) out of a picture, which may change then. */
export function packAreas(picture: I420Picture, areas: readonly Rect[]): PackedAreas {
  const samples = areas.reduce((sum, { width, height }) => sum + (width * height * 3) / 2, 0);
  const bytes = takeScratch(areas.length * AREA_BYTES + samples);
  let offset = areas.length * AREA_BYTES;
  areas.forEach((area, index) => {
    [area.x, area.y, area.width, area.height].forEach((value, i) => {
      bytes.writeUInt32LE(value, index * AREA_BYTES + i * 4);
    });
    offset += picture.copyArea(area, bytes.subarray(offset)).length;
  });
  return { count: areas.length, bytes };
}

/** What a spool holds, picture by picture, as far as it is whole; `picture` is as each says until the next is asked for. */
export async function* readSpool(source: ByteSource, picture: I420Picture): AsyncGenerator<number> {
  let position = 0;
  for (;;) {
    const entry = await readEntry(source, position).catch(() => undefined);
    if (entry === undefined) return;
    position = entry.end;
    entry.apply(picture);
    yield entry.at;
  }
}

/** Of when its first picture is; undefined where there is none. */
export async function spoolBegins(source: ByteSource): Promise<number | undefined> {
  const header = await source.read(0, HEADER_BYTES);
  return header.length < HEADER_BYTES ? undefined : header.readDoubleLE(4);
}

const HEADER_BYTES = 16;
const AREA_BYTES = 16;
/** Motion may be in every tile: a picture of 8192 × 8192 has as many areas, and three samples for two pixels. */
const MAX_AREAS = 65_536;
const MAX_BODY_BYTES = MAX_CANVAS_PIXELS * 1.5 + MAX_AREAS * AREA_BYTES;

/** Deflating a film's picture takes twelve times as long, a desktop's twice, for 13 % fewer bytes of the one and more of the other. */
const COMPRESSION: ZstdOptions = {
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  // Each piece that comes out is a turn of the thread pool.
  chunkSize: 64 * 1024,
};
const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);
const decompress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress);
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(unzip);

async function encodeEntry(at: number, { count, bytes }: PackedAreas): Promise<Buffer> {
  const body = await compress(bytes, COMPRESSION);
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeUInt32LE(bytes.length);
  giveScratchBack(bytes);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(body.length + SIZE_BYTES, 0);
  header.writeDoubleLE(at, 4);
  header.writeUInt32LE(count, 12);
  return Buffer.concat([header, body, size]);
}

/**
 * The whole picture of one recording after the other goes through it. A new buffer for each would be most of what this process has outside of its
 * heap, and have V8 go through all of that again and again.
 */
let scratch: ArrayBuffer | undefined;
/** A picture of 2560 × 1440 and its table. */
const MAX_SCRATCH_BYTES = 6 * 1024 * 1024;

function takeScratch(size: number): Buffer {
  const spare = scratch !== undefined && scratch.byteLength >= size ? scratch : new ArrayBuffer(size);
  if (spare === scratch) scratch = undefined;
  return Buffer.from(spare, 0, size);
}

function giveScratchBack({ buffer }: Buffer): void {
  const { byteLength } = buffer;
  if (byteLength > MAX_SCRATCH_BYTES || byteLength <= (scratch?.byteLength ?? 0)) return;
  scratch = buffer as ArrayBuffer;
}

/** `undefined` at the end, and of what was torn. */
async function readEntry(source: ByteSource, position: number) {
  const header = await source.read(position, HEADER_BYTES);
  if (header.length < HEADER_BYTES) return undefined;
  const bytes = header.readUInt32LE(0);
  const at = header.readDoubleLE(4);
  const count = header.readUInt32LE(12);
  if (count > MAX_AREAS || bytes > MAX_BODY_BYTES) throw new Error('the spool makes no sense');
  const body = await source.read(position + HEADER_BYTES, bytes);
  if (body.length < bytes) return undefined;
  const content = await contentOf(body);
  const apply = (picture: I420Picture): void => {
    let offset = count * AREA_BYTES;
    for (let index = 0; index < count; index++) {
      const [x = 0, y = 0, width = 0, height = 0] = [0, 4, 8, 12].map((i) =>
        content.readUInt32LE(index * AREA_BYTES + i),
      );
      const length = (width * height * 3) / 2;
      picture.pasteArea({ x, y, width, height }, content.subarray(offset, offset + length));
      offset += length;
    }
  };
  return { at, apply, end: position + HEADER_BYTES + bytes };
}

async function contentOf(body: Buffer): Promise<Buffer> {
  const isZstd = body.length >= ZSTD_MAGIC_BYTES + SIZE_BYTES && body.readUInt32LE(0) === ZSTD_MAGIC;
  // Versions of before deflated it.
  if (!isZstd) return inflate(body, { maxOutputLength: MAX_BODY_BYTES });
  const frame = body.subarray(0, -SIZE_BYTES);
  const size = body.readUInt32LE(frame.length);
  // All in one piece; one more, or there would be another ready in case.
  const chunkSize = Math.min(MAX_BODY_BYTES, Math.max(LEAST_CHUNK_BYTES, size + 1));
  return decompress(frame, { maxOutputLength: MAX_BODY_BYTES, chunkSize });
}

/** RFC 8878 section 3.1.1; what is deflated begins with 0x78, or 0x1f as gzip. */
const ZSTD_MAGIC = 0xfd2fb528;
const ZSTD_MAGIC_BYTES = 4;
const SIZE_BYTES = 4;
const LEAST_CHUNK_BYTES = 16 * 1024;
