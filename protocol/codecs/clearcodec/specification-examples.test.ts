/** [MS-RDPEGFX] 4.1.1 ClearCodec Compression: the five examples. What earlier packets left in the storages, we put there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PixelTarget } from '../pixel-target.ts';
import { ClearCodecDecoder } from './decoder.ts';
import { VBAR_ENTRIES } from './vbars.ts';

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

function blank(width: number, height: number): PixelTarget {
  return { words: new Uint32Array(width * height), stride: width, x: 0, y: 0, width, height };
}

function payload(flags: readonly number[], residual: readonly number[], bands: readonly number[]): Uint8Array {
  const u32 = (value: number) => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, 0];
  return Uint8Array.from([...flags, ...u32(residual.length), ...u32(bands.length), ...u32(0), ...residual, ...bands]);
}

/** A pixel of our own that tells the entry of the V-Bar storage and the place in it. */
function storedPixel(entry: number, y: number): number {
  return (0xff000000 | (entry << 8) | y) >>> 0;
}

/** Fills the V-Bar storage with columns of a height. */
function fillVBars(decoder: ClearCodecDecoder, height: number): void {
  const band = [0, 0, (VBAR_ENTRIES - 1) & 0xff, (VBAR_ENTRIES - 1) >> 8, 0, 0, height - 1, 0, 0, 0, 0];
  for (let entry = 0; entry < VBAR_ENTRIES; entry++) {
    band.push(0, height);
    for (let y = 0; y < height; y++) band.push((entry >> 8) & 0xff, entry & 0xff, y);
  }
  decoder.decode(payload([0, 0], [], band), blank(VBAR_ENTRIES, height));
}

