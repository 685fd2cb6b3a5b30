import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../../core/errors.ts';
import { plainTileKernels } from '../remotefx/tile-kernels.ts';
import { encodeProgressiveStream, FULL_QUALITY, type ProgressiveRegion } from './blocks.ts';
import { ProgressiveDecoder } from './decoder.ts';
import { ProgressiveTileEncoder } from './encoder.ts';
import { SrlReader, SrlWriter } from './srl.ts';
import { EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT, TILE_PIXELS, WAVELET_SCRATCH } from './wavelet.ts';

const plain = plainTileKernels();

const FINE = new Uint8Array(10).fill(6);
const LAYOUTS = { original: ORIGINAL_LAYOUT, extrapolated: EXTRAPOLATED_LAYOUT };

/** A tile of text-like marks over a gradient. */
function tilePixels(seed: number): Uint32Array {
  return Uint32Array.from({ length: TILE_PIXELS }, (_, i) => {
    const [x, y] = [i & 63, i >> 6];
    if ((x * 5 + y * 3 + seed) % 17 < 4 && y % 12 < 8) return 0xff203040;
    return (0xff000000 | ((200 + (x >> 1)) << 16) | ((180 + (y >> 1)) << 8) | (x * 3 + seed)) >>> 0;
  });
}

function surface(width: number, height: number) {
  return { words: new Uint32Array(width * height), stride: width, x: 0, y: 0, width, height };
}

function regionOf(
  tiles: ProgressiveRegion['tiles'],
  extrapolated: boolean,
  more: Partial<ProgressiveRegion> = {},
): ProgressiveRegion {
  const rects = [{ x: 0, y: 0, width: 64, height: 64 }];
  return { kind: 'region', extrapolated, rects, quantization: [FINE], progressive: [], tiles, ...more };
}

function streamOf(...regions: ProgressiveRegion[]): Uint8Array {
  return encodeProgressiveStream({ withContext: true, regions });
}

function psnr(a: Uint32Array, b: Uint32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    for (const shift of [0, 8, 16])
      squares += ((((a[i] ?? 0) >>> shift) & 0xff) - (((b[i] ?? 0) >>> shift) & 0xff)) ** 2;
  }
  return 10 * Math.log10((255 * 255 * a.length * 3) / Math.max(squares, 1));
}

const place = { xIdx: 0, yIdx: 0 };

