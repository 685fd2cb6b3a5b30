import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { MessageType, sizeOfUpdate, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { BufferPool } from '../buffer-pool.ts';
import { FRAME_HEAD_ROOM } from './binary-frame.ts';

/** Type and sequence number. */
const HEADER_SIZE = 1 + 4;
/** Where the first update goes. */
const BEGIN = FRAME_HEAD_ROOM + HEADER_SIZE;
/** A message is about as large as the last one, more often than not; a buffer begins with that and a quarter more. */
const MIN_SIZE = 512;
const MAX_FIRST_SIZE = 640 * 1024;
/** Larger batches are cut: a browser should begin to draw before all of a full screen has come. */
const FLUSH_BYTES = 512 * 1024;

/** Of all sessions of this process. */
const POOL = new BufferPool();
const EMPTY = Buffer.allocUnsafe(0);

/**
 * Gathers updates into one graphics message, as `encodeGraphics` writes it, with a single copy of each: the updates'
 * data is only good during the call that hands it over, so it is written straight into the message.
 */
export class GraphicsBatch {
  #buffer: Buffer = EMPTY;
  #firstSize = MIN_SIZE;
  /** Of the buffer. */
  #filled = BEGIN;
  #updates = 0;

  get empty(): boolean {
    return this.#updates === 0;
  }

  get updates(): number {
    return this.#updates;
  }

  /** Bytes of the message so far. */
  get length(): number {
    return this.#filled - FRAME_HEAD_ROOM;
  }

  /** Whether it is time to send, however much more is coming. */
  get full(): boolean {
    return this.length >= FLUSH_BYTES || this.#updates >= TunnelLimits.updates;
  }

  /** Throws `RangeError` for an update that fits no message. */
  add(update: GraphicsUpdate): void {
    const at = this.#filled;
    const end = at + sizeOfUpdate(update);
    if (end - FRAME_HEAD_ROOM > TunnelLimits.gatewayMessageBytes)
      throw new RangeError(`update of ${update.data.length} bytes`);
    if (end > this.#buffer.length) {
      const larger = POOL.take(Math.max(end, this.#firstSize, this.#buffer.length * 2));
      if (this.#updates > 0) this.#buffer.copy(larger, 0, 0, at);
      POOL.release(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer[at] = update.code;
    this.#buffer.writeUInt32LE(update.data.length, at + 1);
    this.#buffer.set(update.data, at + 1 + 4);
    this.#filled = end;
    this.#updates++;
  }

  /** The message, with `FRAME_HEAD_ROOM` before it; the batch begins anew. `release` says that the socket is done with it, however long that takes. */
  take(seq: number): { readonly message: Buffer; release(): void } {
    const buffer = this.#buffer;
    const message = buffer.subarray(FRAME_HEAD_ROOM, this.#filled);
    message[0] = MessageType.graphics;
    message.writeUInt32LE(seq, 1);
    // A session that rests holds no buffer.
    this.#buffer = EMPTY;
    this.#firstSize = Math.min(MAX_FIRST_SIZE, Math.max(MIN_SIZE, Math.ceil(this.#filled * 1.25)));
    this.#filled = BEGIN;
    this.#updates = 0;
    return { message, release: () => POOL.release(buffer) };
  }
}
