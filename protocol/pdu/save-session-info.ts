import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';
import { decodeUtf16le, untilNul } from '../core/text.ts';

/**
 * What the server says about the logon.
 * @pdu [MS-RDPBCGR] 2.2.10.1.1 TS_SAVE_SESSION_INFO_PDU_DATA
 */
export type SaveSessionInfo =
  /** Somebody has logged on, and these are the names that were used. */
  | { readonly kind: 'logon'; readonly domain: string; readonly username: string; readonly sessionId: number }
  /** Somebody has logged on. */
  | { readonly kind: 'plain-notify' }
  | {
      readonly kind: 'extended';
      readonly autoReconnect?: AutoReconnectCookie;
      readonly logonError?: LogonErrorInfo;
    }
  | { readonly kind: 'unknown'; readonly infoType: number };

/**
 * A secret that lets its holder back into the session: never logged, never sent anywhere but to the server.
 * @pdu [MS-RDPBCGR] 2.2.4.2 ARC_SC_PRIVATE_PACKET
 */
export interface AutoReconnectCookie {
  readonly logonId: number;
  /** 16 bytes; a view. */
  readonly randomBits: Uint8Array;
}

/**
 * @pdu [MS-RDPBCGR] 2.2.10.1.1.4.1.1 TS_LOGON_ERRORS_INFO
 */
export interface LogonErrorInfo {
  /** An NTSTATUS, or one of the small negative `LOGON_MSG` values. */
  readonly type: number;
  /** One of `LogonErrorData`, or a session id. */
  readonly data: number;
}

/** [MS-RDPBCGR] 2.2.10.1.1.4.1.1, `ErrorNotificationData`. */
export const LogonErrorData = { badPassword: 0, updatePassword: 1, other: 2, warning: 3 } as const;

/** [MS-RDPBCGR] 2.2.10.1.1.4.1.1, `ErrorNotificationType`: values that are no NTSTATUS, from `sessionBusyOptions` up. */
export const LogonMessage = {
  sessionBusyOptions: 0xfffffff8,
  disconnectRefused: 0xfffffff9,
  noPermission: 0xfffffffa,
  bumpOptions: 0xfffffffb,
  reconnectOptions: 0xfffffffc,
  sessionTerminate: 0xfffffffd,
  sessionContinue: 0xfffffffe,
  /** The logon failed for good. */
  accessDenied: 0xffffffff,
} as const;

export function decodeSaveSessionInfo(cursor: ReadCursor): SaveSessionInfo {
  const infoType = cursor.u32('infoType');
  switch (infoType) {
    case InfoType.logon:
      return decodeLogonVersion1(cursor);
    case InfoType.logonLong:
      return decodeLogonVersion2(cursor);
    case InfoType.plainNotify:
      return { kind: 'plain-notify' }; // 576 bytes of padding follow
    case InfoType.extended:
      return decodeExtended(cursor);
    default:
      return { kind: 'unknown', infoType };
  }
}

/** Size of a Plain Notify, the only kind that our server sends. */
export function sizeOfPlainNotify(): number {
  return 4 /* infoType */ + PLAIN_NOTIFY_PADDING;
}

/**
 * @pdu [MS-RDPBCGR] 2.2.10.1.1.3 TS_PLAIN_NOTIFY
 */
export function encodePlainNotify(): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfPlainNotify());
  cursor.u32(InfoType.plainNotify);
  cursor.zeros(PLAIN_NOTIFY_PADDING);
  return cursor.finish();
}

/**
 * Automatic reconnection and what is wrong with a logon; each where there is one.
 * @pdu [MS-RDPBCGR] 2.2.10.1.1.4 TS_LOGON_INFO_EXTENDED
 */
