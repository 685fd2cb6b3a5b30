/** Client Core Data, TS_UD_CS_CORE ([MS-RDPBCGR] 2.2.1.3.2). */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { readFixedUtf16, writeFixedUtf16 } from './fixed-text.ts';

/** version, of both client and server core data; higher values say little more than which build. */
export const RdpVersion = {
  v4: 0x00080001,
  v5: 0x00080004,
  v10_0: 0x00080005,
  v10_7: 0x0008000c,
  v10_12: 0x00080011,
} as const;

/** highColorDepth: bits a pixel as the server is asked for; with `want32BppSession` the value is 24. */
export const HighColorDepth = { bpp4: 4, bpp8: 8, bpp15: 15, bpp16: 16, bpp24: 24 } as const;

/** supportedColorDepths. */
export const SupportedColorDepths = { bpp24: 0x01, bpp16: 0x02, bpp15: 0x04, bpp32: 0x08 } as const;

/** earlyCapabilityFlags of the client. */
export const ClientEarlyCapability = {
  supportErrorInfoPdu: 0x0001,
  want32BppSession: 0x0002,
  supportStatusInfoPdu: 0x0004,
  strongAsymmetricKeys: 0x0008,
  relativeMouseInput: 0x0010,
  validConnectionType: 0x0020,
  supportMonitorLayoutPdu: 0x0040,
  supportNetworkAutodetect: 0x0080,
  supportDynvcGfxProtocol: 0x0100,
  supportDynamicTimeZone: 0x0200,
  supportHeartbeatPdu: 0x0400,
  supportSkipChannelJoin: 0x0800,
} as const;

/** connectionType. */
export const ConnectionType = {
  modem: 1,
  broadbandLow: 2,
  satellite: 3,
  broadbandHigh: 4,
  wan: 5,
  lan: 6,
  autodetect: 7,
} as const;

/**
 * The fields from `postBeta2ColorDepth` on are optional, and where one is absent, so are all behind it; encoding
 * follows the same rule, and throws nothing for a gap: what is behind it is not written.
 */
export interface ClientCoreData {
  readonly version: number;
  readonly desktopWidth: number;
  readonly desktopHeight: number;
  /** RNS_UD_COLOR_…; superseded by `postBeta2ColorDepth` and `highColorDepth`. */
  readonly colorDepth: number;
  /** Windows input locale identifier of the active keyboard layout. */
  readonly keyboardLayout: number;
  readonly clientBuild: number;
  /** At most 15 characters. */
  readonly clientName: string;
  readonly keyboardType: number;
  readonly keyboardSubType: number;
  readonly keyboardFunctionKey: number;
  readonly imeFileName: string;
  readonly postBeta2ColorDepth?: number;
  readonly clientProductId?: number;
  readonly serialNumber?: number;
  readonly highColorDepth?: number;
  readonly supportedColorDepths?: number;
  readonly earlyCapabilityFlags?: number;
  readonly clientDigProductId?: string;
  readonly connectionType?: number;
  readonly serverSelectedProtocol?: number;
  /** Millimetres. */
  readonly desktopPhysicalWidth?: number;
  readonly desktopPhysicalHeight?: number;
  /** Degrees. */
  readonly desktopOrientation?: number;
  /** Percent. */
  readonly desktopScaleFactor?: number;
  readonly deviceScaleFactor?: number;
}

/** RNS_UD_COLOR_8BPP, what clients say in the two superseded depth fields. */
export const COLOR_8BPP = 0xca01;

/** SASSequence: RNS_UD_SAS_DEL, the only value. */
const SAS_DEL = 0xaa03;

const CLIENT_NAME_SIZE = 32;
const IME_FILE_NAME_SIZE = 64;
const DIG_PRODUCT_ID_SIZE = 64;

/** Everything up to and including imeFileName. */
const FIXED_SIZE = 128;

/** One optional field: its name, its size and how it is read and written. */
interface OptionalField<K extends keyof ClientCoreData> {
  readonly name: K;
  readonly size: number;
  readonly read: (cursor: ReadCursor) => NonNullable<ClientCoreData[K]>;
  readonly write: (value: NonNullable<ClientCoreData[K]>, cursor: WriteCursor) => void;
}

type NumberKey = {
  [K in keyof ClientCoreData]-?: NonNullable<ClientCoreData[K]> extends number ? K : never;
}[keyof ClientCoreData];

