import { machineClock } from '../clock.ts';
import { MarkFinder, markBytes } from '../generator/mark.ts';
import type { SeenKey, Typing } from './viewer.ts';

/**
 * Presses keys at a steady pace and notes when each one's picture comes: the first picture after it, where nothing else is
 * drawn, or the one that carries the key's mark. Where something is drawn, that has a pace of its own, and each key comes at any moment of its
 * turn: else all of them would meet a picture, or none.
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
    if (this.#timer === undefined) this.#next(0);
    if (this.#pressedAt === undefined) return;
    const shownAt = machineClock();
    if (this.#options.byMark && !this.#finder.isIn(bytes)) return;
    this.keys.push({ pressedAt: this.#pressedAt, shownAt });
    this.#pressedAt = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** @param rest what is left of the turn before, in milliseconds */
  #next(rest: number): void {
    const turn = 1000 / this.#options.perSecond;
    const moment = this.#options.byMark ? Math.random() * turn : turn;
    this.#timer = setTimeout(() => {
      this.#next(turn - moment);
      this.#type();
    }, rest + moment);
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
