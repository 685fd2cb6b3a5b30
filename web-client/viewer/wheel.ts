/** What of a `WheelEvent` matters. `deltaMode`: 0 pixels, 1 lines, 2 pages. */
export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
}

/** Whole notches of the wheel, in 120ths: positive is away from the user, or to the right. */
export interface WheelNotches {
  readonly vertical: number;
  readonly horizontal: number;
}

/**
 * Adds up wheel movement, which browsers give in pixels, lines or pages, until it makes whole notches. Whole ones,
 * because many servers scroll by one notch for every wheel event, however small its delta.
 */
export class WheelAccumulator {
  #x = 0;
  #y = 0;

  add(event: WheelInput): WheelNotches {
    const unit = unitsOf120[event.deltaMode] ?? unitsOf120[0];
    this.#x = accumulate(this.#x, event.deltaX * unit);
    this.#y = accumulate(this.#y, event.deltaY * unit);
    const x = wholeNotches(this.#x);
    const y = wholeNotches(this.#y);
    this.#x -= x;
    this.#y -= y;
    return { vertical: y === 0 ? 0 : -y, horizontal: x };
  }
}

const notch = 120;
/** More than this at once is a browser's slip, not a hand's. */
const maxNotches = 10;
/** 120ths for one pixel (a notch is 100 of them), one line (a notch is three) and one page. */
const unitsOf120: readonly [number, number, number] = [notch / 100, notch / 3, notch * 3];

function accumulate(sum: number, delta: number): number {
  // A turn of direction drops what was left over: it must answer at once.
  const kept = Math.sign(sum) === -Math.sign(delta) ? 0 : sum;
  return Math.max(-maxNotches * notch, Math.min(maxNotches * notch, kept + delta));
}

function wholeNotches(sum: number): number {
  return Math.trunc(sum / notch) * notch;
}
