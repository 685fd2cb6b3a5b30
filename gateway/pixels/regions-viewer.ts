import { DamageList } from '#protocol/graphics/damage.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { PointerState } from '#protocol/graphics/pointer.ts';
import { encodeGatewayMessage, type GatewayMessage } from '#protocol/tunnel/messages.ts';
import { sessionClock } from '../clock.ts';
import { LinkMeter } from './link-meter.ts';
import { type Picture, RegionsCutter } from './regions-cutter.ts';
import { encodeRegions } from './regions-encoder.ts';

/** Shortest time between two pictures: 20 a second. */
const FRAME_INTERVAL_MS = 50;
/** Gathers what the server draws together into one picture. */
const GATHER_MS = 6;

/** Where a viewer's pictures go. */
export interface RegionsOutput {
  /** @param updates who has drawn it has seen so many of the session's updates */
  send(message: Uint8Array, updates: number): void;
  /** There was nothing to send to show so many. */
  shows?(updates: number): void;
}

/**
 * One viewer in Regions mode: remembers what changed since the viewer's last picture, and sends the latest state of
 * it at a pace that the viewer's acknowledgements set. Old pictures are never queued.
 */
export class RegionsViewer {
  readonly #output: RegionsOutput;
  readonly #clock: () => number;
  readonly #damage = new DamageList();
  readonly #link = new LinkMeter();
  #cutter: RegionsCutter | undefined;
  #seq = 0;
  #acknowledged = 0;
  #encoding = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #changedAt: number | undefined;
  #pointerVersion = -1;
  #position: { x: number; y: number } | undefined;
  #paused = false;
  #closed = false;

  constructor(output: RegionsOutput, clock = sessionClock) {
    this.#output = output;
    this.#clock = clock;
  }

  /** Whose viewer it is: it has drawn all there was itself, and hears of nothing that it does on its own. */
  get isOwner(): boolean {
    return this.#output.shows !== undefined;
  }

  /** The viewer shows this picture already, half drawn as it may be, and this pointer. */
  assume(picture: Picture, pointer: PointerState): void {
    this.#cutter = new RegionsCutter(picture.width, picture.height);
    this.#cutter.assume(picture);
    this.#pointerVersion = pointer.version;
  }

  /** The desktop has this size now and must be sent whole. */
  resized(width: number, height: number, at: number): void {
    if (width === 0 || height === 0) return;
    this.#cutter = new RegionsCutter(width, height);
    this.#damage.clear();
    this.damaged([{ x: 0, y: 0, width, height }], at);
    this.#sendMessage({ type: 'desktop-size', width, height }, 0);
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
  acknowledge(seq: number, at: number): void {
    if (seq <= this.#acknowledged || seq > this.#seq) return;
    this.#acknowledged = seq;
    this.#link.acknowledged(seq, at);
  }

  /** Nothing is begun from here on; what is being encoded is still sent. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    this.#closed = true;
    this.#cutter = undefined;
  }

  /** When `flush` should be called next, or `undefined` when there is nothing to send or nobody to take it. */
  dueAt(): number | undefined {
    if (this.#cutter === undefined || this.#encoding || this.#paused) return undefined;
    const changedAt = this.#changedAt === undefined ? this.#cutter.refineAt : this.#changedAt + GATHER_MS;
    const readyAt = this.#link.readyAt(this.#clock());
    if (changedAt === undefined || readyAt === undefined) return undefined;
    return Math.max(changedAt, readyAt, this.#sentAt + FRAME_INTERVAL_MS);
  }

  /**
   * Sends what has changed. The picture must be up to date; its pixels are copied before the first wait.
   * @param updates how many of the session's are in it
   */
  async flush(picture: Picture, pointer: PointerState, at: number, updates: number): Promise<void> {
    this.#changedAt = undefined;
    this.#sentAt = at;
    this.#sendPointer(pointer, updates);
    const cutter = this.#cutter;
    const pieces = cutter?.cut(picture, this.#damage.take(), at, this.#link.isThin) ?? [];
    if (pieces.length === 0) {
      if (!this.#closed) this.#output.shows?.(updates);
      return;
    }
    this.#encoding = true;
    try {
      const regions = await encodeRegions(pieces);
      // A desktop of another size has come meanwhile: these would land on the wrong one.
      if (this.#closed || cutter !== this.#cutter) return;
      this.#seq++;
      const bytes = this.#sendMessage({ type: 'regions', seq: this.#seq, regions }, updates);
      this.#link.sent(this.#seq, bytes, this.#clock());
    } finally {
      this.#encoding = false;
    }
  }

  #sendPointer(pointer: PointerState, updates: number): void {
    if (pointer.version !== this.#pointerVersion) {
      this.#pointerVersion = pointer.version;
      this.#sendMessage(
        pointer.kind === 'shape'
          ? { type: 'pointer-shape', ...pointer.shape, kind: 'shape', rgba: new Uint8Array(pointer.shape.rgba.buffer) }
          : { type: 'pointer-shape', kind: pointer.kind },
        updates,
      );
    }
    if (this.#position !== undefined) {
      this.#sendMessage({ type: 'pointer-position', ...this.#position }, updates);
      this.#position = undefined;
    }
  }

  /** @returns its bytes */
  #sendMessage(message: GatewayMessage, updates: number): number {
    if (this.#closed) return 0;
    const bytes = encodeGatewayMessage(message);
    // Read before it is given away: what is transferred has no length.
    const { length } = bytes;
    this.#output.send(bytes, updates);
    return length;
  }
}
