import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../../core/errors.ts';
import { ClearCodecDecoder, SubCodecId } from './decoder.ts';
import { ClearCodecEncoder, type ClearCodecPlan } from './encoder.ts';
import { SHORT_VBAR_ENTRIES, VBAR_ENTRIES } from './vbars.ts';

const pixel = fc.constantFrom(0xff0000ff, 0xff00ff00, 0xffff0000, 0xffffffff, 0xff000000, 0xff123456);

/** A bitmap and a plan whose layers together show all of it. */
const job = fc
  .tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
    fc.array(pixel, { minLength: 1, maxLength: 60 }),
  )
  .chain(([width, height, texture]) => {
    const pixels = Uint32Array.from({ length: width * height }, (_, i) => texture[(i >> 1) % texture.length] ?? 0);
    const rect = fc
      .tuple(fc.nat(width - 1), fc.nat(height - 1), fc.nat(width - 1), fc.nat(height - 1))
      .map(([x, y, w, h]) => ({ x, y, width: Math.min(w + 1, width - x), height: Math.min(h + 1, height - y) }));
    const band = fc.tuple(rect, pixel).map(([place, background]) => ({ ...place, background }));
    const subcodec = fc
      .tuple(rect, fc.constantFrom(SubCodecId.uncompressed, SubCodecId.rlex))
      .map(([place, codec]) => ({ ...place, codec }));
    return fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      pixels: fc.constant(pixels),
      bands: fc.array(band, { maxLength: 3 }),
      subcodecs: fc.array(subcodec, { maxLength: 3 }),
      cacheReset: fc.boolean(),
    });
  });

function targetOf(width: number, height: number) {
  return { words: new Uint32Array((width + 3) * (height + 2)), stride: width + 3, x: 2, y: 1, width, height };
}

function shown(target: ReturnType<typeof targetOf>): number[] {
  return Array.from({ length: target.width * target.height }, (_, i) => {
    const y = Math.floor(i / target.width);
    return target.words[(target.y + y) * target.stride + target.x + (i % target.width)] ?? 0;
  });
}

