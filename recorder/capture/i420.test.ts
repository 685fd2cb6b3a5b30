import assert from 'node:assert/strict';
import { test } from 'node:test';
import { I420Picture, rgbaImage } from './i420.ts';

const FULL = { x: 0, y: 0, width: 64, height: 64 };

function flat(width: number, height: number, [r, g, b]: readonly number[]): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < pixels.length; i += 4) pixels.set([r ?? 0, g ?? 0, b ?? 0, 255], i);
  return pixels;
}

test('BT.709 limited range: primaries and greys within one step of the exact formula', () => {
  for (const r of [0, 1, 51, 128, 200, 254, 255]) {
    for (const g of [0, 77, 128, 255]) {
      for (const b of [0, 3, 128, 255]) {
        const picture = new I420Picture(2, 2);
        picture.convert(rgbaImage(2, 2, flat(2, 2, [r, g, b])), FULL);
        const luma = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
        const cb = (b / 255 - luma) / 1.8556;
        const cr = (r / 255 - luma) / 1.5748;
        const exact = [16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr];
        const got = [picture.bytes[0], picture.bytes[4], picture.bytes[5]];
        exact.forEach((value, i) => {
          assert.ok(Math.abs(value - (got[i] ?? 0)) <= 0.51, `${r},${g},${b}: plane ${i} is ${got[i]}, not ${value}`);
        });
      }
    }
  }
});

test('black and white are 16 and 235, and a new picture is black', () => {
  const picture = new I420Picture(2, 2);
  assert.deepEqual([...picture.bytes], [16, 16, 16, 16, 128, 128]);
  assert.equal(picture.convert(rgbaImage(2, 2, flat(2, 2, [255, 255, 255])), FULL), true);
  assert.deepEqual([...picture.bytes], [235, 235, 235, 235, 128, 128]);
});

test('chroma is the mean of the block, not one of its pixels', () => {
  const pixels = flat(2, 2, [255, 255, 255]);
  pixels.set([255, 0, 0, 255], 12);
  const picture = new I420Picture(2, 2);
  picture.convert(rgbaImage(2, 2, pixels), FULL);
  const red = 128 + Math.round((224 * (1 - 0.2126)) / 1.5748);
  assert.ok(Math.abs((picture.bytes[5] ?? 0) - (128 + (red - 128) / 4)) <= 1);
});

test('the same pixels again change nothing, one different pixel does', () => {
  const pixels = flat(64, 64, [12, 34, 56]);
  const picture = new I420Picture(64, 64);
  assert.equal(picture.convert(rgbaImage(64, 64, pixels), FULL), true);
  assert.equal(picture.convert(rgbaImage(64, 64, pixels), FULL), false);
  pixels[(63 * 64 + 63) * 4 + 1] = 40;
  assert.equal(picture.convert(rgbaImage(64, 64, pixels), { x: 0, y: 0, width: 62, height: 62 }), false);
  assert.equal(picture.convert(rgbaImage(64, 64, pixels), FULL), true);
});

test('only the rectangle is converted, widened to even edges', () => {
  const picture = new I420Picture(8, 8);
  picture.convert(rgbaImage(8, 8, flat(8, 8, [255, 255, 255])), { x: 3, y: 3, width: 2, height: 2 });
  const rows = Array.from({ length: 8 }, (_, y) => [...picture.bytes.subarray(y * 8, y * 8 + 8)]);
  const white = rows.map((row) => row.map((value) => (value === 235 ? '#' : '.')).join(''));
  const untouched = '........';
  assert.deepEqual(white, [untouched, untouched, '..####..', '..####..', '..####..', '..####..', untouched, untouched]);
});

test('odd sizes repeat the last column and row, and rectangles past the edge are cut', () => {
  const picture = new I420Picture(5, 3);
  assert.deepEqual([picture.width, picture.height], [6, 4]);
  picture.convert(rgbaImage(5, 3, flat(5, 3, [255, 255, 255])), { x: -7, y: -7, width: 100, height: 100 });
  assert.ok(picture.bytes.subarray(0, 24).every((value) => value === 235));
});

test('an offset places the image on a larger canvas', () => {
  const picture = new I420Picture(8, 8);
  picture.convert(rgbaImage(4, 4, flat(4, 4, [255, 255, 255])), FULL, 2, 4);
  const white = [...picture.bytes.subarray(0, 64)].flatMap((value, i) => (value === 235 ? [[i % 8, i >> 3]] : []));
  assert.equal(white.length, 16);
  assert.deepEqual(white[0], [2, 4]);
  assert.deepEqual(white.at(-1), [5, 7]);
});

test('an area is taken over from another picture, and nothing around it', () => {
  const [from, to, whole] = [new I420Picture(16, 16), new I420Picture(16, 16), new I420Picture(16, 16)];
  from.convert(rgbaImage(16, 16, flat(16, 16, [9, 200, 9])), { x: 0, y: 0, width: 16, height: 16 });
  const area = { x: 4, y: 6, width: 4, height: 2 };
  to.copyFrom(from, area);
  whole.convert(rgbaImage(16, 16, flat(16, 16, [9, 200, 9])), area);
  assert.deepEqual(to.bytes, whole.bytes);
});

test('a copied area compares equal until one of its samples changes', () => {
  const picture = new I420Picture(16, 16);
  const area = { x: 4, y: 6, width: 4, height: 2 };
  const copy = picture.copyArea(area);
  assert.equal(copy.byteLength, 12);
  assert.equal(picture.equalsCopy(area, copy), true);
  picture.convert(rgbaImage(16, 16, flat(16, 16, [9, 9, 9])), { x: 8, y: 6, width: 8, height: 2 });
  assert.equal(picture.equalsCopy(area, copy), true);
  picture.convert(rgbaImage(16, 16, flat(16, 16, [9, 9, 9])), { x: 7, y: 6, width: 1, height: 1 });
  assert.equal(picture.equalsCopy(area, copy), false);
});
