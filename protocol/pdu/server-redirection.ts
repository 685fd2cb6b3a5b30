/** Server redirection ([MS-RDPBCGR] 2.2.13): the server sends the client to another server, or to itself again. */
import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';
import { decodeUtf16le, encodeUtf16le, untilNul } from '../core/text.ts';
import { SecurityFlags } from './security-header.ts';

/** [MS-RDPBCGR] 2.2.13.1 RedirFlags. */
export const RedirectionFlags = {
  targetNetAddress: 0x00000001,
  loadBalanceInfo: 0x00000002,
  userName: 0x00000004,
  domain: 0x00000008,
  password: 0x00000010,
  dontStoreUserName: 0x00000020,
  smartcardLogon: 0x00000040,
  /** The packet only informs; nobody is to go anywhere. */
  noRedirect: 0x00000080,
  targetFqdn: 0x00000100,
  targetNetBiosName: 0x00000200,
  targetNetAddresses: 0x00000800,
  clientTsvUrl: 0x00001000,
  serverTsvCapable: 0x00002000,
  /** The password is a cookie that only the target can read; it goes there by RDSTLS. */
  passwordIsPkEncrypted: 0x00004000,
  redirectionGuid: 0x00008000,
  targetCertificate: 0x00010000,
} as const;

/**
 * Byte arrays are copies: a redirection outlives the connection that it came on.
 * @pdu [MS-RDPBCGR] 2.2.13.1 RDP_SERVER_REDIRECTION_PACKET
 */
export interface ServerRedirection {
  readonly sessionId: number;
  /** `RedirectionFlags`; those that say which fields are there are made by the encoder. */
  readonly flags: number;
  readonly targetNetAddress?: string;
  /** Goes into the next Connection Request as it is, CR LF included. */
  readonly loadBalanceInfo?: Uint8Array;
  readonly userName?: string;
  readonly domain?: string;
  /** UTF-16LE with its terminator, or a cookie: the same bytes go into RDSTLS. A secret. */
  readonly password?: Uint8Array;
  readonly targetFqdn?: string;
  readonly targetNetBiosName?: string;
  readonly clientTsvUrl?: Uint8Array;
  /** Base64 in UTF-16LE: goes into RDSTLS as it is. */
  readonly redirectionGuid?: Uint8Array;
  /** A TARGET_CERTIFICATE_CONTAINER as base64 in UTF-16LE; see `targetCertificateOf`. */
  readonly targetCertificate?: Uint8Array;
  readonly targetNetAddresses?: readonly string[];
}

/** The specification names no limits; these are larger than anything a server has a reason to send. */
const MAX_TEXT_BYTES = 1024;
const MAX_BLOB_BYTES = 16 * 1024;
const MAX_ADDRESSES = 64;

const PAD_SIZE = 8;

export function decodeServerRedirection(cursor: ReadCursor): ServerRedirection {
  const marker = cursor.u16('Flags');
  if (marker !== SecurityFlags.redirectionPacket) {
    throw cursor.error('invalid_value', 'Flags', `0x${marker.toString(16)} is not SEC_REDIRECTION_PKT`);
  }
  cursor.skip(2, 'Length'); // servers disagree about what it counts
  const sessionId = cursor.u32('SessionID');
  const flags = cursor.u32('RedirFlags');
  const has = (flag: number) => (flags & flag) !== 0;
  const f = RedirectionFlags;
  const fields: { -readonly [K in keyof ServerRedirection]: ServerRedirection[K] } = { sessionId, flags };
  if (has(f.targetNetAddress)) fields.targetNetAddress = decodeText(cursor, 'TargetNetAddress');
  if (has(f.loadBalanceInfo)) fields.loadBalanceInfo = decodeBlob(cursor, 'LoadBalanceInfo');
  if (has(f.userName)) fields.userName = decodeText(cursor, 'UserName');
  if (has(f.domain)) fields.domain = decodeText(cursor, 'Domain');
  if (has(f.password)) fields.password = decodeBlob(cursor, 'Password');
  if (has(f.targetFqdn)) fields.targetFqdn = decodeText(cursor, 'TargetFQDN');
  if (has(f.targetNetBiosName)) fields.targetNetBiosName = decodeText(cursor, 'TargetNetBiosName');
  if (has(f.clientTsvUrl)) fields.clientTsvUrl = decodeBlob(cursor, 'TsvUrl');
  if (has(f.redirectionGuid)) fields.redirectionGuid = decodeBlob(cursor, 'RedirectionGuid');
  if (has(f.targetCertificate)) fields.targetCertificate = decodeBlob(cursor, 'TargetCertificate');
  if (has(f.targetNetAddresses)) fields.targetNetAddresses = decodeAddresses(cursor);
  // Up to eight bytes of padding follow; not every server sends them.
  return fields;
}

