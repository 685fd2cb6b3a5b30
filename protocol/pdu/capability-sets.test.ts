import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  type CapabilitySet,
  CapabilitySetType,
  decodeCapabilitySet,
  encodeCapabilitySet,
  findCapability,
  sizeOfCapabilitySet,
} from './capability-sets.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** Each set with its type and its body's bytes; the sizes are those of [MS-RDPBCGR] 2.2.7 less type and length. */
const CASES: readonly (readonly [CapabilitySet, number, number, string])[] = [
  [
    {
      kind: 'general',
      osMajorType: 1,
      osMinorType: 3,
      protocolVersion: 0x200,
      generalCompressionTypes: 0,
      extraFlags: 0x041d,
      updateCapabilityFlag: 0,
      remoteUnshareFlag: 0,
      generalCompressionLevel: 0,
      refreshRectSupport: 1,
      suppressOutputSupport: 0,
    },
    0x01,
    20,
    '0100 0300 0002 0000 0000 1d04 0000 0000 0000 01 00',
  ],
  [
    {
      kind: 'bitmap',
      preferredBitsPerPixel: 24,
      receive1BitPerPixel: 1,
      receive4BitsPerPixel: 1,
      receive8BitsPerPixel: 1,
      desktopWidth: 1280,
      desktopHeight: 1024,
      desktopResizeFlag: 1,
      bitmapCompressionFlag: 1,
      highColorFlags: 0,
      drawingFlags: 0x0e,
      multipleRectangleSupport: 1,
    },
    0x02,
    24,
    '1800 0100 0100 0100 0005 0004 0000 0100 0100 00 0e 0100 0000',
  ],
  [
    {
      kind: 'order',
      desktopSaveXGranularity: 1,
      desktopSaveYGranularity: 20,
      maximumOrderLevel: 1,
      numberFonts: 0,
      orderFlags: 0x2a,
      orderSupport: Uint8Array.from({ length: 32 }, (_, i) => i % 2),
      textFlags: 0x6a1,
      orderSupportExFlags: 2,
      desktopSaveSize: 230400,
      textAnsiCodePage: 0x4e4,
    },
    0x03,
    84,
    `${'00'.repeat(16)} 00000000 0100 1400 0000 0100 0000 2a00 ${'0001'.repeat(16)} a106 0200 00000000 00840300
      0000 0000 e404 0000`,
  ],
  [
    {
      kind: 'bitmapCache',
      cache0Entries: 120,
      cache0MaximumCellSize: 256,
      cache1Entries: 121,
      cache1MaximumCellSize: 1024,
      cache2Entries: 122,
      cache2MaximumCellSize: 4096,
    },
    0x04,
    36,
    `${'00'.repeat(24)} 7800 0001 7900 0004 7a00 0010`,
  ],
  [
    { kind: 'control', controlFlags: 0, remoteDetachFlag: 0, controlInterest: 2, detachInterest: 2 },
    0x05,
    8,
    '0000 0000 0200 0200',
  ],
  [
    { kind: 'activation', helpKeyFlag: 1, helpKeyIndexFlag: 2, helpExtendedKeyFlag: 3, windowManagerKeyFlag: 4 },
    0x07,
    8,
    '0100 0200 0300 0400',
  ],
  [
    { kind: 'pointer', colorPointerFlag: 1, colorPointerCacheSize: 20, pointerCacheSize: 21 },
    0x08,
    6,
    '0100 1400 1500',
  ],
  [{ kind: 'share', nodeId: 1002 }, 0x09, 4, 'ea03 0000'],
  [{ kind: 'colorCache', colorTableCacheSize: 6 }, 0x0a, 4, '0600 0000'],
  [{ kind: 'sound', soundFlags: 1 }, 0x0c, 4, '0100 0000'],
  [
    {
      kind: 'input',
      inputFlags: 0x0135,
      keyboardLayout: 0x409,
      keyboardType: 4,
      keyboardSubType: 0,
      keyboardFunctionKey: 12,
      imeFileName: 'ime',
    },
    0x0d,
    84,
    `3501 0000 09040000 04000000 00000000 0c000000 69006d006500 ${'00'.repeat(58)}`,
  ],
  [{ kind: 'font', fontSupportFlags: 1 }, 0x0e, 4, '0100 0000'],
  [{ kind: 'brush', brushSupportLevel: 1 }, 0x0f, 4, '01000000'],
  [
    {
      kind: 'glyphCache',
      glyphCache: Array.from({ length: 10 }, (_, i) => ({ entries: 254, maximumCellSize: i })),
      fragCache: 0x01000100,
      glyphSupportLevel: 3,
    },
    0x10,
    48,
    `${Array.from({ length: 10 }, (_, i) => `fe00 0${i}00`).join('')} 00010001 0300 0000`,
  ],
  [
    { kind: 'offscreenCache', offscreenSupportLevel: 1, offscreenCacheSize: 7680, offscreenCacheEntries: 100 },
    0x11,
    8,
    '01000000 001e 6400',
  ],
  [{ kind: 'bitmapCacheHostSupport', cacheVersion: 1 }, 0x12, 4, '01 00 0000'],
  [
    {
      kind: 'bitmapCacheRev2',
      cacheFlags: 3,
      cells: [
        { entries: 120, persistent: false },
        { entries: 2550, persistent: true },
      ],
    },
    0x13,
    36,
    '0300 00 02 78000000 f6090080 00000000 00000000 00000000 000000000000000000000000',
  ],
  [{ kind: 'virtualChannel', flags: 1, vcChunkSize: 1600 }, 0x14, 8, '01000000 40060000'],
  [
    {
      kind: 'drawNineGridCache',
      drawNineGridSupportLevel: 2,
      drawNineGridCacheSize: 2560,
      drawNineGridCacheEntries: 256,
    },
    0x15,
    8,
    '02000000 000a 0001',
  ],
  [{ kind: 'opaque', type: 0x16, data: new Uint8Array(36).fill(1) }, 0x16, 36, '01'.repeat(36)],
  [{ kind: 'opaque', type: 0x17, data: hex('ff000000') }, 0x17, 4, 'ff000000'],
  [{ kind: 'opaque', type: 0x18, data: hex('02000000030c00') }, 0x18, 7, '02000000030c00'],
  [{ kind: 'desktopComposition', compDeskSupportLevel: 1 }, 0x19, 2, '0100'],
  [{ kind: 'multifragmentUpdate', maxRequestSize: 0x3f0000 }, 0x1a, 4, '00003f00'],
  [{ kind: 'largePointer', largePointerSupportFlags: 3 }, 0x1b, 2, '0300'],
  [{ kind: 'surfaceCommands', cmdFlags: 0x52 }, 0x1c, 8, '52000000 00000000'],
  [
    {
      kind: 'bitmapCodecs',
      codecs: [
        { guid: hex('000102030405060708090a0b0c0d0e0f'), id: 3, properties: hex('aabb') },
        { guid: hex('101112131415161718191a1b1c1d1e1f'), id: 1, properties: hex('') },
      ],
    },
    0x1d,
    41,
    '02 000102030405060708090a0b0c0d0e0f 03 0200 aabb 101112131415161718191a1b1c1d1e1f 01 0000',
  ],
  [{ kind: 'frameAcknowledge', maxUnacknowledgedFrameCount: 2 }, 0x1e, 4, '02000000'],
  [{ kind: 'opaque', type: 0x99, data: hex('0102') }, 0x99, 2, '0102'],
];

