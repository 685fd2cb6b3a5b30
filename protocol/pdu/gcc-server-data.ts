/**
 * Server settings data blocks ([MS-RDPBCGR] 2.2.1.4): Core, Security, Network, Message Channel and Multitransport
 * Channel Data. Blocks of other types survive as they are.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUserDataBlocks, encodeUserDataBlocks, sizeOfUserDataBlocks, type UserDataBlock } from './gcc.ts';
import { MAX_STATIC_CHANNELS } from './gcc-client-data.ts';

/** [MS-RDPBCGR] 2.2.1.3.1 and 2.2.1.4.1 type. */
export const ServerDataType = {
  core: 0x0c01,
  security: 0x0c02,
  network: 0x0c03,
  messageChannel: 0x0c04,
  multitransport: 0x0c08,
} as const;

/** [MS-RDPBCGR] 2.2.1.4.2 earlyCapabilityFlags. */
export const ServerEarlyCapability = {
  edgeActionsSupportedV1: 0x1,
  dynamicDstSupported: 0x2,
  edgeActionsSupportedV2: 0x4,
  skipChannelJoinSupported: 0x8,
} as const;

/** [MS-RDPBCGR] 2.2.1.4.3 encryptionLevel. */
export const EncryptionLevel = { none: 0, low: 1, clientCompatible: 2, high: 3, fips: 4 } as const;

/** [MS-RDPBCGR] 2.2.1.4.2 TS_UD_SC_CORE. */
export interface ServerCoreData {
  readonly version: number;
  readonly clientRequestedProtocols?: number;
  /** Written only together with `clientRequestedProtocols`. */
  readonly earlyCapabilityFlags?: number;
}

/** [MS-RDPBCGR] 2.2.1.4.3 TS_UD_SC_SEC1. */
export interface ServerSecurityData {
  readonly encryptionMethod: number;
  readonly encryptionLevel: number;
  /** Present with standard RDP security that encrypts. */
  readonly serverRandom?: Uint8Array;
  readonly serverCertificate?: Uint8Array;
}

export interface ServerData {
  readonly core: ServerCoreData;
  readonly security: ServerSecurityData;
  /** [MS-RDPBCGR] 2.2.1.4.4: the I/O channel, and one id for each static channel the client asked for, in its order. */
  readonly network: { readonly ioChannelId: number; readonly channelIds: readonly number[] };
  /** [MS-RDPBCGR] 2.2.1.4.5. */
  readonly messageChannelId?: number;
  /** [MS-RDPBCGR] 2.2.1.4.6. */
  readonly multitransportFlags?: number;
  readonly unknown?: readonly UserDataBlock[];
}

/** [MS-RDPBCGR] 2.2.1.4.3 serverRandomLen: always 32. */
const SERVER_RANDOM_SIZE = 32;

/** @pdu Server Settings Data Blocks */
export function decodeServerData(bytes: Uint8Array): ServerData {
  const fields: { -readonly [K in keyof ServerData]?: ServerData[K] } = {};
  const unknown: UserDataBlock[] = [];
  for (const block of decodeUserDataBlocks(bytes)) {
    switch (block.type) {
      case ServerDataType.core:
        fields.core = decodeCore(new ReadCursor(block.data, 'TS_UD_SC_CORE'));
        break;
      case ServerDataType.security:
        fields.security = decodeSecurity(new ReadCursor(block.data, 'TS_UD_SC_SEC1'));
        break;
      case ServerDataType.network:
        fields.network = decodeNetwork(new ReadCursor(block.data, 'TS_UD_SC_NET'));
        break;
      case ServerDataType.messageChannel:
        fields.messageChannelId = new ReadCursor(block.data, 'TS_UD_SC_MCS_MSGCHANNEL').u16('MCSChannelID');
        break;
      case ServerDataType.multitransport:
        fields.multitransportFlags = new ReadCursor(block.data, 'TS_UD_SC_MULTITRANSPORT').u32('flags');
        break;
      default:
        unknown.push({ type: block.type, data: block.data.slice() });
    }
  }
  const { core, security, network, ...others } = fields;
  const missing = (context: string) => new ReadCursor(bytes, context).error('invalid_value', 'header', 'block missing');
  if (core === undefined) throw missing('TS_UD_SC_CORE');
  if (security === undefined) throw missing('TS_UD_SC_SEC1');
  if (network === undefined) throw missing('TS_UD_SC_NET');
  const data = { core, security, network, ...others };
  return unknown.length === 0 ? data : { ...data, unknown };
}

export function sizeOfServerData(data: ServerData): number {
  return sizeOfUserDataBlocks(toBlocks(data));
}

export function encodeServerData(data: ServerData, cursor: WriteCursor): void {
  encodeUserDataBlocks(toBlocks(data), cursor);
}

