import type { Rect } from '#protocol/graphics/geometry.ts';
import type { PictureRegion } from '#protocol/tunnel/messages.ts';
import type { Surface } from './painter.ts';
import { regionMediaTypes } from './regions-painter.ts';
import type { Size } from './scaling.ts';

/** Draws on an OffscreenCanvas. */
export class CanvasSurface implements Surface {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  /** A view of the compositor's pixels, kept as long as they stay the same array. */
  #image: ImageData | undefined;

  constructor(canvas: OffscreenCanvas) {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('this browser has no 2D canvas in workers');
    this.#canvas = canvas;
    this.#context = context;
  }

  resize(size: Size): void {
    // Setting even the same size would blank it.
    if (this.#canvas.width === size.width && this.#canvas.height === size.height) return;
    this.#canvas.width = size.width;
    this.#canvas.height = size.height;
    this.#image = undefined;
  }

  putPixels(pixels: Uint8ClampedArray<ArrayBuffer>, size: Size, parts: readonly Rect[]): void {
    if (this.#image?.data !== pixels) this.#image = new ImageData(pixels, size.width, size.height);
    for (const { x, y, width, height } of parts) this.#context.putImageData(this.#image, 0, 0, x, y, width, height);
  }

  drawBitmap(bitmap: ImageBitmap, place: Rect): void {
    this.#context.drawImage(bitmap, place.x, place.y, place.width, place.height);
  }

  copy(fromX: number, fromY: number, { x, y, width, height }: Rect): void {
    // A canvas that is drawn on itself is read as it was before, HTML 4.12.5.1.14: an overlap does no harm.
    this.#context.drawImage(this.#canvas, fromX, fromY, width, height, x, y, width, height);
  }
}

/** Decodes a region by the browser's own image decoders; colours stay as they were encoded. */
export function decodeRegion(region: PictureRegion): Promise<ImageBitmap> {
  if (region.encoding === 'rgba') {
    return createImageBitmap(new ImageData(new Uint8ClampedArray(region.bytes), region.width, region.height));
  }
  const file = new Blob([region.bytes as Uint8Array<ArrayBuffer>], { type: regionMediaTypes[region.encoding] });
  return createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
}
