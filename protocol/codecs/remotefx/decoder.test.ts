import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import { encodeFrame, type RfxFrame } from './blocks.ts';
import { RemoteFxDecoder } from './decoder.ts';
import { decodeQuantization, encodeQuantization, SUB_BANDS } from './quantization.ts';
import { RlgrMode } from './rlgr.ts';
import { encodeTile } from './tile-codec.ts';

const FINE = new Uint8Array(10).fill(6);

/** A picture with flat areas, edges and a gradient: what desktops are made of. */
function picture(width: number, height: number): Uint32Array {
  return Uint32Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    if ((x >> 4) % 3 === 0 && (y >> 3) % 4 === 0) return 0xff202020;
    if (x > width / 2) return (0xff000000 | (((x * 3) & 0xff) << 8) | ((y * 2) & 0xff)) >>> 0;
    return 0xffe8f0f8;
  });
}

function cutTile(pixels: Uint32Array, width: number, height: number, xIdx: number, yIdx: number): Uint32Array {
  return Uint32Array.from({ length: 4096 }, (_, i) => {
    const x = Math.min(xIdx * 64 + (i & 63), width - 1);
    const y = Math.min(yIdx * 64 + (i >> 6), height - 1);
    return pixels[y * width + x] ?? 0;
  });
}

function frameOf(pixels: Uint32Array, width: number, height: number, entropy: RlgrMode): RfxFrame {
  const tiles = [];
  for (let yIdx = 0; yIdx * 64 < height; yIdx++) {
    for (let xIdx = 0; xIdx * 64 < width; xIdx++) {
      tiles.push(encodeTile(cutTile(pixels, width, height, xIdx, yIdx), { xIdx, yIdx }, entropy, FINE));
    }
  }
  const rects = [{ x: 0, y: 0, width, height }];
  return { frameIdx: 0, width, height, entropy, rects, quantization: [FINE], tiles, withHeaders: true };
}

function psnr(a: Uint32Array, b: Uint32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    for (let shift = 0; shift < 24; shift += 8) {
      squares += ((((a[i] ?? 0) >>> shift) & 0xff) - (((b[i] ?? 0) >>> shift) & 0xff)) ** 2;
    }
  }
  return 10 * Math.log10((255 * 255 * a.length * 3) / Math.max(squares, 1));
}

/** Of all blocks before the tile set: the stream's own, the frame's and the region. */
function headSizeOf(rectCount: number): number {
  return 12 + 10 + 12 + 13 + 14 + 8 + 3 + 8 * rectCount + 4;
}
const FRAME_END_SIZE = 8;

const place = { stride: 64, x: 0, y: 0, width: 64, height: 64 };

