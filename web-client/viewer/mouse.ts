import type { InputEvent } from '#protocol/pdu/input.ts';
import type { WheelInput } from './wheel.ts';
import { WheelAccumulator } from './wheel.ts';

/** What of a `PointerEvent` matters: `buttons` is its bit mask of buttons that are down. */
export interface PointerInput {
  readonly type: string;
  /** Not so: a second finger. */
  readonly isPrimary: boolean;
  readonly clientX: number;
  readonly clientY: number;
  readonly buttons: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface MouseOptions {
  send(events: readonly InputEvent[]): void;
  /** Desktop pixel under a point of the page, kept inside the desktop. */
  toDesktop(clientX: number, clientY: number): Point;
  /** Runs `run` before the next frame. */
  nextFrame(run: () => void): void;
}

/**
 * Turns pointer and wheel events into input for a remote desktop. Movement is sent once a frame, everything else at
 * once. A pen has the first button down while it touches, so it clicks as the left button; of fingers `Touch` makes a mouse.
 */
export class Mouse {
  readonly #options: MouseOptions;
  readonly #wheel = new WheelAccumulator();
  #position: Point = { x: -1, y: -1 };
  /** A movement that waits for its frame. */
  #pending: Point | undefined;
  /** Bit mask of the buttons that are down on the remote side, as in `MouseEvent.buttons`. */
  #buttons = 0;
  #frameAsked = false;

  constructor(options: MouseOptions) {
    this.#options = options;
  }

  /** Whether a button is down: a drag is going on. */
  get dragging(): boolean {
    return this.#buttons !== 0;
  }

  /**
   * Any pointer event. Buttons are read from the mask: a second button going down while the first is held comes as a
   * movement, and a release may happen where no event tells of it.
   */
  pointer(event: PointerInput): void {
    // There is one mouse at the other end: of several fingers it follows the first.
    if (!event.isPrimary) return;
    if (event.type === 'pointercancel') {
      this.releaseAll();
      return;
    }
    const point = this.#options.toDesktop(event.clientX, event.clientY);
    // What was pressed elsewhere on the page, and comes over the desktop, is none of its business.
    const isOurs = this.#buttons !== 0 || event.type === 'pointerdown';
    const buttons = isOurs ? event.buttons & allButtons : 0;
    const changed = buttons ^ this.#buttons;
    if (changed === 0) {
      this.#move(point);
      return;
    }
    const events: InputEvent[] = [];
    if (!samePoint(point, this.#position)) events.push({ kind: 'mouse-move', ...point });
    for (const [mask, button] of buttonNumbers) {
      if ((changed & mask) !== 0) {
        events.push({ kind: 'mouse-button', button, down: (buttons & mask) !== 0, ...point });
      }
    }
    this.#buttons = buttons;
    this.#position = point;
    this.#pending = undefined;
    this.#options.send(events);
  }

  wheel(event: WheelInput & { readonly clientX: number; readonly clientY: number }): void {
    const { vertical, horizontal } = this.#wheel.add(event);
    if (vertical === 0 && horizontal === 0) return;
    const point = this.#options.toDesktop(event.clientX, event.clientY);
    const events: InputEvent[] = [];
    if (!samePoint(point, this.#position)) events.push({ kind: 'mouse-move', ...point });
    pushNotches(events, vertical, false, point);
    pushNotches(events, horizontal, true, point);
    this.#position = point;
    this.#pending = undefined;
    this.#options.send(events);
  }

  /** Lets go of all buttons, where the pointer was last: the mouse is going to something else. */
  releaseAll(): void {
    const events: InputEvent[] = [];
    for (const [mask, button] of buttonNumbers) {
      if ((this.#buttons & mask) !== 0) events.push({ kind: 'mouse-button', button, down: false, ...this.#position });
    }
    this.#buttons = 0;
    if (events.length > 0) this.#options.send(events);
  }

  #move(point: Point): void {
    if (this.#pending === undefined && samePoint(point, this.#position)) return;
    this.#pending = point;
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    this.#options.nextFrame(() => this.#sendMove());
  }

  #sendMove(): void {
    this.#frameAsked = false;
    const point = this.#pending;
    this.#pending = undefined;
    if (point === undefined || samePoint(point, this.#position)) return;
    this.#position = point;
    this.#options.send([{ kind: 'mouse-move', ...point }]);
  }
}

/** `MouseEvent.buttons` bit and the button's number: 1 left, 2 right, 3 middle, 4 back, 5 forward. */
const buttonNumbers = [
  [1, 1],
  [2, 2],
  [4, 3],
  [8, 4],
  [16, 5],
] as const;
const allButtons = 1 | 2 | 4 | 8 | 16;

function pushNotches(events: InputEvent[], total: number, horizontal: boolean, point: Point): void {
  const delta = Math.sign(total) * 120;
  for (let left = Math.abs(total); left >= 120; left -= 120)
    events.push({ kind: 'wheel', delta, horizontal, ...point });
}

function samePoint(a: Point, b: Point): boolean {
  return a.x === b.x && a.y === b.y;
}
