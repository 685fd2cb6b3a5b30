/**
 * Client settings data blocks ([MS-RDPBCGR] 2.2.1.3): Core (gcc-core-data.ts), Security, Network, Cluster, Monitor,
 * Monitor Extended, Message Channel and Multitransport Channel Data. Blocks of other types survive as they are.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { readFixedAscii, writeFixedAscii } from './fixed-text.ts';
import { decodeUserDataBlocks, encodeUserDataBlocks, sizeOfUserDataBlocks, type UserDataBlock } from './gcc.ts';
import {
  type ClientCoreData,
  decodeClientCoreData,
  encodeClientCoreData,
  sizeOfClientCoreData,
} from './gcc-core-data.ts';

/** [MS-RDPBCGR] 2.2.1.3.1 type. */
export const ClientDataType = {
  core: 0xc001,
  security: 0xc002,
  network: 0xc003,
  cluster: 0xc004,
  monitor: 0xc005,
  messageChannel: 0xc006,
  monitorExtended: 0xc008,
  multitransport: 0xc00a,
} as const;

/** [MS-RDPBCGR] 2.2.1.3.3 encryptionMethods, 2.2.1.4.3 encryptionMethod. */
export const EncryptionMethod = { none: 0, bits40: 0x01, bits128: 0x02, bits56: 0x08, fips: 0x10 } as const;

/** [MS-RDPBCGR] 2.2.1.3.4.1 CHANNEL_DEF options. */
export const ChannelOptions = {
  initialized: 0x80000000,
  encryptRdp: 0x40000000,
  encryptSc: 0x20000000,
  encryptCs: 0x10000000,
  priorityHigh: 0x08000000,
  priorityMedium: 0x04000000,
  priorityLow: 0x02000000,
  compressRdp: 0x00800000,
  compress: 0x00400000,
  showProtocol: 0x00200000,
  remoteControlPersistent: 0x00100000,
} as const;

/** [MS-RDPBCGR] 2.2.1.3.5 TS_UD_CS_CLUSTER flags; the version sits in bits 2 to 5. */
export const ClusterFlags = {
  redirectionSupported: 0x01,
  redirectedSessionIdFieldValid: 0x02,
  redirectedSmartcard: 0x40,
  redirectionVersionShift: 2,
} as const;

/** [MS-RDPBCGR] 2.2.1.3.6.1 TS_MONITOR_DEF flags. */
export const MONITOR_PRIMARY = 1;

/** [MS-RDPBCGR] 2.2.1.3.4: at most 31 static channels. */
export const MAX_STATIC_CHANNELS = 31;
/** [MS-RDPBCGR] 2.2.1.3.6: at most 16 monitors. */
export const MAX_MONITORS = 16;

/** [MS-RDPBCGR] 2.2.1.3.4.1 CHANNEL_DEF. */
export interface ChannelDefinition {
  /** At most seven ANSI characters. */
  readonly name: string;
  readonly options: number;
}

/** [MS-RDPBCGR] 2.2.1.3.6.1 TS_MONITOR_DEF, in pixels relative to the primary's top left; right and bottom inclusive. */
export interface MonitorDefinition {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly flags: number;
}

/** [MS-RDPBCGR] 2.2.1.3.10.1 TS_MONITOR_ATTRIBUTES; sizes in millimetres, orientation in degrees, factors in percent. */
export interface MonitorAttributes {
  readonly physicalWidth: number;
  readonly physicalHeight: number;
  readonly orientation: number;
  readonly desktopScaleFactor: number;
  readonly deviceScaleFactor: number;
}

export interface ClientData {
  readonly core: ClientCoreData;
  /** [MS-RDPBCGR] 2.2.1.3.3; all zero with any protocol but standard RDP security. */
  readonly security?: { readonly encryptionMethods: number; readonly extEncryptionMethods: number };
  /** [MS-RDPBCGR] 2.2.1.3.4, in the order in which the server assigns channel ids. */
  readonly channels?: readonly ChannelDefinition[];
  /** [MS-RDPBCGR] 2.2.1.3.5. */
  readonly cluster?: { readonly flags: number; readonly redirectedSessionId: number };
  /** [MS-RDPBCGR] 2.2.1.3.6. */
  readonly monitors?: readonly MonitorDefinition[];
  /** [MS-RDPBCGR] 2.2.1.3.7; present at all: the client supports a message channel. */
  readonly messageChannelFlags?: number;
  /** [MS-RDPBCGR] 2.2.1.3.9. */
  readonly monitorAttributes?: readonly MonitorAttributes[];
  /** [MS-RDPBCGR] 2.2.1.3.8. */
  readonly multitransportFlags?: number;
  readonly unknown?: readonly UserDataBlock[];
}

