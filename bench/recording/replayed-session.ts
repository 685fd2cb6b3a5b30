import type { SKRSContext2D } from '@napi-rs/canvas';
import { Compositor } from '#protocol/graphics/compositor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, isDrawing } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { type Moment, SessionStreamReader } from './session-stream.ts';
import { paintOnto, type Work, type WorkListener } from './work.ts';

/** A session as it was received, once more: decoded when the recorder asks for pixels, as the pixel host does it. */
export class ReplayedSession implements Work {
  readonly name: string;
  readonly #reader: SessionStreamReader;
  readonly #moments: Generator<Moment, undefined>;
  readonly #compositor = new Compositor(createSurfaceCodecs());
  readonly #queue = new UpdateQueue();
  #next: Moment | undefined;
  #listener: WorkListener | undefined;
  #pointer = { x: 0, y: 0 };

  /** @throws BenchError for a file that holds none */
  constructor(name: string, path: string) {
    this.name = name;
    this.#reader = new SessionStreamReader(path);
    this.#moments = this.#reader.moments();
  }

  get width(): number {
    return this.#compositor.width;
  }

  get height(): number {
    return this.#compositor.height;
  }

  get pixels(): Uint8ClampedArray {
    return this.#compositor.pixels;
  }

  start(listener: WorkListener): void {
    this.#read();
    this.step(0);
    this.#listener = listener;
    this.#tellPointer();
  }

  step(ms: number): void {
    while (this.#next !== undefined && this.#next.at <= ms) {
      const moment = this.#next;
      if (moment.kind === 'update') this.#take(moment.update);
      else {
        this.#pointer = moment;
        this.#tellPointer();
      }
      this.#read();
    }
  }

  prepare(): readonly Rect[] {
    this.#queue.applyTo(this.#compositor);
    return this.#compositor.takeDamage();
  }

  draw(area: Rect, paint: (context: SKRSContext2D) => void): void {
    this.#queue.applyTo(this.#compositor);
    paintOnto(this, area, paint);
    this.#listener?.changed([area]);
  }

  close(): void {
    this.#reader.close();
  }

  #read(): void {
    this.#next = this.#moments.next().value;
  }

  #take(update: GraphicsUpdate): void {
    if (isDrawing(update)) {
      this.#queue.push(update);
      this.#listener?.changed([]);
      // Before the work began nobody asks for pixels, and hours of it need not be held.
      if (this.#queue.bytes > MOST_QUEUED_BYTES) this.#queue.compact(this.#compositor);
      return;
    }
    this.#queue.applyTo(this.#compositor);
    this.#compositor.apply(update);
    this.#pointer = this.#compositor.takePointerPosition() ?? this.#pointer;
    this.#tellPointer();
  }

  #tellPointer(): void {
    this.#listener?.pointer(this.#pointer.x, this.#pointer.y, this.#compositor.pointer);
  }
}

const MOST_QUEUED_BYTES = 64 << 20;