export function encodeLogonInfoExtended(
  info: Omit<Extract<SaveSessionInfo, { kind: 'extended' }>, 'kind'>,
): Uint8Array<ArrayBuffer> {
  const { autoReconnect, logonError } = info;
  const arcSize = autoReconnect === undefined ? 0 : 4 + ARC_SIZE;
  const errorSize = logonError === undefined ? 0 : 4 + LOGON_ERROR_SIZE;
  const length = 2 /* Length */ + 4 /* FieldsPresent */ + arcSize + errorSize;
  const cursor = new WriteCursor(4 /* infoType */ + length + EXTENDED_PADDING);
  cursor.u32(InfoType.extended);
  cursor.u16(length);
  cursor.u32((arcSize > 0 ? AUTO_RECONNECT_PRESENT : 0) | (errorSize > 0 ? LOGON_ERRORS_PRESENT : 0));
  if (autoReconnect !== undefined) {
    cursor.u32(ARC_SIZE);
    cursor.u32(ARC_SIZE); // cbLen
    cursor.u32(ARC_VERSION);
    cursor.u32(autoReconnect.logonId);
    cursor.bytes(autoReconnect.randomBits);
  }
  if (logonError !== undefined) {
    cursor.u32(LOGON_ERROR_SIZE);
    cursor.u32(logonError.type);
    cursor.u32(logonError.data);
  }
  cursor.zeros(EXTENDED_PADDING);
  return cursor.finish();
}

const InfoType = { logon: 0, logonLong: 1, plainNotify: 2, extended: 3 } as const;
const PLAIN_NOTIFY_PADDING = 576;
const DOMAIN_SIZE = 52;
const USER_NAME_SIZE = 512;
const VERSION_2_PADDING = 558;
/** cbLen, Version, LogonId, ArcRandomBits. */
const ARC_SIZE = 4 + 4 + 4 + 16;
const ARC_VERSION = 1;
/** ErrorNotificationType, ErrorNotificationData. */
const LOGON_ERROR_SIZE = 4 + 4;
const EXTENDED_PADDING = 570;
const AUTO_RECONNECT_PRESENT = 0x1;
const LOGON_ERRORS_PRESENT = 0x2;

/** [MS-RDPBCGR] 2.2.10.1.1.1 TS_LOGON_INFO. */
function decodeLogonVersion1(cursor: ReadCursor): SaveSessionInfo {
  cursor.skip(4, 'cbDomain'); // the fixed-width field ends at its NUL, whatever this says
  const domain = untilNul(decodeUtf16le(cursor.bytes(DOMAIN_SIZE, 'Domain')));
  cursor.skip(4, 'cbUserName');
  const username = untilNul(decodeUtf16le(cursor.bytes(USER_NAME_SIZE, 'UserName')));
  // RDP 4.0 servers end here.
  return { kind: 'logon', domain, username, sessionId: cursor.remaining >= 4 ? cursor.u32('SessionId') : 0 };
}

/** [MS-RDPBCGR] 2.2.10.1.1.2 TS_LOGON_INFO_VERSION_2. */
function decodeLogonVersion2(cursor: ReadCursor): SaveSessionInfo {
  cursor.skip(2, 'Version');
  cursor.skip(4, 'Size');
  const sessionId = cursor.u32('SessionId');
  const domainSize = cursor.u32('cbDomain');
  const userNameSize = cursor.u32('cbUserName');
  cursor.skip(VERSION_2_PADDING, 'Pad');
  const domain = untilNul(decodeUtf16le(cursor.bytes(domainSize, 'Domain')));
  const username = untilNul(decodeUtf16le(cursor.bytes(userNameSize, 'UserName')));
  return { kind: 'logon', domain, username, sessionId };
}

/** [MS-RDPBCGR] 2.2.10.1.1.4 TS_LOGON_INFO_EXTENDED. */
function decodeExtended(cursor: ReadCursor): SaveSessionInfo {
  cursor.skip(2, 'Length');
  const present = cursor.u32('FieldsPresent');
  let autoReconnect: AutoReconnectCookie | undefined;
  let logonError: LogonErrorInfo | undefined;
  if (present & AUTO_RECONNECT_PRESENT) {
    const field = cursor.sub(cursor.u32('cbFieldData'), 'FieldData', 'ARC_SC_PRIVATE_PACKET');
    field.skip(4, 'cbLen');
    field.skip(4, 'Version');
    autoReconnect = { logonId: field.u32('LogonId'), randomBits: field.bytes(16, 'ArcRandomBits') };
  }
  if (present & LOGON_ERRORS_PRESENT) {
    const field = cursor.sub(cursor.u32('cbFieldData'), 'FieldData', 'TS_LOGON_ERRORS_INFO');
    logonError = { type: field.u32('ErrorNotificationType'), data: field.u32('ErrorNotificationData') };
  }
  return {
    kind: 'extended',
    ...(autoReconnect ? { autoReconnect } : {}),
    ...(logonError ? { logonError } : {}),
  };
}
