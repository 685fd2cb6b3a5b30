/**
 * Capability sets of Demand Active and Confirm Active ([MS-RDPBCGR] 2.2.7), between `CapabilitySetBlock` (share.ts)
 * and plain objects. Sets that nobody decodes here, and sets nobody knows, survive as `opaque`.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { type FieldTable, type FieldValues, fieldTable, optional, pad, u8, u16, u32 } from './capability-fields.ts';
import { readFixedUtf16, writeFixedUtf16 } from './fixed-text.ts';
import type { CapabilitySetBlock } from './share.ts';

/** [MS-RDPBCGR] 2.2.1.13.1.1.1 capabilitySetType. */
export const CapabilitySetType = {
  general: 0x01,
  bitmap: 0x02,
  order: 0x03,
  bitmapCache: 0x04,
  control: 0x05,
  activation: 0x07,
  pointer: 0x08,
  share: 0x09,
  colorCache: 0x0a,
  sound: 0x0c,
  input: 0x0d,
  font: 0x0e,
  brush: 0x0f,
  glyphCache: 0x10,
  offscreenCache: 0x11,
  bitmapCacheHostSupport: 0x12,
  bitmapCacheRev2: 0x13,
  virtualChannel: 0x14,
  drawNineGridCache: 0x15,
  drawGdiPlus: 0x16,
  rail: 0x17,
  windowList: 0x18,
  desktopComposition: 0x19,
  multifragmentUpdate: 0x1a,
  largePointer: 0x1b,
  surfaceCommands: 0x1c,
  bitmapCodecs: 0x1d,
  frameAcknowledge: 0x1e,
} as const;

/** [MS-RDPBCGR] 2.2.7.1.3 TS_ORDER_CAPABILITYSET. */
export interface OrderCapability {
  readonly desktopSaveXGranularity: number;
  readonly desktopSaveYGranularity: number;
  readonly maximumOrderLevel: number;
  readonly numberFonts: number;
  readonly orderFlags: number;
  /** 32 bytes, one an order: 1 where it is supported. */
  readonly orderSupport: Uint8Array;
  readonly textFlags: number;
  readonly orderSupportExFlags: number;
  readonly desktopSaveSize: number;
  readonly textAnsiCodePage: number;
}

/** [MS-RDPBCGR] 2.2.7.1.6 TS_INPUT_CAPABILITYSET. */
export interface InputCapability {
  readonly inputFlags: number;
  readonly keyboardLayout: number;
  readonly keyboardType: number;
  readonly keyboardSubType: number;
  readonly keyboardFunctionKey: number;
  readonly imeFileName: string;
}

/** [MS-RDPBCGR] 2.2.7.1.8 TS_GLYPHCACHE_CAPABILITYSET, with 2.2.7.1.8.1 TS_CACHE_DEFINITION. */
export interface GlyphCacheCapability {
  /** Ten caches. */
  readonly glyphCache: readonly { readonly entries: number; readonly maximumCellSize: number }[];
  readonly fragCache: number;
  readonly glyphSupportLevel: number;
}

/** [MS-RDPBCGR] 2.2.7.1.4.2 TS_BITMAPCACHE_CAPABILITYSET_REV2, 2.2.7.1.4.2.1 its cells. */
export interface BitmapCacheRev2Capability {
  readonly cacheFlags: number;
  /** Up to five caches; `persistent`: their keys outlive the connection. */
  readonly cells: readonly { readonly entries: number; readonly persistent: boolean }[];
}

/** [MS-RDPBCGR] 2.2.7.2.10.1.1 codecGUID, in wire order; 2.2.7.2.10.1.1.1 GUID. */
export const CodecGuid = {
  /** CA8D1BB9-000F-154F-589F-AE2D1A87E2D6 */
  nsCodec: Uint8Array.of(
    0xb9,
    0x1b,
    0x8d,
    0xca,
    0x0f,
    0x00,
    0x4f,
    0x15,
    0x58,
    0x9f,
    0xae,
    0x2d,
    0x1a,
    0x87,
    0xe2,
    0xd6,
  ),
  /** 76772F12-BD72-4463-AFB3-B73C9C6F7886 */
  remoteFx: Uint8Array.of(
    0x12,
    0x2f,
    0x77,
    0x76,
    0x72,
    0xbd,
    0x63,
    0x44,
    0xaf,
    0xb3,
    0xb7,
    0x3c,
    0x9c,
    0x6f,
    0x78,
    0x86,
  ),
  /** 2744CCD4-9D8A-4E74-803C-0ECBEEA19C54 */
  imageRemoteFx: Uint8Array.of(
    0xd4,
    0xcc,
    0x44,
    0x27,
    0x8a,
    0x9d,
    0x74,
    0x4e,
    0x80,
    0x3c,
    0x0e,
    0xcb,
    0xee,
    0xa1,
    0x9c,
    0x54,
  ),
} as const;

