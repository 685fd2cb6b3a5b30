/**
 * How much a server may give others to do: a session's pixels are decoded in the same process as those of other sessions. What takes more than it does on
 * the wire (copies, fills, scaled pictures, runs) is bought with time; for all else its bytes have paid: `GraphicsUpdate.work`.
 *
 * Sans-IO: times are milliseconds of any steady clock, work is in nanoseconds as `Work` counts them.
 */
export class WorkBudget {
  #perMs = LEAST_PER_MS;
  #credit = LEAST_PER_MS * BURST_MS;
  #at: number | undefined;

  /** The desktop has so many pixels. */
  resized(pixels: number): void {
    this.#perMs = Math.min(MOST_PER_MS, Math.max(LEAST_PER_MS, pixels * PER_PIXEL_MS));
  }

  /** Something was handed over that takes so much. */
  spent(work: number): void {
    this.#credit -= work;
  }

  /** Whether `waitMs` may say something. */
  get isDue(): boolean {
    return this.#credit < 0;
  }

  /** For how long nothing is to be read from the server. */
  waitMs(now: number): number {
    const elapsed = Math.max(0, now - (this.#at ?? now - BURST_MS));
    this.#at = now;
    this.#credit = Math.min(this.#perMs * BURST_MS, this.#credit + elapsed * this.#perMs);
    return this.#credit < 0 ? Math.ceil(-this.#credit / this.#perMs) : 0;
  }
}

/**
 * Two hundred and fifty for each pixel of the desktop in a second, half a processor at 1920 × 1080: thirty frames that scroll all of it take 120, 3 each to cut out
 * and paste and 1 to show. Never more than a desktop of 3840 × 2160 has, which is two processors, or what `Work` takes for two: it counts more than is taken.
 */
const PER_PIXEL_MS = 0.25;
const LEAST_PER_MS = 250_000;
const MOST_PER_MS = 2_100_000;
/** What a quiet server may give to do at once: a desktop is drawn several times over while somebody signs in. */
const BURST_MS = 3_000;
