import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Work } from '../../codecs/decoding-work.ts';
import { encodeProgressiveStream, FULL_QUALITY } from '../../codecs/progressive/blocks.ts';
import { encodeFrame } from '../../codecs/remotefx/blocks.ts';
import { RlgrMode } from '../../codecs/remotefx/rlgr.ts';
import { concatBytes } from '../../core/bytes.ts';
import { decodeGfxPdus } from './decode-pdu.ts';
import { encodeGfxPdu } from './encode-pdu.ts';
import { GfxWork } from './gfx-work.ts';
import { GfxCodecId, type GfxPdu } from './pdu.ts';

type Pdu = Exclude<GfxPdu, { kind: 'unknown' }>;

const WIDTH = 400;
const HEIGHT = 300;
const PIXELS = WIDTH * HEIGHT;
const WHOLE = { left: 0, top: 0, right: WIDTH, bottom: HEIGHT };
const START: Pdu = { kind: 'start-frame', timestamp: 0, frameId: 1 };
const END: Pdu = { kind: 'end-frame', frameId: 1 };

const create = (surfaceId: number, width = WIDTH, height = HEIGHT): Pdu => ({
  kind: 'create-surface',
  ...{ surfaceId, width, height, pixelFormat: 0x20 },
});
const fill = (surfaceId: number, rect = WHOLE): Pdu => ({
  kind: 'solid-fill',
  ...{ surfaceId, fillPixel: 0, fillRects: [rect] },
});
const scaled = (surfaceId: number, targetWidth: number, targetHeight: number): Pdu => ({
  kind: 'map-surface-to-scaled-output',
  ...{ surfaceId, outputOriginX: 0, outputOriginY: 0, targetWidth, targetHeight },
});

/** What messages of one update take, behind those that made the desktop and surface 1 on it. */
function workOf(pdus: readonly Pdu[], before: readonly Pdu[] = []): number {
  const work = new GfxWork();
  const tell = (messages: readonly Pdu[]): number => {
    decodeGfxPdus(concatBytes(...messages.map(encodeGfxPdu)), new Set(), work);
    return work.take();
  };
  tell([{ kind: 'reset-graphics', width: WIDTH, height: HEIGHT, monitors: [] }, create(1), ...before]);
  return tell(pdus);
}

/** That a command takes so much for each pixel of a desktop, and little besides. */
function assertEach(work: number, each: number): void {
  assert.ok(work >= each * PIXELS && work < each * PIXELS + 40_000, `${work / PIXELS} for a pixel`);
}