for (const [name, layout] of Object.entries(LAYOUTS)) {
  const extrapolated = layout === EXTRAPOLATED_LAYOUT;
  describe(`RemoteFX Progressive, ${name} wavelet`, () => {
    it('has bands that fill the tile without a gap', () => {
      let at = 0;
      for (const band of layout.bands) {
        assert.equal(band.offset, at, band.name);
        at += band.size;
      }
      assert.equal(at, TILE_PIXELS);
    });

    it('transforms back what it transformed, within rounding', () => {
      const samples = Int16Array.from({ length: TILE_PIXELS }, (_, i) => ((i * 37) % 255) * 32 - 4096);
      const tile = samples.slice();
      layout.forward(tile, new Int16Array(WAVELET_SCRATCH));
      plain.inverseWavelet(tile, layout, 0);
      samples.forEach((sample, i) => {
        assert.ok(Math.abs(sample - (tile[i] ?? 0)) <= 12, `sample ${i}: ${sample} became ${tile[i]}`);
      });
    });

    it('transforms the same when told where detail begins', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: TILE_PIXELS }), fc.integer({ min: 1, max: 4095 }), (from, spread) => {
          const tile = Int16Array.from({ length: TILE_PIXELS }, (_, i) =>
            i < from ? 0 : ((i * 7919) % spread) - (spread >> 1),
          );
          const slowly = tile.slice();
          plain.inverseWavelet(tile, layout, from);
          plain.inverseWavelet(slowly, layout, 0);
          assert.deepEqual(tile, slowly);
        }),
        {
          numRuns: 60,
          examples: [layout.bands.at(-1)?.offset ?? 0, TILE_PIXELS].map((at) => [at, 999] as [number, number]),
        },
      );
    });

    it('shows a simple tile', () => {
      const pixels = tilePixels(1);
      const target = surface(64, 64);
      const tile = new ProgressiveTileEncoder(pixels, layout, FINE).first(place, FULL_QUALITY);
      const changed = new ProgressiveDecoder().decode(streamOf(regionOf([tile], extrapolated)), target);
      assert.deepEqual(changed, [{ x: 0, y: 0, width: 64, height: 64 }]);
      // The encoder cuts towards zero, which costs it about 2 dB against RemoteFX's own.
      assert.ok(psnr(target.words, pixels) > 38, `${psnr(target.words, pixels)}`);
    });

    it('is after all upgrade passes bit for bit what one full pass gives', () => {
      const pixels = tilePixels(2);
      const encoder = new ProgressiveTileEncoder(pixels, layout, FINE);
      const whole = surface(64, 64);
      new ProgressiveDecoder().decode(streamOf(regionOf([encoder.first(place, FULL_QUALITY)], extrapolated)), whole);

      const coarse = Uint8Array.of(6, 6, 7, 5, 5, 6, 4, 4, 5, 2);
      const middle = Uint8Array.of(3, 3, 3, 2, 2, 2, 1, 1, 2, 0);
      const progressive = [coarse, middle].map((values, quality) => ({ quality, y: values, cb: values, cr: values }));
      const decoder = new ProgressiveDecoder();
      const stepwise = surface(64, 64);
      const quality: number[] = [];
      for (const tile of [
        encoder.first(place, 0, coarse),
        encoder.upgrade(place, 1, coarse, middle),
        encoder.upgrade(place, FULL_QUALITY, middle),
      ]) {
        decoder.decode(streamOf(regionOf([tile], extrapolated, { progressive })), stepwise);
        decoder.endFrame();
        quality.push(psnr(stepwise.words, pixels));
      }
      assert.ok(
        quality.every((value, i) => i === 0 || value > (quality[i - 1] ?? 0)),
        `not rising: ${quality}`,
      );
      assert.deepEqual(stepwise.words, whole.words);
    });

    it('adds a difference to what the tile was', () => {
      const [before, after] = [tilePixels(3), tilePixels(9)];
      const encoders = [before, after].map((pixels) => new ProgressiveTileEncoder(pixels, layout, FINE));
      const [old, next] = encoders as [ProgressiveTileEncoder, ProgressiveTileEncoder];
      const whole = surface(64, 64);
      new ProgressiveDecoder().decode(streamOf(regionOf([next.first(place, FULL_QUALITY)], extrapolated)), whole);
      const decoder = new ProgressiveDecoder();
      const target = surface(64, 64);
      decoder.decode(streamOf(regionOf([old.first(place, FULL_QUALITY)], extrapolated)), target);
      decoder.decode(streamOf(regionOf([next.first(place, FULL_QUALITY, undefined, old)], extrapolated)), target);
      assert.deepEqual(target.words, whole.words);
    });
  });
}

