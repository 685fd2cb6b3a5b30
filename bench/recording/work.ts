import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { FrameSource, RecordedPointer } from '../../recorder/recording.ts';
import { CanvasDesktop } from '../../recorder/testing/canvas-desktop.ts';
import type { Scenario, Screen } from './scenario.ts';

/** A desktop of 1920 × 1080 that is recorded, and what happens on it. */
export interface Work extends FrameSource {
  readonly name: string;
  /** Shows the first picture; `listener` hears of everything from there on. */
  start(listener: WorkListener): void | Promise<void>;
  /** Brings the desktop to how it is `ms` after its start. Called every `TICK_MS`. */
  step(ms: number): void | Promise<void>;
  /** Draws over it: the legibility chart, at the end. */
  draw(area: Rect, paint: (context: SKRSContext2D) => void): void;
  close(): void | Promise<void>;
}

/** What a `SessionRecorder` wants to hear. */
export interface WorkListener {
  changed(rects: readonly Rect[]): void;
  pointer(x: number, y: number, pointer: RecordedPointer): void;
}

/** One of the bench's own kinds of work, the same pixels on every run. */
export class DrawnWork implements Work, Screen {
  readonly name: string;
  readonly #scenario: Scenario;
  readonly #desktop = new CanvasDesktop(1920, 1080);
  #listener: WorkListener | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.name = scenario.name;
  }

  get width(): number {
    return this.#desktop.width;
  }

  get height(): number {
    return this.#desktop.height;
  }

  get pixels(): Uint8ClampedArray {
    return this.#desktop.pixels;
  }

  start(listener: WorkListener): void {
    this.#listener = listener;
    this.#scenario.start(this);
  }

  step(ms: number): void {
    this.#scenario.step(this, ms);
  }

  prepare(): readonly Rect[] {
    return this.#desktop.prepare();
  }

  draw(area: Rect, paint: (context: SKRSContext2D) => void): void {
    this.#listener?.changed(this.#desktop.draw(area, paint));
  }

  pointer(x: number, y: number): void {
    this.#listener?.pointer(x, y, { kind: 'default' });
  }

  close(): void {}
}

/** Draws over an area of RGBA pixels. */
export function paintOnto(
  { width, height, pixels }: Pick<FrameSource, 'width' | 'height' | 'pixels'>,
  area: Rect,
  paint: (context: SKRSContext2D) => void,
): void {
  const context = createCanvas(width, height).getContext('2d');
  paint(context);
  const { data } = context.getImageData(area.x, area.y, area.width, area.height);
  const row = area.width * 4;
  for (let y = 0; y < area.height; y++) {
    pixels.set(data.subarray(y * row, (y + 1) * row), ((area.y + y) * width + area.x) * 4);
  }
}