/** [MS-RDPBCGR] 2.2.7.2.10.1.1 TS_BITMAPCODEC, in 2.2.7.2.10.1 TS_BITMAPCODECS. */
export interface BitmapCodec {
  /** 16 bytes in wire order, see `CodecGuid`. */
  readonly guid: Uint8Array;
  readonly id: number;
  readonly properties: Uint8Array;
}

/**
 * Sets that are a row of fields. [MS-RDPBCGR] 2.2.7.1.1 general, 2.2.7.1.2 bitmap, 2.2.7.1.4.1 bitmap cache, 2.2.7.1.5
 * pointer, 2.2.7.1.7 brush, 2.2.7.1.9 offscreen cache, 2.2.7.1.10 virtual channel, 2.2.7.1.11 sound, 2.2.7.2.1 bitmap
 * cache host support, 2.2.7.2.2 control, 2.2.7.2.3 activation, 2.2.7.2.4 share, 2.2.7.2.5 font, 2.2.7.2.6 multifragment
 * update, 2.2.7.2.7 large pointer, 2.2.7.2.8 desktop composition, 2.2.7.2.9 surface commands.
 */
const TABLES = {
  general: fieldTable('TS_GENERAL_CAPABILITYSET', [
    u16('osMajorType'),
    u16('osMinorType'),
    u16('protocolVersion'),
    pad(2),
    u16('generalCompressionTypes'),
    u16('extraFlags'),
    u16('updateCapabilityFlag'),
    u16('remoteUnshareFlag'),
    u16('generalCompressionLevel'),
    optional(u8('refreshRectSupport')),
    u8('suppressOutputSupport'),
  ]),
  bitmap: fieldTable('TS_BITMAP_CAPABILITYSET', [
    u16('preferredBitsPerPixel'),
    u16('receive1BitPerPixel'),
    u16('receive4BitsPerPixel'),
    u16('receive8BitsPerPixel'),
    u16('desktopWidth'),
    u16('desktopHeight'),
    pad(2),
    u16('desktopResizeFlag'),
    u16('bitmapCompressionFlag'),
    optional(u8('highColorFlags')),
    u8('drawingFlags'),
    u16('multipleRectangleSupport'),
    pad(2),
  ]),
  bitmapCache: fieldTable('TS_BITMAPCACHE_CAPABILITYSET', [
    ...Array.from({ length: 6 }, () => pad(4)),
    u16('cache0Entries'),
    u16('cache0MaximumCellSize'),
    u16('cache1Entries'),
    u16('cache1MaximumCellSize'),
    u16('cache2Entries'),
    u16('cache2MaximumCellSize'),
  ]),
  control: fieldTable('TS_CONTROL_CAPABILITYSET', [
    u16('controlFlags'),
    u16('remoteDetachFlag'),
    u16('controlInterest'),
    u16('detachInterest'),
  ]),
  activation: fieldTable('TS_WINDOWACTIVATION_CAPABILITYSET', [
    u16('helpKeyFlag'),
    u16('helpKeyIndexFlag'),
    u16('helpExtendedKeyFlag'),
    u16('windowManagerKeyFlag'),
  ]),
  pointer: fieldTable('TS_POINTER_CAPABILITYSET', [
    u16('colorPointerFlag'),
    u16('colorPointerCacheSize'),
    optional(u16('pointerCacheSize')),
  ]),
  share: fieldTable('TS_SHARE_CAPABILITYSET', [u16('nodeId'), optional(pad(2))]),
  colorCache: fieldTable('TS_COLORTABLE_CAPABILITYSET', [u16('colorTableCacheSize'), optional(pad(2))]),
  sound: fieldTable('TS_SOUND_CAPABILITYSET', [u16('soundFlags'), optional(pad(2))]),
  font: fieldTable('TS_FONT_CAPABILITYSET', [optional(u16('fontSupportFlags')), pad(2)]),
  brush: fieldTable('TS_BRUSH_CAPABILITYSET', [u32('brushSupportLevel')]),
  offscreenCache: fieldTable('TS_OFFSCREEN_CAPABILITYSET', [
    u32('offscreenSupportLevel'),
    u16('offscreenCacheSize'),
    u16('offscreenCacheEntries'),
  ]),
  bitmapCacheHostSupport: fieldTable('TS_BITMAPCACHE_HOSTSUPPORT_CAPABILITYSET', [
    u8('cacheVersion'),
    optional(pad(1)),
    pad(2),
  ]),
  virtualChannel: fieldTable('TS_VIRTUALCHANNEL_CAPABILITYSET', [u32('flags'), optional(u32('vcChunkSize'))]),
  drawNineGridCache: fieldTable('TS_DRAW_NINEGRID_CAPABILITYSET', [
    u32('drawNineGridSupportLevel'),
    u16('drawNineGridCacheSize'),
    u16('drawNineGridCacheEntries'),
  ]),
  desktopComposition: fieldTable('TS_COMPDESK_CAPABILITYSET', [u16('compDeskSupportLevel')]),
  multifragmentUpdate: fieldTable('TS_MULTIFRAGMENTUPDATE_CAPABILITYSET', [u32('maxRequestSize')]),
  largePointer: fieldTable('TS_LARGE_POINTER_CAPABILITYSET', [u16('largePointerSupportFlags')]),
  surfaceCommands: fieldTable('TS_SURFCMDS_CAPABILITYSET', [u32('cmdFlags'), optional(pad(4))]),
  frameAcknowledge: fieldTable('TS_FRAME_ACKNOWLEDGE_CAPABILITYSET', [u32('maxUnacknowledgedFrameCount')]),
} as const;

