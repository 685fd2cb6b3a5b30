import { Compositor } from '#protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { isDrawing, UpdateCode } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { type GatewayMessage, NOT_ACKNOWLEDGED } from '#protocol/tunnel/messages.ts';
import type { Painted, Painter, PainterEvents, Surface } from './painter.ts';

/** Pictures may wait for more of them, but not in any number. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Stream mode: the server's own updates are decoded here, and what they changed is drawn once a frame. Decoding begins when all that has already
 * come is taken: a browser that is behind leaves out what later pictures hide, and one that is not loses no time.
 */
export class StreamPainter implements Painter {
  readonly #events: PainterEvents;
  readonly #compositor: Compositor;
  readonly #waiting = new UpdateQueue();
  #decodeAsked = false;
  #pointerVersion: number | undefined;
  #dirty = false;
  /** Of the last message whose drawing is to be told. */
  #seq: number | undefined;
  #resized = false;
  #picture = false;

  /** @param from where another decoder was, with the number of the message that said so; a desktop that is not there yet without */
  constructor(events: PainterEvents, from?: { readonly compositor: Compositor; readonly seq: number }) {
    this.#events = events;
    this.#compositor = from?.compositor ?? new Compositor(createSurfaceCodecs());
    if (from === undefined) {
      this.#pointerVersion = this.#compositor.pointer.version;
      return;
    }
    this.#seq = from.seq;
    this.#resized = true;
    this.#picture = true;
    this.#tellSize();
    this.#changed();
  }

  take(message: GatewayMessage): void {
    if (message.type !== 'graphics') return;
    for (const update of message.updates) {
      if (isDrawing(update)) this.#waiting.push(update);
      else {
        // Pointers are none of the pictures' concern; everything else may change what these mean.
        if (!isPointer(update.code)) this.#decode();
        this.#compositor.apply(update);
      }
      if (update.code === UpdateCode.desktopReset) {
        this.#resized = true;
        this.#tellSize();
      } else if (update.code !== UpdateCode.synchronize) this.#picture = true;
    }
    if (message.seq !== NOT_ACKNOWLEDGED) this.#seq = message.seq;
    this.#changed();
    if (this.#waiting.bytes > MAX_WAITING_BYTES) this.#decode();
    if (this.#waiting.length === 0 || this.#decodeAsked) return;
    this.#decodeAsked = true;
    this.#events.soon(() => {
      this.#decodeAsked = false;
      this.#decode();
    });
  }

  paint(surface: Surface): Painted | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    this.#decode();
    const { width, height, pixels } = this.#compositor;
    if (this.#resized) surface.resize({ width, height });
    this.#resized = false;
    const damage = this.#compositor.takeDamage();
    if (damage.length > 0) surface.putPixels(pixels, { width, height }, damage);
    const painted = { seq: this.#seq, picture: this.#picture };
    this.#seq = undefined;
    return painted;
  }

  /** What comes next builds on all that was drawn, even half a frame. */
  leave(surface: Surface): Painted | undefined {
    const painted = this.paint(surface);
    const { width, height, pixels } = this.#compositor;
    const damage = this.#compositor.takeDamage(true);
    if (damage.length > 0) surface.putPixels(pixels, { width, height }, damage);
    return painted;
  }

  #decode(): void {
    this.#waiting.applyTo(this.#compositor);
  }

  #changed(): void {
    this.#tellPointer();
    this.#dirty = true;
    this.#events.dirty();
  }

  #tellSize(): void {
    this.#events.size({ width: this.#compositor.width, height: this.#compositor.height });
  }

  #tellPointer(): void {
    const position = this.#compositor.takePointerPosition();
    if (position !== undefined) this.#events.pointerPosition(position.x, position.y);
    const { pointer } = this.#compositor;
    if (pointer.version === this.#pointerVersion) return;
    this.#pointerVersion = pointer.version;
    if (pointer.kind === 'shape') this.#events.pointer({ ...pointer.shape, kind: 'shape' });
    else this.#events.pointer({ kind: pointer.kind });
  }
}

function isPointer(code: number): boolean {
  return code >= UpdateCode.pointerHidden && code <= UpdateCode.pointerLarge;
}
