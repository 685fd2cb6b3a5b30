import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { I420Picture } from './i420.ts';
import type { ByteSource } from './storage/byte-source.ts';
import { type FileWriter, Turns } from './storage/file-writer.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

/**
 * Pictures that wait for an encoder, on the disk: the first whole, of each later one the areas that changed. Without loss, and encrypted as the recording is.
 *
 * An entry is a header (little-endian: u32 bytes of the body, f64 timestamp, u32 areas) and a body: per area four u32
 * (x, y, width, height), then per area its Y, U and V samples; deflated.
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
    const { width, height, bytes } = base.picture;
    try {
      spool.#readAt = await spool.add([{ x: 0, y: 0, width, height }], [bytes], base.at);
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
   * Resolves when the areas' samples (`I420Picture.copyArea`) are on their way to the disk.
   * @returns bytes that they take there
   */
  add(areas: readonly Rect[], samples: readonly Uint8Array[], at: number): Promise<number> {
    return this.#turns.take(async () => {
      const entry = await encodeEntry(at, areas, samples);
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
  const { width, height, bytes } = picture;
  await folder.write(keptFile(segmentFile), await encodeEntry(at, [{ x: 0, y: 0, width, height }], [bytes]));
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
const MAX_BODY_BYTES = 8192 * 8192 * 1.5 + MAX_AREAS * AREA_BYTES;

const compress = promisify<Uint8Array, { level: number }, Buffer>(deflate);
const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate);

async function encodeEntry(at: number, areas: readonly Rect[], samples: readonly Uint8Array[]): Promise<Buffer> {
  const table = Buffer.alloc(areas.length * AREA_BYTES);
  areas.forEach(({ x, y, width, height }, index) => {
    [x, y, width, height].forEach((value, i) => {
      table.writeUInt32LE(value, index * AREA_BYTES + i * 4);
    });
  });
  // The fastest level: it is read once, soon.
  const body = await compress(Buffer.concat([table, ...samples]), { level: 1 });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(body.length, 0);
  header.writeDoubleLE(at, 4);
  header.writeUInt32LE(areas.length, 12);
  return Buffer.concat([header, body]);
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
  const content = await decompress(body, { maxOutputLength: MAX_BODY_BYTES });
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