describe('what messages of the graphics pipeline take', () => {
  it('counts pixels that are filled, copied and kept, as often as they are', () => {
    const destPoints = Array.from({ length: 5 }, () => ({ x: 0, y: 0 }));
    const copy: Pdu = { kind: 'surface-to-surface', surfaceIdSrc: 1, surfaceIdDest: 1, rectSrc: WHOLE, destPoints };
    const keep: Pdu = { kind: 'surface-to-cache', surfaceId: 1, cacheKey: 1n, cacheSlot: 3, rectSrc: WHOLE };
    const paste: Pdu = { kind: 'cache-to-surface', cacheSlot: 3, surfaceId: 1, destPoints };
    assertEach(workOf([fill(1), fill(1)]), 2 * Work.paint);
    assertEach(workOf([copy]), Work.make + 5 * Work.paint);
    assertEach(workOf([keep]), Work.make);
    assertEach(workOf([paste], [keep]), 5 * Work.paint);
    assertEach(workOf([paste], [keep, { kind: 'evict-cache-entry', cacheSlot: 3 }]), 0);
    assertEach(workOf([create(2)]), Work.make);
    assertEach(workOf([fill(1, { left: 0, top: 0, right: 0xffff, bottom: 0xffff })]), Work.paint);
  });

  it('counts what is shown at the end of a frame, once, however often it was drawn', () => {
    const map: Pdu = { kind: 'map-surface-to-output', surfaceId: 1, outputOriginX: 0, outputOriginY: 0 };
    assertEach(workOf([map]), 1);
    assertEach(workOf([START, fill(1), fill(1), fill(1), END], [map]), 3 * Work.paint + 1);
    assertEach(workOf([{ kind: 'delete-surface', surfaceId: 1 }, fill(1)], [map]), 0);
    assertEach(workOf([{ kind: 'reset-graphics', width: WIDTH, height: HEIGHT, monitors: [] }], [map]), Work.make + 1);
  });

  it('counts a pixel that shows all over the desktop, as large as the desktop is', () => {
    const dot = { left: 0, top: 0, right: 1, bottom: 1 };
    const before = [create(2, 1, 1), scaled(2, 0xffff, 0xffff)];
    assertEach(workOf([fill(2, dot)], before), Work.scale);
    assertEach(workOf([START, fill(2, dot), fill(2, dot), END], before), Work.scale);
  });

  it('counts pictures by their size, and tiles by their number', () => {
    const picture = (codecId: number, bitmapData: Uint8Array): Pdu => ({
      kind: 'wire-to-surface-1',
      ...{ surfaceId: 1, codecId, pixelFormat: 0x20, destRect: WHOLE, bitmapData },
    });
    assertEach(workOf([picture(GfxCodecId.planar, new Uint8Array(1))]), Work.picture);
    assertEach(workOf([picture(GfxCodecId.alpha, new Uint8Array(1))]), Work.alpha);
    const rectangle = [0, 0, 0, 0, WIDTH & 0xff, WIDTH >> 8, HEIGHT & 0xff, HEIGHT >> 8, 2, 0, 0, 0, 2, 9, 9];
    const clear = [0, 0, ...[0, 0, 0, 0], ...[0, 0, 0, 0], ...[30, 0, 0, 0], ...rectangle, ...rectangle];
    const each = Work.picture + Work.make;
    assertEach(workOf([picture(GfxCodecId.clearCodec, Uint8Array.from(clear))]), Work.picture + 2 * each);

    const data = new Uint8Array(0);
    const tile = { quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, y: data, cb: data, cr: data };
    const tiles = Array.from({ length: 20 }, (_, xIdx) => ({ xIdx, yIdx: 0, ...tile }));
    const rects = Array.from({ length: 1000 }, () => ({ x: 0, y: 0, width: 0, height: 0 }));
    const quantization = [new Uint8Array(10).fill(6)];
    const size = { width: WIDTH, height: HEIGHT };
    const frame = { frameIdx: 0, ...size, entropy: RlgrMode.rlgr1, rects, quantization, tiles, withHeaders: true };
    const least = 20 * Work.tile + 20 * 1000 * Work.pair;
    assert.ok(workOf([picture(GfxCodecId.caVideo, encodeFrame(frame))]) >= least);

    const first = tiles.map((place) => ({
      kind: 'first' as const,
      difference: false,
      quality: FULL_QUALITY,
      ...place,
    }));
    const region = { kind: 'region' as const, extrapolated: true, rects, quantization, progressive: [], tiles: first };
    const stream = (regions: number): Pdu => ({
      kind: 'wire-to-surface-2',
      ...{ surfaceId: 1, codecId: GfxCodecId.progressive, codecContextId: 1, pixelFormat: 0x20 },
      bitmapData: encodeProgressiveStream({ withContext: true, regions: Array(regions).fill(region) }),
    });
    assert.ok(workOf([stream(1)]) >= least);
    // Rectangles of a frame count for all tiles that come in it.
    assert.ok(workOf([stream(1)], [START, stream(1)]) >= 20 * Work.tile + 3 * 20 * 1000 * Work.pair);
    assert.ok(workOf([stream(1)], [START, stream(1), END]) < least + 1000 * 2 * Work.part);
  });

  it('counts tiles of a frame once more where another region shows them, and its own once', () => {
    const data = new Uint8Array(0);
    const quantization = [new Uint8Array(10).fill(6)];
    const tileAt = (xIdx: number, yIdx: number) => ({
      ...{ kind: 'first' as const, difference: false, quality: FULL_QUALITY, xIdx, yIdx },
      ...{ quantIdxY: 0, quantIdxCb: 0, quantIdxCr: 0, y: data, cb: data, cr: data },
    });
    const row = (yIdx: number, tiles = [0, 1, 2, 3].map((xIdx) => tileAt(xIdx, yIdx))) => ({
      ...{ kind: 'region' as const, extrapolated: true, quantization, progressive: [], tiles },
      rects: [{ x: 0, y: yIdx * 64, width: 4 * 64, height: 64 }],
    });
    const workOfRegions = (...regions: ReturnType<typeof row>[]) =>
      workOf([
        {
          kind: 'wire-to-surface-2',
          ...{ surfaceId: 1, codecId: GfxCodecId.progressive, codecContextId: 1, pixelFormat: 0x20 },
          bitmapData: encodeProgressiveStream({ withContext: true, regions }),
        },
      ]);
    const tilesIn = (work: number) => Math.floor(work / Work.tile);
    assert.equal(tilesIn(workOfRegions(row(0))), 4);
    assert.equal(tilesIn(workOfRegions(row(0), row(1), row(2))), 12);
    assert.equal(tilesIn(workOfRegions(row(0), row(0, []), row(0, []))), 12);
  });

  it('takes any bytes, and never gives time back', () => {
    const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const command = fc.tuple(fc.integer({ min: 0, max: 0x19 }), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const work = new GfxWork();
        for (const [cmdId, body] of commands) {
          const bytes = concatBytes(Uint8Array.of(cmdId, 0, 0, 0, body.length + 8, 0, 0, 0), body);
          work.add(cmdId, bytes, view(bytes), 0, bytes.length);
          const taken = work.take();
          assert.ok(Number.isSafeInteger(taken) && taken >= Work.command, `${taken}`);
        }
      }),
      { numRuns: 500 },
    );
  });
});
