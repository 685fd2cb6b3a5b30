import sharp from 'sharp';
import type { Rect } from '../../protocol/graphics/geometry.ts';
import type { PictureRegion } from '../../protocol/tunnel/messages.ts';
import type { Surface } from '../../web-client/viewer/painter.ts';

/** What a canvas would show, and whether it was ever blank once there was a picture. */
export class MemorySurface implements Surface {
  width = 0;
  height = 0;
  pixels = new Uint8ClampedArray(0);
  resizes = 0;

  resize({ width, height }: { width: number; height: number }): void {
    if (width === this.width && height === this.height) return;
    this.resizes++;
    this.width = width;
    this.height = height;
    this.pixels = new Uint8ClampedArray(width * height * 4);
  }

  putPixels(pixels: Uint8ClampedArray<ArrayBuffer>, _size: unknown, parts: readonly Rect[]): void {
    for (const part of parts) this.#put(part, (row) => pixels.subarray((row * this.width + part.x) * 4), part.y);
  }

  drawBitmap(bitmap: ImageBitmap, place: Rect): void {
    const { rgba } = bitmap as unknown as { rgba: Uint8Array };
    this.#put(place, (row) => rgba.subarray(row * place.width * 4), 0);
  }

  copy(fromX: number, fromY: number, place: Rect): void {
    const before = this.pixels.slice();
    this.#put(place, (row) => before.subarray((row * this.width + fromX) * 4), fromY);
  }

  #put(
    { x, y, width, height }: Rect,
    rowOf: (row: number) => ArrayLike<number> & { subarray(a: number, b: number): ArrayLike<number> },
    first: number,
  ): void {
    for (let row = 0; row < height; row++) {
      this.pixels.set(rowOf(first + row).subarray(0, width * 4), ((y + row) * this.width + x) * 4);
    }
  }
}

/** As a browser decodes it. */
export async function decodeRegion(region: PictureRegion): Promise<ImageBitmap> {
  const { encoding, bytes } = region;
  const rgba = encoding === 'rgba' ? bytes.slice() : await sharp(bytes).ensureAlpha().raw().toBuffer();
  return { rgba, close: () => {} } as unknown as ImageBitmap;
}