export function sizeOfServerRedirection(packet: ServerRedirection): number {
  let size = 2 /* Flags */ + 2 /* Length */ + 4 /* SessionID */ + 4; /* RedirFlags */
  for (const [, field] of fieldsOf(packet)) size += 4 /* length */ + field.length;
  return size + PAD_SIZE;
}

export function encodeServerRedirection(packet: ServerRedirection, cursor: WriteCursor): void {
  const fields = fieldsOf(packet);
  cursor.u16(SecurityFlags.redirectionPacket);
  cursor.u16(sizeOfServerRedirection(packet)); // Pad included, as in the example of 4.5
  cursor.u32(packet.sessionId);
  cursor.u32(fields.reduce((flags, [flag]) => flags | flag, packet.flags));
  for (const [, field] of fields) {
    cursor.u32(field.length);
    cursor.bytes(field);
  }
  cursor.zeros(PAD_SIZE);
}

/**
 * The body of an Enhanced Security Server Redirection PDU, behind its Share Control Header.
 * @pdu [MS-RDPBCGR] 2.2.13.3.1 TS_ENHANCED_SECURITY_SERVER_REDIRECTION
 */
export function decodeEnhancedRedirection(cursor: ReadCursor): ServerRedirection {
  cursor.skip(2, 'pad2Octets');
  return decodeServerRedirection(cursor);
}

export function encodeEnhancedRedirection(packet: ServerRedirection): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(2 /* pad2Octets */ + sizeOfServerRedirection(packet));
  cursor.zeros(2);
  encodeServerRedirection(packet, cursor);
  return cursor.finish();
}

/** In the order of the wire, which is not that of the flags. */
function fieldsOf(packet: ServerRedirection): [flag: number, field: Uint8Array][] {
  const f = RedirectionFlags;
  const { targetNetAddresses: addresses } = packet;
  const all: [number, Uint8Array | undefined][] = [
    [f.targetNetAddress, encodeText(packet.targetNetAddress)],
    [f.loadBalanceInfo, packet.loadBalanceInfo],
    [f.userName, encodeText(packet.userName)],
    [f.domain, encodeText(packet.domain)],
    [f.password, packet.password],
    [f.targetFqdn, encodeText(packet.targetFqdn)],
    [f.targetNetBiosName, encodeText(packet.targetNetBiosName)],
    [f.clientTsvUrl, packet.clientTsvUrl],
    [f.redirectionGuid, packet.redirectionGuid],
    [f.targetCertificate, packet.targetCertificate],
    [f.targetNetAddresses, addresses === undefined ? undefined : encodeAddresses(addresses)],
  ];
  return all.flatMap(([flag, field]): [number, Uint8Array][] => (field === undefined ? [] : [[flag, field]]));
}

function decodeText(cursor: ReadCursor, field: string): string {
  return untilNul(decodeUtf16le(decodeCounted(cursor, MAX_TEXT_BYTES, field)));
}

function decodeBlob(cursor: ReadCursor, field: string): Uint8Array {
  return decodeCounted(cursor, MAX_BLOB_BYTES, field).slice();
}

function decodeCounted(cursor: ReadCursor, limit: number, field: string): Uint8Array {
  const length = cursor.u32(field);
  if (length > limit) throw cursor.error('limit_exceeded', field, `${length} bytes`);
  return cursor.bytes(length, field);
}

/** @pdu [MS-RDPBCGR] 2.2.13.1.1 TARGET_NET_ADDRESSES, of 2.2.13.1.1.1 TARGET_NET_ADDRESS */
function decodeAddresses(cursor: ReadCursor): string[] {
  cursor.skip(4, 'TargetNetAddressesLength'); // whether it counts itself is not agreed upon
  const count = cursor.u32('addressCount');
  if (count > MAX_ADDRESSES) throw cursor.error('limit_exceeded', 'addressCount', `${count} addresses`);
  return Array.from({ length: count }, () => decodeText(cursor, 'address'));
}

function encodeAddresses(addresses: readonly string[]): Uint8Array {
  const texts = addresses.map(encodeTerminated);
  const cursor = new WriteCursor(
    texts.reduce((size, text) => size + 4 /* addressLength */ + text.length, 4 /* count */),
  );
  cursor.u32(texts.length);
  for (const text of texts) {
    cursor.u32(text.length);
    cursor.bytes(text);
  }
  return cursor.finish();
}

function encodeText(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : encodeTerminated(text);
}

function encodeTerminated(text: string): Uint8Array {
  return encodeUtf16le(`${text}\0`);
}
