import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { BenchError } from '../cli.ts';

/**
 * What a server sent in one session and where its user's pointer went, in a file: a film over classic bitmaps is gigabytes.
 *
 * ```
 * header  u8[8] 'OrielWrk', u16 version = 1
 * moment  f64 at, u16 code, u32 length, u8[length]     little-endian; `at` in milliseconds of any clock
 * ```
 *
 * `code` is an `UpdateCode`, or one of `OwnCode`: the pointer is two u16, and the beginning of the work has no bytes.
 */
export type Moment = { readonly at: number } & (
  | { readonly kind: 'update'; readonly update: GraphicsUpdate }
  | { readonly kind: 'pointer'; readonly x: number; readonly y: number }
);

export class SessionStreamWriter {
  readonly #file: FileHandle;
  #waiting: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  static async create(path: string): Promise<SessionStreamWriter> {
    const writer = new SessionStreamWriter(await open(path, 'w'));
    const header = new Uint8Array(HEADER_BYTES);
    header.set(new TextEncoder().encode(MAGIC));
    new DataView(header.buffer).setUint16(MAGIC.length, VERSION, true);
    writer.#write(header);
    return writer;
  }

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  update(at: number, { code, data }: GraphicsUpdate): void {
    this.#write(momentHead(at, code, data.length), data.slice());
  }

  pointer(at: number, x: number, y: number): void {
    const place = new Uint8Array(4);
    const view = new DataView(place.buffer);
    view.setUint16(0, x, true);
    view.setUint16(2, y, true);
    this.#write(momentHead(at, OwnCode.pointer, place.length), place);
  }

  /** What came before `beganAt` is setting up, and is shown at once. Rejects where something could not be written. */
  async end(beganAt: number): Promise<void> {
    this.#write(momentHead(beganAt, OwnCode.began, 0));
    await this.#writing;
    await this.#file.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #write(...parts: Uint8Array[]): void {
    if (this.#failure !== undefined) return;
    this.#waiting.push(...parts);
    this.#writing ??= this.#writeAll()
      // Whoever ends the session hears of it, with all that was started ended too.
      .catch((error: Error) => {
        this.#failure = error;
        this.#waiting = [];
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const parts = this.#waiting;
      this.#waiting = [];
      await this.#file.writev(parts);
    }
  }
}

/** Reads such a file from its beginning, once. Times count from when the work began; what was before it is at 0. */
export class SessionStreamReader {
  readonly #file: number;
  readonly #beganAt: number;

  /** @throws BenchError for a file that is none, or was not written to its end */
  constructor(path: string) {
    this.#file = openSync(path, 'r');
    try {
      this.#beganAt = beginningIn(this.#file, path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  *moments(): Generator<Moment, undefined> {
    for (const { at, code, position, length } of headsIn(this.#file)) {
      if (code === OwnCode.began) continue;
      const since = Math.max(0, at - this.#beganAt);
      const data = new Uint8Array(length);
      readSync(this.#file, data, 0, length, position);
      const view = new DataView(data.buffer);
      yield code === OwnCode.pointer
        ? { at: since, kind: 'pointer', x: view.getUint16(0, true), y: view.getUint16(2, true) }
        : { at: since, kind: 'update', update: { code, data } };
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

const MAGIC = 'OrielWrk';
const VERSION = 1;
const HEADER_BYTES = 10;
const MOMENT_BYTES = 14;
const OwnCode = { pointer: 0xff00, began: 0xff01 } as const;

function momentHead(at: number, code: number, length: number): Uint8Array {
  const head = new Uint8Array(MOMENT_BYTES);
  const view = new DataView(head.buffer);
  view.setFloat64(0, at, true);
  view.setUint16(8, code, true);
  view.setUint32(10, length, true);
  return head;
}

function beginningIn(file: number, path: string): number {
  const header = new Uint8Array(HEADER_BYTES);
  readSync(file, header, 0, HEADER_BYTES, 0);
  const version = new DataView(header.buffer).getUint16(MAGIC.length, true);
  if (new TextDecoder('latin1').decode(header.subarray(0, MAGIC.length)) !== MAGIC || version !== VERSION) {
    throw new BenchError('file_unreadable', `${path}: no session that \`recording --real xrdp --keep\` has written`);
  }
  for (const { at, code } of headsIn(file)) if (code === OwnCode.began) return at;
  throw new BenchError('file_unreadable', `${path}: the session was not written to its end`);
}

function* headsIn(file: number) {
  const head = new Uint8Array(MOMENT_BYTES);
  const view = new DataView(head.buffer);
  let position = HEADER_BYTES;
  while (readSync(file, head, 0, MOMENT_BYTES, position) === MOMENT_BYTES) {
    position += MOMENT_BYTES;
    const length = view.getUint32(10, true);
    yield { at: view.getFloat64(0, true), code: view.getUint16(8, true), position, length };
    position += length;
  }
}
