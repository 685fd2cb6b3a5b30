/** No longer than a key may wait for whatever else a process does. */
const TURN_MS = 8;

/**
 * For long work in a process that others wait for: promises alone let nobody else have a turn, since what they wait for is done before
 * the event loop goes on.
 */
export class Turns {
  #began = performance.now();

  /** Whether it is time to let others go on. */
  get isOver(): boolean {
    return performance.now() - this.#began >= TURN_MS;
  }

  /** Resolves when they had their turn. */
  async pass(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#began = performance.now();
  }
}
