import { BEAT_MS, every } from '../beat.ts';
import type { Logger } from '../log.ts';
import type { Requests } from './requests.ts';

/** What the clock brings about is at most this late, or a few seconds where another process wrote down that it is due or the clock was set. */
const TICK_MS = 1000;

/** Lets time act: moves requests on, and holds sessions against their limits. */
export class RequestClock {
  readonly #requests: Pick<Requests, 'advance' | 'dueAt' | 'onChanged'>;
  readonly #log: Logger;
  #tick: (() => number) | undefined;
  #endBeats: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** By a clock that nobody sets. */
  #looksAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(requests: Pick<Requests, 'advance' | 'dueAt' | 'onChanged'>, log: Logger) {
    this.#requests = requests;
    this.#log = log;
    requests.onChanged(() => this.wake());
  }

  /** @param tick what is done besides; returns the milliseconds for which it need not be done again */
  start(tick: () => number): void {
    this.#tick = tick;
    this.#endBeats = every(BEAT_MS, () => this.#look());
    this.wake();
  }

  /** There is something new to look at, a second from now. */
  wake(): void {
    this.#lookWithin(0);
  }

  async stop(): Promise<void> {
    this.#tick = undefined;
    this.#endBeats?.();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #look(): void {
    if (this.#tick !== undefined) this.#lookWithin(this.#tick());
    // A step that takes longer than a second is not begun twice.
    this.#running ??= this.#advance();
  }

  /** The beat comes by itself: this is for what is due before it. */
  #lookWithin(milliseconds: number): void {
    const wait = Math.max(milliseconds, TICK_MS);
    const at = performance.now() + wait;
    if (this.#tick === undefined || wait >= BEAT_MS || at >= this.#looksAt) return;
    clearTimeout(this.#timer);
    this.#looksAt = at;
    this.#timer = setTimeout(() => {
      this.#looksAt = Number.POSITIVE_INFINITY;
      this.#look();
    }, wait);
    this.#timer.unref();
  }

  async #advance(): Promise<void> {
    try {
      await this.#requests.advance();
      this.#lookWithin(this.#requests.dueAt - Date.now());
    } catch (error) {
      this.#log.error({ err: error }, 'requests were not moved on');
    } finally {
      this.#running = undefined;
    }
  }
}
