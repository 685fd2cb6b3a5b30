import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';

/**
 * The headers of every slow-path PDU behind the MCS Send Data (with TLS there is no security header between them),
 * and the two activation PDUs that carry capability sets.
 */

/** [MS-RDPBCGR] 2.2.8.1.1.1.1 TS_SHARECONTROLHEADER, the low four bits of `pduType`. */
export const ShareControlType = {
  demandActive: 0x1,
  confirmActive: 0x3,
  deactivateAll: 0x6,
  data: 0x7,
  serverRedirect: 0xa,
  /** Not the wire's: a T.128 Flow PDU ([T128] 8.5), which some servers send as a keepalive. Carries nothing. */
  flow: 0x8000,
} as const;
export type ShareControlType = (typeof ShareControlType)[keyof typeof ShareControlType];

/** [MS-RDPBCGR] 2.2.8.1.1.1.2 TS_SHAREDATAHEADER, `pduType2`. */
export const ShareDataType = {
  update: 2,
  control: 20,
  pointer: 27,
  input: 28,
  synchronize: 31,
  refreshRect: 33,
  playSound: 34,
  suppressOutput: 35,
  shutdownRequest: 36,
  shutdownDenied: 37,
  saveSessionInfo: 38,
  fontList: 39,
  fontMap: 40,
  setKeyboardIndicators: 41,
  bitmapCachePersistentList: 43,
  bitmapCacheError: 44,
  setKeyboardImeStatus: 45,
  offscreenCacheError: 46,
  setErrorInfo: 47,
  drawNineGridError: 48,
  drawGdiPlusError: 49,
  arcStatus: 50,
  statusInfo: 54,
  monitorLayout: 55,
  frameAcknowledge: 56,
} as const;
export type ShareDataType = (typeof ShareDataType)[keyof typeof ShareDataType];

/** `originatorId` of every Confirm Active: the server's MCS channel, [MS-RDPBCGR] 2.2.1.13.2.1. */
export const SERVER_CHANNEL_ID = 0x03ea;

/** More capability sets than any peer has a use for: the specification defines thirty. */
export const MAX_CAPABILITY_SETS = 256;

/**
 * One PDU behind a Share Control Header.
 * @pdu [MS-RDPBCGR] 2.2.8.1.1.1.1 TS_SHARECONTROLHEADER
 */
export interface ShareControlPdu {
  /** One of `ShareControlType`; unknown types survive as numbers. */
  readonly type: number;
  /** MCS user id of the sender. 0 where the sender left it out. */
  readonly source: number;
  /** What follows the header; a view. */
  readonly body: Uint8Array;
}

/**
 * All Share Control PDUs of one MCS Send Data's user data: a server may put several into one.
 *
 * Bytes after the last PDU that are too few for a header are padding (some servers round up) and ignored.
 */
export function decodeShareControlPdus(bytes: Uint8Array): ShareControlPdu[] {
  const cursor = new ReadCursor(bytes, 'TS_SHARECONTROLHEADER');
  const pdus = [decodeShareControl(cursor)];
  while (cursor.remaining >= LENGTH_AND_TYPE_SIZE) pdus.push(decodeShareControl(cursor));
  return pdus;
}

/**
 * Whether user data that might begin with a security header begin with a Share Control Header instead: by a length that
 * is its own and a type and version that go together.
 */
export function beginsShareControl(userData: Uint8Array): boolean {
  if (userData.length < LENGTH_AND_TYPE_SIZE) return false;
  const cursor = new ReadCursor(userData, 'TS_SHARECONTROLHEADER');
  if (cursor.u16('totalLength') > userData.length) return false;
  const type = cursor.u16('pduType');
  // The one PDU without a version: [MS-RDPBCGR] 2.2.13.3.1. Servers that are made of FreeRDP write it all the same.
  if (type === ShareControlType.serverRedirect) return true;
  const { demandActive, deactivateAll, data, serverRedirect } = ShareControlType;
  return [demandActive, deactivateAll, data, serverRedirect].some((known) => type === (known | PROTOCOL_VERSION));
}

export function decodeShareControl(cursor: ReadCursor): ShareControlPdu {
  const totalLength = cursor.u16('totalLength');
  if (totalLength === FLOW_MARKER) {
    cursor.skip(1, 'pduTypeFlow');
    cursor.skip(1, 'pad8bits');
    cursor.skip(1, 'flowIdentifier');
    cursor.skip(1, 'flowNumber');
    const source = cursor.u16('pduSource');
    return { type: ShareControlType.flow, source, body: cursor.bytes(0, 'body') };
  }
  if (totalLength < LENGTH_AND_TYPE_SIZE) {
    throw cursor.error('invalid_value', 'totalLength', `${totalLength} is less than the header`);
  }
  const rest = cursor.sub(totalLength - 2, 'totalLength', 'TS_SHARECONTROLHEADER');
  const type = rest.u16('pduType') & TYPE_MASK;
  // A Deactivate All without pduSource is known from the wire, and nobody needs the field.
  const source = rest.remaining >= 2 ? rest.u16('pduSource') : 0;
  return { type, source, body: rest.rest() };
}

