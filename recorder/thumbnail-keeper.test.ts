import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { I420Picture, rgbaImage } from './capture/i420.ts';
import { ThumbnailKeeper } from './thumbnail-keeper.ts';

test('a thumbnail is the screen of ten seconds after the beginning, and of later ones in a long recording', async () => {
  const keeper = new ThumbnailKeeper();
  const screen = (colour: number) => painted(64, 36, () => colour);
  keeper.see(screen(RED), 9_999);
  assert.ok(near(await pixel(keeper, screen(GREEN), 10, 10), [0, 255, 0]), 'too short: the last one');
  keeper.see(screen(RED), 10_020);
  keeper.see(screen(BLUE), 59_980);
  assert.ok(near(await pixel(keeper, screen(GREEN), 10, 10), [255, 0, 0]));
  keeper.see(screen(BLUE), 65_000);
  keeper.see(screen(RED), 359_980);
  assert.ok(near(await pixel(keeper, screen(GREEN), 10, 10), [0, 0, 255]));
});

test('a thumbnail is at most 480 pixels wide, in proportion, and in the colours of the screen', async () => {
  for (const [width, height, small] of [
    [1920, 1080, [480, 270]],
    [1366, 768, [480, 270]],
    [1280, 1024, [480, 384]],
    [320, 200, [320, 200]],
    [2, 4096, [2, 4096]],
  ] as const) {
    const quarters = painted(width, height, (x, y) => {
      const left = x < width / 2;
      return y < height / 2 ? (left ? RED : GREEN) : left ? BLUE : WHITE;
    });
    const image = sharp(await new ThumbnailKeeper().jpeg(quarters));
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], small);
    if (width < 100) continue;
    const at = (x: number, y: number) => {
      const start = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3;
      return [...data.subarray(start, start + 3)];
    };
    assert.ok(near(at(0.25, 0.25), [255, 0, 0]));
    assert.ok(near(at(0.75, 0.25), [0, 255, 0]));
    assert.ok(near(at(0.25, 0.75), [0, 0, 255]));
    assert.ok(near(at(0.75, 0.75), [255, 255, 255]));
  }
});

/** As words, the lowest byte first. */
const RED = 0xff0000ff;
const GREEN = 0xff00ff00;
const BLUE = 0xffff0000;
const WHITE = 0xffffffff;

function painted(width: number, height: number, colour: (x: number, y: number) => number): I420Picture {
  const pixels = new Uint8ClampedArray(width * height * 4);
  const image = rgbaImage(width, height, pixels);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) image.words[y * width + x] = colour(x, y);
  const picture = new I420Picture(width, height);
  picture.convert(image, { x: 0, y: 0, width, height });
  return picture;
}

async function pixel(keeper: ThumbnailKeeper, last: I420Picture, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(await keeper.jpeg(last))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const start = (y * info.width + x) * 3;
  return [...data.subarray(start, start + 3)];
}

/** JPEG, and samples of limited range, are not exact. */
function near(actual: readonly number[], expected: readonly number[]): boolean {
  return actual.every((value, i) => Math.abs(value - (expected[i] as number)) <= 8);
}
