/**
 * Memory for messages that are put together out of parts, used again once nobody needs them: a new piece outside of the heap costs more than
 * filling it, and makes the collector look through all of the heap.
 *
 * What is free belongs to all instances, so that connections which rest hold none. INVARIANT: what is taken has anything in it, also of other
 * connections; a message is handed over only when all of it is written.
 */
export class MessageMemory {
  /** What was handed over, until the next `reclaim`. */
  #handedOver: ArrayBuffer[] = [];

  /** Of exactly this size, with anything in it. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const at = FREE.findLastIndex(({ byteLength }) => byteLength >= size && byteLength <= Math.max(4 * size, STEP));
    const [free] = at === -1 ? [] : FREE.splice(at, 1);
    freeBytes -= free?.byteLength ?? 0;
    return new Uint8Array(free ?? new ArrayBuffer(Math.ceil(size / STEP) * STEP), 0, size);
  }

  /** Somebody has been given it, or a part of it, and needs it until `reclaim`. */
  handOver(taken: Uint8Array<ArrayBuffer>): void {
    // Where nobody reclaims, the collector does.
    if (this.#handedOver.length < MOST_HANDED_OVER) this.#handedOver.push(taken.buffer);
  }

  /** Nobody needs what was handed over any more. */
  reclaim(): void {
    for (let memory = this.#handedOver.pop(); memory !== undefined; memory = this.#handedOver.pop()) keep(memory);
  }

  /** Nothing came of what was taken, and nobody has been given it. */
  giveBack(taken: Uint8Array<ArrayBuffer>): void {
    keep(taken.buffer);
  }
}

function keep(memory: ArrayBuffer): void {
  if (freeBytes + memory.byteLength > MOST_FREE_BYTES) return;
  freeBytes += memory.byteLength;
  FREE.push(memory);
}

const FREE: ArrayBuffer[] = [];
let freeBytes = 0;

/** Sizes are multiples of it, so that one message's memory does for the next one, which is a little larger. */
const STEP = 64 * 1024;
const MOST_FREE_BYTES = 4 * 1024 * 1024;
const MOST_HANDED_OVER = 256;
