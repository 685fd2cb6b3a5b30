import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import { decodeGfxPdu } from './decode-pdu.ts';
import { encodeGfxPdu } from './encode-pdu.ts';
import { type GfxPdu, GfxVersion } from './pdu.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const decode = (bytes: Uint8Array): GfxPdu => {
  const cursor = new ReadCursor(bytes, 'test');
  const pdu = decodeGfxPdu(cursor);
  cursor.expectEnd();
  return pdu;
};

const rect = { left: 1, top: 2, right: 0x103, bottom: 0x204 };
const RECT = '0100020003010402';

/** Each message and its bytes, laid out by hand from [MS-RDPEGFX] 2.2.2. */
const MESSAGES: readonly (readonly [Exclude<GfxPdu, { kind: 'unknown' }>, string])[] = [
  [
    {
      kind: 'wire-to-surface-1',
      surfaceId: 5,
      codecId: 8,
      pixelFormat: 0x20,
      destRect: rect,
      bitmapData: Uint8Array.of(9, 8),
    },
    `010000001b000000 0500 0800 20 ${RECT} 02000000 0908`,
  ],
  [
    {
      kind: 'wire-to-surface-2',
      surfaceId: 5,
      codecId: 9,
      codecContextId: 0x11223344,
      pixelFormat: 0x21,
      bitmapData: Uint8Array.of(7),
    },
    '0200000016000000 0500 0900 44332211 21 01000000 07',
  ],
  [{ kind: 'delete-encoding-context', surfaceId: 5, codecContextId: 6 }, '030000000e000000 0500 06000000'],
  [
    { kind: 'solid-fill', surfaceId: 5, fillPixel: 0xff0a0b0c, fillRects: [rect, rect] },
    `0400000020000000 0500 0c0b0aff 0200 ${RECT} ${RECT}`,
  ],
  [
    { kind: 'surface-to-surface', surfaceIdSrc: 1, surfaceIdDest: 2, rectSrc: rect, destPoints: [{ x: -1, y: 3 }] },
    `050000001a000000 0100 0200 ${RECT} 0100 ffff0300`,
  ],
  [
    { kind: 'surface-to-cache', surfaceId: 1, cacheKey: 0x1122334455667788n, cacheSlot: 9, rectSrc: rect },
    `060000001c000000 0100 8877665544332211 0900 ${RECT}`,
  ],
  [
    { kind: 'cache-to-surface', cacheSlot: 9, surfaceId: 1, destPoints: [{ x: 4, y: 5 }] },
    '0700000012000000 0900 0100 0100 04000500',
  ],
  [{ kind: 'evict-cache-entry', cacheSlot: 9 }, '080000000a000000 0900'],
  [
    { kind: 'create-surface', surfaceId: 1, width: 640, height: 480, pixelFormat: 0x20 },
    '090000000f000000 0100 8002 e001 20',
  ],
  [{ kind: 'delete-surface', surfaceId: 1 }, '0a0000000a000000 0100'],
  [{ kind: 'start-frame', timestamp: 7, frameId: 8 }, '0b00000010000000 07000000 08000000'],
  [{ kind: 'end-frame', frameId: 8 }, '0c0000000c000000 08000000'],
  [
    { kind: 'frame-acknowledge', queueDepth: 0xffffffff, frameId: 8, totalFramesDecoded: 3 },
    '0d00000014000000 ffffffff 08000000 03000000',
  ],
  [
    {
      kind: 'reset-graphics',
      width: 800,
      height: 600,
      monitors: [{ left: -1, top: 0, right: 799, bottom: 599, flags: 1 }],
    },
    `0e00000054010000 20030000 58020000 01000000 ffffffff 00000000 1f030000 57020000 01000000 ${'00'.repeat(300)}`,
  ],
  [
    { kind: 'map-surface-to-output', surfaceId: 1, outputOriginX: 10, outputOriginY: 20 },
    '0f00000014000000 0100 0000 0a000000 14000000',
  ],
  [
    {
      kind: 'map-surface-to-scaled-output',
      surfaceId: 1,
      outputOriginX: 10,
      outputOriginY: 20,
      targetWidth: 30,
      targetHeight: 40,
    },
    '170000001c000000 0100 0000 0a000000 14000000 1e000000 28000000',
  ],
  [
    { kind: 'map-surface-to-window', surfaceId: 1, windowId: 2n, mappedWidth: 3, mappedHeight: 4 },
    '150000001a000000 0100 0200000000000000 03000000 04000000',
  ],
  [
    {
      kind: 'map-surface-to-scaled-window',
      surfaceId: 1,
      windowId: 0x1_0000_0002n,
      mappedWidth: 3,
      mappedHeight: 4,
      targetWidth: 5,
      targetHeight: 6,
    },
    '1800000022000000 0100 0200000001000000 03000000 04000000 05000000 06000000',
  ],
  [
    { kind: 'cache-import-offer', entries: [{ cacheKey: 3n, bitmapLength: 4 }] },
    '1000000016000000 0100 0300000000000000 04000000',
  ],
  [{ kind: 'cache-import-reply', cacheSlots: [1, 2] }, '110000000e000000 0200 0100 0200'],
  [
    {
      kind: 'caps-advertise',
      capsSets: [
        { version: GfxVersion.v8, flags: 2 },
        { version: GfxVersion.v101, flags: 0 },
      ],
    },
    `120000002e000000 0200 04000800 04000000 02000000 00010a00 10000000 ${'00'.repeat(16)}`,
  ],
  [
    { kind: 'caps-confirm', capsSet: { version: GfxVersion.v107, flags: 0x22 } },
    '1300000014000000 01070a00 04000000 22000000',
  ],
  [
    { kind: 'qoe-frame-acknowledge', frameId: 1, timestamp: 2, timeDiffSE: 3, timeDiffEDR: 4 },
    '1600000014000000 01000000 02000000 0300 0400',
  ],
];

