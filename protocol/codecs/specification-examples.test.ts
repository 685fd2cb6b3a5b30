/** Examples that Microsoft's specifications give for codecs; each test names its section. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeNsCodec } from './nscodec.ts';
import { createPixelTarget } from './pixel-target.ts';
import { decodePlanar } from './planar.ts';
import { encodePlanar } from './planar-encoder.ts';
import { ZgfxDecompressor } from './zgfx.ts';
import { ZgfxCompressor } from './zgfx-compressor.ts';

/** A stream whose three colour planes are all `plane`: the examples show one plane only. */
function grey(plane: readonly number[]): Uint8Array {
  const RLE_WITHOUT_ALPHA = 0x30;
  return Uint8Array.from([RLE_WITHOUT_ALPHA, ...plane, ...plane, ...plane]);
}

function blank(width: number, height: number) {
  return createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
}

const opaqueGrey = (value: number): number => (0xff000000 | (value * 0x010101)) >>> 0;

describe('[MS-RDPEGDI] examples of RDP 6.0 planes', () => {
  it('3.1.9.2: the scan line AAAABBCCCCCD and its three segments', () => {
    const [a, b, c, d] = [...'ABCD'].map((letter) => letter.charCodeAt(0)) as [number, number, number, number];
    // RAW [A] RUN [3], RAW [BBC] RUN [4], RAW [D] RUN [0], with the control bytes of 2.2.2.5.1.2.
    const encoded = grey([0x13, a, 0x34, b, b, c, 0x10, d]);
    const target = blank(12, 1);
    decodePlanar(encoded, target, 'top-down');
    assert.deepEqual(
      [...target.words],
      [...'AAAABBCCCCCD'].map((letter) => opaqueGrey(letter.charCodeAt(0))),
    );
    assert.deepEqual([...encodePlanar(target, 'top-down')], [...encoded]);
  });

  it('3.1.9.2: a plane of 6 x 3 pixels, absolute values and then deltas', () => {
    const plane = [
      0x13, 0xff, 0x20, 0xfe, 0xfd, 0x60, 0x01, 0x7d, 0xf5, 0xc2, 0x9a, 0x38, 0x60, 0x01, 0x67, 0x8b, 0xa3, 0x78, 0xaf,
    ];
    // The first line is the specification's; the others follow from its rule for deltas.
    const expected = [255, 255, 255, 255, 254, 253, 254, 192, 132, 96, 75, 25, 253, 140, 62, 14, 135, 193];
    const target = blank(6, 3);
    decodePlanar(grey(plane), target, 'top-down');
    assert.deepEqual([...target.words], expected.map(opaqueGrey));
    // Run-length encoding takes 19 bytes for 18 here, so that our encoder sends the planes raw.
    assert.deepEqual([...encodePlanar(target, 'top-down')], [0x20, ...expected, ...expected, ...expected, 0]);
  });
});

describe('[MS-RDPEGDI] further examples of planes', () => {
  it('3.1.9.2: delta values', () => {
    // RAW [10,20,30,40,50,60] RUN [0], RAW [-5] RUN [5], RAW [<none>] RUN [6]; -5 is coded as 9.
    const plane = [0x60, 10, 20, 30, 40, 50, 60, 0x15, 9, 0x06];
    const target = blank(6, 3);
    decodePlanar(grey(plane), target, 'top-down');
    const lower = [5, 15, 25, 35, 45, 55];
    assert.deepEqual([...target.words], [10, 20, 30, 40, 50, 60, ...lower, ...lower].map(opaqueGrey));
  });

  it('3.1.9.2.2: the letter A one hundred times', () => {
    const encoded = grey([0x1f, 0x41, 0xf2, 0x52]);
    const target = blank(100, 1);
    decodePlanar(encoded, target, 'top-down');
    assert.deepEqual([...target.words], Array(100).fill(opaqueGrey(0x41)));
    assert.deepEqual([...encodePlanar(target, 'top-down')], [...encoded]);
  });
});

