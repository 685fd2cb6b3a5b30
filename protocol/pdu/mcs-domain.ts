/**
 * MCS domain PDUs, in aligned PER ([T125] section 11, [MS-RDPBCGR] 2.2.1.5 to 2.2.1.9 and 2.2.8.1.1, 2.2.9.1.1).
 * Each comes in an X.224 Data TPDU; the first byte's upper six bits say which PDU it is.
 */
import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  MAX_PER_LENGTH_15,
  readPerInteger,
  readPerOctetsToEnd,
  readPerU16,
  sizeOfPerInteger,
  sizeOfPerLength,
  writePerInteger,
  writePerLength,
  writePerLength15,
  writePerU16,
} from './per.ts';
import { TPKT_VERSION } from './tpkt.ts';
import { DATA_HEADER_SIZE, encodeDataHeader } from './x224.ts';

/** [T125] section 7 DomainMCSPDU: the choices RDP uses. */
export const McsPduType = {
  erectDomainRequest: 1,
  disconnectProviderUltimatum: 8,
  attachUserRequest: 10,
  attachUserConfirm: 11,
  channelJoinRequest: 14,
  channelJoinConfirm: 15,
  sendDataRequest: 25,
  sendDataIndication: 26,
} as const;

/** [T125] section 7 Reason of a Disconnect Provider Ultimatum, [MS-RDPBCGR] 2.2.2.3. */
export const DisconnectReason = {
  domainDisconnected: 0,
  providerInitiated: 1,
  tokenPurged: 2,
  userRequested: 3,
  channelPurged: 4,
} as const;

/** [T125] section 7: user ids start here, and are sent as the difference. */
export const MIN_USER_ID = 1001;

/** The channel of the conference's own resources; servers use it as their `initiator`, [MS-RDPBCGR] 3.3.5.3.7. */
export const SERVER_USER_ID = 1002;

export type McsPdu =
  | { readonly kind: 'erectDomainRequest'; readonly subHeight: number; readonly subInterval: number }
  | { readonly kind: 'attachUserRequest' }
  /** `result` 0 is rt-successful, else [T125] section 7 Result. */
  | { readonly kind: 'attachUserConfirm'; readonly result: number; readonly initiator?: number }
  | { readonly kind: 'channelJoinRequest'; readonly initiator: number; readonly channelId: number }
  | {
      readonly kind: 'channelJoinConfirm';
      readonly result: number;
      readonly initiator: number;
      readonly requested: number;
      readonly channelId?: number;
    }
  | McsSendData
  | { readonly kind: 'disconnectProviderUltimatum'; readonly reason: number };

export interface McsSendData {
  readonly kind: 'sendDataRequest' | 'sendDataIndication';
  readonly initiator: number;
  readonly channelId: number;
  readonly userData: Uint8Array;
}

/** dataPriority high, segmentation begin and end: the one combination RDP uses ([MS-RDPBCGR] 3.2.5.3.12). */
const HIGH_PRIORITY_WHOLE = 0x70;

const CHOICE_SHIFT = 2;
/** The bit behind the six of the choice: an optional field is present. */
const OPTIONAL_PRESENT = 0x02;

/** Where the channel's number is in a packet, and the length of its data. */
const CHANNEL_ID_AT = DATA_HEADER_SIZE + 1 /* choice */ + 2; /* initiator */
const LENGTH_AT = CHANNEL_ID_AT + 2 + 1; /* priority */
const INDICATION = McsPduType.sendDataIndication << CHOICE_SHIFT;
/** X.224 Data, behind its TPKT header: LI, code, EOT. */
const DATA_TPDU = 0x02_f0_80;

/**
 * Where the user data begin in a TPKT packet that is a Send Data Indication, whole and as plain as nearly all of them are. 0 for any other,
 * which is left to `decodeX224` and `decodeMcsPdu`: they say what is wrong with it. The channel is that of `indicationChannel`.
 */