describe('ClearCodec', () => {
  it('round trips every mix of layers through running storages', () => {
    fc.assert(
      fc.property(fc.array(job, { minLength: 1, maxLength: 5 }), (jobs) => {
        const encoder = new ClearCodecEncoder();
        const decoder = new ClearCodecDecoder();
        for (const { width, height, pixels, ...layers } of jobs) {
          const target = targetOf(width, height);
          decoder.decode(encoder.encode(pixels, width, { residual: true, ...layers }), target);
          assert.deepEqual(shown(target), [...pixels]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('draws bands and rectangles where there is no residual, and nothing else', () => {
    const pixels = new Uint32Array(30 * 20).fill(0xff445566);
    const plan: ClearCodecPlan = {
      residual: false,
      bands: [{ x: 2, y: 3, width: 5, height: 4, background: 0xff445566 }],
      subcodecs: [{ x: 20, y: 10, width: 3, height: 2, codec: SubCodecId.rlex }],
    };
    const target = targetOf(30, 20);
    new ClearCodecDecoder().decode(new ClearCodecEncoder().encode(pixels, 30, plan), target);
    const drawn = shown(target).filter((word) => word !== 0);
    assert.equal(drawn.length, 5 * 4 + 3 * 2);
  });

  it('takes NSCodec rectangles', () => {
    const pixels = new Uint32Array(16 * 8).fill(0xff808080);
    const plan = {
      residual: false,
      bands: [],
      subcodecs: [{ x: 0, y: 0, width: 16, height: 8, codec: SubCodecId.nsCodec }],
    };
    const target = targetOf(16, 8);
    new ClearCodecDecoder().decode(new ClearCodecEncoder().encode(pixels, 16, plan), target);
    assert.deepEqual(new Set(shown(target)), new Set([0xff808080]));
  });

  it('draws a stored glyph again', () => {
    const encoder = new ClearCodecEncoder();
    const decoder = new ClearCodecDecoder();
    const pixels = Uint32Array.from({ length: 12 }, (_, i) => 0xff000000 + i * 7);
    decoder.decode(
      encoder.encode(pixels, 4, { residual: true, bands: [], subcodecs: [], glyphIndex: 3999 }),
      targetOf(4, 3),
    );
    const again = targetOf(4, 3);
    decoder.decode(encoder.encodeGlyphHit(3999), again);
    assert.deepEqual(shown(again), [...pixels]);
    assert.throws(() => decoder.decode(encoder.encodeGlyphHit(3999), targetOf(3, 3)), { field: 'glyphIndex' });
    assert.throws(() => decoder.decode(encoder.encodeGlyphHit(7), targetOf(4, 3)), { field: 'glyphIndex' });
  });

  it('draws a residual that ends before the bitmap does', () => {
    const target = targetOf(2, 2);
    const residual = [1, 2, 3, 3];
    const stream = [0, 0, residual.length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...residual];
    new ClearCodecDecoder().decode(Uint8Array.from(stream), target);
    assert.deepEqual(shown(target), [0xff010203, 0xff010203, 0xff010203, 0]);
  });

  it('reads run lengths of one, two and four bytes', () => {
    const target = targetOf(300, 300);
    const rest = 90_000 - 254 - 255 - 65_534;
    const runs = [[254], [0xff, 255, 0], [0xff, 0xfe, 0xff], [0xff, 0xff, 0xff, rest & 0xff, rest >> 8, 0, 0]];
    const residual = runs.flatMap((run, i) => [i + 1, 0, 0, ...run]);
    const stream = [0, 0, residual.length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...residual];
    new ClearCodecDecoder().decode(Uint8Array.from(stream), target);
    const blue = shown(target).map((word) => (word >>> 16) & 0xff);
    const lengths = [1, 2, 3, 4].map((value) => blue.filter((b) => b === value).length);
    assert.deepEqual(lengths, [254, 255, 65_534, rest]);
  });

  it('wraps the cursors of both storages at their limits', () => {
    const decoder = new ClearCodecDecoder();
    const target = targetOf(1, 1);
    const stream = (vBar: readonly number[]) =>
      Uint8Array.from([0, 0, 0, 0, 0, 0, 11 + vBar.length, 0, 0, 0, 0, 0, 0, 0, ...Array(11).fill(0), ...vBar]);
    const shows = (vBar: readonly number[]) => {
      decoder.decode(stream(vBar), target);
      return (shown(target)[0] ?? 0) & 0xffffff;
    };
    const miss = (value: number) => [0, 1, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
    for (let i = 0; i < VBAR_ENTRIES; i++) shows(miss(i));
    // The short storage has wrapped once already, so that its entry 0 is the 16,385th; the other is full to the brim.
    assert.equal(shows([0xff, 0xff]), VBAR_ENTRIES - 1);
    assert.equal(shows([0x00, 0x80]), 0);
    assert.equal(shows([0x00, 0x40, 0]), SHORT_VBAR_ENTRIES);
    // That hit went into the storage of whole columns, at its front again; the next goes behind it.
    assert.equal(shows([0x00, 0x80]), SHORT_VBAR_ENTRIES);
    assert.equal(shows([0xff, 0x7f, 0]), VBAR_ENTRIES - 1);
    assert.equal(shows([0x01, 0x80]), VBAR_ENTRIES - 1);
    assert.equal(shows([0x02, 0x80]), 2);
  });

  it('reads bytes laid out by hand from the specification', () => {
    const target = targetOf(2, 2);
    // Residual: blue × 3, then green × 1. A band over column 1: a short V-Bar miss, yOn 1, yOff 2, one red pixel.
    const residual = [0xff, 0, 0, 3, 0, 0xff, 0, 1];
    const band = [1, 0, 1, 0, 0, 0, 1, 0, 0x10, 0x20, 0x30, 0x01, 0x02, 0, 0, 0xff];
    const stream = [0, 0, residual.length, 0, 0, 0, band.length, 0, 0, 0, 0, 0, 0, 0, ...residual, ...band];
    new ClearCodecDecoder().decode(Uint8Array.from(stream), target);
    assert.deepEqual(shown(target), [0xffff0000, 0xff102030, 0xffff0000, 0xff0000ff]);
  });

  it('reads a suite of RLEX', () => {
    const target = targetOf(5, 1);
    // Three colours need two bits of stop index. Depth 2, stop 2: a run of 2 of colour 0, then 0, 1, 2.
    const rlex = [3, 1, 0, 0, 2, 0, 0, 3, 0, 0, (2 << 2) | 2, 2];
    const part = [0, 0, 0, 0, 5, 0, 1, 0, rlex.length, 0, 0, 0, 2, ...rlex];
    const stream = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, part.length, 0, 0, 0, ...part];
    new ClearCodecDecoder().decode(Uint8Array.from(stream), target);
    assert.deepEqual(shown(target), [0xff010000, 0xff010000, 0xff010000, 0xff020000, 0xff030000]);
  });

  it('throws nothing but DecodeError on damaged streams', () => {
    fc.assert(
      fc.property(
        job,
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 5 }),
        fc.nat(2000),
        (made, changes, cut) => {
          const { width, height, pixels, ...layers } = made;
          const bytes = new ClearCodecEncoder().encode(pixels, width, { residual: true, ...layers }).slice(0, cut);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const target = targetOf(width, height);
          try {
            new ClearCodecDecoder().decode(bytes, target);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
          target.words.forEach((word, i) => {
            const [x, y] = [(i % target.stride) - target.x, Math.floor(i / target.stride) - target.y];
            assert.ok(word === 0 || (x >= 0 && y >= 0 && x < width && y < height), 'drew outside the target');
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});
