import { Compositor } from '#protocol/graphics/compositor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { isDrawing, UpdateCode } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { type GatewayMessage, NOT_ACKNOWLEDGED } from '#protocol/tunnel/messages.ts';
import type { Painted, Painter, PainterEvents, Surface } from './painter.ts';

/** Pictures may wait for more of them, but not in any number. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Less than this is decoded in a millisecond or two. */
const QUICK_BYTES = 64 * 1024;

/**
 * Stream mode: the server's own updates are decoded here, and what they changed is drawn once a frame. Decoding begins when all that has already
 * come is taken: a browser that is behind leaves out what later pictures hide, and one that is not loses no time. What is decoded is drawn before
 * anything large is decoded: a picture that comes just before a frame must not hold up, or hide, the one that is ready for it.
 */
export class StreamPainter implements Painter {
  readonly #events: PainterEvents;
  readonly #compositor: Compositor;
  readonly #waiting = new UpdateQueue();
  #decodeAsked = false;
  #pointerVersion: number | undefined;
  #resized = false;
  /** What a `paint` would say, of all that was taken; absent where none is asked for. */
  #taken: Painted | undefined;
  /** The same, of what is decoded as well. */
  #decoded: Painted | undefined;

  /** @param from where another decoder was, with the number of the message that said so; a desktop that is not there yet without */
  constructor(events: PainterEvents, from?: { readonly compositor: Compositor; readonly seq: number }) {
    this.#events = events;
    this.#compositor = from?.compositor ?? new Compositor(createSurfaceCodecs(), { borrows: true });
    if (from === undefined) {
      this.#pointerVersion = this.#compositor.pointer.version;
      return;
    }
    this.#resized = true;
    this.#tellSize();
    this.#changed({ seq: from.seq, picture: true });
    this.#decode();
  }

  take(message: GatewayMessage): void {
    if (message.type !== 'graphics') return;
    let picture = false;
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
      } else if (update.code !== UpdateCode.synchronize) picture = true;
    }
    this.#changed({ seq: message.seq === NOT_ACKNOWLEDGED ? undefined : message.seq, picture });
    if (this.#waiting.length === 0 || this.#waiting.bytes > MAX_WAITING_BYTES) this.#decode();
    this.#decodeSoon();
  }

  paint(surface: Surface): Painted | undefined {
    if (this.#decoded === undefined && this.#taken === undefined) return undefined;
    // A surface of another size is blank: nothing is ready for it before all is.
    let damage = this.#resized ? [] : this.#compositor.takeDamage();
    if (damage.length === 0) {
      this.#decode();
      damage = this.#compositor.takeDamage();
    }
    this.#put(surface, damage);
    if (this.#taken !== undefined) {
      this.#events.dirty();
      this.#decodeSoon();
    }
    const painted = this.#decoded;
    this.#decoded = undefined;
    return painted;
  }

  /** What comes next builds on all that was drawn, even half a frame. */
  leave(surface: Surface): Painted | undefined {
    this.#decode();
    const painted = this.#decoded;
    this.#decoded = undefined;
    this.#put(surface, this.#compositor.takeDamage(true));
    return painted;
  }

  #put(surface: Surface, damage: readonly Rect[]): void {
    const { width, height } = this.#compositor;
    if (this.#resized) surface.resize({ width, height });
    this.#resized = false;
    if (damage.length > 0) surface.putPixels(this.#compositor.pixels, { width, height }, damage);
  }

  #decodeSoon(): void {
    if (this.#waiting.length === 0 || this.#decodeAsked) return;
    this.#decodeAsked = true;
    this.#events.soon(() => {
      this.#decodeAsked = false;
      const isReady = this.#compositor.isDamaged && !this.#resized;
      if (!isReady || this.#waiting.bytes <= QUICK_BYTES) this.#decode();
    });
  }

  #decode(): void {
    this.#waiting.applyTo(this.#compositor);
    if (this.#taken !== undefined) this.#decoded = both(this.#decoded, this.#taken);
    this.#taken = undefined;
  }

  #changed(taken: Painted): void {
    this.#tellPointer();
    this.#taken = both(this.#taken, taken);
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

/** What is drawn with two paintings, one after the other. */
function both(first: Painted | undefined, second: Painted): Painted {
  return { seq: second.seq ?? first?.seq, picture: second.picture || (first?.picture ?? false) };
}

function isPointer(code: number): boolean {
  return code >= UpdateCode.pointerHidden && code <= UpdateCode.pointerLarge;
}
