import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { GfxCapsFlags, GfxCodecId, type GfxPdu, GfxPixelFormat, GfxVersion } from '../channels/rdpgfx/pdu.ts';
import { ClearCodecEncoder } from '../codecs/clearcodec/encoder.ts';
import {
  encodeProgressiveStream,
  type FirstTile,
  FULL_QUALITY,
  type ProgressiveTile,
} from '../codecs/progressive/blocks.ts';
import { ProgressiveTileEncoder } from '../codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '../codecs/progressive/wavelet.ts';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { Compositor } from './compositor.ts';
import { UpdateCode } from './update.ts';

type Pdu = Exclude<GfxPdu, { kind: 'unknown' }>;

const BLUE = 0xff0000ff;
const rect = (left: number, top: number, width: number, height: number) => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});

class Desktop {
  readonly compositor = new Compositor();

  constructor(width = 40, height = 30) {
    this.send({ kind: 'reset-graphics', width, height, monitors: [] });
    this.send({ kind: 'create-surface', surfaceId: 1, width, height, pixelFormat: 0x20 });
    this.send({ kind: 'map-surface-to-output', surfaceId: 1, outputOriginX: 0, outputOriginY: 0 });
    this.compositor.takeDamage();
  }

  send(...pdus: Pdu[]): void {
    this.compositor.apply({ code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) });
  }

  /** Red, green, blue as one number. */
  at(x: number, y: number): number {
    const at = (y * this.compositor.width + x) * 4;
    const [r = 0, g = 0, b = 0] = this.compositor.pixels.subarray(at, at + 3);
    return (r << 16) | (g << 8) | b;
  }
}

const fill = (left: number, top: number, width: number, height: number, color: number, surfaceId = 1): Pdu => ({
  kind: 'solid-fill',
  surfaceId,
  fillPixel: (0xff000000 | color) >>> 0,
  fillRects: [rect(left, top, width, height)],
});

