/**
 * Large buffers that are used over and over. A new one of these costs more than filling it: memory outside of the heap makes
 * the collector look through all of it.
 */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>();
  readonly #limit: number;
  #freeBytes = 0;

  /** @param limit bytes that are kept for later at most */
  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** A buffer of this size or larger, with anything in it. */
  take(size: number): Buffer {
    if (size > LARGEST || size < SMALLEST) return Buffer.allocUnsafe(size);
    const capacity = 2 ** Math.ceil(Math.log2(size));
    const free = this.#free.get(capacity)?.pop();
    if (free === undefined) return Buffer.allocUnsafeSlow(capacity);
    this.#freeBytes -= capacity;
    return free;
  }

  /** Gives back what `take` gave; nobody may use it any more. Others than those are left to the collector. */
  release(buffer: Buffer): void {
    const { length } = buffer;
    const isOurs = length >= SMALLEST && length <= LARGEST && (length & (length - 1)) === 0;
    if (!isOurs || buffer.buffer.byteLength !== length || this.#freeBytes + length > this.#limit) return;
    this.#freeBytes += length;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [buffer]);
    else free.push(buffer);
  }
}

const DEFAULT_LIMIT = 8 * 1024 * 1024;
/** Smaller ones come out of Node's own pool. */
const SMALLEST = 4096;
const LARGEST = 1024 * 1024;
