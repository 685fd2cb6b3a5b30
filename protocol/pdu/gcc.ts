/**
 * GCC Conference Create Request and Response ([T124] section 8.7, [MS-RDPBCGR] 2.2.1.3, 2.2.1.4): the PER shell, the
 * same in every RDP message, around a list of settings data blocks (gcc-client-data.ts, gcc-server-data.ts).
 */
import { equalBytes } from '../core/bytes.ts';
import { ReadCursor, type WriteCursor } from '../core/cursor.ts';
import { encodeUtf8 } from '../core/text.ts';
import { readPerLength, sizeOfPerLength, writePerLength } from './per.ts';

/** [MS-RDPBCGR] 2.2.1.3.1 TS_UD_HEADER: type and length, the length counting these four bytes. */
export const USER_DATA_HEADER_SIZE = 4;

/** Far more blocks than the specification defines. */
const MAX_USER_DATA_BLOCKS = 64;

/** One settings block, undecoded. */
export interface UserDataBlock {
  readonly type: number;
  readonly data: Uint8Array;
}

/** ConnectData's Key, object {itu-t(0) recommendation(0) t(20) t124(124) version(0) 1}. */
const T124_OBJECT = Uint8Array.of(0x00, 0x05, 0x00, 0x14, 0x7c, 0x00, 0x01);

/** H.221 non-standard keys that say who speaks: Microsoft's client and server. */
const CLIENT_KEY = encodeUtf8('Duca');
const SERVER_KEY = encodeUtf8('McDn');

/** conferenceCreateRequest, user data present; conference name "1"; not locked, not listed, automatic termination. */
const REQUEST_HEAD = Uint8Array.of(0x00, 0x08, 0x00, 0x10, 0x00);

/** conferenceCreateResponse with user data, nodeID 31219, tag 1, result success; values that no client looks at. */
const RESPONSE_HEAD = Uint8Array.of(0x14, 0x76, 0x0a, 0x01, 0x01, 0x00);

/** One user data set whose key is an H.221 non-standard identifier of the shortest length, four bytes. */
const USER_DATA_HEAD = Uint8Array.of(0x01, 0xc0, 0x00);

const CREATE_REQUEST_CHOICE = 0x00;
const CREATE_RESPONSE_CHOICE = 0x14;

export function encodeConferenceCreateRequest(userData: Uint8Array, cursor: WriteCursor): void {
  encodeConference(REQUEST_HEAD, CLIENT_KEY, userData, cursor);
}

export function sizeOfConferenceCreateRequest(userData: Uint8Array): number {
  return sizeOfConference(REQUEST_HEAD, userData);
}

/** Returns the settings blocks' bytes. @pdu GCC Conference Create Request */
export function decodeConferenceCreateRequest(cursor: ReadCursor): Uint8Array {
  decodeConnectData(cursor);
  const choice = cursor.u8('ConnectGCCPDU');
  if (choice !== CREATE_REQUEST_CHOICE) throw cursor.error('unexpected_message', 'ConnectGCCPDU', `choice ${choice}`);
  const optional = cursor.u8('ConferenceCreateRequest');
  if (optional !== REQUEST_HEAD[1]) throw cursor.error('invalid_value', 'ConferenceCreateRequest', 'optional fields');
  // Numeric conference name: a count above one digit, then four bits a digit; behind it one byte of flags.
  const digits = cursor.u8('conferenceName') + 1;
  cursor.skip(Math.ceil(digits / 2), 'conferenceName');
  cursor.skip(1, 'terminationMethod');
  return decodeUserData(cursor, CLIENT_KEY);
}

export function encodeConferenceCreateResponse(userData: Uint8Array, cursor: WriteCursor): void {
  encodeConference(RESPONSE_HEAD, SERVER_KEY, userData, cursor);
}

export function sizeOfConferenceCreateResponse(userData: Uint8Array): number {
  return sizeOfConference(RESPONSE_HEAD, userData);
}

