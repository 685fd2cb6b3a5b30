import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joinBytes } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { encodeFrame, type RegionRect, withoutTiles } from './blocks.ts';
import { RemoteFxDecoder } from './decoder.ts';
import { outlineRemoteFx } from './outline.ts';
import { RlgrMode } from './rlgr.ts';
import { encodeTile } from './tile-codec.ts';
import { TILE_PIXELS } from './wavelet.ts';

const WIDTH = 100;
const HEIGHT = 70;
const PLACE = { x: 10, y: 20, width: WIDTH, height: HEIGHT };
const FINE = new Uint8Array(10).fill(6);
const PLACES = [0, 1].flatMap((yIdx) => [0, 1].map((xIdx) => ({ xIdx, yIdx })));
const TILES = PLACES.map((place, i) => {
  const pixels = new Uint32Array(TILE_PIXELS).fill(0xff000000 | ((i + 1) * 0x202020));
  return { ...encodeTile(pixels, { xIdx: 0, yIdx: 0 }, RlgrMode.rlgr1, FINE), ...place };
});

function stream(rects: readonly RegionRect[], tiles = TILES, withHeaders = true): Uint8Array {
  const frame = { frameIdx: 0, width: WIDTH, height: HEIGHT, entropy: RlgrMode.rlgr1, withHeaders };
  return encodeFrame({ ...frame, rects, quantization: [FINE], tiles });
}

const WHOLE = { x: 0, y: 0, width: WIDTH, height: HEIGHT };

function draw(source: Uint8Array, isHidden?: (tile: number) => boolean): Uint32Array {
  const words = new Uint32Array(WIDTH * HEIGHT);
  new RemoteFxDecoder().decode(source, { words, stride: WIDTH, ...WHOLE }, isHidden);
  return words;
}

describe('outlineRemoteFx', () => {
  it('tells what each tile shows of the picture, where the picture is', () => {
    const { tiles } = outlineRemoteFx(stream([{ x: 60, y: 60, width: 100, height: 5 }]), PLACE);
    assert.deepEqual(tiles, [
      [{ x: 70, y: 80, width: 4, height: 4 }],
      [{ x: 74, y: 80, width: 36, height: 4 }],
      [{ x: 70, y: 84, width: 4, height: 1 }],
      [{ x: 74, y: 84, width: 36, height: 1 }],
    ]);
  });

  it('tells what streams after it need not look up before it', () => {
    const flags = (source: Uint8Array) => {
      const { hasChannels, hasRegion } = outlineRemoteFx(source, PLACE);
      return [hasChannels, hasRegion];
    };
    assert.deepEqual(flags(stream([WHOLE])), [true, true]);
    assert.deepEqual(flags(stream([WHOLE], TILES, false)), [false, true]);
    assert.deepEqual(flags(new Uint8Array(0)), [false, false]);
  });

  it('concludes nothing where the stream alone does not say, or says too much', () => {
    assert.equal(outlineRemoteFx(stream([]), PLACE).tiles, undefined);
    const many = Array.from({ length: 8000 }, () => WHOLE);
    const tiles = Array.from({ length: 40 }, () => TILES[0]!);
    assert.equal(outlineRemoteFx(stream(many, tiles), PLACE).tiles, undefined);
  });

  it('refuses what is cut off', () => {
    const whole = stream([WHOLE]);
    assert.throws(() => outlineRemoteFx(whole.subarray(0, whole.length - 9), PLACE), DecodeError);
  });
});

describe('withoutTiles', () => {
  it('leaves a stream that draws the other tiles, and nothing but headers where there are none', () => {
    const source = stream([WHOLE]);
    const rest = joinBytes(withoutTiles(source, (tile) => tile === 1 || tile === 2));
    assert.ok(rest.length < source.length);
    assert.deepEqual(
      draw(rest),
      draw(source, (tile) => tile === 0 || tile === 3),
    );
    assert.deepEqual(
      withoutTiles(source, () => true),
      [source],
    );
    assert.deepEqual(outlineRemoteFx(joinBytes(withoutTiles(source, () => false)), PLACE), {
      tiles: [],
      hasChannels: true,
      hasRegion: true,
    });
  });
});
