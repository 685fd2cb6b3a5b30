/**
 * The decoder against the rules of [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4 and 3.1.9 followed to the letter: one pixel at a time, as it
 * is on the wire, in a buffer without rows. Every order, in every form and depth.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeInterleavedRle, type InterleavedDepth } from './interleaved-rle.ts';
import { decodeRawBitmap } from './raw-bitmap.ts';

/** What an order does to the pixels, and how it is written. */
interface Order {
  readonly kind: 'background' | 'foreground' | 'image' | 'color' | 'dithered' | 'mask' | 'white' | 'black';
  readonly bytes: readonly number[];
  /** Pixels that it makes. */
  readonly run: number;
  readonly foreground?: number;
  readonly colors?: readonly number[];
  /** Bits of a foreground/background image, first pixel first. */
  readonly mask?: readonly boolean[];
}

type Form = 'regular' | 'lite' | 'mega mega';

/** Header and run length: [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4 Standard and Extended Compression Orders. */
function header(form: Form, code: number, run: number): number[] {
  if (form === 'mega mega') return [code, run & 0xff, run >> 8];
  const [shift, longest] = form === 'regular' ? [5, 31] : [4, 15];
  return run <= longest ? [(code << shift) | run] : [code << shift, run - (longest + 1)];
}

/** Of a foreground/background image the short form counts in eights, and a MEGA length is one more than its byte. */
function maskHeader(form: Form, code: number, run: number): number[] {
  if (form === 'mega mega') return [code, run & 0xff, run >> 8];
  const [shift, longest] = form === 'regular' ? [5, 31] : [4, 15];
  return run % 8 === 0 && run / 8 <= longest ? [(code << shift) | (run / 8)] : [code << shift, run - 1];
}

function pixelBytes(pixel: number, depth: InterleavedDepth): number[] {
  const bytes = [pixel & 0xff, (pixel >> 8) & 0xff, (pixel >> 16) & 0xff];
  return bytes.slice(0, depth === 8 ? 1 : depth === 24 ? 3 : 2);
}

