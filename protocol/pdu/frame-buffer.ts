import { concatBytes } from '../core/bytes.ts';

/** Tells the size of the message at the start of `bytes`; `undefined` while too little is there to know. */
export type FindSize = (bytes: Uint8Array) => number | undefined;

/**
 * Collects a byte stream and hands out whole messages. Holds at most one incomplete message plus what came in one
 * `push`, so its memory is bounded by the largest size that the `FindSize` in use can return.
 */
export class FrameBuffer {
  #bytes: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.#bytes.length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Always a copy of what is kept: drivers may reuse their read buffer.
    this.#bytes = concatBytes(this.#bytes, bytes);
  }

  /** The next whole message (a view), or `undefined` until more bytes come. */
  take(findSize: FindSize): Uint8Array | undefined {
    if (this.#bytes.length === 0) return undefined;
    const size = findSize(this.#bytes);
    if (size === undefined || size > this.#bytes.length) return undefined;
    const message = this.#bytes.subarray(0, size);
    this.#bytes = this.#bytes.subarray(size);
    return message;
  }

  /** Everything that is left, emptying the buffer. */
  takeRest(): Uint8Array {
    const rest = this.#bytes;
    this.#bytes = new Uint8Array(0);
    return rest;
  }
}