describe('capability sets', () => {
  for (const [set, type, size, bytes] of CASES) {
    it(`encodes and decodes ${set.kind} (0x${type.toString(16)})`, () => {
      const block = { type, data: hex(bytes) };
      assert.equal(block.data.length, size);
      assert.equal(sizeOfCapabilitySet(set), size);
      assert.deepEqual(encodeCapabilitySet(set), block);
      assert.deepEqual(decodeCapabilitySet(block), set);
    });
  }

  it('covers every type that the specification has', () => {
    const covered = new Set(CASES.map(([, type]) => type));
    for (const [name, type] of Object.entries(CapabilitySetType)) assert.ok(covered.has(type), name);
  });

  it('reads sets that older implementations end early', () => {
    const decode = (type: number, bytes: string) => decodeCapabilitySet({ type, data: hex(bytes) });
    assert.deepEqual(decode(0x08, '0100 1400'), {
      kind: 'pointer',
      colorPointerFlag: 1,
      colorPointerCacheSize: 20,
      pointerCacheSize: 0,
    });
    assert.deepEqual(decode(0x14, '01000000'), { kind: 'virtualChannel', flags: 1, vcChunkSize: 0 });
    assert.deepEqual(decode(0x0e, ''), { kind: 'font', fontSupportFlags: 0 });
    assert.deepEqual(decode(0x0e, '0100'), { kind: 'font', fontSupportFlags: 1 });
    assert.deepEqual(decode(0x09, 'ea03'), { kind: 'share', nodeId: 1002 });
  });

  it('passes over what later versions append', () => {
    const set = decodeCapabilitySet({ type: 0x1a, data: hex('00003f00 11223344') });
    assert.deepEqual(set, { kind: 'multifragmentUpdate', maxRequestSize: 0x3f0000 });
  });

  it('finds a set by its kind', () => {
    const sets = CASES.map(([set]) => set);
    assert.equal(findCapability(sets, 'multifragmentUpdate')?.maxRequestSize, 0x3f0000);
    assert.equal(findCapability([], 'general'), undefined);
  });

  it('refuses sets that are too short, and names the field', () => {
    const refused = (type: number, bytes: string, field: string) => {
      const is = (error: unknown) => error instanceof DecodeError && error.field === field;
      assert.throws(() => decodeCapabilitySet({ type, data: hex(bytes) }), is, field);
    };
    refused(0x01, '0100 0300', 'protocolVersion');
    refused(0x1a, '00003f', 'maxRequestSize');
    refused(0x13, '0000 00 06', 'NumCellCaches');
    refused(0x1d, '01 000102030405060708090a0b0c0d0e0f 03 0200 aa', 'codecProperties');
    refused(0x1d, 'ff', 'codecGUID');
  });

  it('does not write what it would not read', () => {
    const order = CASES.map(([set]) => set).find((set) => set.kind === 'order');
    assert.ok(order);
    assert.throws(() => encodeCapabilitySet({ ...order, orderSupport: new Uint8Array(31) }), UsageError);
    const cells = new Array(6).fill({ entries: 1, persistent: false });
    assert.throws(() => encodeCapabilitySet({ kind: 'bitmapCacheRev2', cacheFlags: 0, cells }), UsageError);
  });

  it('survives any bytes, and keeps what it understood', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x20 }), fc.uint8Array({ maxLength: 100 }), (type, data) => {
        let set: CapabilitySet;
        try {
          set = decodeCapabilitySet({ type, data });
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
          return;
        }
        assert.deepEqual(decodeCapabilitySet(encodeCapabilitySet(set)), set);
      }),
      { numRuns: 500 },
    );
  });
});