function toBlocks(data: ServerData): UserDataBlock[] {
  const { core, security, network, messageChannelId, multitransportFlags } = data;
  const blocks = [
    { type: ServerDataType.core, data: encodeCore(core) },
    { type: ServerDataType.network, data: encodeNetwork(network) },
    { type: ServerDataType.security, data: encodeSecurity(security) },
  ] as UserDataBlock[];
  if (messageChannelId !== undefined) {
    const cursor = new WriteCursor(2);
    cursor.u16(messageChannelId);
    blocks.push({ type: ServerDataType.messageChannel, data: cursor.finish() });
  }
  if (multitransportFlags !== undefined) {
    const cursor = new WriteCursor(4);
    cursor.u32(multitransportFlags);
    blocks.push({ type: ServerDataType.multitransport, data: cursor.finish() });
  }
  return data.unknown === undefined ? blocks : [...blocks, ...data.unknown];
}

function decodeCore(cursor: ReadCursor): ServerCoreData {
  const version = cursor.u32('version');
  if (cursor.remaining < 4) return { version };
  const clientRequestedProtocols = cursor.u32('clientRequestedProtocols');
  if (cursor.remaining < 4) return { version, clientRequestedProtocols };
  return { version, clientRequestedProtocols, earlyCapabilityFlags: cursor.u32('earlyCapabilityFlags') };
}

function encodeCore(core: ServerCoreData): Uint8Array<ArrayBuffer> {
  const { clientRequestedProtocols, earlyCapabilityFlags } = core;
  const count = clientRequestedProtocols === undefined ? 1 : earlyCapabilityFlags === undefined ? 2 : 3;
  const cursor = new WriteCursor(4 * count);
  cursor.u32(core.version);
  if (count > 1) cursor.u32(clientRequestedProtocols ?? 0);
  if (count > 2) cursor.u32(earlyCapabilityFlags ?? 0);
  return cursor.finish();
}

function decodeSecurity(cursor: ReadCursor): ServerSecurityData {
  const encryptionMethod = cursor.u32('encryptionMethod');
  const encryptionLevel = cursor.u32('encryptionLevel');
  const plain = { encryptionMethod, encryptionLevel };
  if ((encryptionMethod === 0 && encryptionLevel === 0) || cursor.remaining < 8) return plain;
  const randomLength = cursor.u32('serverRandomLen');
  const certificateLength = cursor.u32('serverCertLen');
  if (randomLength === 0 && certificateLength === 0) return plain;
  if (randomLength !== SERVER_RANDOM_SIZE) {
    throw cursor.error('invalid_value', 'serverRandomLen', `${randomLength} is not 32`);
  }
  const serverRandom = cursor.bytes(randomLength, 'serverRandom').slice();
  const serverCertificate = cursor.bytes(certificateLength, 'serverCertificate').slice();
  return { ...plain, serverRandom, serverCertificate };
}

function encodeSecurity(security: ServerSecurityData): Uint8Array<ArrayBuffer> {
  const { serverRandom, serverCertificate } = security;
  if ((serverRandom === undefined) !== (serverCertificate === undefined)) {
    throw new UsageError('server random and server certificate come together');
  }
  const withKeys = serverRandom !== undefined && serverCertificate !== undefined;
  const keySize = withKeys ? 8 /* two lengths */ + serverRandom.length + serverCertificate.length : 0;
  const cursor = new WriteCursor(8 + keySize);
  cursor.u32(security.encryptionMethod);
  cursor.u32(security.encryptionLevel);
  if (withKeys) {
    cursor.u32(serverRandom.length);
    cursor.u32(serverCertificate.length);
    cursor.bytes(serverRandom);
    cursor.bytes(serverCertificate);
  }
  return cursor.finish();
}

function decodeNetwork(cursor: ReadCursor): ServerData['network'] {
  const ioChannelId = cursor.u16('MCSChannelId');
  const count = cursor.u16('channelCount');
  if (count > MAX_STATIC_CHANNELS) throw cursor.error('limit_exceeded', 'channelCount', `${count} channels`);
  return { ioChannelId, channelIds: Array.from({ length: count }, () => cursor.u16('channelIdArray')) };
}

function encodeNetwork(network: ServerData['network']): Uint8Array<ArrayBuffer> {
  const { channelIds } = network;
  const padding = channelIds.length % 2 === 0 ? 0 : 2; // to a multiple of four bytes
  const cursor = new WriteCursor(4 + 2 * channelIds.length + padding);
  cursor.u16(network.ioChannelId);
  cursor.u16(channelIds.length);
  for (const channelId of channelIds) cursor.u16(channelId);
  cursor.zeros(padding);
  return cursor.finish();
}
