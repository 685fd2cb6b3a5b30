/** The annotated messages of [MS-RDPRFX] 4.2.2 and 4.2.3, and the sample of 4.2.4 from the message to the picture. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decodeBlock, encodeFrame, type RfxBlock } from '../../protocol/codecs/remotefx/blocks.ts';
import { RemoteFxDecoder } from '../../protocol/codecs/remotefx/decoder.ts';
import { decodeQuantization, encodeQuantization, SUB_BANDS } from '../../protocol/codecs/remotefx/quantization.ts';
import { decodeRlgr, RlgrMode } from '../../protocol/codecs/remotefx/rlgr.ts';
import { encodeRlgr } from '../../protocol/codecs/remotefx/rlgr-encoder.ts';
import { TileDecoder } from '../../protocol/codecs/remotefx/tile-codec.ts';
import { tileKernels } from '../../protocol/codecs/remotefx/tile-kernels.ts';
import { TILE_PIXELS } from '../../protocol/codecs/remotefx/wavelet.ts';
import { ReadCursor } from '../../protocol/core/cursor.ts';

const HEADERS = Uint8Array.from(
  `c0 cc 0c 00 00 00 ca ac cc ca 00 01 c3 cc 0d 00
   00 00 01 ff 00 40 00 28 a8 c1 cc 0a 00 00 00 01
   01 00 01 c2 cc 0c 00 00 00 01 00 40 00 40 00`
    .split(/\s+/)
    .map((byte) => Number.parseInt(byte, 16)),
);

describe('[MS-RDPRFX] 4.2.2 Encode Header Messages', () => {
  it('says what the encoder does', () => {
    assert.deepEqual(blocksOf(HEADERS), [
      { kind: 'sync' },
      { kind: 'context', imageMode: false },
      { kind: 'codec-versions' },
      { kind: 'channels', width: 64, height: 64 },
    ]);
  });
});

describe('[MS-RDPRFX] 4.2.3 Encode Data Messages', () => {
  const capture = Uint8Array.from(hexLines(sections('ms-rdprfx-4.2.3.txt')[0]).flatMap(bytesOf));
  const blocks = blocksOf(capture);
  const tileSet = blocks.find((block) => block.kind === 'tile-set');

  it('brackets a region, whose flags have bits that no version names, and its tiles', () => {
    const [begin, region] = blocks;
    assert.deepEqual(
      blocks.map(({ kind }) => kind),
      ['frame-begin', 'region', 'tile-set', 'frame-end'],
    );
    assert.deepEqual(begin, { kind: 'frame-begin', frameIdx: 0 });
    assert.deepEqual(region, { kind: 'region', rects: [{ x: 0, y: 0, width: 64, height: 64 }] });
  });

  it('has one tile, encoded with RLGR3', () => {
    assert.equal(tileSet?.entropy, RlgrMode.rlgr3);
    const [tile, ...others] = tileSet.tiles;
    assert.deepEqual(others, []);
    assert.deepEqual([tile?.y.length, tile?.cb.length, tile?.cr.length], [294, 317, 328]);
  });

  it('has one set of quantization values', () => {
    const bytes = Uint8Array.of(0x66, 0x66, 0x77, 0x88, 0x98);
    const values = decodeQuantization(new ReadCursor(bytes, 'TS_RFX_CODEC_QUANT'));
    assert.deepEqual(tileSet?.quantization, [values]);
    const named = Object.fromEntries(SUB_BANDS.map((band, index) => [band, values[index]]));
    assert.deepEqual(named, { LL3: 6, LH3: 6, HL3: 6, HH3: 6, LH2: 7, HL2: 7, HH2: 8, LH1: 8, HL1: 8, HH1: 9 });
    assert.deepEqual(encodeQuantization(values), bytes);
  });

  it('our encoder writes each component as Windows wrote it, but for the last bytes', () => {
    const [tile] = tileSet?.tiles ?? [];
    assert.ok(tile !== undefined);
    for (const encoded of [tile.y, tile.cb, tile.cr]) {
      const coefficients = new Int16Array(TILE_PIXELS);
      decodeRlgr(RlgrMode.rlgr3, encoded, coefficients);
      assert.ok(coefficients.some((value) => value !== 0));
      const ours = encodeRlgr(RlgrMode.rlgr3, coefficients);
      // The last coefficients can be written in more than one way, and Windows adds zeros.
      const same = encoded.length - 4;
      assert.deepEqual(ours.slice(0, same), encoded.slice(0, same));
      assert.ok(Math.abs(ours.length - encoded.length) <= 2, `${ours.length} bytes`);
      const again = new Int16Array(TILE_PIXELS);
      decodeRlgr(RlgrMode.rlgr3, ours, again);
      assert.deepEqual(again, coefficients);
    }
  });

  it('our own server sends the same frame, but for the flags', () => {
    assert.ok(tileSet !== undefined);
    const rects = [{ x: 0, y: 0, width: 64, height: 64 }];
    const { entropy, quantization, tiles } = tileSet;
    const frame = { frameIdx: 0, width: 64, height: 64, entropy, rects, quantization, tiles, withHeaders: false };
    const expected = capture.slice();
    const [regionFlags, properties] = [14 + 8, 14 + 23 + 8 + 4];
    expected[regionFlags] = 0x01;
    assert.equal(expected[properties], 0x51);
    assert.deepEqual(encodeFrame(frame), expected);
  });

  it('shows a picture behind its headers', () => {
    const target = { words: new Uint32Array(TILE_PIXELS), stride: 64, x: 0, y: 0, width: 64, height: 64 };
    const changed = new RemoteFxDecoder().decode(Uint8Array.of(...HEADERS, ...capture), target);
    assert.deepEqual(changed, [{ x: 0, y: 0, width: 64, height: 64 }]);
    assert.ok(target.words.every((word) => word >>> 24 === 0xff));
  });
});

describe('[MS-RDPRFX] 4.2.4 Sample Decode Data Flow Sequence', () => {
  const [message, y, cb, cr, picture] = sections('ms-rdprfx-4.2.4.txt');
  const block = decodeBlock(new ReadCursor(Uint8Array.from(hexLines(message).flatMap(bytesOf)), 'TS_RFX_TILESET'));

  it('4.2.4.2: the coefficients of each component', () => {
    assert.ok(block.kind === 'tile-set');
    const [tile] = block.tiles;
    assert.ok(tile !== undefined);
    for (const [encoded, expected] of [
      [tile.y, y],
      [tile.cb, cb],
      [tile.cr, cr],
    ] as const) {
      const coefficients = new Int16Array(TILE_PIXELS);
      decodeRlgr(block.entropy, encoded, coefficients);
      assert.deepEqual([...coefficients], numbersOf(expected));
    }
  });

  it('4.2.4.4: the picture', () => {
    assert.ok(block.kind === 'tile-set');
    const [tile] = block.tiles;
    assert.ok(tile !== undefined);
    new TileDecoder().decode(tile, block.entropy, block.quantization);
    const pixels = tileKernels.rows.flatMap((row) => [...row]);
    const expected = hexLines(picture).flatMap((line) => line.split(' ').map((rgb) => Number.parseInt(rgb, 16)));
    assert.equal(expected.length, TILE_PIXELS);
    let equal = 0;
    expected.forEach((rgb, i) => {
      const pixel = pixels[i] ?? 0;
      const shown = [pixel & 0xff, (pixel >>> 8) & 0xff, (pixel >>> 16) & 0xff];
      [rgb >>> 16, (rgb >>> 8) & 0xff, rgb & 0xff].forEach((sample, channel) => {
        // The dumps divide towards zero where the equations of 3.1.8.2.4, and we, take the floor.
        const difference = Math.abs(sample - (shown[channel] ?? 0));
        assert.ok(difference <= 1, `pixel ${i}: ${shown} instead of ${rgb.toString(16)}`);
        if (difference === 0) equal++;
      });
    });
    assert.ok(equal / (3 * TILE_PIXELS) > 0.93, `${equal} samples are exactly those of the specification`);
  });
});

function blocksOf(bytes: Uint8Array): RfxBlock[] {
  const cursor = new ReadCursor(bytes, 'TS_RFX_BLOCKT');
  const blocks: RfxBlock[] = [];
  while (cursor.remaining > 0) blocks.push(decodeBlock(cursor));
  return blocks;
}

/** The parts of a fixture, each under a title that begins with `#`. */
function sections(name: string): string[][] {
  const found: string[][] = [];
  for (const line of readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8').split('\n')) {
    if (line.startsWith('#')) found.push([]);
    else if (line !== '') found.at(-1)?.push(line);
  }
  return found.filter((lines) => lines.length > 0);
}

function hexLines(lines: string[] | undefined): string[] {
  assert.ok(lines !== undefined);
  return lines;
}

function bytesOf(line: string): number[] {
  return [...Buffer.from(line, 'hex')];
}

/** Values as the fixture has them: `3*-1` is three times minus one. */
function numbersOf(lines: string[] | undefined): number[] {
  return hexLines(lines).flatMap((line) =>
    line.split(' ').flatMap((token) => {
      const [first, value] = token.split('*').map(Number) as [number, number?];
      return value === undefined ? [first] : Array<number>(first).fill(value);
    }),
  );
}