describe('GfxPipeline', () => {
  it('shows a frame at its end, all at once', () => {
    const desktop = new Desktop();
    desktop.send({ kind: 'start-frame', timestamp: 0, frameId: 1 }, fill(2, 3, 4, 5, 0x112233));
    assert.equal(desktop.at(2, 3), 0);
    assert.deepEqual(desktop.compositor.takeDamage(), []);
    desktop.send({ kind: 'end-frame', frameId: 1 });
    assert.equal(desktop.at(2, 3), 0x112233);
    assert.equal(desktop.at(5, 7), 0x112233);
    assert.equal(desktop.at(6, 7), 0);
    assert.deepEqual(desktop.compositor.takeDamage(), [{ x: 2, y: 3, width: 4, height: 5 }]);
  });

  it('keeps the desktop opaque, whatever alpha a surface is given', () => {
    const desktop = new Desktop();
    const alpha = concatBytes(Uint8Array.of(0x4c, 0x41, 0, 0), new Uint8Array(8).fill(0x40));
    const place = { surfaceId: 1, pixelFormat: GfxPixelFormat.argb8888, destRect: rect(1, 1, 4, 2) };
    desktop.send(fill(0, 0, 40, 30, 0x112233));
    desktop.send({ kind: 'wire-to-surface-1', codecId: GfxCodecId.alpha, ...place, bitmapData: alpha });
    assert.equal(desktop.at(1, 1), 0x112233);
    assert.ok(desktop.compositor.pixels.every((value, at) => at % 4 !== 3 || value === 0xff));
  });

  it('copies between surfaces and through the cache, overlapping and clipped', () => {
    const desktop = new Desktop();
    desktop.send({ kind: 'create-surface', surfaceId: 2, width: 10, height: 10, pixelFormat: 0x20 });
    desktop.send(fill(0, 0, 10, 10, 0x00ff00, 2), fill(0, 0, 1, 10, 0xff0000, 2));
    desktop.send({
      kind: 'surface-to-surface',
      surfaceIdSrc: 2,
      surfaceIdDest: 2,
      rectSrc: rect(0, 0, 9, 10),
      destPoints: [{ x: 1, y: 0 }],
    });
    desktop.send({
      kind: 'surface-to-surface',
      surfaceIdSrc: 2,
      surfaceIdDest: 1,
      rectSrc: rect(0, 0, 10, 10),
      destPoints: [
        { x: 5, y: 5 },
        { x: -8, y: 20 },
      ],
    });
    assert.deepEqual([desktop.at(5, 5), desktop.at(6, 5), desktop.at(7, 5)], [0xff0000, 0xff0000, 0x00ff00]);
    assert.deepEqual([desktop.at(0, 20), desktop.at(1, 20), desktop.at(2, 20)], [0x00ff00, 0x00ff00, 0]);

    desktop.send({ kind: 'surface-to-cache', surfaceId: 1, cacheKey: 1n, cacheSlot: 7, rectSrc: rect(5, 5, 3, 1) });
    desktop.send(fill(0, 0, 40, 30, 0));
    desktop.send({
      kind: 'cache-to-surface',
      cacheSlot: 7,
      surfaceId: 1,
      destPoints: [
        { x: 30, y: 1 },
        { x: 39, y: 2 },
      ],
    });
    assert.deepEqual([desktop.at(30, 1), desktop.at(32, 1), desktop.at(39, 2)], [0xff0000, 0x00ff00, 0xff0000]);
    desktop.send({ kind: 'evict-cache-entry', cacheSlot: 7 });
    assert.throws(() => desktop.send({ kind: 'cache-to-surface', cacheSlot: 7, surfaceId: 1, destPoints: [] }), {
      code: 'invalid_value',
      field: 'cacheSlot',
    });
  });

  it('maps surfaces with an offset, and scaled', () => {
    const desktop = new Desktop();
    desktop.send(
      { kind: 'create-surface', surfaceId: 3, width: 4, height: 4, pixelFormat: 0x20 },
      fill(0, 0, 4, 4, 0x0000ff, 3),
    );
    desktop.send({ kind: 'map-surface-to-output', surfaceId: 3, outputOriginX: 10, outputOriginY: 10 });
    assert.deepEqual(
      [desktop.at(9, 10), desktop.at(10, 10), desktop.at(13, 13), desktop.at(14, 13)],
      [0, 0xff, 0xff, 0],
    );
    desktop.send({
      kind: 'map-surface-to-scaled-output',
      surfaceId: 3,
      outputOriginX: 20,
      outputOriginY: 0,
      targetWidth: 10,
      targetHeight: 8,
    });
    assert.deepEqual([desktop.at(19, 0), desktop.at(20, 0), desktop.at(29, 7), desktop.at(30, 7)], [0, 0xff, 0xff, 0]);
    desktop.compositor.takeDamage();
    desktop.send(fill(0, 0, 1, 1, 0xff0000, 3));
    assert.equal(desktop.at(20, 0), 0xff0000);
    const [damage] = desktop.compositor.takeDamage();
    assert.ok(damage !== undefined && damage.width <= 6 && damage.height <= 5, JSON.stringify(damage));
  });

  it('draws ClearCodec and uncompressed pictures where they belong', () => {
    const desktop = new Desktop();
    const pixels = Uint32Array.from({ length: 12 }, (_, i) => BLUE - i);
    const clear = new ClearCodecEncoder().encode(pixels, 4, { residual: true, bands: [], subcodecs: [] });
    desktop.send({
      kind: 'wire-to-surface-1',
      surfaceId: 1,
      codecId: 8,
      pixelFormat: 0x20,
      destRect: rect(8, 9, 4, 3),
      bitmapData: clear,
    });
    assert.equal(desktop.at(8, 9), 0xff0000);
    assert.equal(desktop.at(11, 11), 0xf40000);
    const raw = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0);
    desktop.send({
      kind: 'wire-to-surface-1',
      surfaceId: 1,
      codecId: 0,
      pixelFormat: 0x20,
      destRect: rect(0, 0, 1, 2),
      bitmapData: raw,
    });
    assert.deepEqual([desktop.at(0, 0), desktop.at(0, 1)], [0x030201, 0x060504]);
  });

  it('counts and skips AVC and messages for windows', () => {
    const desktop = new Desktop();
    desktop.send({
      kind: 'wire-to-surface-1',
      surfaceId: 1,
      codecId: 0xb,
      pixelFormat: 0x20,
      destRect: rect(0, 0, 8, 8),
      bitmapData: new Uint8Array(9),
    });
    const window = { surfaceId: 1, windowId: 4n, mappedWidth: 5, mappedHeight: 6 };
    desktop.send({ kind: 'map-surface-to-window', ...window });
    desktop.send({ kind: 'map-surface-to-scaled-window', ...window, targetWidth: 7, targetHeight: 8 });
    assert.equal(desktop.compositor.skipped, 3);
  });

  it('keeps the coefficients of tiles as long as their surface, whatever becomes of codec contexts', () => {
    const fine = new Uint8Array(10).fill(6);
    const encoderOf = (word: number) =>
      new ProgressiveTileEncoder(new Uint32Array(64 * 64).fill(word), EXTRAPOLATED_LAYOUT, fine);
    const [before, after] = [encoderOf(0xff204080), encoderOf(0xffc0a060)];
    const place = { xIdx: 0, yIdx: 0 };
    const wire = (codecContextId: number, tile: FirstTile): Pdu => {
      const rects = [{ x: 0, y: 0, width: 40, height: 30 }];
      const region = { rects, quantization: [fine], progressive: [], tiles: [tile] };
      const stream = { withContext: true, regions: [{ kind: 'region', extrapolated: true, ...region }] } as const;
      const bitmapData = encodeProgressiveStream(stream);
      return { kind: 'wire-to-surface-2', surfaceId: 1, codecId: 9, codecContextId, pixelFormat: 0x20, bitmapData };
    };
    const [desktop, whole] = [new Desktop(), new Desktop()];
    whole.send(wire(1, after.first(place, FULL_QUALITY)));
    desktop.send(wire(1, before.first(place, FULL_QUALITY)));
    assert.notEqual(desktop.at(20, 20), whole.at(20, 20));
    // [MS-RDPEGFX] 3.3.1.3: a difference in another context, even after the first one is gone.
    desktop.send({ kind: 'delete-encoding-context', surfaceId: 1, codecContextId: 1 });
    desktop.send(wire(2, after.first(place, FULL_QUALITY, undefined, before)));
    assert.deepEqual(desktop.compositor.pixels, whole.compositor.pixels);
  });

  it('goes on with an upgrade in the context that remains', () => {
    const fine = new Uint8Array(10).fill(6);
    const extra = new Uint8Array(10).fill(4);
    const picture = Uint32Array.from({ length: 64 * 64 }, (_, i) => (0xff000000 | (i * 0x010305)) >>> 0);
    const tile = new ProgressiveTileEncoder(picture, EXTRAPOLATED_LAYOUT, fine);
    const place = { xIdx: 0, yIdx: 0 };
    const wire = (codecContextId: number, sent: ProgressiveTile): Pdu => {
      const progressive = [{ quality: 50, y: extra, cb: extra, cr: extra }];
      const rects = [{ x: 0, y: 0, width: 40, height: 30 }];
      const region = { rects, quantization: [fine], progressive, tiles: [sent] };
      const stream = { withContext: false, regions: [{ kind: 'region', extrapolated: true, ...region }] } as const;
      const bitmapData = encodeProgressiveStream(stream);
      return { kind: 'wire-to-surface-2', surfaceId: 1, codecId: 9, codecContextId, pixelFormat: 0x20, bitmapData };
    };
    const [whole, stepwise] = [new Desktop(), new Desktop()];
    whole.send(wire(1, tile.first(place, FULL_QUALITY)));
    stepwise.send(wire(1, tile.first(place, 0, extra)), wire(2, tile.first(place, 0, extra)));
    stepwise.send({ kind: 'delete-encoding-context', surfaceId: 1, codecContextId: 1 });
    stepwise.send(wire(2, tile.upgrade(place, FULL_QUALITY, extra)));
    assert.deepEqual(stepwise.compositor.pixels, whole.compositor.pixels);
  });

  it('gives the bitmap cache the size of the capabilities that the server confirms', () => {
    const rectSrc = rect(0, 0, 40, 30);
    const put = (cacheSlot: number): Pdu => ({
      kind: 'surface-to-cache',
      surfaceId: 1,
      cacheKey: 1n,
      cacheSlot,
      rectSrc,
    });
    const opened = (version: number, flags: number): Desktop => {
      const desktop = new Desktop();
      desktop.send(
        { kind: 'caps-confirm', capsSet: { version, flags } },
        { kind: 'create-surface', surfaceId: 1, width: 2048, height: 1024, pixelFormat: 0x20 },
      );
      return desktop;
    };
    const { smallCache, thinClient, avcDisabled } = GfxCapsFlags;
    const large = opened(GfxVersion.v107, avcDisabled);
    large.send(put(25_600));
    assert.throws(() => large.send(put(25_601)), { field: 'cacheSlot' });
    for (const small of [
      opened(GfxVersion.v107, avcDisabled | smallCache),
      opened(GfxVersion.v8, thinClient),
      opened(GfxVersion.v103, avcDisabled),
    ]) {
      small.send(put(4_096));
      assert.throws(() => small.send(put(4_097)), { field: 'cacheSlot' });
      // Eight megabytes each.
      const whole = (cacheSlot: number): Pdu => ({ ...put(cacheSlot), rectSrc: rect(0, 0, 2048, 1024) }) as Pdu;
      small.send({ kind: 'evict-cache-entry', cacheSlot: 4_096 }, whole(1), whole(2));
      assert.throws(() => small.send(put(3)), { code: 'limit_exceeded' });
      small.send({ kind: 'evict-cache-entry', cacheSlot: 1 }, put(3));
    }
  });

  it('keeps surfaces over a reset and shows them on the new desktop', () => {
    const desktop = new Desktop();
    desktop.send(fill(0, 0, 40, 30, 0x445566));
    desktop.send({ kind: 'reset-graphics', width: 20, height: 10, monitors: [] });
    assert.deepEqual([desktop.compositor.width, desktop.compositor.height], [20, 10]);
    assert.equal(desktop.at(19, 9), 0x445566);
  });

  it('refuses what leaves a surface, names none, or is too large', () => {
    const desktop = new Desktop();
    const wire = (destRect: ReturnType<typeof rect>, surfaceId = 1): Pdu => ({
      kind: 'wire-to-surface-1',
      surfaceId,
      codecId: 0,
      pixelFormat: 0x20,
      destRect,
      bitmapData: new Uint8Array(4),
    });
    assert.throws(() => desktop.send(wire(rect(40, 0, 1, 1))), { code: 'invalid_value', field: 'destRect' });
    assert.throws(() => desktop.send(wire(rect(0, 0, 1, 1), 9)), { field: 'surfaceId' });
    assert.throws(() => desktop.send(fill(0, 0, 1, 1, 0, 9)), DecodeError);
    const create = (surfaceId: number, width = 8192, height = 4320): Pdu => ({
      kind: 'create-surface',
      surfaceId,
      width,
      height,
      pixelFormat: 0x20,
    });
    assert.throws(() => desktop.send(create(5), create(6)), { code: 'limit_exceeded' });
    const small = Array.from({ length: 4097 }, (_, id) => create(id, 1, 1));
    assert.doesNotThrow(() => new Desktop().send(...small.slice(0, 4096)));
    assert.throws(() => new Desktop().send(...small), { code: 'limit_exceeded' });
    for (const [width, height] of [
      [0, 9],
      [9, 0],
      [32_767, 9],
      // Few pixels, but more rows than sixteen bits can say to whoever is told of the desktop.
      [1, 70_000],
    ] as const) {
      assert.throws(() => desktop.send({ kind: 'reset-graphics', width, height, monitors: [] }), {
        code: 'limit_exceeded',
      });
    }
    assert.throws(
      () =>
        desktop.send({ kind: 'surface-to-cache', surfaceId: 1, cacheKey: 1n, cacheSlot: 0, rectSrc: rect(0, 0, 1, 1) }),
      { field: 'cacheSlot' },
    );
  });
});
