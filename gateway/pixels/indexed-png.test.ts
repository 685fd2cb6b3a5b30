import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { encodeIndexedPng, indexColours, MAX_COLOURS } from './indexed-png.ts';

const OPAQUE = 0xff000000 | 0;

function noise(seed: number, length: number, colours: number): Int32Array {
  const words = new Int32Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i] = OPAQUE | Math.imul((state >>> 8) % colours, 0x010305);
  }
  return words;
}

it('any number of colours up to 256 and any size comes back exactly, read by another decoder', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1, 2, 3, 4, 5, 16, 17, 255, 256),
      fc.integer(),
      async (width, height, colours, seed) => {
        const stride = width + 3;
        const words = noise(seed, stride * (height + 2), colours);
        const picture = indexColours(words, stride, { x: 2, y: 1, width, height });
        assert.ok(picture !== undefined);
        const raw = await sharp(await encodeIndexedPng(picture))
          .ensureAlpha()
          .raw()
          .toBuffer();
        const pixels = new Int32Array(Uint8Array.from(raw).buffer);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) assert.equal(pixels[y * width + x], words[(y + 1) * stride + x + 2]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

it('more colours than a palette holds are none of its business', () => {
  const words = Int32Array.from({ length: 400 }, (_, i) => OPAQUE | i);
  assert.equal(indexColours(words, MAX_COLOURS + 1, { x: 0, y: 0, width: MAX_COLOURS + 1, height: 1 }), undefined);
  assert.equal(indexColours(words, 400, { x: 5, y: 0, width: MAX_COLOURS, height: 1 })?.palette.length, MAX_COLOURS);
});
