/** What of a `WheelEvent` matters. `deltaMode`: 0 pixels, 1 lines, 2 pages. */
export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
  /** What browsers have kept of an older event: 120ths of a notch, the other way round. Some count pixels threefold here. */
  readonly wheelDeltaX?: number;
  readonly wheelDeltaY?: number;
}

/** Whole notches of the wheel, in 120ths: positive is away from the user, or to the right. */
export interface WheelNotches {
  readonly vertical: number;
  readonly horizontal: number;
}

/**
 * Adds up wheel movement, which browsers give in pixels, lines or pages, into whole notches. Whole ones, because many
 * servers scroll by one notch for every wheel event, however small its delta.
 */
export class WheelAccumulator {
  readonly #x = new Axis();
  readonly #y = new Axis();

  add({ deltaX, deltaY, deltaMode, wheelDeltaX, wheelDeltaY }: WheelInput): WheelNotches {
    const unit = unitsOf120[deltaMode] ?? unitsOf120[0];
    const y = this.#y.add(lesser(deltaY * unit, wheelDeltaY));
    return { vertical: y === 0 ? 0 : -y, horizontal: this.#x.add(lesser(deltaX * unit, wheelDeltaX)) };
  }
}

/** One direction and its opposite. */
class Axis {
  /** What is left over: at most half a notch that is still to come, or that came too early. */
  #sum = 0;
  #direction = 0;

  /** @returns whole notches */
  add(delta: number): number {
    if (delta === 0) return 0;
    const direction = Math.sign(delta);
    // A turn of direction drops what was left over: it must answer at once.
    if (direction !== this.#direction) this.#sum = 0;
    this.#direction = direction;
    this.#sum = Math.min(maxNotches * notch, this.#sum + Math.abs(delta));
    // From half a notch on: on a page that is zoomed in, a wheel's notch is less than one.
    const notches = Math.floor(this.#sum / notch + 0.5) * notch;
    this.#sum -= notches;
    return notches === 0 ? 0 : notches * direction;
  }
}

const notch = 120;
/** More than this at once is a browser's slip, not a hand's. */
const maxNotches = 10;
/** 120ths for one pixel (a notch is 100 of them), one line (a notch is three) and one page. */
const unitsOf120: readonly [number, number, number] = [notch / 100, notch / 3, notch * 3];

/** Firefox doubles the lines of a notch, and on Linux a notch is 120 pixels: the older event says what was turned. */
function lesser(delta: number, wheelDelta: number | undefined): number {
  if (wheelDelta === undefined || wheelDelta === 0) return delta;
  return Math.sign(delta) * Math.min(Math.abs(delta), Math.abs(wheelDelta));
}