export function sizeOfShareControl(pdu: ShareControlPdu): number {
  return SHARE_CONTROL_SIZE + pdu.body.length;
}

export function encodeShareControl(pdu: ShareControlPdu, cursor: WriteCursor): void {
  const totalLength = sizeOfShareControl(pdu);
  // The limit is the flow marker, not 0xffff: a longer PDU would read as a Flow PDU.
  if (totalLength >= FLOW_MARKER) throw new UsageError(`share control PDU of ${totalLength} bytes is too long`);
  cursor.u16(totalLength);
  // Here without a version: [MS-RDPBCGR] 2.2.13.3.1.
  cursor.u16(pdu.type === ShareControlType.serverRedirect ? pdu.type : pdu.type | PROTOCOL_VERSION);
  cursor.u16(pdu.source);
  cursor.bytes(pdu.body);
}

/**
 * One PDU behind a Share Data Header.
 * @pdu [MS-RDPBCGR] 2.2.8.1.1.1.2 TS_SHAREDATAHEADER
 */
export interface ShareDataPdu {
  readonly shareId: number;
  /** One of `ShareDataType`; unknown types survive as numbers. */
  readonly type: number;
  /** Bulk compression flags and type, 0 where the body is as it is. We never offer compression. */
  readonly compressedType: number;
  /** What follows the header; a view. */
  readonly body: Uint8Array;
}

export function decodeShareData(cursor: ReadCursor): ShareDataPdu {
  const shareId = cursor.u32('shareId');
  cursor.skip(1, 'pad1');
  cursor.skip(1, 'streamId');
  // Servers disagree about what uncompressedLength counts; the Share Control Header's length is what frames us.
  cursor.skip(2, 'uncompressedLength');
  const type = cursor.u8('pduType2');
  const compressedType = cursor.u8('compressedType');
  cursor.skip(2, 'compressedLength');
  return { shareId, type, compressedType, body: cursor.rest() };
}

export function sizeOfShareData(pdu: ShareDataPdu): number {
  return SHARE_DATA_SIZE + pdu.body.length;
}

export function encodeShareData(pdu: ShareDataPdu, cursor: WriteCursor): void {
  cursor.u32(pdu.shareId);
  cursor.zeros(1); // pad1
  cursor.u8(STREAM_LOW);
  // Counts from pduType2 on, as Windows fills it in.
  cursor.u16(pdu.body.length + 4);
  cursor.u8(pdu.type);
  cursor.u8(pdu.compressedType);
  cursor.u16(0); // compressedLength: 0 as long as nothing is compressed
  cursor.bytes(pdu.body);
}

/** `compressedType`, PACKET_COMPRESSED: the body is compressed. */
export const SHARE_DATA_COMPRESSED = 0x20;

/** A whole Share Control PDU around a body: what goes into MCS user data. */
export function shareControlMessage(type: number, source: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const pdu = { type, source, body };
  const cursor = new WriteCursor(sizeOfShareControl(pdu));
  encodeShareControl(pdu, cursor);
  return cursor.finish();
}

/** A whole Share Data PDU, with both headers, around a body: what goes into MCS user data. */
export function shareDataMessage(
  type: number,
  shareId: number,
  source: number,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const data = { shareId, type, compressedType: 0, body };
  const cursor = new WriteCursor(sizeOfShareData(data));
  encodeShareData(data, cursor);
  return shareControlMessage(ShareControlType.data, source, cursor.finish());
}

/** One capability set, not yet decoded: [MS-RDPBCGR] 2.2.1.13.1.1.1 TS_CAPS_SET. */
export interface CapabilitySetBlock {
  readonly type: number;
  /** What follows the set's type and length; a view. */
  readonly data: Uint8Array;
}

/**
 * The body of a Demand Active PDU, behind the Share Control Header.
 * @pdu [MS-RDPBCGR] 2.2.1.13.1.1 TS_DEMAND_ACTIVE_PDU
 */
export interface DemandActive {
  readonly shareId: number;
  readonly sourceDescriptor: Uint8Array;
  readonly capabilitySets: readonly CapabilitySetBlock[];
  readonly sessionId: number;
}

export function decodeDemandActive(cursor: ReadCursor): DemandActive {
  const shareId = cursor.u32('shareId');
  const { sourceDescriptor, capabilitySets } = decodeDescriptorAndSets(cursor);
  // Optional on the wire, whatever the specification says: xrdp sends it, some older servers do not.
  const sessionId = cursor.remaining >= 4 ? cursor.u32('sessionId') : 0;
  return { shareId, sourceDescriptor, capabilitySets, sessionId };
}

export function sizeOfDemandActive(pdu: DemandActive): number {
  return 4 /* shareId */ + sizeOfDescriptorAndSets(pdu) + 4 /* sessionId */;
}

export function encodeDemandActive(pdu: DemandActive, cursor: WriteCursor): void {
  cursor.u32(pdu.shareId);
  encodeDescriptorAndSets(pdu, cursor);
  cursor.u32(pdu.sessionId);
}

