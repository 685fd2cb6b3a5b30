import sharp from 'sharp';
import type { Region } from '#protocol/tunnel/messages.ts';

/** Draws regions as a viewer does, into RGBA pixels. */
export class RegionsCanvas {
  readonly width: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;

  constructor(width: number, height: number) {
    this.width = width;
    this.pixels = new Uint8ClampedArray(width * height * 4);
  }

  async draw(regions: readonly Region[]): Promise<void> {
    for (const region of regions) {
      const { x, y, width, height } = region;
      if (region.encoding === 'copy') this.#put(x, y, width, this.#read(region.fromX, region.fromY, width, height));
      else if (region.encoding === 'rgba') this.#put(x, y, width, region.bytes);
      else this.#put(x, y, width, await sharp(region.bytes).ensureAlpha().raw().toBuffer());
    }
  }

  colorAt(x: number, y: number): number[] {
    const at = (y * this.width + x) * 4;
    return [...this.pixels.subarray(at, at + 3)];
  }

  #read(x: number, y: number, width: number, height: number): Uint8Array {
    const part = new Uint8Array(width * height * 4);
    for (let row = 0; row < height; row++) {
      const from = ((y + row) * this.width + x) * 4;
      part.set(this.pixels.subarray(from, from + width * 4), row * width * 4);
    }
    return part;
  }

  #put(x: number, y: number, width: number, rgba: Uint8Array): void {
    for (let at = 0, to = (y * this.width + x) * 4; at < rgba.length; at += width * 4, to += this.width * 4) {
      this.pixels.set(rgba.subarray(at, at + width * 4), to);
    }
  }
}