type TableKind = keyof typeof TABLES;
type TableValues<T> = T extends FieldTable<infer N> ? FieldValues<N> : never;
type TableSet = { [K in TableKind]: { readonly kind: K } & TableValues<(typeof TABLES)[K]> }[TableKind];

export type CapabilitySet =
  | TableSet
  | ({ readonly kind: 'order' } & OrderCapability)
  | ({ readonly kind: 'input' } & InputCapability)
  | ({ readonly kind: 'glyphCache' } & GlyphCacheCapability)
  | ({ readonly kind: 'bitmapCacheRev2' } & BitmapCacheRev2Capability)
  | { readonly kind: 'bitmapCodecs'; readonly codecs: readonly BitmapCodec[] }
  /** GDI+, RemoteApp and window list sets (which only matter to drawing orders and RAIL), and unknown ones. */
  | { readonly kind: 'opaque'; readonly type: number; readonly data: Uint8Array };

/** One set by its kind: `CapabilityOf<'general'>`. */
export type CapabilityOf<K extends CapabilitySet['kind']> = Extract<CapabilitySet, { readonly kind: K }>;

const KIND_OF_TYPE: ReadonlyMap<number, string> = new Map(
  Object.entries(CapabilitySetType).map(([kind, type]) => [type as number, kind]),
);

const IME_FILE_NAME_SIZE = 64;
const TERMINAL_DESCRIPTOR_SIZE = 16;
const ORDER_SUPPORT_SIZE = 32;
const ORDER_SIZE = 84;
const INPUT_SIZE = 84;
const GLYPH_CACHES = 10;
const GLYPH_SIZE = GLYPH_CACHES * 4 + 4 /* fragCache */ + 2 /* level */ + 2; /* padding */
const REV2_CELLS = 5;
const REV2_SIZE = 36;
const REV2_PERSISTENT = 0x80000000;
const GUID_SIZE = 16;

/** Decodes one set; bytes that later versions append to a set are ignored. @pdu TS_CAPS_SET */
export function decodeCapabilitySet(block: CapabilitySetBlock): CapabilitySet {
  const { type, data } = block;
  const kind = KIND_OF_TYPE.get(type);
  switch (kind) {
    case 'order':
      return { kind, ...decodeOrder(new ReadCursor(data, 'TS_ORDER_CAPABILITYSET')) };
    case 'input':
      return { kind, ...decodeInput(new ReadCursor(data, 'TS_INPUT_CAPABILITYSET')) };
    case 'glyphCache':
      return { kind, ...decodeGlyphCache(new ReadCursor(data, 'TS_GLYPHCACHE_CAPABILITYSET')) };
    case 'bitmapCacheRev2':
      return { kind, ...decodeBitmapCacheRev2(new ReadCursor(data, 'TS_BITMAPCACHE_CAPABILITYSET_REV2')) };
    case 'bitmapCodecs':
      return { kind, codecs: decodeBitmapCodecs(new ReadCursor(data, 'TS_BITMAPCODECS_CAPABILITYSET')) };
    default:
      if (kind === undefined || !isTableKind(kind)) return { kind: 'opaque', type, data: data.slice() };
      return { kind, ...TABLES[kind].decode(data) } as TableSet;
  }
}

