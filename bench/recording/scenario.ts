import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';

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