describe('[MS-RDPNSC] run lengths', () => {
  it('3.1.8.1: ABCDDDTTTTGFRRRRRRRRRRRABCD', () => {
    const letters = 'ABCDDDTTTTGFRRRRRRRRRRRABCD';
    const plane = [...'ABCDD\x01TT\x02GFRR\x09ABCD'].map((letter) => letter.charCodeAt(0));
    // The plane as luma, and chroma of nothing: a run of 23 and four bytes.
    const grey = [0, 0, 21, 0, 0, 0, 0];
    const u32 = (value: number) => [value, 0, 0, 0];
    const stream = [...u32(plane.length), ...u32(7), ...u32(7), ...u32(0), 1, 0, 0, 0, ...plane, ...grey, ...grey];
    const target = blank(letters.length, 1);
    decodeNsCodec(Uint8Array.from(stream), target, 'top-down');
    assert.deepEqual(
      [...target.words],
      [...letters].map((letter) => opaqueGrey(letter.charCodeAt(0))),
    );
  });
});

describe('[MS-RDPEGFX] examples of RDP 8.0 compression', () => {
  it('4.2.1.1.1: literals with codes of their own, a plain one and a match', () => {
    const message = Uint8Array.of(0x01, 0x02, 0xff, 0x65, 0x65, 0x65, 0x65, 0x65);
    const segmented = Uint8Array.of(0xe0, 0x24, 0xce, 0x9b, 0x19, 0x62, 0x18, 0x00);
    assert.deepEqual(new ZgfxDecompressor().decompress(segmented), message);
  });

  it('4.2.1.1.4: three segments, of which the last refers to the others', () => {
    const message = new TextEncoder().encode('The quick brown fox jumps over the lazy dog');
    const hex = `E1 03 00 2B 00 00 00 11 00 00 00 04 54 68 65 20
      71 75 69 63 6B 20 62 72 6F 77 6E 20 0E 00 00 00 04 66 6F 78 20 6A 75 6D 70 73 20 6F 76 65 10 00
      00 00 24 39 08 0E 91 F8 D8 61 3D 1E 44 06 43 79 9C 02`;
    const segmented = Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
    assert.deepEqual(new ZgfxDecompressor().decompress(segmented), message);
  });

  it('3.1.9.1.2.5: a match of one byte, nine times', () => {
    // 0 01001001 | 10001 00001 | 110 001, and seven unused bits.
    const segmented = Uint8Array.of(0xe0, 0x24, 0b00100100, 0b11000100, 0b00111000, 0b10000000, 7);
    assert.deepEqual([...new ZgfxDecompressor().decompress(segmented)], Array(10).fill(0x49));
  });

  it('4.2.1.1.2: a segment that would not be smaller compressed', () => {
    const message = new TextEncoder().encode('The quick brown fox jumps over the lazy dog');
    const segmented = Uint8Array.of(0xe0, 0x04, ...message);
    assert.deepEqual(new ZgfxDecompressor().decompress(segmented), message);
    assert.deepEqual(new ZgfxCompressor().compress(message), segmented);
  });

  it('4.2.1.1.3: "ABC" twenty times, one match that overlaps itself', () => {
    const segmented = Uint8Array.of(0xe0, 0x24, 0x20, 0x90, 0x88, 0x71, 0x1f, 0xb2, 0x01);
    const message = new TextEncoder().encode('ABC'.repeat(20));
    assert.deepEqual(new ZgfxDecompressor().decompress(segmented), message);
    assert.deepEqual(new ZgfxCompressor().compress(message), segmented);
  });

  it('4.2.1.1.5: an unencoded run', () => {
    const shown = [
      ...new TextEncoder().encode('The quick brown fox jumps over the lazy dog'),
      0xba,
      0xad,
      0xc0,
      0xde,
      0xf1,
    ];
    // The specification leaves out what follows; the length that the stream gives is 1,000 bytes.
    const run = Uint8Array.from({ length: 1000 }, (_, i) => shown[i] ?? (i * 7) & 0xff);
    const segmented = Uint8Array.from([0xe0, 0x24, 0x88, 0x01, 0xf4, 0x00, ...run, 0x00]);
    assert.deepEqual(new ZgfxDecompressor().decompress(segmented), run);
  });
});
