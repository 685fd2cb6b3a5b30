import { machineClock } from '../clock.ts';
import { MarkFinder, markBytes } from '../generator/mark.ts';
import type { SeenKey, Typing } from './viewer.ts';

/**
 * Presses keys at a steady pace and notes when each one's picture comes: the first picture after it, where nothing else is
 * drawn, or the one that carries the key's mark.
 */
export class KeyWatch {
  readonly keys: SeenKey[] = [];
  #pressed = 0;
  #pressedAt: number | undefined;
  readonly #finder = new MarkFinder();
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
    const shownAt = machineClock();
    if (this.#options.byMark && !this.#finder.isIn(bytes)) return;
    this.keys.push({ pressedAt: this.#pressedAt, shownAt });
    this.#pressedAt = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #type(): void {
    const now = machineClock();
    if (this.#pressedAt !== undefined) {
      // It counts with all the time that it was waited for.
      if (now - this.#pressedAt < GIVE_UP_MS) return;
      this.keys.push({ pressedAt: this.#pressedAt, shownAt: now });
    }
    this.#pressed++;
    if (this.#options.byMark) this.#finder.expect(markBytes(this.#pressed));
    this.#pressedAt = machineClock();
    this.#press();
  }
}

/** A key that is not answered for so long never is. */
const GIVE_UP_MS = 5000;
