import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import { decodeNsCodec } from './nscodec.ts';
import { encodeNsCodec } from './nscodec-encoder.ts';

function target(width: number, height: number, words = new Uint32Array(width * height)) {
  return { words, stride: width, x: 0, y: 0, width, height };
}

/** A stream by hand: `[LumaPlaneByteCount, …, planes]`. */
function stream(luma: number[], orange: number[], green: number[], loss = 1, subsampling = 0): Uint8Array {
  const counts = [luma, orange, green, []].flatMap((plane) => [plane.length, 0, 0, 0]);
  return Uint8Array.from([...counts, loss, subsampling, 0, 0, ...luma, ...orange, ...green]);
}

describe('decodeNsCodec', () => {
  it('turns raw AYCoCg planes into pixels', () => {
    const out = target(2, 1);
    // Y=100 Co=10 Cg=-20: R=130 G=80 B=110; Y=250 Co=20 Cg=0: R=255 (clamped) G=250 B=230.
    decodeNsCodec(stream([100, 250], [10, 20], [256 - 20, 0]), out, 'top-down');
    assert.deepEqual([...out.words], [0xff6e5082, 0xffe6faff]);
  });

  it('reads runs, single values, a long run and the raw tail', () => {
    const luma = [7, 7, 3, 9, 5, 5, 0xff, 0x2c, 1, 0, 0, 1, 2, 3, 4];
    const width = 5 + 1 + 300 + 4;
    const flat = [0, 0, 0xff, (width - 4) & 0xff, (width - 4) >> 8, 0, 0, 0, 0, 0, 0];
    const out = target(width, 1);
    decodeNsCodec(stream(luma, flat, flat), out, 'top-down');
    const greys = [...out.words].map((word) => word & 0xff);
    assert.deepEqual(greys, [7, 7, 7, 7, 7, 9, ...new Array(300).fill(5), 1, 2, 3, 4]);
  });

  it('writes bottom-up pictures from their lowest row', () => {
    const out = target(1, 2);
    decodeNsCodec(stream([10, 20], [0, 0], [0, 0]), out, 'bottom-up');
    assert.deepEqual([...out.words], [0xff141414, 0xff0a0a0a]);
  });

  it('comes within rounding of any picture at full depth, and within the lost bits below it', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.nat(0xffffff), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        (size, colours, loss) => {
          const [width, height] = size;
          const original = target(width, height);
          original.words.forEach((_, i) => {
            original.words[i] = 0xff000000 | (colours[(i >> 2) % colours.length] ?? 0);
          });
          const out = target(width, height);
          const encoded = encodeNsCodec(original, 'bottom-up', { colorLossLevel: loss, subsampled: false });
          decodeNsCodec(encoded, out, 'bottom-up');
          const bound = 6 + 2 * (1 << loss);
          out.words.forEach((word, i) => {
            for (const shift of [0, 8, 16]) {
              const difference = ((word >>> shift) & 0xff) - (((original.words[i] ?? 0) >>> shift) & 0xff);
              assert.ok(Math.abs(difference) <= bound, `pixel ${i} off by ${difference}`);
            }
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('takes subsampled chroma of odd sizes', () => {
    const original = target(13, 7);
    original.words.fill(0xff3060a0);
    const out = target(13, 7);
    decodeNsCodec(encodeNsCodec(original, 'top-down', { colorLossLevel: 1, subsampled: true }), out, 'top-down');
    for (const word of out.words) {
      for (const shift of [0, 8, 16])
        assert.ok(Math.abs(((word >>> shift) & 0xff) - ((0x3060a0 >>> shift) & 0xff)) <= 3);
    }
  });

  it('refuses what breaks the format', () => {
    const decode = (bytes: Uint8Array): void => decodeNsCodec(bytes, target(8, 1), 'top-down');
    const eight = [1, 2, 3, 4, 5, 6, 7, 8];
    assert.throws(() => decode(stream(eight, eight, eight, 0)), { code: 'invalid_value', field: 'ColorLossLevel' });
    assert.throws(() => decode(stream([...eight, 9], eight, eight)), { code: 'invalid_value', field: 'LumaPlane' });
    assert.throws(() => decode(stream([1, 1, 9, 0, 0, 0, 0], eight, eight)), { code: 'invalid_value' });
    assert.throws(() => decode(stream([1, 0, 0, 0, 0], eight, eight)), { code: 'invalid_value' });
    assert.throws(() => decode(stream(eight, eight, eight).subarray(0, 30)), { code: 'truncated' });
  });

  it('throws nothing but DecodeError on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (noise, subsampled) => {
        const counts = [20, 15, 15, 0].flatMap((count) => [count, 0, 0, 0]);
        const bytes = Uint8Array.from([...counts, 3, subsampled ? 1 : 0, 0, 0, ...noise]);
        try {
          decodeNsCodec(bytes, target(16, 4), 'top-down');
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
