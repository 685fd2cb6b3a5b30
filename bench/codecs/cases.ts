import { ClearCodecDecoder } from '../../protocol/codecs/clearcodec/decoder.ts';
import { ClearCodecEncoder } from '../../protocol/codecs/clearcodec/encoder.ts';
import { decodeInterleavedRle } from '../../protocol/codecs/interleaved-rle.ts';
import { encodeInterleavedRle } from '../../protocol/codecs/interleaved-rle-encoder.ts';
import { decodeNsCodec } from '../../protocol/codecs/nscodec.ts';
import { encodeNsCodec } from '../../protocol/codecs/nscodec-encoder.ts';
import type { PixelSource, PixelTarget } from '../../protocol/codecs/pixel-target.ts';
import { decodePlanar } from '../../protocol/codecs/planar.ts';
import { encodePlanar } from '../../protocol/codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY } from '../../protocol/codecs/progressive/blocks.ts';
import { ProgressiveDecoder } from '../../protocol/codecs/progressive/decoder.ts';
import { ProgressiveTileEncoder } from '../../protocol/codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '../../protocol/codecs/progressive/wavelet.ts';
import { decodeRawBitmap } from '../../protocol/codecs/raw-bitmap.ts';
import { encodeFrame } from '../../protocol/codecs/remotefx/blocks.ts';
import { RemoteFxDecoder } from '../../protocol/codecs/remotefx/decoder.ts';
import { RlgrMode } from '../../protocol/codecs/remotefx/rlgr.ts';
import { encodeTile } from '../../protocol/codecs/remotefx/tile-codec.ts';
import { plainTileKernels, tileKernels } from '../../protocol/codecs/remotefx/tile-kernels.ts';
import { ZgfxDecompressor } from '../../protocol/codecs/zgfx.ts';
import { ZgfxCompressor } from '../../protocol/codecs/zgfx-compressor.ts';
import { I420Picture, rgbaImage } from '../../recorder/capture/i420.ts';
import { createI420Kernel } from '../../recorder/capture/i420-kernel.ts';
import { officePicture, photoPicture } from './pictures.ts';

/** One codec and one picture. */
export interface CodecCase {
  readonly codec: string;
  readonly picture: string;
  /** Of one `decode`. */
  readonly pixels: number;
  readonly encodedBytes: number;
  /** Decodes the whole picture once. */
  readonly decode: () => void;
}

const TILE = 64;
/** What Windows and xrdp send for text: nothing lost in the coarse bands, a bit in the fine ones. */
const QUANTIZATION = Uint8Array.of(8, 8, 9, 7, 7, 8, 6, 6, 6, 6);

/** Encodes each picture with each of our own encoders, and says how to decode it. */
export function codecCases(): CodecCase[] {
  return [...casesOf('office', officePicture()), ...casesOf('photo', photoPicture())];
}

