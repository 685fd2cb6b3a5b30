import { every } from './beat.ts';

/** What is done again and again: one round at a time, so that one which takes longer than its interval is not begun twice. */
export class Recurring {
  readonly #everyMs: number;
  readonly #round: () => Promise<unknown>;
  readonly #failed: (error: unknown) => void;
  #end: (() => void) | undefined;
  #running: Promise<void> | undefined;

  /** @param failed is told of a round that rejected; the next one comes all the same */
  constructor(everyMs: number, round: () => Promise<unknown>, failed: (error: unknown) => void) {
    this.#everyMs = everyMs;
    this.#round = round;
    this.#failed = failed;
  }

  /**
   * The first round comes after one interval, or sooner where others are done as often. Does not keep the process alive.
   * @param everyMs the interval from here on, where it is another; may be called again
   */
  start(everyMs = this.#everyMs): void {
    this.#end?.();
    this.#end = every(everyMs, () => this.now());
  }

  /** Begins a round, unless one is running. */
  now(): void {
    this.#running ??= this.#once();
  }

  /** Waits for the round that is running. */
  async stop(): Promise<void> {
    this.#end?.();
    await this.#running;
  }

  async #once(): Promise<void> {
    try {
      await this.#round();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#running = undefined;
    }
  }
}