/**
 * The body of a Confirm Active PDU, behind the Share Control Header.
 * @pdu [MS-RDPBCGR] 2.2.1.13.2.1 TS_CONFIRM_ACTIVE_PDU
 */
export interface ConfirmActive {
  readonly shareId: number;
  readonly sourceDescriptor: Uint8Array;
  readonly capabilitySets: readonly CapabilitySetBlock[];
}

export function decodeConfirmActive(cursor: ReadCursor): ConfirmActive {
  const shareId = cursor.u32('shareId');
  cursor.skip(2, 'originatorId');
  return { shareId, ...decodeDescriptorAndSets(cursor) };
}

export function sizeOfConfirmActive(pdu: ConfirmActive): number {
  return 4 /* shareId */ + 2 /* originatorId */ + sizeOfDescriptorAndSets(pdu);
}

export function encodeConfirmActive(pdu: ConfirmActive, cursor: WriteCursor): void {
  cursor.u32(pdu.shareId);
  cursor.u16(SERVER_CHANNEL_ID);
  encodeDescriptorAndSets(pdu, cursor);
}

/**
 * The body of a Deactivate All PDU. Decoding it is pointless (the share ends, whatever it says, and some servers
 * leave fields out), so there is only an encoder.
 * @pdu [MS-RDPBCGR] 2.2.3.1.1 TS_DEACTIVATE_ALL_PDU
 */
export function encodeDeactivateAll(shareId: number): Uint8Array<ArrayBuffer> {
  const sourceDescriptor = Uint8Array.of(0);
  const cursor = new WriteCursor(4 + 2 + sourceDescriptor.length);
  cursor.u32(shareId);
  cursor.u16(sourceDescriptor.length);
  cursor.bytes(sourceDescriptor);
  return cursor.finish();
}

const LENGTH_AND_TYPE_SIZE = 4;
const SHARE_CONTROL_SIZE = 6;
const SHARE_DATA_SIZE = 12;
const TYPE_MASK = 0xf;
const PROTOCOL_VERSION = 0x10;
const FLOW_MARKER = 0x8000;
const STREAM_LOW = 1;

interface DescriptorAndSets {
  readonly sourceDescriptor: Uint8Array;
  readonly capabilitySets: readonly CapabilitySetBlock[];
}

function decodeDescriptorAndSets(cursor: ReadCursor): DescriptorAndSets {
  const descriptorLength = cursor.u16('lengthSourceDescriptor');
  const combinedLength = cursor.u16('lengthCombinedCapabilities');
  const sourceDescriptor = cursor.bytes(descriptorLength, 'sourceDescriptor');
  const sets = cursor.sub(combinedLength, 'lengthCombinedCapabilities', 'TS_CAPS_SET');
  const count = sets.u16('numberCapabilities');
  if (count > MAX_CAPABILITY_SETS) throw sets.error('limit_exceeded', 'numberCapabilities', `${count} sets`);
  sets.skip(2, 'pad2Octets');
  const capabilitySets: CapabilitySetBlock[] = [];
  for (let i = 0; i < count; i++) capabilitySets.push(decodeCapabilitySetBlock(sets));
  return { sourceDescriptor, capabilitySets };
}

function decodeCapabilitySetBlock(cursor: ReadCursor): CapabilitySetBlock {
  const type = cursor.u16('capabilitySetType');
  const at = cursor.position;
  const length = cursor.u16('lengthCapability');
  if (length < CAPABILITY_HEADER_SIZE) {
    throw new DecodeError('invalid_value', 'TS_CAPS_SET', 'lengthCapability', at, `${length} is less than the header`);
  }
  return { type, data: cursor.bytes(length - CAPABILITY_HEADER_SIZE, 'capabilityData') };
}

const CAPABILITY_HEADER_SIZE = 4;

function sizeOfSets(sets: readonly CapabilitySetBlock[]): number {
  let size = 2 /* numberCapabilities */ + 2; /* pad2Octets */
  for (const set of sets) size += CAPABILITY_HEADER_SIZE + set.data.length;
  return size;
}

function sizeOfDescriptorAndSets(pdu: DescriptorAndSets): number {
  return (
    2 /* lengthSourceDescriptor */ +
    2 /* lengthCombinedCapabilities */ +
    pdu.sourceDescriptor.length +
    sizeOfSets(pdu.capabilitySets)
  );
}

function encodeDescriptorAndSets(pdu: DescriptorAndSets, cursor: WriteCursor): void {
  cursor.u16(pdu.sourceDescriptor.length);
  cursor.u16(sizeOfSets(pdu.capabilitySets));
  cursor.bytes(pdu.sourceDescriptor);
  cursor.u16(pdu.capabilitySets.length);
  cursor.zeros(2); // pad2Octets
  for (const set of pdu.capabilitySets) {
    cursor.u16(set.type);
    cursor.u16(CAPABILITY_HEADER_SIZE + set.data.length);
    cursor.bytes(set.data);
  }
}