export function indicationStart(packet: Uint8Array): number {
  if (packet.length <= LENGTH_AT + 1 || packet[0] !== TPKT_VERSION || packet[DATA_HEADER_SIZE] !== INDICATION) return 0;
  if (((packet[4]! << 16) | (packet[5]! << 8) | packet[6]!) !== DATA_TPDU) return 0;
  if (((packet[2]! << 8) | packet[3]!) !== packet.length) return 0;
  // [X691] 10.9.3: up to 127 in one byte, up to 16383 in two.
  const first = packet[LENGTH_AT]!;
  if (first < 0x80) return first === packet.length - LENGTH_AT - 1 ? LENGTH_AT + 1 : 0;
  if (first >= 0xc0) return 0;
  const length = ((first & 0x3f) << 8) | packet[LENGTH_AT + 1]!;
  return length === packet.length - LENGTH_AT - 2 ? LENGTH_AT + 2 : 0;
}

export function indicationChannel(packet: Uint8Array): number {
  return (packet[CHANNEL_ID_AT]! << 8) | packet[CHANNEL_ID_AT + 1]!;
}

/** Decodes one domain PDU; `userData` is a view. @pdu MCS domain PDUs */
export function decodeMcsPdu(cursor: ReadCursor): McsPdu {
  const first = cursor.u8('DomainMCSPDU');
  switch (first >> CHOICE_SHIFT) {
    case McsPduType.sendDataRequest:
      return decodeSendData('sendDataRequest', cursor);
    case McsPduType.sendDataIndication:
      return decodeSendData('sendDataIndication', cursor);
    case McsPduType.erectDomainRequest: {
      const subHeight = readPerInteger(cursor, 'subHeight');
      return { kind: 'erectDomainRequest', subHeight, subInterval: readPerInteger(cursor, 'subInterval') };
    }
    case McsPduType.attachUserRequest:
      return { kind: 'attachUserRequest' };
    case McsPduType.attachUserConfirm: {
      const result = decodeResult(first, cursor);
      if (!(first & OPTIONAL_PRESENT)) return { kind: 'attachUserConfirm', result };
      return { kind: 'attachUserConfirm', result, initiator: readPerU16(cursor, MIN_USER_ID, 'initiator') };
    }
    case McsPduType.channelJoinRequest: {
      const initiator = readPerU16(cursor, MIN_USER_ID, 'initiator');
      return { kind: 'channelJoinRequest', initiator, channelId: cursor.u16Be('channelId') };
    }
    case McsPduType.channelJoinConfirm: {
      const result = decodeResult(first, cursor);
      const initiator = readPerU16(cursor, MIN_USER_ID, 'initiator');
      const requested = cursor.u16Be('requested');
      const confirm = { kind: 'channelJoinConfirm', result, initiator, requested } as const;
      return first & OPTIONAL_PRESENT ? { ...confirm, channelId: cursor.u16Be('channelId') } : confirm;
    }
    case McsPduType.disconnectProviderUltimatum:
      // Three bits of reason: two at the end of the first byte, one at the start of the second.
      return { kind: 'disconnectProviderUltimatum', reason: ((first & 0x03) << 1) | (cursor.u8('reason') >> 7) };
    default:
      throw cursor.error('unexpected_message', 'DomainMCSPDU', `choice ${first >> CHOICE_SHIFT}`);
  }
}

export function sizeOfMcsPdu(pdu: McsPdu): number {
  switch (pdu.kind) {
    case 'erectDomainRequest':
      return 1 + sizeOfPerInteger(pdu.subHeight) + sizeOfPerInteger(pdu.subInterval);
    case 'attachUserRequest':
      return 1;
    case 'attachUserConfirm':
      return 2 + (pdu.initiator === undefined ? 0 : 2);
    case 'channelJoinRequest':
      return 5;
    case 'channelJoinConfirm':
      return 6 + (pdu.channelId === undefined ? 0 : 2);
    case 'sendDataRequest':
    case 'sendDataIndication':
      return sendDataHeaderSize(pdu.userData.length) + pdu.userData.length;
    case 'disconnectProviderUltimatum':
      return 2;
  }
}

