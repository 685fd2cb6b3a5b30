import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { DamageGrid } from '../capture/damage-grid.ts';
import type { FrameSource } from '../recording.ts';

/** A desktop drawn with a canvas: draw with `draw`, and hand the recorder the rectangles that it returns. */
export class CanvasDesktop implements FrameSource {
  width: number;
  height: number;
  pixels: Uint8ClampedArray;
  #canvas: Canvas;
  #context: SKRSContext2D;
  #pending: DamageGrid;

  constructor(width: number, height: number, background = '#ffffff') {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8ClampedArray(width * height * 4);
    this.#canvas = createCanvas(width, height);
    this.#context = this.#canvas.getContext('2d');
    this.#pending = new DamageGrid(width, height);
    this.draw({ x: 0, y: 0, width, height }, (context) => {
      context.fillStyle = background;
      context.fillRect(0, 0, width, height);
    });
  }

  resize(width: number, height: number, background = '#ffffff'): void {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8ClampedArray(width * height * 4);
    this.#canvas = createCanvas(width, height);
    this.#context = this.#canvas.getContext('2d');
    this.#pending = new DamageGrid(width, height);
    this.draw({ x: 0, y: 0, width, height }, (context) => {
      context.fillStyle = background;
      context.fillRect(0, 0, width, height);
    });
  }

  /** Draws; only `area` (the damage) becomes visible. */
  draw(area: Rect, paint: (context: SKRSContext2D) => void): Rect[] {
    paint(this.#context);
    this.#pending.add(area);
    return [area];
  }

  /** As a lazy compositor does it: pixels are brought up to date when somebody asks. */
  prepare(): readonly Rect[] {
    for (const rect of this.#pending.take()) this.#copy(rect);
    return [];
  }

  #copy(rect: Rect): void {
    const x = Math.max(0, Math.floor(rect.x));
    const y = Math.max(0, Math.floor(rect.y));
    const width = Math.min(this.width, Math.ceil(rect.x + rect.width)) - x;
    const height = Math.min(this.height, Math.ceil(rect.y + rect.height)) - y;
    if (width <= 0 || height <= 0) return;
    const { data } = this.#context.getImageData(x, y, width, height);
    for (let row = 0; row < height; row++) {
      this.pixels.set(data.subarray(row * width * 4, (row + 1) * width * 4), ((y + row) * this.width + x) * 4);
    }
  }
}