describe('RemoteFX Progressive regions', () => {
  const tileAt = (xIdx: number, yIdx: number, seed: number) =>
    new ProgressiveTileEncoder(tilePixels(seed), EXTRAPOLATED_LAYOUT, FINE).first({ xIdx, yIdx }, FULL_QUALITY);

  it('clip tiles to their rectangles and to the surface', () => {
    const target = surface(100, 70);
    const rects = [
      { x: 60, y: 2, width: 8, height: 3 },
      { x: 90, y: 60, width: 500, height: 500 },
    ];
    const tiles = [tileAt(0, 0, 1), tileAt(1, 0, 2), tileAt(0, 1, 3), tileAt(1, 1, 4), tileAt(9, 9, 5)];
    new ProgressiveDecoder().decode(streamOf(regionOf(tiles, true, { rects })), target);
    const drawn = target.words.filter((word) => word !== 0).length;
    assert.equal(drawn, 8 * 3 + 10 * 10);
  });

  it('share the tiles of their frame, and no others', () => {
    const target = surface(128, 64);
    const decoder = new ProgressiveDecoder();
    const left = regionOf([tileAt(0, 0, 1), tileAt(1, 0, 2)], true);
    const right = regionOf([], true, { rects: [{ x: 64, y: 0, width: 64, height: 64 }] });
    decoder.decode(streamOf(left, right), target);
    assert.ok(target.words.every((word) => word !== 0));
    decoder.endFrame();
    assert.deepEqual(decoder.decode(streamOf(right), target), []);
  });

  it('show earlier tiles of their frame as they have come to be', () => {
    const coarse = new Uint8Array(10).fill(3);
    const progressive = [{ quality: 0, y: coarse, cb: coarse, cr: coarse }];
    const encoder = new ProgressiveTileEncoder(tilePixels(6), EXTRAPOLATED_LAYOUT, FINE);
    const whole = encoder.first(place, FULL_QUALITY);
    const first = encoder.first(place, 0, coarse);
    const upgrade = encoder.upgrade(place, FULL_QUALITY, coarse);
    for (const passes of [[whole], [first], [first, upgrade], [whole, upgrade], [first, whole]]) {
      const half = { rects: [{ x: 0, y: 0, width: 30, height: 64 }], progressive };
      const rest = { rects: [{ x: 30, y: 0, width: 34, height: 64 }] };
      const [expected, target] = [surface(64, 64), surface(64, 64)];
      const regions = passes.map((tile) => regionOf([tile], true, { progressive }));
      new ProgressiveDecoder().decode(streamOf(...regions), expected);
      const halves = passes.map((tile) => regionOf([tile], true, half));
      const changed = new ProgressiveDecoder().decode(streamOf(...halves, regionOf([], true, rest)), target);
      assert.deepEqual(target.words, expected.words);
      assert.deepEqual(changed.at(-1), rest.rects[0]);
    }
  });

  it('are ignored outside a frame, and taken with any sync block or none', () => {
    const region = regionOf([tileAt(0, 0, 1)], true);
    const stream = streamOf(region);
    const syncSize = 12;
    const contextSize = 10;
    const beginSize = 12;
    const expected = surface(64, 64);
    new ProgressiveDecoder().decode(stream, expected);
    const other = stream.slice();
    other.fill(0x77, 6, syncSize);
    const context = stream.subarray(syncSize, syncSize + contextSize);
    const begin = stream.subarray(syncSize + contextSize, syncSize + contextSize + beginSize);
    const rest = stream.subarray(syncSize + contextSize + beginSize);
    for (const [name, bytes] of Object.entries({
      'another sync block': other,
      'no sync block': stream.subarray(syncSize),
      'neither sync nor context': stream.subarray(syncSize + contextSize),
      'context within the frame': Uint8Array.of(...begin, ...context, ...rest),
    })) {
      const target = surface(64, 64);
      new ProgressiveDecoder().decode(bytes, target);
      assert.deepEqual(target.words, expected.words, name);
    }
    const target = surface(64, 64);
    const decoder = new ProgressiveDecoder();
    assert.deepEqual(decoder.decode(rest, target), [], 'no beginning');
    decoder.decode(stream, surface(64, 64));
    assert.deepEqual(decoder.decode(rest, target), [], 'behind the end');
    assert.ok(target.words.every((word) => word === 0));
  });

  it('throws nothing but DecodeError on damaged streams', () => {
    const extra = new Uint8Array(10).fill(4);
    const progressive = [{ quality: 0, y: extra, cb: extra, cr: extra }];
    const encoder = new ProgressiveTileEncoder(tilePixels(4), EXTRAPOLATED_LAYOUT, FINE);
    const tiles = [encoder.first(place, 0, extra), encoder.upgrade(place, FULL_QUALITY, extra)];
    const good = streamOf(regionOf(tiles, true, { progressive }));
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const bytes = good.slice(0, Math.max(cut, good.length >> 1));
        for (const [at, value] of changes) bytes[at] = value;
        try {
          new ProgressiveDecoder().decode(bytes, surface(64, 64));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('SRL', () => {
  it('round trips any coefficients', () => {
    const value = fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: -15, max: 15 }) },
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 300 }), (values) => {
        const writer = new SrlWriter();
        for (const each of values) writer.coefficient(each, 4);
        const reader = new SrlReader(writer.finish());
        assert.deepEqual(
          values.map(() => reader.read(4)),
          values.map((each) => each + 0),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('what a frame may cost', () => {
  const dots = (count: number, width: number) =>
    Array.from({ length: count }, (_, i) => ({ x: 64 - width / 2, y: i % 64, width, height: 1 }));
  const withRects = (rects: ProgressiveRegion['rects']) => streamOf(regionOf([], false, { rects }));

  it('rectangles, until it is over', () => {
    const decoder = new ProgressiveDecoder();
    const region = withRects(dots(16_384, 2));
    for (let i = 0; i < 8; i++) decoder.decode(region, surface(128, 64));
    const oneMore = () => decoder.decode(withRects(dots(1, 2)), surface(128, 64));
    assert.throws(oneMore, { code: 'limit_exceeded', field: 'numRects' });
    decoder.endFrame();
    assert.doesNotThrow(oneMore);
  });

  it('parts of tiles that are drawn, new ones and earlier ones', () => {
    const tile = new ProgressiveTileEncoder(tilePixels(1), ORIGINAL_LAYOUT, FINE).first(place, FULL_QUALITY);
    const decoder = new ProgressiveDecoder();
    const target = surface(128, 64);
    decoder.decode(streamOf(regionOf([tile, { ...tile, xIdx: 1 }], false)), target);
    const region = withRects(dots(16_384, 2));
    // Each lies over both tiles.
    for (let i = 0; i < 3; i++) decoder.decode(region, target);
    assert.throws(() => decoder.decode(region, target), { code: 'limit_exceeded', field: 'numTiles' });
  });
});