export function encodeCapabilitySet(set: CapabilitySet): CapabilitySetBlock {
  switch (set.kind) {
    case 'opaque':
      return { type: set.type, data: set.data };
    case 'order':
      return { type: CapabilitySetType.order, data: encodeOrder(set) };
    case 'input':
      return { type: CapabilitySetType.input, data: encodeInput(set) };
    case 'glyphCache':
      return { type: CapabilitySetType.glyphCache, data: encodeGlyphCache(set) };
    case 'bitmapCacheRev2':
      return { type: CapabilitySetType.bitmapCacheRev2, data: encodeBitmapCacheRev2(set) };
    case 'bitmapCodecs':
      return { type: CapabilitySetType.bitmapCodecs, data: encodeBitmapCodecs(set.codecs) };
    default: {
      const table: FieldTable<string> = TABLES[set.kind];
      const { kind: _, ...values } = set;
      return { type: CapabilitySetType[set.kind], data: table.encode(values) };
    }
  }
}

/** Size of the set's body, without type and length. */
export function sizeOfCapabilitySet(set: CapabilitySet): number {
  switch (set.kind) {
    case 'opaque':
      return set.data.length;
    case 'order':
      return ORDER_SIZE;
    case 'input':
      return INPUT_SIZE;
    case 'glyphCache':
      return GLYPH_SIZE;
    case 'bitmapCacheRev2':
      return REV2_SIZE;
    case 'bitmapCodecs':
      return set.codecs.reduce((size, codec) => size + GUID_SIZE + 3 /* id, length */ + codec.properties.length, 1);
    default:
      return TABLES[set.kind].size;
  }
}

/** The first set of a kind; peers send each at most once. */
export function findCapability<K extends CapabilitySet['kind']>(
  sets: readonly CapabilitySet[],
  kind: K,
): CapabilityOf<K> | undefined {
  return sets.find((set): set is CapabilityOf<K> => set.kind === kind);
}

function isTableKind(kind: string): kind is TableKind {
  return Object.hasOwn(TABLES, kind);
}

function decodeOrder(cursor: ReadCursor): OrderCapability {
  cursor.skip(TERMINAL_DESCRIPTOR_SIZE, 'terminalDescriptor');
  cursor.skip(4, 'pad4octetsA');
  const desktopSaveXGranularity = cursor.u16('desktopSaveXGranularity');
  const desktopSaveYGranularity = cursor.u16('desktopSaveYGranularity');
  cursor.skip(2, 'pad2octetsA');
  const maximumOrderLevel = cursor.u16('maximumOrderLevel');
  const numberFonts = cursor.u16('numberFonts');
  const orderFlags = cursor.u16('orderFlags');
  const orderSupport = cursor.bytes(ORDER_SUPPORT_SIZE, 'orderSupport').slice();
  const textFlags = cursor.u16('textFlags');
  const orderSupportExFlags = cursor.u16('orderSupportExFlags');
  cursor.skip(4, 'pad4octetsB');
  const desktopSaveSize = cursor.u32('desktopSaveSize');
  cursor.skip(4, 'pad2octetsC');
  return {
    desktopSaveXGranularity,
    desktopSaveYGranularity,
    maximumOrderLevel,
    numberFonts,
    orderFlags,
    orderSupport,
    textFlags,
    orderSupportExFlags,
    desktopSaveSize,
    textAnsiCodePage: cursor.remaining >= 2 ? cursor.u16('textANSICodePage') : 0,
  };
}

function encodeOrder(set: OrderCapability): Uint8Array<ArrayBuffer> {
  if (set.orderSupport.length !== ORDER_SUPPORT_SIZE) throw new UsageError('orderSupport has 32 bytes');
  const cursor = new WriteCursor(ORDER_SIZE);
  cursor.zeros(TERMINAL_DESCRIPTOR_SIZE + 4);
  cursor.u16(set.desktopSaveXGranularity);
  cursor.u16(set.desktopSaveYGranularity);
  cursor.zeros(2);
  cursor.u16(set.maximumOrderLevel);
  cursor.u16(set.numberFonts);
  cursor.u16(set.orderFlags);
  cursor.bytes(set.orderSupport);
  cursor.u16(set.textFlags);
  cursor.u16(set.orderSupportExFlags);
  cursor.zeros(4);
  cursor.u32(set.desktopSaveSize);
  cursor.zeros(4);
  cursor.u16(set.textAnsiCodePage);
  cursor.zeros(2);
  return cursor.finish();
}

