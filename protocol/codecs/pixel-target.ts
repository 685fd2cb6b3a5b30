import { UsageError } from '../core/errors.ts';

/**
 * Where a decoder writes: a rectangle inside a buffer of RGBA pixels. Decoders fill the whole rectangle; clipping
 * to the desktop is the compositor's work.
 *
 * `words` holds one pixel per element. Every engine this runs on is little-endian, so an element reads
 * `0xAABBGGRR` and the same buffer seen as bytes is R, G, B, A.
 *
 * INVARIANT: the rectangle lies inside the buffer: `x + width <= stride` and `(y + height) * stride <= words.length`.
 * Decoders rely on it and check only what comes from the wire.
 */
export interface PixelTarget {
  readonly words: Uint32Array;
  /** Pixels from one row's start to the next row's. */
  readonly stride: number;
  readonly x: number;
  readonly y: number;
  /** The picture's own size, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** The same rectangle for reading: what encoders take. */
export type PixelSource = PixelTarget;

/** Whether a picture's first encoded row is its lowest (all classic bitmaps) or its highest (RDPGFX). */
export type RowOrder = 'bottom-up' | 'top-down';

/** Opaque black; what a desktop shows before anything is drawn. */
export const OPAQUE_BLACK = 0xff000000;

/** The largest picture any decoder takes: 8192 × 4320, past every desktop that RDP servers offer. */
export const MAX_PICTURE_PIXELS = 8192 * 4320;

/** Makes a target from RGBA bytes. Throws `UsageError` when the rectangle leaves the buffer. */
export function createPixelTarget(
  pixels: Uint8Array | Uint8ClampedArray,
  stride: number,
  rect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): PixelTarget {
  const { x, y, width, height } = rect;
  if (x < 0 || y < 0 || width < 0 || height < 0 || x + width > stride || (y + height) * stride * 4 > pixels.length) {
    throw new UsageError('pixel target outside its buffer');
  }
  if (pixels.byteOffset % 4 !== 0) throw new UsageError('pixel buffer is not aligned to words');
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length >>> 2);
  return { words, stride, x, y, width, height };
}

/** Index of the first pixel of the first encoded row. */
export function firstRowStart(target: PixelTarget, order: RowOrder): number {
  const row = order === 'bottom-up' ? target.y + target.height - 1 : target.y;
  return row * target.stride + target.x;
}

/** Distance in pixels from one encoded row to the next. */
export function rowStep(target: PixelTarget, order: RowOrder): number {
  return order === 'bottom-up' ? -target.stride : target.stride;
}
