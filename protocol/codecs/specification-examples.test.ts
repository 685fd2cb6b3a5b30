/** Examples that Microsoft's specifications give for codecs; each test names its section. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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

describe('[MS-RDPEGFX] examples of RDP 8.0 compression', () => {
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