function decodeInput(cursor: ReadCursor): InputCapability {
  const inputFlags = cursor.u16('inputFlags');
  cursor.skip(2, 'pad2octetsA');
  return {
    inputFlags,
    keyboardLayout: cursor.u32('keyboardLayout'),
    keyboardType: cursor.u32('keyboardType'),
    keyboardSubType: cursor.u32('keyboardSubType'),
    keyboardFunctionKey: cursor.u32('keyboardFunctionKey'),
    imeFileName: readFixedUtf16(cursor, IME_FILE_NAME_SIZE, 'imeFileName'),
  };
}

function encodeInput(set: InputCapability): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(INPUT_SIZE);
  cursor.u16(set.inputFlags);
  cursor.zeros(2);
  cursor.u32(set.keyboardLayout);
  cursor.u32(set.keyboardType);
  cursor.u32(set.keyboardSubType);
  cursor.u32(set.keyboardFunctionKey);
  writeFixedUtf16(set.imeFileName, IME_FILE_NAME_SIZE, cursor);
  return cursor.finish();
}

function decodeGlyphCache(cursor: ReadCursor): GlyphCacheCapability {
  const glyphCache = Array.from({ length: GLYPH_CACHES }, () => ({
    entries: cursor.u16('CacheEntries'),
    maximumCellSize: cursor.u16('CacheMaximumCellSize'),
  }));
  return { glyphCache, fragCache: cursor.u32('FragCache'), glyphSupportLevel: cursor.u16('GlyphSupportLevel') };
}

function encodeGlyphCache(set: GlyphCacheCapability): Uint8Array<ArrayBuffer> {
  if (set.glyphCache.length !== GLYPH_CACHES) throw new UsageError('there are ten glyph caches');
  const cursor = new WriteCursor(GLYPH_SIZE);
  for (const cache of set.glyphCache) {
    cursor.u16(cache.entries);
    cursor.u16(cache.maximumCellSize);
  }
  cursor.u32(set.fragCache);
  cursor.u16(set.glyphSupportLevel);
  cursor.zeros(2);
  return cursor.finish();
}

function decodeBitmapCacheRev2(cursor: ReadCursor): BitmapCacheRev2Capability {
  const cacheFlags = cursor.u16('CacheFlags');
  cursor.skip(1, 'pad2');
  const count = cursor.u8('NumCellCaches');
  if (count > REV2_CELLS) throw cursor.error('invalid_value', 'NumCellCaches', `${count} caches`);
  const cells = Array.from({ length: count }, () => {
    const info = cursor.u32('BitmapCacheCellInfo');
    return { entries: info & ~REV2_PERSISTENT, persistent: (info & REV2_PERSISTENT) !== 0 };
  });
  return { cacheFlags, cells };
}

function encodeBitmapCacheRev2(set: BitmapCacheRev2Capability): Uint8Array<ArrayBuffer> {
  if (set.cells.length > REV2_CELLS) throw new UsageError('there are at most five bitmap caches');
  const cursor = new WriteCursor(REV2_SIZE);
  cursor.u16(set.cacheFlags);
  cursor.u8(0);
  cursor.u8(set.cells.length);
  for (let i = 0; i < REV2_CELLS; i++) {
    const cell = set.cells[i];
    cursor.u32(cell === undefined ? 0 : (cell.entries | (cell.persistent ? REV2_PERSISTENT : 0)) >>> 0);
  }
  cursor.zeros(12);
  return cursor.finish();
}

function decodeBitmapCodecs(cursor: ReadCursor): BitmapCodec[] {
  const count = cursor.u8('bitmapCodecCount');
  return Array.from({ length: count }, () => {
    const guid = cursor.bytes(GUID_SIZE, 'codecGUID').slice();
    const id = cursor.u8('codecID');
    const size = cursor.u16('codecPropertiesLength');
    return { guid, id, properties: cursor.bytes(size, 'codecProperties').slice() };
  });
}

function encodeBitmapCodecs(codecs: readonly BitmapCodec[]): Uint8Array<ArrayBuffer> {
  const size = codecs.reduce((total, codec) => total + GUID_SIZE + 3 /* id, length */ + codec.properties.length, 1);
  const cursor = new WriteCursor(size);
  cursor.u8(codecs.length);
  for (const codec of codecs) {
    if (codec.guid.length !== GUID_SIZE) throw new UsageError('a codec guid has 16 bytes');
    cursor.bytes(codec.guid);
    cursor.u8(codec.id);
    cursor.u16(codec.properties.length);
    cursor.bytes(codec.properties);
  }
  return cursor.finish();
}