function packMask(mask: readonly boolean[]): number[] {
  const bytes = Array<number>(Math.ceil(mask.length / 8)).fill(0);
  mask.forEach((bit, i) => {
    if (bit) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bytes;
}

const MEGA = { background: 0xf0, foreground: 0xf1, mask: 0xf2, color: 0xf3, image: 0xf4 } as const;
const REGULAR = { background: 0x0, foreground: 0x1, mask: 0x2, color: 0x3, image: 0x4 } as const;

function orders(depth: InterleavedDepth): fc.Arbitrary<Order> {
  const pixel = fc.integer({ min: 0, max: 2 ** (depth === 15 ? 15 : depth) - 1 });
  const form = fc.constantFrom<Form>('regular', 'mega mega');
  const run = fc.integer({ min: 1, max: 90 });
  const code = (which: Form, kind: keyof typeof MEGA) => (which === 'regular' ? REGULAR[kind] : MEGA[kind]);
  const mask = fc.array(fc.boolean(), { minLength: 1, maxLength: 120 });
  const setForm = fc.constantFrom<Form>('lite', 'mega mega');
  return fc.oneof(
    fc.tuple(form, run).map(([f, n]): Order => {
      return { kind: 'background', run: n, bytes: header(f, code(f, 'background'), n) };
    }),
    fc.tuple(form, run).map(([f, n]): Order => {
      return { kind: 'foreground', run: n, bytes: header(f, code(f, 'foreground'), n) };
    }),
    fc.tuple(setForm, run, pixel).map(([f, n, foreground]): Order => {
      const bytes = [...header(f, f === 'lite' ? 0xc : 0xf6, n), ...pixelBytes(foreground, depth)];
      return { kind: 'foreground', run: n, foreground, bytes };
    }),
    fc.tuple(form, mask).map(([f, m]): Order => {
      return {
        kind: 'mask',
        run: m.length,
        mask: m,
        bytes: [...maskHeader(f, code(f, 'mask'), m.length), ...packMask(m)],
      };
    }),
    fc.tuple(setForm, mask, pixel).map(([f, m, foreground]): Order => {
      const head = maskHeader(f, f === 'lite' ? 0xd : 0xf7, m.length);
      const bytes = [...head, ...pixelBytes(foreground, depth), ...packMask(m)];
      return { kind: 'mask', run: m.length, foreground, mask: m, bytes };
    }),
    fc.tuple(form, run, pixel).map(([f, n, color]): Order => {
      const bytes = [...header(f, code(f, 'color'), n), ...pixelBytes(color, depth)];
      return { kind: 'color', run: n, colors: [color], bytes };
    }),
    fc.tuple(form, fc.array(pixel, { minLength: 1, maxLength: 60 })).map(([f, colors]): Order => {
      const bytes = [
        ...header(f, code(f, 'image'), colors.length),
        ...colors.flatMap((each) => pixelBytes(each, depth)),
      ];
      return { kind: 'image', run: colors.length, colors, bytes };
    }),
    fc.tuple(setForm, run, pixel, pixel).map(([f, pairs, a, b]): Order => {
      const bytes = [...header(f, f === 'lite' ? 0xe : 0xf8, pairs), ...pixelBytes(a, depth), ...pixelBytes(b, depth)];
      return { kind: 'dithered', run: 2 * pairs, colors: [a, b], bytes };
    }),
    fc.constantFrom<Order>(
      { kind: 'mask', run: 8, bytes: [0xf9], mask: [true, true, false, false, false, false, false, false] },
      { kind: 'mask', run: 8, bytes: [0xfa], mask: [true, false, true, false, false, false, false, false] },
      { kind: 'white', run: 1, bytes: [0xfd] },
      { kind: 'black', run: 1, bytes: [0xfe] },
    ),
  );
}

/** The pixels as they are on the wire, bottom row first. */
function follow(sent: readonly Order[], width: number, depth: InterleavedDepth): number[] {
  const white = depth === 15 ? 0x7fff : 2 ** depth - 1;
  const pixels: number[] = [];
  let foreground = white;
  let firstLine = true;
  let afterBackground = false;
  for (const order of sent) {
    // Whether an order is on the first line is settled at its beginning.
    if (firstLine && pixels.length >= width) {
      firstLine = false;
      afterBackground = false;
    }
    if (order.foreground !== undefined) foreground = order.foreground;
    for (let i = 0; i < order.run; i++) {
      const below = firstLine ? 0 : (pixels[pixels.length - width] ?? 0);
      if (order.kind === 'background') pixels.push(i === 0 && afterBackground ? below ^ foreground : below);
      else if (order.kind === 'foreground') pixels.push(below ^ foreground);
      else if (order.kind === 'mask') pixels.push(order.mask?.[i] === true ? below ^ foreground : below);
      else if (order.kind === 'white') pixels.push(white);
      else if (order.kind === 'black') pixels.push(0);
      else pixels.push(order.colors?.[i % order.colors.length] ?? 0);
    }
    afterBackground = order.kind === 'background';
  }
  return pixels;
}

describe('interleaved RLE follows the rules of [MS-RDPBCGR]', () => {
  for (const depth of [8, 15, 16, 24] as const) {
    it(`at ${depth} bpp`, () => {
      const palette = Uint32Array.from({ length: 256 }, (_, i) => (0xff000000 | (i * 0x030507)) >>> 0);
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 40 }),
          fc.array(orders(depth), { minLength: 1, maxLength: 25 }),
          (width, sent) => {
            const total = sent.reduce((sum, { run }) => sum + run, 0);
            const missing = (width - (total % width)) % width;
            const filler: Order = {
              kind: 'color',
              run: missing,
              colors: [0],
              bytes: [...header('mega mega', 0xf3, missing)],
            };
            const all =
              missing === 0 ? sent : [...sent, { ...filler, bytes: [...filler.bytes, ...pixelBytes(0, depth)] }];
            const pixels = follow(all, width, depth);
            const height = pixels.length / width;
            const target = { words: new Uint32Array(pixels.length), stride: width, x: 0, y: 0, width, height };
            decodeInterleavedRle(Uint8Array.from(all.flatMap(({ bytes }) => bytes)), target, depth, palette);
            const expected = { ...target, words: new Uint32Array(pixels.length) };
            decodeRawBitmap(
              Uint8Array.from(pixels.flatMap((pixel) => pixelBytes(pixel, depth))),
              expected,
              depth,
              palette,
            );
            assert.deepEqual(target.words, expected.words);
          },
        ),
        { numRuns: 400 },
      );
    });
  }
});