describe('RDPGFX messages', () => {
  for (const [pdu, wire] of MESSAGES) {
    it(`${pdu.kind} is encoded and decoded as laid out`, () => {
      const bytes = encodeGfxPdu(pdu);
      assert.equal(hex(bytes), wire.replaceAll(' ', ''));
      assert.deepEqual(decode(bytes), pdu);
    });
  }

  it('lets a message it does not know pass by its length', () => {
    const cursor = new ReadCursor(
      Uint8Array.of(0x99, 0, 0, 0, 10, 0, 0, 0, 1, 2, 0x0c, 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0),
      'test',
    );
    assert.deepEqual(decodeGfxPdu(cursor), { kind: 'unknown', cmdId: 0x99 });
    assert.deepEqual(decodeGfxPdu(cursor), { kind: 'end-frame', frameId: 5 });
  });

  it('refuses rectangles that are inside out and lengths that lie', () => {
    const fill = encodeGfxPdu({
      kind: 'solid-fill',
      surfaceId: 1,
      fillPixel: 0,
      fillRects: [{ ...rect, left: 0x200 }],
    });
    assert.throws(() => decode(fill), { code: 'invalid_value' });
    const entries = Array.from({ length: 5_462 }, () => ({ cacheKey: 0n, bitmapLength: 0 }));
    assert.throws(() => decode(encodeGfxPdu({ kind: 'cache-import-offer', entries })), { field: 'cacheEntriesCount' });
    assert.throws(() => decode(Uint8Array.of(0x0c, 0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 4)), { field: 'pduLength' });
    assert.throws(() => decode(Uint8Array.of(0x0c, 0, 0, 0, 99, 0, 0, 0, 1, 2, 3, 4)), { code: 'truncated' });
  });

  it('throws nothing but DecodeError on damaged messages', () => {
    const good = MESSAGES.map(([pdu]) => encodeGfxPdu(pdu));
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
        (which, changes) => {
          const bytes = good[which]?.slice() ?? new Uint8Array(0);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            decodeGfxPdu(new ReadCursor(bytes, 'test'));
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