const CHANNEL_NAME_SIZE = 8;
const CHANNEL_DEFINITION_SIZE = CHANNEL_NAME_SIZE + 4;
const MONITOR_DEFINITION_SIZE = 20;
const MONITOR_ATTRIBUTES_SIZE = 20;

/** @pdu Client Settings Data Blocks */
export function decodeClientData(bytes: Uint8Array): ClientData {
  const fields: { -readonly [K in keyof ClientData]?: ClientData[K] } = {};
  const unknown: UserDataBlock[] = [];
  for (const block of decodeUserDataBlocks(bytes)) {
    switch (block.type) {
      case ClientDataType.core:
        fields.core = decodeClientCoreData(new ReadCursor(block.data, 'TS_UD_CS_CORE'));
        break;
      case ClientDataType.security:
        fields.security = decodeSecurityData(new ReadCursor(block.data, 'TS_UD_CS_SEC'));
        break;
      case ClientDataType.network:
        fields.channels = decodeNetworkData(new ReadCursor(block.data, 'TS_UD_CS_NET'));
        break;
      case ClientDataType.cluster:
        fields.cluster = decodeClusterData(new ReadCursor(block.data, 'TS_UD_CS_CLUSTER'));
        break;
      case ClientDataType.monitor:
        fields.monitors = decodeMonitorData(new ReadCursor(block.data, 'TS_UD_CS_MONITOR'));
        break;
      case ClientDataType.messageChannel:
        fields.messageChannelFlags = new ReadCursor(block.data, 'TS_UD_CS_MCS_MSGCHANNEL').u32('flags');
        break;
      case ClientDataType.monitorExtended:
        fields.monitorAttributes = decodeMonitorExtendedData(new ReadCursor(block.data, 'TS_UD_CS_MONITOR_EX'));
        break;
      case ClientDataType.multitransport:
        fields.multitransportFlags = new ReadCursor(block.data, 'TS_UD_CS_MULTITRANSPORT').u32('flags');
        break;
      default:
        unknown.push({ type: block.type, data: block.data.slice() });
    }
  }
  const { core, ...others } = fields;
  if (core === undefined) throw new ReadCursor(bytes, 'TS_UD_CS_CORE').error('invalid_value', 'header', 'no core data');
  return unknown.length === 0 ? { core, ...others } : { core, ...others, unknown };
}

export function sizeOfClientData(data: ClientData): number {
  return sizeOfUserDataBlocks(toBlocks(data));
}

export function encodeClientData(data: ClientData, cursor: WriteCursor): void {
  encodeUserDataBlocks(toBlocks(data), cursor);
}

/** In the order Windows' client writes them; old servers depend on core coming first. */
function toBlocks(data: ClientData): UserDataBlock[] {
  const blocks: UserDataBlock[] = [];
  const add = (type: number, size: number, write: (cursor: WriteCursor) => void) => {
    const cursor = new WriteCursor(size);
    write(cursor);
    blocks.push({ type, data: cursor.finish() });
  };
  const { cluster, security, channels, monitors, messageChannelFlags, multitransportFlags, monitorAttributes } = data;
  add(ClientDataType.core, sizeOfClientCoreData(data.core), (cursor) => encodeClientCoreData(data.core, cursor));
  if (cluster !== undefined) {
    add(ClientDataType.cluster, 8, (cursor) => {
      cursor.u32(cluster.flags);
      cursor.u32(cluster.redirectedSessionId);
    });
  }
  if (security !== undefined) {
    add(ClientDataType.security, 8, (cursor) => {
      cursor.u32(security.encryptionMethods);
      cursor.u32(security.extEncryptionMethods);
    });
  }
  if (channels !== undefined) {
    const size = 4 /* channelCount */ + channels.length * CHANNEL_DEFINITION_SIZE;
    add(ClientDataType.network, size, (cursor) => encodeNetworkData(channels, cursor));
  }
  if (monitors !== undefined) {
    const size = 8 /* flags, monitorCount */ + monitors.length * MONITOR_DEFINITION_SIZE;
    add(ClientDataType.monitor, size, (cursor) => encodeMonitorData(monitors, cursor));
  }
  if (messageChannelFlags !== undefined) {
    add(ClientDataType.messageChannel, 4, (cursor) => cursor.u32(messageChannelFlags));
  }
  if (multitransportFlags !== undefined) {
    add(ClientDataType.multitransport, 4, (cursor) => cursor.u32(multitransportFlags));
  }
  if (monitorAttributes !== undefined) {
    const size = 12 /* flags, attribute size, count */ + monitorAttributes.length * MONITOR_ATTRIBUTES_SIZE;
    add(ClientDataType.monitorExtended, size, (cursor) => encodeMonitorExtendedData(monitorAttributes, cursor));
  }
  return data.unknown === undefined ? blocks : [...blocks, ...data.unknown];
}