describe('RemoteFxDecoder', () => {
  for (const [name, entropy] of Object.entries(RlgrMode)) {
    it(`brings back a picture that is no multiple of the tile size (${name})`, () => {
      const [width, height] = [150, 100];
      const original = picture(width, height);
      const words = new Uint32Array(width * height);
      const target = { words, stride: width, x: 0, y: 0, width, height };
      const changed = new RemoteFxDecoder().decode(encodeFrame(frameOf(original, width, height, entropy)), target);
      assert.deepEqual(changed, [{ x: 0, y: 0, width, height }]);
      assert.ok(psnr(words, original) > 40, `PSNR ${psnr(words, original)}`);
    });
  }

  it('draws only inside the region and the target', () => {
    const original = picture(64, 64);
    const frame = frameOf(original, 64, 64, RlgrMode.rlgr3);
    const rects = [
      { x: 10, y: 5, width: 4, height: 3 },
      { x: 40, y: 40, width: 400, height: 400 },
    ];
    const words = new Uint32Array(80 * 80);
    const target = { words, stride: 80, x: 8, y: 8, width: 50, height: 50 };
    const changed = new RemoteFxDecoder().decode(encodeFrame({ ...frame, rects }), target);
    assert.deepEqual(changed, [
      { x: 10, y: 5, width: 4, height: 3 },
      { x: 40, y: 40, width: 10, height: 10 },
    ]);
    let drawn = 0;
    words.forEach((word, i) => {
      if (word === 0) return;
      drawn++;
      const [x, y] = [(i % 80) - 8, Math.floor(i / 80) - 8];
      assert.ok(
        changed.some((r) => x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height),
        `${x},${y}`,
      );
    });
    assert.equal(drawn, 12 + 100);
  });

  it('takes video mode, where only the first frame has the headers', () => {
    const frame = frameOf(picture(64, 64), 64, 64, RlgrMode.rlgr1);
    const decoder = new RemoteFxDecoder();
    const target = { words: new Uint32Array(4096), stride: 64, x: 0, y: 0, width: 64, height: 64 };
    decoder.decode(encodeFrame(frame), target);
    const changed = decoder.decode(encodeFrame({ ...frame, frameIdx: 1, rects: [], withHeaders: false }), target);
    assert.deepEqual(changed, [{ x: 0, y: 0, width: 64, height: 64 }]);
  });

  it('draws all of the picture for a region without rectangles in a stream whose headers it has missed', () => {
    const frame = { ...frameOf(picture(64, 64), 64, 64, RlgrMode.rlgr1), rects: [], withHeaders: false };
    const target = { words: new Uint32Array(4096), stride: 64, x: 4, y: 2, width: 60, height: 62 };
    assert.deepEqual(new RemoteFxDecoder().decode(encodeFrame(frame), target), [{ x: 0, y: 0, width: 60, height: 62 }]);
  });

  it('takes several frames, each with its headers, in one stream', () => {
    const [first, second] = [picture(64, 64), picture(64, 64).fill(0xff336699)].map((pixels) =>
      encodeFrame(frameOf(pixels, 64, 64, RlgrMode.rlgr3)),
    );
    assert.ok(first !== undefined && second !== undefined);
    const [together, alone] = [1, 2].map(() => ({ ...place, words: new Uint32Array(4096) }));
    assert.ok(together !== undefined && alone !== undefined);
    assert.equal(new RemoteFxDecoder().decode(Uint8Array.of(...first, ...second), together).length, 2);
    new RemoteFxDecoder().decode(second, alone);
    assert.deepEqual(together.words, alone.words);
  });

  it('tells the rectangles of a region once, however many tile sets it has', () => {
    const frame = frameOf(picture(64, 64), 64, 64, RlgrMode.rlgr1);
    const rects = Array.from({ length: 100 }, (_, i) => ({ x: i % 64, y: 0, width: 1, height: 1 }));
    const bytes = encodeFrame({ ...frame, rects });
    const tileSet = bytes.slice(headSizeOf(rects.length), -FRAME_END_SIZE);
    const target = { ...place, words: new Uint32Array(4096) };
    const many = Uint8Array.of(...bytes.subarray(0, -FRAME_END_SIZE), ...tileSet, ...tileSet);
    assert.equal(new RemoteFxDecoder().decode(many, target).length, 100);
    const empty = encodeFrame({ ...frame, rects, tiles: [] });
    assert.equal(new RemoteFxDecoder().decode(empty, target).length, 0);
  });

  it('uses the quantization values that each component names', () => {
    const coarse = new Uint8Array(10).fill(9);
    const pixels = picture(64, 64);
    const tile = encodeTile(pixels, { xIdx: 0, yIdx: 0 }, RlgrMode.rlgr1, FINE);
    const rough = encodeTile(pixels, { xIdx: 0, yIdx: 0 }, RlgrMode.rlgr1, coarse);
    const mixed = { ...rough, y: tile.y, quantIdxY: 1, quantIdxCb: 0, quantIdxCr: 0 };
    const frame = frameOf(pixels, 64, 64, RlgrMode.rlgr1);
    const show = (tiles: typeof frame.tiles, quantization: typeof frame.quantization): Uint32Array => {
      const target = { ...place, words: new Uint32Array(4096) };
      new RemoteFxDecoder().decode(encodeFrame({ ...frame, tiles, quantization }), target);
      return target.words;
    };
    const shown = show([mixed], [coarse, FINE]);
    assert.ok(psnr(shown, pixels) > psnr(show([rough], [coarse]), pixels));
    assert.deepEqual(show([{ ...mixed, quantIdxY: 2 }], [coarse, coarse, FINE]), shown);
  });

  it('ignores what decoders are to ignore, and refuses another transform', () => {
    const bytes = encodeFrame(frameOf(picture(64, 64), 64, 64, RlgrMode.rlgr1));
    const expected = { ...place, words: new Uint32Array(4096) };
    new RemoteFxDecoder().decode(bytes, expected);
    // TS_RFX_CONTEXT ends behind 12 + 10 + 12 + 13 bytes with its properties: cct, et and qt.
    const properties = 12 + 10 + 12 + 11;
    const changed = bytes.slice();
    changed[properties] = 0x22;
    changed[properties + 1] = 0x00;
    // TS_RFX_TILESET's tileSize, behind frame begin and region.
    const tileSize = properties + 2 + 14 + 23 + 8 + 2 + 2 + 2 + 1;
    assert.equal(changed[tileSize], 64);
    changed[tileSize] = 0;
    const target = { ...place, words: new Uint32Array(4096) };
    new RemoteFxDecoder().decode(changed, target);
    assert.deepEqual(target.words, expected.words);
    changed[properties] = 0x42;
    assert.throws(() => new RemoteFxDecoder().decode(changed, target), { field: 'properties.xft' });
  });

  it('throws nothing but DecodeError on damaged streams', () => {
    const good = encodeFrame(frameOf(picture(70, 70), 70, 70, RlgrMode.rlgr3));
    const target = { words: new Uint32Array(4900), stride: 70, x: 0, y: 0, width: 70, height: 70 };
    const damage = fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(damage, fc.nat({ max: good.length }), (changes, cut) => {
        const bytes = good.slice(0, Math.max(cut, good.length >> 1));
        for (const [at, value] of changes) bytes[at] = value;
        try {
          new RemoteFxDecoder().decode(bytes, target);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('TS_RFX_CODEC_QUANT', () => {
  it('reads its nibbles in the order of the specification and writes them back', () => {
    const bytes = Uint8Array.of(0x21, 0x43, 0x65, 0x87, 0xa9);
    const values = decodeQuantization(new ReadCursor(bytes, 'test'));
    const named = Object.fromEntries(SUB_BANDS.map((band, i) => [band, values[i]]));
    assert.deepEqual(named, { LL3: 1, LH3: 2, HL3: 3, HH3: 4, LH2: 5, HL2: 6, HH2: 7, LH1: 8, HL1: 9, HH1: 10 });
    assert.deepEqual(encodeQuantization(values), bytes);
  });
});
