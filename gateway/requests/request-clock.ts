import type { Logger } from '../log.ts';
import type { Requests } from './requests.ts';

/** What the clock brings about is at most this late, or a few seconds where another process wrote down that it is due. */
const TICK_MS = 1000;

/** Lets time act: moves requests on, and holds sessions against their limits. */
export class RequestClock {
  readonly #requests: Requests;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(requests: Requests, log: Logger) {
    this.#requests = requests;
    this.#log = log;
  }

  /** @param tick what is done each second besides */
  start(tick: () => void): void {
    this.#timer = setInterval(() => {
      tick();
      // A step that takes longer than a second is not begun twice.
      this.#running ??= this.#advance();
    }, TICK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #advance(): Promise<void> {
    try {
      await this.#requests.advance();
    } catch (error) {
      this.#log.error({ err: error }, 'requests were not moved on');
    } finally {
      this.#running = undefined;
    }
  }
}
