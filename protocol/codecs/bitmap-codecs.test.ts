import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeInterleavedRle } from './interleaved-rle.ts';
import { encodeInterleavedRle, packRgb565 } from './interleaved-rle-encoder.ts';
import { createPixelTarget, type PixelTarget } from './pixel-target.ts';
import { decodePlanar } from './planar.ts';
import { encodePlanar } from './planar-encoder.ts';

/** A picture inside a larger buffer, so that a decoder that leaves its rectangle is found out. */
const MARGIN = 2;
const UNTOUCHED = 0x12345678;

function frame(width: number, height: number): PixelTarget {
  const stride = width + MARGIN * 2;
  const words = new Uint32Array(stride * (height + MARGIN * 2)).fill(UNTOUCHED);
  return createPixelTarget(new Uint8Array(words.buffer), stride, { x: MARGIN, y: MARGIN, width, height });
}

function read(target: PixelTarget): number[][] {
  const rows: number[][] = [];
  for (let y = 0; y < target.height; y++) {
    const start = (target.y + y) * target.stride + target.x;
    rows.push([...target.words.subarray(start, start + target.width)]);
  }
  return rows;
}

function assertMarginUntouched(target: PixelTarget): void {
  const { words, stride, x, y, width, height } = target;
  words.forEach((word, at) => {
    const column = at % stride;
    const row = (at - column) / stride;
    if (column >= x && column < x + width && row >= y && row < y + height) return;
    assert.equal(word, UNTOUCHED, `pixel ${column},${row} lies outside the picture`);
  });
}

/** Pictures as desktops have them: few colours, long runs, rows that repeat, and some noise. */
const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 80 }),
    height: fc.integer({ min: 1, max: 12 }),
    colors: fc.array(fc.integer({ min: 0, max: 0xffffff }), { minLength: 1, maxLength: 6 }),
    runs: fc.array(
      fc.record({ kind: fc.nat(3), length: fc.integer({ min: 1, max: 400 }), color: fc.nat(), noise: fc.nat() }),
      { minLength: 1, maxLength: 30 },
    ),
  })
  .map(({ width, height, colors, runs }) => {
    const target = frame(width, height);
    const pixels: number[] = [];
    for (let i = 0; pixels.length < width * height; i++) {
      const run = runs[i % runs.length]!;
      for (let n = 0; n < run.length && pixels.length < width * height; n++) {
        const above = pixels[pixels.length - width] ?? 0;
        const color = colors[run.color % colors.length]!;
        if (run.kind === 0) pixels.push(color);
        else if (run.kind === 1) pixels.push(above);
        else if (run.kind === 2) pixels.push((above ^ color) & 0xffffff);
        else pixels.push((Math.imul(run.noise + n, 2654435761) >>> 5) & 0xffffff);
      }
    }
    pixels.forEach((pixel, i) => {
      const x = i % width;
      const y = height - 1 - (i - x) / width;
      target.words[(target.y + y) * target.stride + target.x + x] = (0xff000000 | pixel) >>> 0;
    });
    return target;
  });

describe('interleaved RLE round trips', () => {
  it('gives back every 24 bpp picture that it compresses', () => {
    fc.assert(
      fc.property(picture, (source) => {
        const encoded = encodeInterleavedRle(source, 24);
        if (encoded === undefined) return;
        const target = frame(source.width, source.height);
        decodeInterleavedRle(encoded, target, 24);
        assert.deepEqual(read(target), read(source));
        assertMarginUntouched(target);
      }),
    );
  });

  it('gives back every 16 bpp picture to the precision of 5-6-5', () => {
    fc.assert(
      fc.property(picture, (source) => {
        const encoded = encodeInterleavedRle(source, 16);
        if (encoded === undefined) return;
        const target = frame(source.width, source.height);
        decodeInterleavedRle(encoded, target, 16);
        const pack = (rows: number[][]) => rows.map((row) => row.map(packRgb565));
        assert.deepEqual(pack(read(target)), pack(read(source)));
        assert.ok(read(target).every((row) => row.every((pixel) => pixel >>> 24 === 255)));
        assertMarginUntouched(target);
      }),
    );
  });

  it('compresses a flat picture at both depths', () => {
    const source = frame(64, 64);
    source.words.fill(0xff808080);
    assert.ok((encodeInterleavedRle(source, 24)?.length ?? Number.POSITIVE_INFINITY) < 32);
    assert.ok((encodeInterleavedRle(source, 16)?.length ?? Number.POSITIVE_INFINITY) < 32);
  });
});

describe('planar round trips', () => {
  it('gives back every picture, in either row order', () => {
    fc.assert(
      fc.property(picture, fc.constantFrom('bottom-up' as const, 'top-down' as const), (source, order) => {
        const target = frame(source.width, source.height);
        decodePlanar(encodePlanar(source, order), target, order);
        assert.deepEqual(read(target), read(source));
        assertMarginUntouched(target);
      }),
    );
  });

  it('writes raw planes with a pad byte where runs would be larger', () => {
    const source = frame(33, 9);
    let noise = 1;
    for (let i = 0; i < source.words.length; i++) {
      noise ^= noise << 13;
      noise ^= noise >>> 17;
      noise ^= noise << 5;
      source.words[i] = noise | 0xff000000;
    }
    const encoded = encodePlanar(source);
    assert.equal(encoded[0], 0x20);
    assert.equal(encoded.length, 1 + 33 * 9 * 3 + 1);
    const target = frame(33, 9);
    decodePlanar(encoded, target);
    assert.deepEqual(read(target), read(source));
  });
});