describe('[MS-RDPEGFX] 4.1.1 ClearCodec', () => {
  it('4.1.1.1: a glyph of 8 x 9 pixels from the storage', () => {
    const decoder = new ClearCodecDecoder();
    const residual = Array.from({ length: 72 }, (_, i) => [i, 2 * i, 3 * i, 1]).flat();
    const glyph = blank(8, 9);
    decoder.decode(payload([0x01, 194, 0x11, 0x00], residual, []), glyph);
    const again = blank(8, 9);
    decoder.decode(bytes('03 c3 11 00'), again);
    assert.equal(again.words[71], 0xff478ed5);
    assert.deepEqual(again.words, glyph.words);
  });

  it('4.1.1.2: 78 x 17 pixels of fourteen colours', () => {
    const target = blank(78, 17);
    new ClearCodecDecoder().decode(
      bytes(`00 0d 00 00 00 00 00 00 00 00 82 00 00 00 00 00
             00 00 4e 00 11 00 75 00 00 00 02 0e ff ff ff 00
             00 00 db ff ff 00 3a 90 ff b6 66 66 b6 ff b6 66
             00 90 db ff 00 00 3a db 90 3a 3a 90 db 66 00 00
             ff ff b6 64 64 64 11 04 11 4c 11 4c 11 4c 11 4c
             11 4c 00 47 13 00 01 01 04 00 01 00 00 47 16 00
             11 02 00 47 29 00 11 01 00 49 0a 00 01 00 04 00
             01 00 00 4a 0a 00 09 00 01 00 00 47 05 00 01 01
             1c 00 01 00 11 4c 11 4c 11 4c 00 47 0d 4d 00 4d`),
      target,
    );
    const [white, black] = [0xffffffff, 0xff000000];
    const start = [white, white, white, white, white, black, ...Array<number>(77).fill(white), black];
    assert.deepEqual([...target.words.subarray(0, start.length)], start);
    // The sixteenth segment is the suite 7, 8, 9 of the palette.
    const suite = [0xff90dbff, 0xff00003a, 0xffdb903a];
    const at = target.words.findIndex((_, i) => suite.every((word, j) => target.words[i + j] === word));
    assert.ok(at > 0, 'the suite is shown');
    assert.equal(new Set(target.words).size, 14);
    // The last two segments: a row of grey and one of white.
    assert.deepEqual(new Set(target.words.subarray(15 * 78, 16 * 78)), new Set([0xff646464]));
    assert.deepEqual(new Set(target.words.subarray(16 * 78)), new Set([white]));
  });

  it('4.1.1.3: a residual and a band of columns from the storage', () => {
    const decoder = new ClearCodecDecoder();
    fillVBars(decoder, 9);
    const target = blank(64, 24);
    const stream = bytes(`00 df 0e 00 00 00 8b 00 00 00 00 00 00 00 fe fe
             fe ff 80 05 ff ff ff 40 fe fe fe 40 00 00 3f 00
             03 00 0b 00 fe fe fe c5 d0 c6 d0 c7 d0 68 d4 69
             d4 6a d4 6b d4 6c d4 6d d4 1a d4 1a d4 a6 d0 6e
             d4 6f d4 70 d4 71 d4 72 d4 73 d4 74 d4 21 d4 22
             d4 23 d4 24 d4 25 d4 d9 d0 da d0 db d0 c5 d0 c5
             d0 dc d0 c2 d0 21 d4 22 d4 23 d4 24 d4 25 d4 c9
             d0 ca d0 5a d4 2b d1 28 d1 2c d1 75 d4 27 d4 28
             d4 29 d4 2a d4 1a d4 1a d4 1a d4 b7 d0 b8 d0 b9
             d0 ba d0 bb d0 bc d0 bd d0 be d0 bf d0 c0 d0 c1
             d0 c2 d0 c3 d0 c4 d0`);
    decoder.decode(stream, target);
    const headers = stream.subarray(stream.length - 128);
    for (let x = 0; x < 64; x++) {
      const entry = ((headers[2 * x] ?? 0) | ((headers[2 * x + 1] ?? 0) << 8)) & 0x7fff;
      for (let y = 0; y < 24; y++) {
        const residual = y === 22 ? 0xffffffff : 0xfffefefe;
        const expected = y >= 3 && y <= 11 ? storedPixel(entry, y - 3) : residual;
        assert.equal(target.words[y * 64 + x], expected, `${x}, ${y}`);
      }
    }
  });

  it('4.1.1.4: a column with its pixels, six from the storage, and a glyph of them all', () => {
    const decoder = new ClearCodecDecoder();
    fillVBars(decoder, 15);
    const target = blank(7, 15);
    decoder.decode(
      bytes(`01 0b 78 00 00 00 00 00 46 00 00 00 00 00 00 00
             00 00 06 00 00 00 0e 00 00 00 00 00 0f ff ff ff
             ff ff ff ff ff ff b6 ff ff ff ff ff ff ff ff ff
             b6 66 ff ff ff ff ff ff ff b6 66 db 90 3a ff ff
             b6 ff ff ff ff ff ff ff ff ff 46 91 47 91 48 91
             49 91 4a 91 1b 91`),
      target,
    );
    const column = (x: number) => Array.from({ length: 15 }, (_, y) => target.words[y * 7 + x] ?? 0);
    assert.deepEqual(
      [0, 1, 10, 14].map((y) => column(0)[y]),
      [0xffffffff, 0xffffffff, 0xffdb903a, 0xffffffff],
    );
    [0x1146, 0x1147, 0x1148, 0x1149, 0x114a, 0x111b].forEach((entry, i) => {
      assert.deepEqual(
        column(i + 1),
        Array.from({ length: 15 }, (_, y) => storedPixel(entry, y)),
      );
    });
    // The first column went to the front of the storage again, and the bitmap into glyph 120.
    const stored = blank(1, 15);
    decoder.decode(payload([0, 0], [], [0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0x00, 0x80]), stored);
    assert.deepEqual([...stored.words], column(0));
    const glyph = blank(7, 15);
    decoder.decode(bytes('03 0c 78 00'), glyph);
    assert.deepEqual(glyph.words, target.words);
  });

  it('4.1.1.5: a glyph takes any shape of its area', () => {
    const decoder = new ClearCodecDecoder();
    const residual = Array.from({ length: 16 }, (_, i) => [i, i, i, 1]).flat();
    const glyph = blank(2, 8);
    decoder.decode(payload([0x01, 0, 4, 0], residual, []), glyph);
    for (const [width, height] of [
      [4, 4],
      [8, 2],
    ] as const) {
      const target = blank(width, height);
      decoder.decode(bytes('03 01 04 00'), target);
      assert.deepEqual(target.words, glyph.words);
    }
    assert.throws(() => decoder.decode(bytes('03 01 04 00'), blank(4, 3)), { field: 'glyphIndex' });
  });
});
