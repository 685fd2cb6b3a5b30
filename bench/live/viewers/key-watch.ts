import { markBytes } from '../generator/mark.ts';
import type { Typing } from './viewer.ts';

/**
 * Presses keys at a steady pace and measures how long each one's picture takes: the first picture after it, where nothing
 * else is drawn, or the one that carries the key's mark.
 */
export class KeyWatch {
  readonly latencies: number[] = [];
  #keys = 0;
  #pressedAt: number | undefined;
  #mark: Buffer | undefined;
  #tail = Buffer.alloc(0);
  readonly #options: Typing;
  readonly #press: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param press sends one key */
  constructor(options: Typing, press: () => void) {
    this.#options = options;
    this.#press = press;
  }

  /** A picture has come, or bytes that may hold one. The first one says that there is somebody to type to. */
  seen(bytes: Uint8Array): void {
    this.#timer ??= setInterval(() => this.#type(), 1000 / this.#options.perSecond);
    if (this.#pressedAt === undefined) return;
    const at = performance.now();
    if (this.#mark !== undefined && !this.#carries(this.#mark, bytes)) return;
    this.latencies.push(at - this.#pressedAt);
    this.#pressedAt = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #type(): void {
    if (this.#pressedAt !== undefined) {
      const waited = performance.now() - this.#pressedAt;
      // It counts with all the time that it was waited for.
      if (waited < GIVE_UP_MS) return;
      this.latencies.push(waited);
    }
    this.#keys++;
    if (this.#options.byMark) this.#mark = markBytes(this.#keys);
    this.#tail = Buffer.alloc(0);
    this.#pressedAt = performance.now();
    this.#press();
  }

  /** A mark may be cut by the end of what came. */
  #carries(mark: Buffer, bytes: Uint8Array): boolean {
    const joined =
      this.#tail.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#tail, bytes]);
    if (joined.includes(mark)) return true;
    this.#tail = Buffer.from(joined.subarray(Math.max(0, joined.length - mark.length + 1)));
    return false;
  }
}

/** A key that is not answered for so long never is. */
const GIVE_UP_MS = 5000;
