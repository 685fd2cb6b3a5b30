import { sizeOfParts } from '#protocol/core/byte-cut.ts';
import { DesktopOutline } from '#protocol/graphics/desktop-outline.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { BufferPool } from '../buffer-pool.ts';

/** Past this, and the next time past so many times of what was left, pictures that later ones cover are forgotten. */
const COMPACT_BYTES = 3 * 1024 * 1024;
const COMPACT_FACTOR = 3;
/** More than this is not worth keeping: large pictures, and chains of copies or of differences. */
const MAX_LEFT_BYTES = 1.5 * 1024 * 1024;
const MAX_LEFT_UPDATES = 4096;
/** Copies of copies, some seconds of which may be left: whoever comes to watch waits for them, and so does who is in the same thread. */
const MAX_HELD_WORK = 4e9;
const MAX_LEFT_WORK = 2e9;

const LEAST_CHUNK = 4 * 1024;
const LARGEST_CHUNK = 1024 * 1024;

/** Of all sessions of this process. */
const POOL = new BufferPool();

/**
 * What a session's server has drawn since anybody needed pixels, where nobody does: waits in the gateway, undecoded, and what later
 * pictures cover is forgotten by their heads. For a session that is never watched nothing of it goes anywhere else.
 *
 * Updates are copied into chunks that are used over and over.
 */
export class HeldUpdates {
  readonly #queue = new UpdateQueue();
  readonly #outline = new DesktopOutline();
  #chunks: Buffer[] = [];
  /** Of the last chunk. */
  #filled = 0;
  #compactAt = COMPACT_BYTES;

  get length(): number {
    return this.#queue.length;
  }

  /** Memory that is taken up. */
  get size(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Whether it is time for `compact`, which takes too long to stand in the way of a picture. */
  get isFull(): boolean {
    return (
      this.#queue.bytes > this.#compactAt ||
      this.#queue.length > 2 * MAX_LEFT_UPDATES ||
      this.#queue.work > MAX_HELD_WORK
    );
  }

  /** Copies an update that draws. */
  push(update: GraphicsUpdate): void {
    this.#queue.push({ ...update, data: this.#store([update.data]) });
  }

  /**
   * Forgets what later pictures cover.
   * @returns whether what is left is worth keeping; else it should be handed on
   * @throws {DecodeError} when the structure of an update is broken; nothing is held then
   */
  compact(): boolean {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#filled = 0;
    try {
      this.#queue.compact(this.#outline, (parts) => this.#store(parts));
    } catch (error) {
      this.clear();
      throw error;
    } finally {
      for (const chunk of chunks) POOL.release(chunk);
    }
    const { bytes, length, work } = this.#queue;
    this.#compactAt = Math.max(COMPACT_BYTES, COMPACT_FACTOR * bytes);
    return bytes <= MAX_LEFT_BYTES && length <= MAX_LEFT_UPDATES && work <= MAX_LEFT_WORK;
  }

  /**
   * Gives all that is held to who draws it elsewhere; each is only good during the call.
   * @throws {DecodeError} when the structure of an update is broken; all have been given all the same
   */
  handOn(draw: (update: GraphicsUpdate) => void): void {
    const updates = [...this.#queue.updates];
    for (const update of updates) draw(update);
    try {
      for (const update of updates) this.#outline.follow(update);
    } finally {
      this.clear();
    }
  }

  /**
   * An update is drawn elsewhere without having been held; nothing may be held then.
   * @throws {DecodeError} when its structure is broken
   */
  follow(update: GraphicsUpdate): void {
    this.#outline.follow(update);
  }

  clear(): void {
    this.#queue.clear();
    for (const chunk of this.#chunks.splice(0)) POOL.release(chunk);
    this.#filled = 0;
    this.#compactAt = COMPACT_BYTES;
  }

  #store(parts: readonly Uint8Array[]): Uint8Array {
    const size = sizeOfParts(parts);
    const chunk = this.#room(size);
    const stored = new Uint8Array(chunk.buffer, chunk.byteOffset + this.#filled, size);
    this.#filled += size;
    let at = 0;
    for (const part of parts) {
      stored.set(part, at);
      at += part.length;
    }
    return stored;
  }

  /** A chunk with room for so much behind what is in it. They grow with what is held: a session at rest takes little. */
  #room(size: number): Buffer {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length - this.#filled >= size) return last;
    const chunk = POOL.take(Math.max(size, Math.min(LARGEST_CHUNK, Math.max(LEAST_CHUNK, this.#queue.bytes))));
    this.#chunks.push(chunk);
    this.#filled = 0;
    return chunk;
  }
}
