import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { MessageType, sizeOfUpdate, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { BufferPool } from '../buffer-pool.ts';

/** Type and sequence number. */
const HEADER_SIZE = 1 + 4;
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
  #length = HEADER_SIZE;
  #updates = 0;

  get empty(): boolean {
    return this.#updates === 0;
  }

  get updates(): number {
    return this.#updates;
  }

  /** Bytes of the message so far. */
  get length(): number {
    return this.#length;
  }

  /** Whether it is time to send, however much more is coming. */
  get full(): boolean {
    return this.#length >= FLUSH_BYTES || this.#updates >= TunnelLimits.updates;
  }

  /** Throws `RangeError` for an update that fits no message. */
  add(update: GraphicsUpdate): void {
    const end = this.#length + sizeOfUpdate(update);
    if (end > TunnelLimits.gatewayMessageBytes) throw new RangeError(`update of ${update.data.length} bytes`);
    if (end > this.#buffer.length) {
      const larger = POOL.take(Math.max(end, this.#firstSize, this.#buffer.length * 2));
      if (this.#updates > 0) this.#buffer.copy(larger, 0, 0, this.#length);
      POOL.release(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer[this.#length] = update.code;
    this.#buffer.writeUInt32LE(update.data.length, this.#length + 1);
    this.#buffer.set(update.data, this.#length + 1 + 4);
    this.#length = end;
    this.#updates++;
  }

  /** The message; the batch begins anew. `release` says that the socket is done with it, however long that takes. */
  take(seq: number): { readonly message: Buffer; release(): void } {
    const buffer = this.#buffer;
    const message = buffer.subarray(0, this.#length);
    message[0] = MessageType.graphics;
    message.writeUInt32LE(seq, 1);
    // A session that rests holds no buffer.
    this.#buffer = EMPTY;
    this.#firstSize = Math.min(MAX_FIRST_SIZE, Math.max(MIN_SIZE, Math.ceil(this.#length * 1.25)));
    this.#length = HEADER_SIZE;
    this.#updates = 0;
    return { message, release: () => POOL.release(buffer) };
  }
}
