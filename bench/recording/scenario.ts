import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { Random } from './random.ts';

/** What a scenario draws on: a desktop of 1920 × 1080 whose damage goes to the recorder. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  draw(area: Rect, paint: (context: SKRSContext2D) => void): void;
  pointer(x: number, y: number): void;
}

/** One kind of work, the same on every run. */
export interface Scenario {
  readonly name: string;
  /** Draws the first picture. */
  start(screen: Screen): void;
  /** Called every `TICK_MS` with the time since the start. */
  step(screen: Screen, ms: number): void;
}

export const TICK_MS = 50;

/** What somebody does, one thing after another; what is due is done at the next tick. */
export class Script {
  readonly #random: Random;
  #steps: { readonly ms: number; readonly act: (screen: Screen) => void }[] = [];
  #dueAt = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get done(): boolean {
    return this.#steps.length === 0;
  }

  /** Something that is done `least` to `most` milliseconds after what came before it. */
  after(least: number, most: number, act: (screen: Screen) => void): void {
    this.#steps.push({ ms: this.#random.integer(least, most), act });
  }

  pause(least: number, most: number): void {
    this.after(least, most, () => {});
  }

  /** As fast as a good typist: 66 words a minute. */
  type(text: string, press: (screen: Screen, letter: string) => void): void {
    for (const letter of text) {
      const slow = letter === ' ';
      this.after(slow ? 120 : 80, slow ? 380 : 260, (screen) => press(screen, letter));
    }
  }

  step(screen: Screen, ms: number): void {
    for (;;) {
      const next = this.#steps[0];
      if (next === undefined) return;
      if (this.#dueAt === 0) this.#dueAt = ms;
      if (this.#dueAt + next.ms > ms) return;
      this.#dueAt += next.ms;
      this.#steps.shift();
      next.act(screen);
    }
  }
}

export function fill(screen: Screen, area: Rect, style: string): void {
  screen.draw(area, (context) => {
    context.fillStyle = style;
    context.fillRect(area.x, area.y, area.width, area.height);
  });
}

/** Something that happens every so often: `due` is true once for each period that has passed. */
export class Every {
  readonly #periodMs: number;
  #next: number;

  constructor(periodMs: number, firstMs = periodMs) {
    this.#periodMs = periodMs;
    this.#next = firstMs;
  }

  due(ms: number): boolean {
    if (ms < this.#next) return false;
    this.#next += this.#periodMs;
    return true;
  }
}