function casesOf(picture: string, source: PixelSource): CodecCase[] {
  const { width, height } = source;
  const target: PixelTarget = { ...source, words: new Uint32Array(width * height) };
  const tiles = tilesOf(source);
  const make = (codec: string, encoded: Uint8Array | Uint8Array[], decode: () => void): CodecCase => {
    const parts = Array.isArray(encoded) ? encoded : [encoded];
    const encodedBytes = parts.reduce((sum, part) => sum + part.length, 0);
    return { codec, picture, pixels: width * height, encodedBytes, decode };
  };
  const cases: CodecCase[] = [];
  /** What has kernels in WebAssembly, with them and without. */
  const makeBoth = (
    codec: string,
    encoded: Uint8Array | Uint8Array[],
    decodeWith: (plain: boolean) => () => void,
    pixels = width * height,
  ) => {
    cases.push({ ...make(codec, encoded, decodeWith(false)), pixels });
    cases.push({ ...make(`${codec}, TypeScript`, encoded, decodeWith(true)), pixels });
  };

  const raw = new Uint8Array(source.words.buffer.slice(0));
  cases.push(make('raw 32', raw, () => decodeRawBitmap(raw, target, 32)));

  // Servers send bitmaps of 64 by 64 pixels.
  const at = (tile: PixelSource): PixelTarget => ({ ...tile, words: target.words });
  for (const depth of [16, 24] as const) {
    const parts = tiles.flatMap((tile) => {
      const bytes = encodeInterleavedRle(tile, depth);
      return bytes === undefined ? [] : [{ bytes, target: at(tile) }];
    });
    const bytes = parts.map((part) => part.bytes);
    const pixels = parts.length * TILE * TILE;
    if (pixels === 0) continue;
    makeBoth(
      `interleaved RLE ${depth}`,
      bytes,
      (plain) => () => {
        const kernel = plain ? () => false : undefined;
        for (const part of parts) decodeInterleavedRle(part.bytes, part.target, depth, undefined, kernel);
      },
      pixels,
    );
  }
  const planar = tiles.map((tile) => ({ bytes: encodePlanar(tile), target: at(tile) }));
  makeBoth(
    'planar',
    planar.map(({ bytes }) => bytes),
    (plain) => () => {
      for (const part of planar) decodePlanar(part.bytes, part.target, 'bottom-up', plain ? () => false : undefined);
    },
  );
  const nsCodec = encodeNsCodec(source, 'bottom-up', { colorLossLevel: 3, subsampled: true });
  cases.push(make('NSCodec', nsCodec, () => decodeNsCodec(nsCodec, target, 'bottom-up')));

  for (const [name, entropy] of [
    ['RemoteFX RLGR1', RlgrMode.rlgr1],
    ['RemoteFX RLGR3', RlgrMode.rlgr3],
  ] as const) {
    const encoded = encodeFrame({
      ...{ frameIdx: 0, width, height, entropy, withHeaders: true },
      rects: [{ x: 0, y: 0, width, height }],
      quantization: [QUANTIZATION],
      tiles: tiles.map((tile) => encodeTile(pixelsOf(tile), placeOf(tile), entropy, QUANTIZATION)),
    });
    makeBoth(name, encoded, (plain) => {
      const decoder = new RemoteFxDecoder(plain ? plainTileKernels() : tileKernels);
      return () => decoder.decode(encoded, target);
    });
  }

  const progressive = encodeProgressiveStream({
    withContext: true,
    regions: [
      {
        ...{ kind: 'region', extrapolated: true, quantization: [QUANTIZATION], progressive: [] },
        rects: [{ x: 0, y: 0, width, height }],
        tiles: tiles.map((tile) =>
          new ProgressiveTileEncoder(pixelsOf(tile), EXTRAPOLATED_LAYOUT, QUANTIZATION).first(
            placeOf(tile),
            FULL_QUALITY,
          ),
        ),
      },
    ],
  });
  makeBoth('RemoteFX Progressive', progressive, (plain) => {
    const decoder = new ProgressiveDecoder(plain ? plainTileKernels() : tileKernels);
    return () => {
      decoder.decode(progressive, target);
      decoder.endFrame();
    };
  });

  const clear = encodeClear(source);
  const clearDecoder = new ClearCodecDecoder();
  cases.push(make('ClearCodec', clear, () => clearDecoder.decode(clear, target)));

  const zgfx = new ZgfxCompressor().compress(raw);
  // Matches reach back into their own message only, so what an earlier round left in the history does not matter.
  const decompressor = new ZgfxDecompressor();
  cases.push(make('ZGFX of raw 32', zgfx, () => decompressor.decompress(zgfx)));

  makeBoth('RGBA to I420', raw, (plain) => {
    const recorded = new I420Picture(width, height, plain ? () => undefined : createI420Kernel);
    const image = rgbaImage(width, height, raw);
    return () => recorded.convert(image, { x: 0, y: 0, width, height });
  });
  return cases;
}

/** Bands of text over the whole picture; begins with a cache reset, so that it can be decoded over and over. */
function encodeClear(source: PixelSource): Uint8Array {
  const { words, width, height } = source;
  const bands = [];
  for (let y = 0; y < height; y += 48) {
    bands.push({ x: 0, y, width, height: Math.min(48, height - y), background: words[y * width] ?? 0 });
  }
  return new ClearCodecEncoder().encode(words, width, { residual: false, bands, subcodecs: [], cacheReset: true });
}

function tilesOf(source: PixelSource): PixelSource[] {
  const tiles: PixelSource[] = [];
  for (let y = 0; y < source.height; y += TILE) {
    for (let x = 0; x < source.width; x += TILE) tiles.push({ ...source, x, y, width: TILE, height: TILE });
  }
  return tiles;
}

function placeOf(tile: PixelSource): { xIdx: number; yIdx: number } {
  return { xIdx: tile.x / TILE, yIdx: tile.y / TILE };
}

function pixelsOf({ words, stride, x, y }: PixelSource): Uint32Array {
  const pixels = new Uint32Array(TILE * TILE);
  for (let row = 0; row < TILE; row++) {
    const from = (y + row) * stride + x;
    pixels.set(words.subarray(from, from + TILE), row * TILE);
  }
  return pixels;
}
