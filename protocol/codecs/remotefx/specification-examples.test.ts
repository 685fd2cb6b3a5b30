/** The annotated capture of [MS-RDPRFX] 4.2.3 Encode Data Messages, as far as its first 496 bytes: the whole of YData and part of CbData. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import { decodeBlock } from './blocks.ts';
import { decodeQuantization, encodeQuantization, SUB_BANDS } from './quantization.ts';
import { decodeRlgr, RlgrMode } from './rlgr.ts';
import { encodeRlgr } from './rlgr-encoder.ts';
import { TILE_PIXELS } from './wavelet.ts';

const CAPTURE = Uint8Array.from(
  `c4 cc 0e 00 00 00 01 00 00 00 00 00 01 00 c6 cc
   17 00 00 00 01 00 cd 01 00 00 00 00 00 40 00 40
   00 c1 ca 01 00 c7 cc d9 03 00 00 01 00 c2 ca 00
   00 51 50 01 40 01 00 be 03 00 00 66 66 77 88 98
   c3 ca be 03 00 00 00 00 00 00 00 00 00 26 01 3d
   01 48 01 19 82 1d 10 62 9d 28 85 2c a2 14 b2 88
   52 ca 21 4b 28 85 2c a2 14 b2 88 52 ca 21 4b 28
   85 2c a2 14 b2 88 52 ca 21 4b 28 85 2c a2 14 b2
   88 52 ca 21 4b 28 85 2c a2 14 b2 88 52 ca 21 4b
   28 85 2c a2 14 b2 88 52 ca 21 4b 28 85 2c a2 14
   b2 88 52 ca 21 4b 28 85 2c a2 14 b0 00 20 f4 40
   0c c1 1e 20 26 22 20 33 23 c4 23 88 86 50 f1 22
   68 4c 91 85 10 34 4c 84 78 a2 0d 13 21 1e 29 06
   89 90 8f 14 83 44 f4 23 c5 20 d1 3d 08 f1 48 34
   4f 42 3c 52 0d 13 d0 8f 14 83 44 f4 23 c5 20 d1
   3d 08 f1 48 34 4f 42 3c 52 0d 13 d0 8f 14 83 44
   f4 23 c5 20 00 08 47 70 15 02 e0 7f e4 9d c2 51
   71 f4 99 c9 57 ff 32 87 9d 17 d6 50 6e 06 2f ac
   a0 9c 0c 5f 59 41 38 18 be b2 82 70 31 7d 65 00
   00 10 ff 9c 33 41 f1 c4 b0 3c ff a2 15 bd 7b ea
   86 9b 5f fc 78 8c f5 ed a8 68 da fd 3c 45 7a f4
   d4 34 6d 7e 9e 22 bd 7a 6a 1a 36 bf 4f 11 5e bd
   35 0d 1b 5f a7 88 af 5e 9a 86 8d af d3 c4 57 af
   4d 43 46 d7 e9 e2 20 30 00 1b 04 7f 04 31 5f c2
   94 af 05 29 5e 0a 52 bc 14 a5 78 29 25 78 29 25
   78 29 25 68 52 4a f0 52 4a f0 52 4a d0 a4 95 e0
   a4 95 e0 a4 95 a1 49 2b c1 49 2b c1 49 2b 42 92
   57 82 92 57 82 92 56 85 24 af 05 24 af 05 24 ad
   0a 49 5e 0a 49 5e 0a 49 5a 14 92 bc 14 92 bc 14
   92 b4 29 25 78 29 25 78 00 02 0f 02 00 ac 13 fc
   c0 0a 20 10 2b 27 f9 80 b0 08 aa 3d 60 8c 0b 24`
    .split(/\s+/)
    .map((byte) => Number.parseInt(byte, 16)),
);

const TILE_SET = 0x25;
const QUANTIZATION = 0x3b;
const Y_DATA = 0x53;
const CB_DATA = Y_DATA + 0x126;

describe('[MS-RDPRFX] 4.2.3 Encode Data Messages', () => {
  it('TS_FRAME_BEGIN and TS_RFX_REGION, whose flags have bits that no version names', () => {
    const cursor = new ReadCursor(CAPTURE, 'TS_RFX_BLOCKT');
    assert.deepEqual(decodeBlock(cursor), { kind: 'frame-begin', frameIdx: 0 });
    assert.deepEqual(decodeBlock(cursor), { kind: 'region', rects: [{ x: 0, y: 0, width: 64, height: 64 }] });
    assert.equal(cursor.position, TILE_SET);
    assert.throws(() => decodeBlock(cursor), DecodeError, 'the tile set goes on behind these bytes');
  });

  it('TS_RFX_TILESET says RLGR3 and has one set of quantization values', () => {
    // The header as it is, without the tile: blockLen, numTiles and tilesDataSize are those of an empty set.
    const empty = CAPTURE.slice(TILE_SET, 0x40);
    empty.set([empty.length, 0], 2);
    empty.fill(0, 16, 22);
    const block = decodeBlock(new ReadCursor(empty, 'TS_RFX_BLOCKT'));
    assert.ok(block.kind === 'tile-set');
    assert.equal(block.entropy, RlgrMode.rlgr3);
    assert.equal(block.quantization.length, 1);
  });

  it('TS_RFX_CODEC_QUANT', () => {
    const bytes = CAPTURE.slice(QUANTIZATION, QUANTIZATION + 5);
    const values = decodeQuantization(new ReadCursor(bytes, 'TS_RFX_CODEC_QUANT'));
    const named = Object.fromEntries(SUB_BANDS.map((band, index) => [band, values[index]]));
    assert.deepEqual(named, { LL3: 6, LH3: 6, HL3: 6, HH3: 6, LH2: 7, HL2: 7, HH2: 8, LH1: 8, HL1: 8, HH1: 9 });
    assert.deepEqual(encodeQuantization(values), bytes);
  });

  it('YData: our encoder writes what we decoded as Windows wrote it, less the zeros at the end', () => {
    const encoded = CAPTURE.slice(Y_DATA, CB_DATA);
    const coefficients = new Int16Array(TILE_PIXELS);
    decodeRlgr(RlgrMode.rlgr3, encoded, coefficients);
    assert.ok(coefficients.some((value) => value !== 0));
    const ours = encodeRlgr(RlgrMode.rlgr3, coefficients);
    assert.equal(ours.length, encoded.length - 2);
    assert.deepEqual(ours, encoded.slice(0, -2));
    const again = new Int16Array(TILE_PIXELS);
    decodeRlgr(RlgrMode.rlgr3, ours, again);
    assert.deepEqual(again, coefficients);
  });

  it('CbData: the same, up to where the bytes end', () => {
    const encoded = CAPTURE.slice(CB_DATA);
    const coefficients = new Int16Array(TILE_PIXELS);
    decodeRlgr(RlgrMode.rlgr3, encoded, coefficients);
    // The codes that the last bytes begin may be incomplete.
    const same = encoded.length - 4;
    assert.deepEqual(encodeRlgr(RlgrMode.rlgr3, coefficients).slice(0, same), encoded.slice(0, same));
  });
});
