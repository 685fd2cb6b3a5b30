import type { Rect } from '#protocol/graphics/geometry.ts';
import type { GatewayMessage } from '#protocol/tunnel/messages.ts';
import type { Size } from './scaling.ts';
import type { PointerLook } from './worker-messages.ts';

/** What is drawn on: an OffscreenCanvas in the browser, a fake in tests. */
export interface Surface {
  /** Makes the surface this large. It is blank then, unless it was as large before: what comes next is drawn in the same frame. */
  resize(size: Size): void;
  /** Copies these parts of an RGBA picture as large as the surface. */
  putPixels(pixels: Uint8ClampedArray<ArrayBuffer>, size: Size, parts: readonly Rect[]): void;
  drawBitmap(bitmap: ImageBitmap, place: Rect): void;
  /** Shows in `place` what the surface shows from a point on; the two may overlap. */
  copy(fromX: number, fromY: number, place: Rect): void;
}

/** What a painter tells besides what it draws. */
export interface PainterEvents {
  size(size: Size): void;
  pointer(look: PointerLook): void;
  pointerPosition(x: number, y: number): void;
  /** There is something to draw: call `paint` before the next frame. */
  dirty(): void;
  /** Runs `decode` when what has already come is taken; what it throws is as if `take` had thrown it. */
  soon(decode: () => void): void;
  /** The gateway's bytes could not be drawn. */
  failed(error: unknown): void;
}

/** What a `paint` has put on the surface. */
export interface Painted {
  /** Everything up to this message is drawn; nothing where nobody asks for that. */
  readonly seq: number | undefined;
  /** Whether the desktop's own picture is among it, not only its size. */
  readonly picture: boolean;
}

/** Turns messages into pictures: one implementation for each mode of the tunnel. */
export interface Painter {
  /** Takes a message of its mode. May throw `DecodeError`. */
  take(message: GatewayMessage): void;
  /** Draws what has come since the last call; `undefined` when nothing is new. May throw `DecodeError`. */
  paint(surface: Surface): Painted | undefined;
  /** Another painter takes over: brings the surface up to date as far as is known by now. */
  leave(surface: Surface): Painted | undefined;
}
