/** The image of [MS-RDPNSC] 4, from its 158 bytes to its 150 pixels. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decodeNsCodec } from '../../protocol/codecs/nscodec.ts';
import { encodeNsCodec } from '../../protocol/codecs/nscodec-encoder.ts';
import { createPixelTarget } from '../../protocol/codecs/pixel-target.ts';

function blank(width: number, height: number) {
  return createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
}

describe('[MS-RDPNSC] 4 Protocol Examples', () => {
  const [compressed, decompressed] = fixture('ms-rdpnsc-4.txt');
  const expected = Uint32Array.from({ length: 150 }, (_, i) => {
    const [blue = 0, green = 0, red = 0, alpha = 0] = decompressed?.subarray(i * 4, i * 4 + 4) ?? [];
    return (alpha << 24) | (blue << 16) | (green << 8) | red;
  });

  it('an image of 15 x 10 pixels: subsampled, with loss, run lengths and alpha', () => {
    const target = blank(15, 10);
    decodeNsCodec(compressed ?? new Uint8Array(0), target, 'top-down');
    assert.deepEqual(target.words, expected);
  });

  it('our encoder makes the same image of what we decoded', () => {
    const source = { ...blank(15, 10), words: expected };
    const target = blank(15, 10);
    decodeNsCodec(encodeNsCodec(source, 'top-down', { colorLossLevel: 1, subsampled: false }), target, 'top-down');
    // Luma and chroma are rounded to whole numbers.
    expected.forEach((word, i) => {
      for (const shift of [0, 8, 16]) {
        const difference = ((word >>> shift) & 0xff) - (((target.words[i] ?? 0) >>> shift) & 0xff);
        assert.ok(Math.abs(difference) <= 2, `pixel ${i}: ${difference}`);
      }
    });
  });
});

/** The dumps of a fixture, each under a title that begins with `#`. */
function fixture(name: string): Uint8Array[] {
  const text = readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
  const dumps = text.split(/^#.*$/m).map((hex) => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')));
  return dumps.filter((dump) => dump.length > 0);
}
