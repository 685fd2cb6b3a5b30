import { DamageList } from '#protocol/graphics/damage.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { PointerState } from '#protocol/graphics/pointer.ts';
import { encodeGatewayMessage, type GatewayMessage } from '#protocol/tunnel/messages.ts';
import { cutRegions, encodeRegions, type Picture } from './regions-encoder.ts';

/** Pictures sent and not yet acknowledged, at most: one on the way while the one before is being drawn. */
const MAX_IN_FLIGHT = 2;
/** Shortest time between two pictures: 20 a second. */
const FRAME_INTERVAL_MS = 50;
/** Gathers what the server draws together into one picture. */
const GATHER_MS = 6;
/** What was sent lossy is sent again exactly once the screen has been quiet for this long. */
const REFINE_AFTER_MS = 1000;

/**
 * One viewer in Regions mode: remembers what changed since the viewer's last picture, and sends the latest state of
 * it at a pace that the viewer's acknowledgements set. Old pictures are never queued.
 */
export class RegionsViewer {
  readonly #send: (message: Uint8Array) => void;
  readonly #damage = new DamageList();
  readonly #lossy = new DamageList();
  #size: { width: number; height: number } | undefined;
  #seq = 0;
  #acknowledged = 0;
  #encoding = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #changedAt: number | undefined;
  #pointerVersion = -1;
  #position: { x: number; y: number } | undefined;
  #closed = false;

  constructor(send: (message: Uint8Array) => void) {
    this.#send = send;
  }

  /** The desktop has this size now and must be sent whole. */
  resized(width: number, height: number, at: number): void {
    if (width === 0 || height === 0) return;
    this.#size = { width, height };
    this.#damage.clear();
    this.#lossy.clear();
    this.damaged([{ x: 0, y: 0, width, height }], at);
    this.#sendMessage({ type: 'desktop-size', width, height });
  }

  damaged(rects: readonly Rect[], at: number): void {
    for (const rect of rects) this.#damage.add(rect);
    if (rects.length > 0) this.changed(at);
  }

  /** Something was or will be drawn: look again soon. */
  changed(at: number): void {
    this.#changedAt ??= at;
  }

  pointerMoved(x: number, y: number, at: number): void {
    this.#position = { x, y };
    this.changed(at);
  }

  /** The viewer has drawn everything up to this message. */
  acknowledge(seq: number): void {
    if (seq > this.#acknowledged && seq <= this.#seq) this.#acknowledged = seq;
  }

  close(): void {
    this.#closed = true;
  }

  /** When `flush` should be called next, or `undefined` when there is nothing to send or nobody to take it. */
  dueAt(): number | undefined {
    if (this.#closed || this.#size === undefined || this.#encoding) return undefined;
    if (this.#seq - this.#acknowledged >= MAX_IN_FLIGHT) return undefined;
    if (this.#changedAt !== undefined) return Math.max(this.#changedAt + GATHER_MS, this.#sentAt + FRAME_INTERVAL_MS);
    return this.#lossy.empty ? undefined : this.#sentAt + REFINE_AFTER_MS;
  }

  /** Sends what has changed. The picture must be up to date; its pixels are copied before this returns. */
  async flush(picture: Picture, pointer: PointerState, at: number): Promise<void> {
    this.#changedAt = undefined;
    this.#sentAt = at;
    this.#sendPointer(pointer);
    const refine = this.#damage.empty;
    const damage = (refine ? this.#lossy : this.#damage).take();
    const pieces = cutRegions(picture, damage, refine);
    if (pieces.length === 0) return;
    for (const piece of pieces) if (piece.encoding === 'webp') this.#lossy.add(piece.rect);
    this.#encoding = true;
    const size = this.#size;
    try {
      const regions = await encodeRegions(pieces);
      // A desktop of another size has come meanwhile: these would land on the wrong one.
      if (this.#closed || size !== this.#size) return;
      this.#seq++;
      this.#sendMessage({ type: 'regions', seq: this.#seq, regions });
    } finally {
      this.#encoding = false;
    }
  }

  #sendPointer(pointer: PointerState): void {
    if (pointer.version !== this.#pointerVersion) {
      this.#pointerVersion = pointer.version;
      this.#sendMessage(
        pointer.kind === 'shape'
          ? { type: 'pointer-shape', ...pointer.shape, kind: 'shape', rgba: new Uint8Array(pointer.shape.rgba.buffer) }
          : { type: 'pointer-shape', kind: pointer.kind },
      );
    }
    if (this.#position !== undefined) {
      this.#sendMessage({ type: 'pointer-position', ...this.#position });
      this.#position = undefined;
    }
  }

  #sendMessage(message: GatewayMessage): void {
    if (!this.#closed) this.#send(encodeGatewayMessage(message));
  }
}
