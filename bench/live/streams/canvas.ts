import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { Screen } from '../../recording/scenario.ts';

/** A desktop drawn with a canvas, which remembers what was damaged since somebody asked. */
export class StreamCanvas implements Screen {
  readonly width: number;
  readonly height: number;
  readonly #context: SKRSContext2D;
  #damage: Rect[] = [];

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#context = createCanvas(width, height).getContext('2d');
  }

  draw(area: Rect, paint: (context: SKRSContext2D) => void): void {
    paint(this.#context);
    const x = Math.max(0, Math.floor(area.x));
    const y = Math.max(0, Math.floor(area.y));
    const width = Math.min(this.width, Math.ceil(area.x + area.width)) - x;
    const height = Math.min(this.height, Math.ceil(area.y + area.height)) - y;
    if (width > 0 && height > 0) this.#damage.push({ x, y, width, height });
  }

  /** A client draws the pointer by itself. */
  pointer(): void {}

  /** What has changed since the last call; rectangles inside others are left out. */
  takeDamage(): Rect[] {
    const taken = this.#damage;
    this.#damage = [];
    return taken.filter((rect, i) => !taken.some((other, j) => j !== i && holds(other, rect, j < i)));
  }

  read({ x, y, width, height }: Rect): Uint8ClampedArray {
    return this.#context.getImageData(x, y, width, height).data;
  }
}

/** Of two that are the same, the first counts. */
function holds(outer: Rect, inner: Rect, isEarlier: boolean): boolean {
  const contains =
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height;
  const isSame = contains && outer.width === inner.width && outer.height === inner.height;
  return contains && (!isSame || isEarlier);
}
