import { BufferPool } from '../buffer-pool.ts';
import { encodeToHost, sizeOfUpdateFrame, type ToHost, writeUpdateFrame } from './ipc.ts';

/**
 * How long messages wait for company, in milliseconds: waking the host costs more than what it is told.
 *
 * A recorder takes a picture when nothing has changed for 300 ms by the times that updates carry. Those that wait for a sixth of that
 * make it neither late nor, but for changes that are nearly 300 ms apart, take one more.
 */
export const Patience = {
  /** Somebody waits. */
  watched: 8,
  recorded: 50,
  /** Nobody looks: pointers, and what is more than the gateway keeps. Who comes to watch says so at once. */
  unseen: 2000,
} as const;
export type Patience = (typeof Patience)[keyof typeof Patience];

/** More than this is written at once. */
const GATHER_BYTES = 64 * 1024;

/** Of all hosts, one after another. */
const POOL = new BufferPool();

/** What is on its way to the pixel host: gathered into one buffer, each update copied there and nowhere else. */
export class Outbox {
  readonly #write: (bytes: Buffer, done: () => void) => void;
  #buffer: Buffer | undefined;
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What the timer was set to. */
  #patience = 0;

  /** @param write takes the bytes to the host, and says when it does not need them any more */
  constructor(write: (bytes: Buffer, done: () => void) => void) {
    this.#write = write;
  }

  add(message: ToHost, patience: Patience): void {
    if (message.kind === 'update') {
      const size = sizeOfUpdateFrame(message);
      writeUpdateFrame(message, this.#room(size), this.#length);
      this.#length += size;
    } else {
      const frame = encodeToHost(message);
      this.#room(frame.length).set(frame, this.#length);
      this.#length += frame.length;
    }
    if (this.#length >= GATHER_BYTES) this.flush();
    else this.#schedule(patience);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const buffer = this.#buffer;
    const length = this.#length;
    this.#buffer = undefined;
    this.#length = 0;
    if (buffer !== undefined) this.#write(buffer.subarray(0, length), () => POOL.release(buffer));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(patience: Patience): void {
    if (this.#timer !== undefined && patience >= this.#patience) return;
    clearTimeout(this.#timer);
    this.#patience = patience;
    this.#timer = setTimeout(() => this.flush(), patience);
  }

  /** A buffer with room for so much behind what is in it. */
  #room(size: number): Buffer {
    if (this.#buffer !== undefined && this.#length + size > this.#buffer.length) this.flush();
    this.#buffer ??= POOL.take(Math.max(size, GATHER_BYTES));
    return this.#buffer;
  }
}
