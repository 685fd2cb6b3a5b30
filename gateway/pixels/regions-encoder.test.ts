import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { cutRegions, encodeRegions } from './regions-encoder.ts';

function picture(width: number, height: number, color: (x: number, y: number) => number) {
  const words = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) words[y * width + x] = 0xff000000 | color(x, y);
  }
  return { width, height, pixels: new Uint8ClampedArray(words.buffer) };
}

/** Few colours, hard edges: a window. */
const interfaceLike = (x: number, y: number) => (((x >> 4) + (y >> 3)) % 3 === 0 ? 0x123456 : 0xfafafa);
/** Soft, and never twice the same: a photo. */
const photoLike = (x: number, y: number) => ((x * 7 + y * 3) & 0xff) | (((x * 5 + y * 11) & 0xff) << 8);

const whole = (width: number, height: number): Rect => ({ x: 0, y: 0, width, height });

function tilesOf(rects: readonly Rect[]): string[] {
  const tiles: string[] = [];
  for (const { x, y, width, height } of rects) {
    for (let row = y; row < y + height; row += 64)
      for (let column = x; column < x + width; column += 64) tiles.push(`${column},${row}`);
  }
  return tiles.toSorted();
}

describe('cutting regions', () => {
  it('covers the whole picture once, in pieces of bounded size', () => {
    const pieces = cutRegions(picture(1300, 700, interfaceLike), [whole(1300, 700)], false);
    const rects = pieces.map(({ rect }) => rect);
    assert.equal(new Set(tilesOf(rects)).size, tilesOf(rects).length);
    assert.equal(tilesOf(rects).length, Math.ceil(1300 / 64) * Math.ceil(700 / 64));
    assert.equal(
      rects.reduce((sum, { width, height }) => sum + width * height, 0),
      1300 * 700,
    );
    assert.ok(rects.every(({ width, height }) => width <= 512 && height <= 512));
  });

  it('takes tiles of 64 pixels, merged, and each only once', () => {
    const damage = [
      { x: 10, y: 10, width: 100, height: 40 },
      { x: 70, y: 20, width: 40, height: 40 },
      { x: 300, y: 130, width: 30, height: 30 },
    ];
    const rects = cutRegions(picture(400, 200, interfaceLike), damage, false).map(({ rect }) => rect);
    assert.deepEqual(rects, [
      { x: 0, y: 0, width: 128, height: 64 },
      { x: 256, y: 128, width: 128, height: 64 },
    ]);
  });

  it('sends tiny changes as they are', () => {
    const caret = { x: 33, y: 50, width: 2, height: 16 };
    const [piece] = cutRegions(picture(400, 200, interfaceLike), [caret], false);
    assert.deepEqual(piece?.rect, caret);
    assert.equal(piece?.encoding, 'rgba');
    assert.equal(piece?.pixels.length, 2 * 16 * 4);
  });

  it('encodes lossy only what is large, looks like a photo and need not be exact', () => {
    const encodings = (color: typeof photoLike, damage: Rect, lossless: boolean) =>
      cutRegions(picture(512, 512, color), [damage], lossless).map(({ encoding }) => encoding);
    assert.deepEqual(encodings(photoLike, whole(512, 512), false), ['webp']);
    assert.deepEqual(encodings(photoLike, whole(512, 512), true), ['png']);
    assert.deepEqual(encodings(photoLike, whole(64, 64), false), ['png']);
    assert.deepEqual(encodings(interfaceLike, whole(512, 512), false), ['png']);
  });
});

describe('encoding regions', () => {
  it('keeps lossless pieces exact', async () => {
    const source = picture(200, 100, photoLike);
    const damage = [whole(200, 100), { x: 5, y: 6, width: 3, height: 2 }];
    const regions = await encodeRegions(cutRegions(source, damage, true));
    assert.equal(regions.length, 2);
    for (const { x, y, width, height, encoding, bytes } of regions) {
      const raw = encoding === 'rgba' ? bytes : await sharp(bytes).ensureAlpha().raw().toBuffer();
      for (let row = 0; row < height; row++) {
        const from = ((y + row) * 200 + x) * 4;
        assert.deepEqual(
          [...raw.subarray(row * width * 4, (row + 1) * width * 4)],
          [...source.pixels.subarray(from, from + width * 4)],
        );
      }
    }
  });

  it('keeps lossy pieces close', async () => {
    const source = picture(256, 256, (x, y) => (x >> 1) | ((y >> 1) << 8));
    const [region] = await encodeRegions(cutRegions(source, [whole(256, 256)], false));
    assert.equal(region?.encoding, 'webp');
    const raw = await sharp(region?.bytes).ensureAlpha().raw().toBuffer();
    let error = 0;
    for (let i = 0; i < raw.length; i++) error += Math.abs((raw[i] ?? 0) - (source.pixels[i] ?? 0));
    assert.ok(error / raw.length < 4, `mean error ${error / raw.length}`);
  });
});
