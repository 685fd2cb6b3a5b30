import type { Rect } from '#protocol/graphics/geometry.ts';
import { TILE } from './damage-grid.ts';

/**
 * Tells a screen that rests but for what ticks there, a clock or a caret, from one that somebody works on: for minutes
 * nothing but the same few places has changed ([ADR 0064]).
 */
export class CalmScreen {
  /** Tiles that have changed since somebody worked. */
  readonly #places = new Set<number>();
  #limit = 0;
  #columns = 0;
  #since = 0;
  #frames = 0;
  #isCalm = false;

  /** As of the last frame. */
  get isCalm(): boolean {
    return this.#isCalm;
  }

  /** From here on it has that many pixels. */
  resized(width: number, height: number, now: number): void {
    this.#columns = Math.ceil(width / TILE) + 1;
    this.#limit = this.#columns * Math.ceil(height / TILE) * CALM_SHARE;
    this.#worked(now);
  }

  /** A frame was taken in which `areas` differ from the one before. */
  see(areas: readonly Rect[], now: number): void {
    this.#frames += 1;
    for (const area of areas) this.#add(area);
    if (this.#places.size > this.#limit) this.#worked(now);
    else this.#isCalm ||= now - this.#since >= CALM_AFTER_MS && this.#frames >= CALM_FRAMES;
  }

  #worked(now: number): void {
    this.#places.clear();
    this.#since = now;
    this.#frames = 0;
    this.#isCalm = false;
  }

  #add({ x, y, width, height }: Rect): void {
    for (let row = Math.floor(y / TILE); row * TILE < y + height; row++) {
      for (let column = Math.floor(x / TILE); column * TILE < x + width; column++) {
        this.#places.add(row * this.#columns + column);
      }
      if (this.#places.size > this.#limit) return;
    }
  }
}

/** Of the desktop. A clock and a caret are less, a menu that opens is more. */
const CALM_SHARE = 0.02;
/** Two whole pictures, at its beginning and at its end, are to be little beside what is saved. */
const CALM_AFTER_MS = 5 * 60_000;
/** Where nothing ticks there is nothing to save, and the first frame for long is somebody who comes back. */
const CALM_FRAMES = 100;
