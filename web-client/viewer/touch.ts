import type { Point, PointerInput } from './mouse.ts';
import type { WheelInput } from './wheel.ts';

/** What of a `PointerEvent` of a finger matters. */
export interface FingerInput {
  readonly type: string;
  readonly pointerId: number;
  readonly clientX: number;
  readonly clientY: number;
}

export interface TouchOptions {
  readonly mouse: {
    pointer(event: PointerInput): void;
    wheel(event: WheelInput & { readonly clientX: number; readonly clientY: number }): void;
  };
  /** Milliseconds of any steady clock. */
  now(): number;
  /** Runs `run` after `milliseconds`; the result cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/**
 * Turns what fingers do into what a mouse does: a tap clicks; a finger that moves drags; one that rests, and two that tap, click with the right button; two that
 * move turn the wheel, so that what is under them goes with them. What it is, is known only when a finger moves, rests or leaves: nothing is pressed until then.
 *
 * All distances are pixels of the page.
 */
export class Touch {
  readonly #options: TouchOptions;
  readonly #fingers = new Map<number, Point>();
  #gesture: Gesture = { kind: 'none' };
  #lastTap: (Point & { readonly time: number }) | undefined;

  constructor(options: TouchOptions) {
    this.#options = options;
  }

  finger(event: FingerInput): void {
    const at = { x: event.clientX, y: event.clientY };
    switch (event.type) {
      case 'pointerdown':
        this.#fingers.set(event.pointerId, at);
        this.#touched(event.pointerId, at);
        return;
      case 'pointermove':
        if (!this.#fingers.has(event.pointerId)) return;
        this.#fingers.set(event.pointerId, at);
        this.#moved(event.pointerId, at);
        return;
      case 'pointerup':
        if (this.#fingers.delete(event.pointerId)) this.#left(event.pointerId, at);
        return;
      case 'pointercancel':
        this.#fingers.delete(event.pointerId);
        this.cancel();
    }
  }

  /** Nothing comes of what the fingers are doing, and a drag lets go. What they do next counts when all of them have left. */
  cancel(): void {
    const gesture = this.#gesture;
    if (gesture.kind === 'waiting') gesture.stopWaiting();
    if (gesture.kind === 'dragging') this.#pointer('pointercancel', gesture.start, 0);
    this.#rest();
  }

  #touched(pointerId: number, at: Point): void {
    const gesture = this.#gesture;
    if (gesture.kind === 'waiting') {
      gesture.stopWaiting();
      const middle = this.#middle();
      this.#gesture = { kind: 'two', start: middle, last: middle, hasMoved: false };
      return;
    }
    if (gesture.kind !== 'none') return;
    const stopWaiting = this.#options.after(HOLD_MS, () => {
      this.#click(at, RIGHT);
      this.#rest();
    });
    this.#gesture = { kind: 'waiting', pointerId, start: at, stopWaiting };
    // What is under the finger may show itself before it is clicked.
    this.#pointer('pointermove', at, 0);
  }

  #moved(pointerId: number, at: Point): void {
    const gesture = this.#gesture;
    switch (gesture.kind) {
      case 'waiting':
        if (distance(gesture.start, at) <= SLOP) return;
        gesture.stopWaiting();
        this.#gesture = { kind: 'dragging', pointerId, start: gesture.start };
        this.#pointer('pointerdown', gesture.start, LEFT);
        this.#pointer('pointermove', at, LEFT);
        return;
      case 'dragging':
        if (pointerId === gesture.pointerId) this.#pointer('pointermove', at, LEFT);
        return;
      case 'two': {
        const middle = this.#middle();
        if (!gesture.hasMoved && distance(gesture.start, middle) <= SLOP) return;
        const { start, last } = gesture;
        this.#gesture = { ...gesture, last: middle, hasMoved: true };
        const turn = { deltaX: (last.x - middle.x) * WHEEL, deltaY: (last.y - middle.y) * WHEEL, deltaMode: 0 };
        this.#options.mouse.wheel({ clientX: start.x, clientY: start.y, ...turn });
      }
    }
  }

  #left(pointerId: number, at: Point): void {
    const gesture = this.#gesture;
    switch (gesture.kind) {
      case 'waiting':
        gesture.stopWaiting();
        this.#tap(gesture.start);
        break;
      case 'dragging':
        if (pointerId !== gesture.pointerId) return;
        this.#pointer('pointerup', at, 0);
        break;
      case 'two':
        if (!gesture.hasMoved) this.#click(gesture.start, RIGHT);
        break;
    }
    this.#rest();
  }

  /** Two taps that are one double click are made in one place: a finger does not hit the same pixels twice. */
  #tap(start: Point): void {
    const time = this.#options.now();
    const last = this.#lastTap;
    const isSecond = last !== undefined && time - last.time <= DOUBLE_MS && distance(last, start) <= DOUBLE_SLOP;
    this.#lastTap = isSecond ? undefined : { ...start, time };
    this.#click(isSecond ? last : start, LEFT);
  }

  #click(at: Point, buttons: number): void {
    this.#pointer('pointerdown', at, buttons);
    this.#pointer('pointerup', at, 0);
  }

  #pointer(type: string, at: Point, buttons: number): void {
    this.#options.mouse.pointer({ type, isPrimary: true, clientX: at.x, clientY: at.y, buttons });
  }

  /** The gesture is over; fingers that are still there begin no other. */
  #rest(): void {
    this.#gesture = { kind: this.#fingers.size === 0 ? 'none' : 'over' };
  }

  /** Between the fingers; there is one at least. */
  #middle(): Point {
    const points = [...this.#fingers.values()];
    const sum = points.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }));
    return { x: sum.x / points.length, y: sum.y / points.length };
  }
}

type Gesture =
  | { readonly kind: 'none' | 'over' }
  /** One finger, of which it is not known yet. */
  | {
      readonly kind: 'waiting';
      readonly pointerId: number;
      readonly start: Point;
      readonly stopWaiting: () => void;
    }
  | { readonly kind: 'dragging'; readonly pointerId: number; readonly start: Point }
  /** Two fingers or more, by the middle between them. */
  | { readonly kind: 'two'; readonly start: Point; readonly last: Point; readonly hasMoved: boolean };

/** `MouseEvent.buttons` */
const LEFT = 1;
const RIGHT = 2;
/** A finger that has not moved so far rests. */
const SLOP = 10;
const HOLD_MS = 500;
const DOUBLE_MS = 400;
const DOUBLE_SLOP = 30;
/** Pixels of a wheel for one of the page: a notch, which is three lines of text, every 40. */
const WHEEL = 2.5;

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
