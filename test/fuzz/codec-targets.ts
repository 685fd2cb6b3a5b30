import { encodeGfxPdu } from '../../protocol/channels/rdpgfx/encode-pdu.ts';
import { GfxCodecId, type GfxPdu } from '../../protocol/channels/rdpgfx/pdu.ts';
import { decodeAlpha } from '../../protocol/codecs/alpha.ts';
import { ClearCodecDecoder } from '../../protocol/codecs/clearcodec/decoder.ts';
import { ClearCodecEncoder } from '../../protocol/codecs/clearcodec/encoder.ts';
import { decodeInterleavedRle } from '../../protocol/codecs/interleaved-rle.ts';
import { encodeInterleavedRle } from '../../protocol/codecs/interleaved-rle-encoder.ts';
import { decodeNsCodec } from '../../protocol/codecs/nscodec.ts';
import { encodeNsCodec } from '../../protocol/codecs/nscodec-encoder.ts';
import { decodePlanar } from '../../protocol/codecs/planar.ts';
import { encodePlanar } from '../../protocol/codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY } from '../../protocol/codecs/progressive/blocks.ts';
import { ProgressiveDecoder } from '../../protocol/codecs/progressive/decoder.ts';
import { ProgressiveTileEncoder } from '../../protocol/codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT, ORIGINAL_LAYOUT } from '../../protocol/codecs/progressive/wavelet.ts';
import { encodeFrame } from '../../protocol/codecs/remotefx/blocks.ts';
import { RemoteFxDecoder } from '../../protocol/codecs/remotefx/decoder.ts';
import { RlgrMode } from '../../protocol/codecs/remotefx/rlgr.ts';
import { encodeTile } from '../../protocol/codecs/remotefx/tile-codec.ts';
import { ZgfxDecompressor } from '../../protocol/codecs/zgfx.ts';
import { ZgfxCompressor } from '../../protocol/codecs/zgfx-compressor.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { UpdateCode } from '../../protocol/graphics/update.ts';
import type { FuzzTarget } from './fuzz.ts';

const SIZE = 64;

/** Marks like text on a background, and a gradient: every kind of run and literal. */
function picture() {
  const words = Uint32Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [i % SIZE, i >> 6];
    if (y > 40) return (0xff000000 | (x << 18) | (y << 9) | (x + y)) >>> 0;
    return (x * 7 + y * 5) % 13 < 4 ? 0xff202020 : 0xfff0f0f0;
  });
  return { words, stride: SIZE, x: 0, y: 0, width: SIZE, height: SIZE };
}

function target() {
  return { words: new Uint32Array(SIZE * SIZE), stride: SIZE, x: 0, y: 0, width: SIZE, height: SIZE };
}

const FINE = new Uint8Array(10).fill(6);
const COARSE = new Uint8Array(10).fill(3);

function remoteFxSeed(entropy: RlgrMode): Uint8Array {
  const tile = encodeTile(picture().words, { xIdx: 0, yIdx: 0 }, entropy, FINE);
  const rects = [{ x: 0, y: 0, width: SIZE, height: SIZE }];
  const size = { width: SIZE, height: SIZE };
  return encodeFrame({ frameIdx: 0, ...size, entropy, rects, quantization: [FINE], tiles: [tile], withHeaders: true });
}

function progressiveSeed(extrapolated: boolean): Uint8Array {
  const layout = extrapolated ? EXTRAPOLATED_LAYOUT : ORIGINAL_LAYOUT;
  const encoder = new ProgressiveTileEncoder(picture().words, layout, FINE);
  const place = { xIdx: 0, yIdx: 0 };
  const tiles = [encoder.first(place, 0, COARSE), encoder.upgrade(place, FULL_QUALITY, COARSE)];
  const rects = [{ x: 0, y: 0, width: SIZE, height: SIZE }];
  const progressive = [{ quality: 0, y: COARSE, cb: COARSE, cr: COARSE }];
  const region = { kind: 'region', extrapolated, rects, quantization: [FINE], progressive, tiles } as const;
  return encodeProgressiveStream({ withContext: true, regions: [region] });
}

function clearSeed(): Uint8Array {
  const { words } = picture();
  return new ClearCodecEncoder().encode(words, SIZE, {
    residual: true,
    bands: [{ x: 3, y: 2, width: 40, height: 30, background: 0xfff0f0f0 }],
    subcodecs: [
      { x: 0, y: 0, width: 20, height: 10, codec: 2 },
      { x: 5, y: 40, width: 16, height: 8, codec: 1 },
      { x: 30, y: 30, width: 4, height: 4, codec: 0 },
    ],
  });
}