export function encodeMcsPdu(pdu: McsPdu, cursor: WriteCursor): void {
  const first = McsPduType[pdu.kind] << CHOICE_SHIFT;
  switch (pdu.kind) {
    case 'erectDomainRequest':
      cursor.u8(first);
      writePerInteger(pdu.subHeight, cursor);
      writePerInteger(pdu.subInterval, cursor);
      return;
    case 'attachUserRequest':
      cursor.u8(first);
      return;
    case 'attachUserConfirm':
      encodeResult(first, pdu.result, pdu.initiator !== undefined, cursor);
      if (pdu.initiator !== undefined) writePerU16(pdu.initiator, MIN_USER_ID, cursor);
      return;
    case 'channelJoinRequest':
      cursor.u8(first);
      writePerU16(pdu.initiator, MIN_USER_ID, cursor);
      cursor.u16Be(pdu.channelId);
      return;
    case 'channelJoinConfirm':
      encodeResult(first, pdu.result, pdu.channelId !== undefined, cursor);
      writePerU16(pdu.initiator, MIN_USER_ID, cursor);
      cursor.u16Be(pdu.requested);
      if (pdu.channelId !== undefined) cursor.u16Be(pdu.channelId);
      return;
    case 'sendDataRequest':
    case 'sendDataIndication':
      encodeSendDataHead(pdu, cursor);
      writePerLength(pdu.userData.length, cursor);
      cursor.bytes(pdu.userData);
      return;
    case 'disconnectProviderUltimatum':
      cursor.u8(first | (pdu.reason >> 1));
      cursor.u8((pdu.reason & 1) << 7);
      return;
  }
}

/** A domain PDU as a whole packet, TPKT and X.224 headers included. */
export function mcsMessage(pdu: McsPdu): Uint8Array<ArrayBuffer> {
  const size = sizeOfMcsPdu(pdu);
  const cursor = new WriteCursor(DATA_HEADER_SIZE + size);
  encodeDataHeader(size, cursor);
  encodeMcsPdu(pdu, cursor);
  return cursor.finish();
}

/**
 * User data as a whole packet in a Send Data Request (client to server). At most 16383 bytes of user data: what is
 * longer has a fragmentation of its own (virtual channel chunks, fast-path fragments).
 */
export function sendDataRequest(initiator: number, channelId: number, userData: Uint8Array): Uint8Array<ArrayBuffer> {
  return mcsMessage({ kind: 'sendDataRequest', initiator, channelId, userData });
}

/** User data as a whole packet in a Send Data Indication (server to client). */
export function sendDataIndication(channelId: number, userData: Uint8Array): Uint8Array<ArrayBuffer> {
  return mcsMessage({ kind: 'sendDataIndication', initiator: SERVER_USER_ID, channelId, userData });
}

/**
 * A peer's Send Data as a whole packet again, with other user data: peers send more at a time than we do.
 * @throws DecodeError past 32767 bytes, which is more than they do
 */
export function repackSendData(pdu: McsSendData, userData: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = userData;
  if (length > MAX_PER_LENGTH_15) throw new DecodeError('limit_exceeded', pdu.kind, 'userData', 0, `${length} bytes`);
  const size = sendDataHeaderSize(length) + length;
  const cursor = new WriteCursor(DATA_HEADER_SIZE + size);
  encodeDataHeader(size, cursor);
  encodeSendDataHead(pdu, cursor);
  writePerLength15(length, cursor);
  cursor.bytes(userData);
  return cursor.finish();
}

function decodeSendData(kind: McsSendData['kind'], cursor: ReadCursor): McsSendData {
  const initiator = readPerU16(cursor, MIN_USER_ID, 'initiator');
  const channelId = cursor.u16Be('channelId');
  cursor.skip(1, 'dataPriority');
  return { kind, initiator, channelId, userData: readPerOctetsToEnd(cursor, 'userData') };
}

function sendDataHeaderSize(length: number): number {
  return 1 /* choice */ + 2 /* initiator */ + 2 /* channelId */ + 1 /* priority */ + sizeOfPerLength(length);
}

function encodeSendDataHead(pdu: Omit<McsSendData, 'userData'>, cursor: WriteCursor): void {
  cursor.u8(McsPduType[pdu.kind] << CHOICE_SHIFT);
  writePerU16(pdu.initiator, MIN_USER_ID, cursor);
  cursor.u16Be(pdu.channelId);
  cursor.u8(HIGH_PRIORITY_WHOLE);
}

/** Result has sixteen values: one bit at the end of the first byte, three at the start of the second. */
function decodeResult(first: number, cursor: ReadCursor): number {
  return ((first & 0x01) << 3) | (cursor.u8('result') >> 5);
}

function encodeResult(first: number, result: number, optionalPresent: boolean, cursor: WriteCursor): void {
  cursor.u8(first | (optionalPresent ? OPTIONAL_PRESENT : 0) | (result >> 3));
  cursor.u8((result & 0x07) << 5);
}