const OPTIONAL_FIELDS: readonly OptionalField<keyof ClientCoreData>[] = [
  optionalNumber('postBeta2ColorDepth', 2),
  optionalNumber('clientProductId', 2),
  optionalNumber('serialNumber', 4),
  optionalNumber('highColorDepth', 2),
  optionalNumber('supportedColorDepths', 2),
  optionalNumber('earlyCapabilityFlags', 2),
  {
    name: 'clientDigProductId',
    size: DIG_PRODUCT_ID_SIZE,
    read: (cursor) => readFixedUtf16(cursor, DIG_PRODUCT_ID_SIZE, 'clientDigProductId'),
    write: (value, cursor) => writeFixedUtf16(String(value), DIG_PRODUCT_ID_SIZE, cursor),
  },
  {
    name: 'connectionType',
    size: 2 /* connectionType, pad1octet */,
    read: (cursor) => cursor.u16('connectionType') & 0xff,
    write: (value, cursor) => cursor.u16(Number(value)),
  },
  optionalNumber('serverSelectedProtocol', 4),
  optionalNumber('desktopPhysicalWidth', 4),
  optionalNumber('desktopPhysicalHeight', 4),
  optionalNumber('desktopOrientation', 2),
  optionalNumber('desktopScaleFactor', 4),
  optionalNumber('deviceScaleFactor', 4),
];

/** @pdu TS_UD_CS_CORE */
export function decodeClientCoreData(cursor: ReadCursor): ClientCoreData {
  const version = cursor.u32('version');
  const desktopWidth = cursor.u16('desktopWidth');
  const desktopHeight = cursor.u16('desktopHeight');
  const colorDepth = cursor.u16('colorDepth');
  cursor.skip(2, 'SASSequence');
  const fixed: ClientCoreData = {
    version,
    desktopWidth,
    desktopHeight,
    colorDepth,
    keyboardLayout: cursor.u32('keyboardLayout'),
    clientBuild: cursor.u32('clientBuild'),
    clientName: readFixedUtf16(cursor, CLIENT_NAME_SIZE, 'clientName'),
    keyboardType: cursor.u32('keyboardType'),
    keyboardSubType: cursor.u32('keyboardSubType'),
    keyboardFunctionKey: cursor.u32('keyboardFunctionKey'),
    imeFileName: readFixedUtf16(cursor, IME_FILE_NAME_SIZE, 'imeFileName'),
  };
  const optional: Record<string, string | number> = {};
  for (const field of OPTIONAL_FIELDS) {
    // Later versions append fields of their own: what is past the ones we know is not ours to judge.
    if (cursor.remaining < field.size) break;
    optional[field.name] = field.read(cursor);
  }
  return { ...fixed, ...optional };
}

export function sizeOfClientCoreData(core: ClientCoreData): number {
  return presentFields(core).reduce((size, field) => size + field.size, FIXED_SIZE);
}

export function encodeClientCoreData(core: ClientCoreData, cursor: WriteCursor): void {
  cursor.u32(core.version);
  cursor.u16(core.desktopWidth);
  cursor.u16(core.desktopHeight);
  cursor.u16(core.colorDepth);
  cursor.u16(SAS_DEL);
  cursor.u32(core.keyboardLayout);
  cursor.u32(core.clientBuild);
  writeFixedUtf16(core.clientName, CLIENT_NAME_SIZE, cursor);
  cursor.u32(core.keyboardType);
  cursor.u32(core.keyboardSubType);
  cursor.u32(core.keyboardFunctionKey);
  writeFixedUtf16(core.imeFileName, IME_FILE_NAME_SIZE, cursor);
  for (const field of presentFields(core)) field.write(core[field.name] ?? 0, cursor);
}

function presentFields(core: ClientCoreData): readonly OptionalField<keyof ClientCoreData>[] {
  const end = OPTIONAL_FIELDS.findIndex((field) => core[field.name] === undefined);
  return end < 0 ? OPTIONAL_FIELDS : OPTIONAL_FIELDS.slice(0, end);
}

function optionalNumber(name: NumberKey, size: 2 | 4): OptionalField<keyof ClientCoreData> {
  return {
    name,
    size,
    read: (cursor) => (size === 2 ? cursor.u16(name) : cursor.u32(name)),
    write: (value, cursor) => (size === 2 ? cursor.u16(Number(value)) : cursor.u32(Number(value))),
  };
}
