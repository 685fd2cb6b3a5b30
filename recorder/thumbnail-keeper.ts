import sharp from 'sharp';
import type { I420Picture } from './capture/i420.ts';

/**
 * Keeps the picture that will stand for a recording in the library, small, while the recording goes on: decoding one from
 * the video afterwards costs as much as encoding ten seconds of an idle desktop.
 *
 * It is the screen ten seconds after the beginning, and again after a minute, six minutes, and so on.
 */
export class ThumbnailKeeper {
  #kept: SmallPicture | undefined;
  #dueAt = FIRST_MS;

  /** To be told of each frame; `at` in milliseconds since the first one. */
  see(picture: I420Picture, at: number): void {
    if (at < this.#dueAt) return;
    this.#kept = shrink(picture);
    while (this.#dueAt <= at) this.#dueAt *= 6;
  }

  /** @param last what a recording shows that was too short to keep any */
  async jpeg(last: I420Picture): Promise<Uint8Array> {
    const small = this.#kept ?? shrink(last);
    const { width, height } = small;
    return sharp(rgbOf(small), { raw: { width, height, channels: 3 } })
      .jpeg({ quality: QUALITY })
      .toBuffer();
  }
}

/** Samples of Y, U and V, all in its own size. */
interface SmallPicture {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly [Uint8Array, Uint8Array, Uint8Array];
}

/** At most `WIDTH` wide, each pixel the mean of those that it stands for. */
function shrink({ width, height, bytes }: I420Picture): SmallPicture {
  const columns = Math.min(WIDTH, width);
  const rows = Math.max(1, Math.round((height * columns) / width));
  const luma = width * height;
  const planes = [
    means(bytes.subarray(0, luma), width, height, columns, rows),
    means(bytes.subarray(luma, luma * 1.25), width / 2, height / 2, columns, rows),
    means(bytes.subarray(luma * 1.25), width / 2, height / 2, columns, rows),
  ] as const;
  return { width: columns, height: rows, planes };
}

function rgbOf({ width, height, planes: [yPlane, uPlane, vPlane] }: SmallPicture): Uint8Array {
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const y = ((yPlane[i] as number) - 16) * Y_SCALE;
    const u = (uPlane[i] as number) - 128;
    const v = (vPlane[i] as number) - 128;
    rgb[i * 3] = y + R_V * v;
    rgb[i * 3 + 1] = y + G_U * u + G_V * v;
    rgb[i * 3 + 2] = y + B_U * u;
  }
  return new Uint8Array(rgb.buffer);
}

/** A plane in another size. */
function means(plane: Uint8Array, width: number, height: number, columns: number, rows: number): Uint8Array {
  const small = new Uint8Array(columns * rows);
  const lefts = Uint32Array.from({ length: columns + 1 }, (_, column) => Math.floor((column * width) / columns));
  for (let row = 0; row < rows; row++) {
    const top = Math.floor((row * height) / rows);
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / rows));
    for (let column = 0; column < columns; column++) {
      const left = lefts[column] as number;
      const right = Math.max(left + 1, lefts[column + 1] as number);
      // Every second row: nobody sees the difference in a picture of this size.
      let sum = 0;
      for (let y = top; y < bottom; y += 2) {
        const start = y * width;
        for (let i = start + left; i < start + right; i++) sum += plane[i] as number;
      }
      small[row * columns + column] = sum / (((bottom - top + 1) >> 1) * (right - left));
    }
  }
  return small;
}

const WIDTH = 480;
const FIRST_MS = 10_000;
/** Of JPEG: interface text of a quarter of its size is not read anyway. */
const QUALITY = 75;

/** ITU-R BT.709, limited range: what `i420.ts` does, backwards. */
const Y_SCALE = 255 / 219;
const R_V = 1.7927;
const G_U = -0.2132;
const G_V = -0.5329;
const B_U = 2.1124;