function decodeSecurityData(cursor: ReadCursor): NonNullable<ClientData['security']> {
  const encryptionMethods = cursor.u32('encryptionMethods');
  // RDP 4.0 clients end here.
  return { encryptionMethods, extEncryptionMethods: cursor.remaining >= 4 ? cursor.u32('extEncryptionMethods') : 0 };
}

function decodeClusterData(cursor: ReadCursor): NonNullable<ClientData['cluster']> {
  return { flags: cursor.u32('Flags'), redirectedSessionId: cursor.u32('RedirectedSessionID') };
}

function decodeNetworkData(cursor: ReadCursor): ChannelDefinition[] {
  const count = cursor.u32('channelCount');
  if (count > MAX_STATIC_CHANNELS) throw cursor.error('limit_exceeded', 'channelCount', `${count} channels`);
  const channels: ChannelDefinition[] = [];
  for (let i = 0; i < count; i++) {
    const name = readFixedAscii(cursor, CHANNEL_NAME_SIZE, 'name');
    channels.push({ name, options: cursor.u32('options') });
  }
  return channels;
}

function encodeNetworkData(channels: readonly ChannelDefinition[], cursor: WriteCursor): void {
  if (channels.length > MAX_STATIC_CHANNELS) throw new UsageError(`${channels.length} static channels`);
  cursor.u32(channels.length);
  for (const channel of channels) {
    writeFixedAscii(channel.name, CHANNEL_NAME_SIZE, cursor);
    cursor.u32(channel.options);
  }
}

function decodeMonitorData(cursor: ReadCursor): MonitorDefinition[] {
  cursor.skip(4, 'flags');
  const count = monitorCount(cursor);
  return Array.from({ length: count }, () => ({
    left: cursor.i32('left'),
    top: cursor.i32('top'),
    right: cursor.i32('right'),
    bottom: cursor.i32('bottom'),
    flags: cursor.u32('flags'),
  }));
}

function encodeMonitorData(monitors: readonly MonitorDefinition[], cursor: WriteCursor): void {
  if (monitors.length > MAX_MONITORS) throw new UsageError(`${monitors.length} monitors`);
  cursor.u32(0); // flags: unused
  cursor.u32(monitors.length);
  for (const monitor of monitors) {
    cursor.i32(monitor.left);
    cursor.i32(monitor.top);
    cursor.i32(monitor.right);
    cursor.i32(monitor.bottom);
    cursor.u32(monitor.flags);
  }
}

function decodeMonitorExtendedData(cursor: ReadCursor): MonitorAttributes[] {
  cursor.skip(4, 'flags');
  const size = cursor.u32('monitorAttributeSize');
  if (size !== MONITOR_ATTRIBUTES_SIZE)
    throw cursor.error('invalid_value', 'monitorAttributeSize', `${size} is not 20`);
  const count = monitorCount(cursor);
  return Array.from({ length: count }, () => ({
    physicalWidth: cursor.u32('physicalWidth'),
    physicalHeight: cursor.u32('physicalHeight'),
    orientation: cursor.u32('orientation'),
    desktopScaleFactor: cursor.u32('desktopScaleFactor'),
    deviceScaleFactor: cursor.u32('deviceScaleFactor'),
  }));
}

function encodeMonitorExtendedData(monitors: readonly MonitorAttributes[], cursor: WriteCursor): void {
  if (monitors.length > MAX_MONITORS) throw new UsageError(`${monitors.length} monitors`);
  cursor.u32(0); // flags: unused
  cursor.u32(MONITOR_ATTRIBUTES_SIZE);
  cursor.u32(monitors.length);
  for (const monitor of monitors) {
    cursor.u32(monitor.physicalWidth);
    cursor.u32(monitor.physicalHeight);
    cursor.u32(monitor.orientation);
    cursor.u32(monitor.desktopScaleFactor);
    cursor.u32(monitor.deviceScaleFactor);
  }
}

function monitorCount(cursor: ReadCursor): number {
  const count = cursor.u32('monitorCount');
  if (count > MAX_MONITORS) throw cursor.error('limit_exceeded', 'monitorCount', `${count} monitors`);
  return count;
}