function gfxSeeds(): Uint8Array[] {
  const whole = { left: 0, top: 0, right: SIZE, bottom: SIZE };
  const wire = (codecId: number, bitmapData: Uint8Array): GfxPdu => {
    return { kind: 'wire-to-surface-1', surfaceId: 1, codecId, pixelFormat: 0x20, destRect: whole, bitmapData };
  };
  const start: GfxPdu[] = [
    { kind: 'reset-graphics', width: 100, height: 80, monitors: [] },
    { kind: 'create-surface', surfaceId: 1, width: SIZE, height: SIZE, pixelFormat: 0x20 },
    {
      kind: 'map-surface-to-scaled-output',
      surfaceId: 1,
      outputOriginX: 5,
      outputOriginY: 5,
      targetWidth: 90,
      targetHeight: 70,
    },
    { kind: 'map-surface-to-output', surfaceId: 1, outputOriginX: 5, outputOriginY: 5 },
    { kind: 'start-frame', timestamp: 1, frameId: 1 },
  ];
  const draw: GfxPdu[] = [
    { kind: 'solid-fill', surfaceId: 1, fillPixel: 0xff112233, fillRects: [{ left: 1, top: 1, right: 9, bottom: 9 }] },
    { kind: 'surface-to-cache', surfaceId: 1, cacheKey: 1n, cacheSlot: 1, rectSrc: whole },
    { kind: 'cache-to-surface', surfaceId: 1, cacheSlot: 1, destPoints: [{ x: 3, y: -3 }] },
    { kind: 'surface-to-surface', surfaceIdSrc: 1, surfaceIdDest: 1, rectSrc: whole, destPoints: [{ x: 9, y: 9 }] },
    wire(GfxCodecId.planar, encodePlanar(picture(), 'top-down')),
    wire(GfxCodecId.clearCodec, clearSeed()),
    wire(GfxCodecId.caVideo, remoteFxSeed(RlgrMode.rlgr3)),
    {
      kind: 'wire-to-surface-2',
      surfaceId: 1,
      codecId: 9,
      codecContextId: 1,
      pixelFormat: 0x20,
      bitmapData: progressiveSeed(true),
    },
    { kind: 'end-frame', frameId: 1 },
    { kind: 'delete-surface', surfaceId: 1 },
  ];
  const join = (pdus: readonly GfxPdu[]) =>
    concatBytes(...pdus.map((pdu) => encodeGfxPdu(pdu as Exclude<GfxPdu, { kind: 'unknown' }>)));
  return [join([...start, ...draw]), ...draw.map((pdu) => join([...start, pdu, { kind: 'end-frame', frameId: 1 }]))];
}

function zgfxSeeds(): Uint8Array[] {
  const compressor = new ZgfxCompressor();
  const repeated = Uint8Array.from({ length: 3000 }, (_, i) => (i % 37) * (i % 5));
  return [compressor.compress(repeated), compressor.compress(repeated), compressor.compress(new Uint8Array(70_000))];
}

/** One order that fills the picture: MEGA_MEGA_BG_RUN of 4,096 pixels. */
const wholeRun = Uint8Array.of(0xf0, 0x00, 0x10);

const rle = (depth: 8 | 15 | 16 | 24): FuzzTarget => ({
  name: `interleaved-rle-${depth}`,
  seeds: [encodeInterleavedRle(picture(), depth === 24 ? 24 : 16) ?? new Uint8Array(1), wholeRun],
  run: (bytes) => decodeInterleavedRle(bytes, target(), depth, new Uint32Array(256)),
});

export const CODEC_TARGETS: readonly FuzzTarget[] = [
  rle(8),
  rle(15),
  rle(16),
  rle(24),
  {
    name: 'planar',
    // All ways a header may read: no alpha, run lengths or raw, colour loss, subsampled.
    seeds: [0, 0x20, 0x10, 0x30, 0x01, 0x0b, 0x1b, 0x3f].map((header) => {
      const seed = encodePlanar(picture());
      return concatBytes(Uint8Array.of(header | (header === 0 ? (seed[0] ?? 0) : 0)), seed.subarray(1));
    }),
    run: (bytes) => decodePlanar(bytes, target()),
  },
  {
    name: 'nscodec',
    seeds: [1, 3].flatMap((colorLossLevel) =>
      [false, true].map((subsampled) => encodeNsCodec(picture(), 'top-down', { colorLossLevel, subsampled })),
    ),
    run: (bytes) => decodeNsCodec(bytes, target(), 'bottom-up'),
  },
  {
    name: 'remotefx',
    seeds: [remoteFxSeed(RlgrMode.rlgr1), remoteFxSeed(RlgrMode.rlgr3)],
    run: (bytes) => void new RemoteFxDecoder().decode(bytes, target()),
  },
  {
    name: 'progressive',
    seeds: [progressiveSeed(true), progressiveSeed(false)],
    run: (bytes) => void new ProgressiveDecoder().decode(bytes, target()),
  },
  { name: 'clearcodec', seeds: [clearSeed()], run: (bytes) => new ClearCodecDecoder().decode(bytes, target()) },
  {
    name: 'alpha',
    seeds: [
      concatBytes(Uint8Array.of(0x4c, 0x41, 1, 0), ...new Array(20).fill(Uint8Array.of(9, 205))),
      Uint8Array.of(0x4c, 0x41, 0, 0),
    ],
    run: (bytes) => decodeAlpha(bytes, target()),
  },
  { name: 'zgfx', seeds: zgfxSeeds(), run: (bytes) => void new ZgfxDecompressor().decompress(bytes) },
  {
    name: 'gfx-pipeline',
    seeds: gfxSeeds(),
    run: (bytes) => new Compositor(createSurfaceCodecs()).apply({ code: UpdateCode.graphicsPipeline, data: bytes }),
  },
];