/**
 * Returns the settings blocks' bytes. A client looks at nothing else here, `result` included ([MS-RDPBCGR] 3.2.5.3.4).
 * @pdu GCC Conference Create Response
 */
export function decodeConferenceCreateResponse(cursor: ReadCursor): Uint8Array {
  decodeConnectData(cursor);
  const choice = cursor.u8('ConnectGCCPDU');
  if (choice !== CREATE_RESPONSE_CHOICE) throw cursor.error('unexpected_message', 'ConnectGCCPDU', `choice ${choice}`);
  cursor.skip(2, 'nodeID');
  cursor.skip(readPerLength(cursor, 'tag'), 'tag');
  cursor.skip(1, 'result');
  return decodeUserData(cursor, SERVER_KEY);
}

/** Splits the settings data into blocks. Unknown types are kept; the blocks are views. */
export function decodeUserDataBlocks(bytes: Uint8Array): UserDataBlock[] {
  const cursor = new ReadCursor(bytes, 'TS_UD_HEADER');
  const blocks: UserDataBlock[] = [];
  while (cursor.remaining > 0) {
    if (blocks.length === MAX_USER_DATA_BLOCKS) throw cursor.error('limit_exceeded', 'type', 'too many blocks');
    const type = cursor.u16('type');
    const length = cursor.u16('length');
    if (length < USER_DATA_HEADER_SIZE) throw cursor.error('invalid_value', 'length', `${length} bytes`);
    blocks.push({ type, data: cursor.bytes(length - USER_DATA_HEADER_SIZE, 'data') });
  }
  return blocks;
}

export function sizeOfUserDataBlocks(blocks: readonly UserDataBlock[]): number {
  return blocks.reduce((size, block) => size + USER_DATA_HEADER_SIZE + block.data.length, 0);
}

export function encodeUserDataBlocks(blocks: readonly UserDataBlock[], cursor: WriteCursor): void {
  for (const block of blocks) {
    cursor.u16(block.type);
    cursor.u16(USER_DATA_HEADER_SIZE + block.data.length);
    cursor.bytes(block.data);
  }
}

function encodeConference(head: Uint8Array, key: Uint8Array, userData: Uint8Array, cursor: WriteCursor): void {
  cursor.bytes(T124_OBJECT);
  writePerLength(sizeOfConnectPdu(head, userData), cursor);
  cursor.bytes(head);
  cursor.bytes(USER_DATA_HEAD);
  cursor.bytes(key);
  writePerLength(userData.length, cursor);
  cursor.bytes(userData);
}

function sizeOfConference(head: Uint8Array, userData: Uint8Array): number {
  const size = sizeOfConnectPdu(head, userData);
  return T124_OBJECT.length + sizeOfPerLength(size) + size;
}

function sizeOfConnectPdu(head: Uint8Array, userData: Uint8Array): number {
  return head.length + USER_DATA_HEAD.length + CLIENT_KEY.length + sizeOfPerLength(userData.length) + userData.length;
}

function decodeConnectData(cursor: ReadCursor): void {
  const object = cursor.bytes(T124_OBJECT.length, 't124Identifier');
  if (!equalBytes(object, T124_OBJECT)) throw cursor.error('invalid_value', 't124Identifier');
  // The length is not checked: Windows itself sends a wrong one in its response ([MS-RDPBCGR] 4.1.4).
  readPerLength(cursor, 'connectPDU');
}

function decodeUserData(cursor: ReadCursor, key: Uint8Array): Uint8Array {
  const head = cursor.bytes(USER_DATA_HEAD.length, 'userData');
  if (!equalBytes(head, USER_DATA_HEAD)) throw cursor.error('invalid_value', 'userData');
  if (!equalBytes(cursor.bytes(key.length, 'h221NonStandard'), key))
    throw cursor.error('invalid_value', 'h221NonStandard');
  return cursor.bytes(readPerLength(cursor, 'userData'), 'userData');
}
