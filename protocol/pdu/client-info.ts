/** Client Info PDU, TS_INFO_PACKET and TS_EXTENDED_INFO_PACKET ([MS-RDPBCGR] 2.2.1.11.1.1). */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf16le, decodeWindows1252, encodeUtf16le, untilNul } from '../core/text.ts';
import { decodeTimeZone, encodeTimeZone, TIME_ZONE_SIZE, type TimeZone } from './time-zone.ts';

/** [MS-RDPBCGR] 2.2.1.11.1.1 flags. */
export const InfoFlags = {
  mouse: 0x00000001,
  disableCtrlAltDel: 0x00000002,
  autologon: 0x00000008,
  unicode: 0x00000010,
  maximizeShell: 0x00000020,
  logonNotify: 0x00000040,
  compression: 0x00000080,
  enableWindowsKey: 0x00000100,
  compressionTypeMask: 0x00001e00,
  remoteConsoleAudio: 0x00002000,
  forceEncryptedCsPdu: 0x00004000,
  rail: 0x00008000,
  logonErrors: 0x00010000,
  mouseHasWheel: 0x00020000,
  passwordIsSmartcardPin: 0x00040000,
  noAudioPlayback: 0x00080000,
  usingSavedCredentials: 0x00100000,
  audioCapture: 0x00200000,
  videoDisable: 0x00400000,
  hidefRailSupported: 0x02000000,
} as const;

/** [MS-RDPBCGR] 2.2.1.11.1.1.1 performanceFlags. */
export const PerformanceFlags = {
  disableWallpaper: 0x01,
  disableFullWindowDrag: 0x02,
  disableMenuAnimations: 0x04,
  disableTheming: 0x08,
  disableCursorShadow: 0x20,
  disableCursorSettings: 0x40,
  enableFontSmoothing: 0x80,
  enableDesktopComposition: 0x100,
} as const;

/** [MS-RDPBCGR] 2.2.1.11.1.1.1 clientAddressFamily. */
export const AddressFamily = { inet: 0x0002, inet6: 0x0017 } as const;

/** [MS-RDPBCGR] 2.2.4.3 ARC_CS_PRIVATE_PACKET, the client's auto-reconnect cookie. */
export interface AutoReconnectCookie {
  readonly logonId: number;
  /** HMAC-MD5 over the client random, 16 bytes. */
  readonly securityVerifier: Uint8Array;
}

/** [MS-RDPBCGR] 2.2.1.11.1.1.1. Each field from `timeZone` on is optional, and where one is absent so are all behind. */
export interface ExtendedClientInfo {
  readonly clientAddressFamily: number;
  readonly clientAddress: string;
  readonly clientDir: string;
  readonly timeZone?: TimeZone;
  readonly clientSessionId?: number;
  readonly performanceFlags?: number;
  /** `null`: the field is there, but no cookie is in it. */
  readonly autoReconnectCookie?: AutoReconnectCookie | null;
  /** Written only with `autoReconnectCookie` (or its `null`). */
  readonly dynamicDaylight?: { readonly timeZoneKeyName: string; readonly disabled: boolean };
}

export interface ClientInfo {
  /** The ANSI code page, or the active input locale if `InfoFlags.unicode` is set. */
  readonly codePage: number;
  readonly flags: number;
  readonly domain: string;
  readonly userName: string;
  readonly password: string;
  readonly alternateShell: string;
  readonly workingDir: string;
  readonly extended?: ExtendedClientInfo;
}

/** [MS-RDPBCGR] 2.2.1.11.1.1: each text of the fixed part is at most 512 bytes with its terminator. */
const MAX_TEXT_BYTES = 512;
/** In UTF-16 units, without the terminator. */
export const MAX_INFO_TEXT = MAX_TEXT_BYTES / 2 - 1;
/** [MS-RDPBCGR] 2.2.1.11.1.1.1 limits for the extended part. Clients are seen to exceed 64 for IPv6 addresses: 80. */
const MAX_ADDRESS_BYTES = 80;
const MAX_DIRECTORY_BYTES = 512;
const MAX_TIME_ZONE_KEY_BYTES = 254;

/** cbLen, Version, LogonId, SecurityVerifier. */
const AUTO_RECONNECT_COOKIE_SIZE = 28;
const AUTO_RECONNECT_VERSION = 1;
const SECURITY_VERIFIER_SIZE = 16;

/** CodePage, flags and five lengths. */
const FIXED_SIZE = 18;

/** What follows the security header. @pdu TS_INFO_PACKET */
export function decodeClientInfo(cursor: ReadCursor): ClientInfo {
  const codePage = cursor.u32('CodePage');
  const flags = cursor.u32('flags');
  const unicode = (flags & InfoFlags.unicode) !== 0;
  const sizes = {
    domain: cursor.u16('cbDomain'),
    userName: cursor.u16('cbUserName'),
    password: cursor.u16('cbPassword'),
    alternateShell: cursor.u16('cbAlternateShell'),
    workingDir: cursor.u16('cbWorkingDir'),
  };
  const text = (size: number, field: string) => decodeText(cursor, size, unicode, field);
  const info = {
    codePage,
    flags,
    domain: text(sizes.domain, 'Domain'),
    userName: text(sizes.userName, 'UserName'),
    password: text(sizes.password, 'Password'),
    alternateShell: text(sizes.alternateShell, 'AlternateShell'),
    workingDir: text(sizes.workingDir, 'WorkingDir'),
  };
  // RDP 4.0 clients end here.
  return cursor.remaining < 2 ? info : { ...info, extended: decodeExtendedInfo(cursor, unicode) };
}

/** Writes Unicode texts: `InfoFlags.unicode` must be set. */
export function encodeClientInfo(info: ClientInfo, cursor: WriteCursor): void {
  if (!(info.flags & InfoFlags.unicode)) throw new UsageError('client info is written in unicode only');
  const texts = fixedTexts(info);
  cursor.u32(info.codePage);
  cursor.u32(info.flags);
  for (const text of texts) {
    const size = text.length * 2;
    if (size + 2 > MAX_TEXT_BYTES) throw new UsageError(`a client info text of ${text.length} characters is too long`);
    cursor.u16(size); // without the terminator
  }
  for (const text of texts) writeTerminated(text, cursor);
  if (info.extended !== undefined) encodeExtendedInfo(info.extended, cursor);
}

export function sizeOfClientInfo(info: ClientInfo): number {
  const texts = fixedTexts(info).reduce((size, text) => size + sizeOfTerminated(text), 0);
  return FIXED_SIZE + texts + (info.extended === undefined ? 0 : sizeOfExtendedInfo(info.extended));
}

function fixedTexts(info: ClientInfo): readonly string[] {
  return [info.domain, info.userName, info.password, info.alternateShell, info.workingDir];
}

/** Cut to what may be kept of it, as servers do ([MS-RDPBCGR] 3.3.5.3.11); all texts here are. */
function decodeText(cursor: ReadCursor, size: number, unicode: boolean, field: string): string {
  const terminator = unicode ? 2 : 1;
  const bytes = cursor.bytes(size, field);
  cursor.skip(terminator, field);
  return textOf(bytes.subarray(0, MAX_TEXT_BYTES - terminator), unicode);
}

function decodeExtendedInfo(cursor: ReadCursor, unicode: boolean): ExtendedClientInfo {
  const info: { -readonly [K in keyof ExtendedClientInfo]: ExtendedClientInfo[K] } = {
    clientAddressFamily: cursor.u16('clientAddressFamily'),
    clientAddress: decodeCounted(cursor, MAX_ADDRESS_BYTES, unicode, 'clientAddress'),
    clientDir: decodeCounted(cursor, MAX_DIRECTORY_BYTES, unicode, 'clientDir'),
  };
  if (cursor.remaining < TIME_ZONE_SIZE) return info;
  info.timeZone = decodeTimeZone(cursor);
  if (cursor.remaining < 4) return info;
  info.clientSessionId = cursor.u32('clientSessionId');
  if (cursor.remaining < 4) return info;
  info.performanceFlags = cursor.u32('performanceFlags');
  if (cursor.remaining < 2) return info;
  info.autoReconnectCookie = decodeAutoReconnectCookie(cursor);
  if (cursor.remaining < 4) return info;
  cursor.skip(4, 'reserved1');
  if (cursor.remaining < 2) return info;
  const timeZoneKeyName = decodeCounted(cursor, MAX_TIME_ZONE_KEY_BYTES, true, 'dynamicDSTTimeZoneKeyName');
  info.dynamicDaylight = { timeZoneKeyName, disabled: cursor.u16('dynamicDaylightTimeDisabled') !== 0 };
  return info;
}

function encodeExtendedInfo(info: ExtendedClientInfo, cursor: WriteCursor): void {
  cursor.u16(info.clientAddressFamily);
  writeCounted(info.clientAddress, cursor);
  writeCounted(info.clientDir, cursor);
  if (info.timeZone === undefined) return;
  encodeTimeZone(info.timeZone, cursor);
  if (info.clientSessionId === undefined) return;
  cursor.u32(info.clientSessionId);
  if (info.performanceFlags === undefined) return;
  cursor.u32(info.performanceFlags);
  if (info.autoReconnectCookie === undefined) return;
  encodeAutoReconnectCookie(info.autoReconnectCookie, cursor);
  if (info.dynamicDaylight === undefined) return;
  cursor.zeros(4); // reserved1, reserved2
  const name = encodeUtf16le(info.dynamicDaylight.timeZoneKeyName);
  cursor.u16(name.length);
  cursor.bytes(name);
  cursor.u16(info.dynamicDaylight.disabled ? 1 : 0);
}

function sizeOfExtendedInfo(info: ExtendedClientInfo): number {
  const head = 2 /* family */ + 2 + sizeOfTerminated(info.clientAddress) + 2 + sizeOfTerminated(info.clientDir);
  if (info.timeZone === undefined) return head;
  const withZone = head + TIME_ZONE_SIZE;
  if (info.clientSessionId === undefined) return withZone;
  if (info.performanceFlags === undefined) return withZone + 4;
  if (info.autoReconnectCookie === undefined) return withZone + 8;
  const cookie = 2 /* cbAutoReconnectCookie */ + (info.autoReconnectCookie === null ? 0 : AUTO_RECONNECT_COOKIE_SIZE);
  if (info.dynamicDaylight === undefined) return withZone + 8 + cookie;
  const daylight =
    4 /* reserved */ + 2 /* length */ + info.dynamicDaylight.timeZoneKeyName.length * 2 + 2; /* disabled */
  return withZone + 8 + cookie + daylight;
}

/** A text behind its size in bytes; a terminator that the size counts is dropped. */
function decodeCounted(cursor: ReadCursor, limit: number, unicode: boolean, field: string): string {
  return textOf(cursor.bytes(cursor.u16(field), field).subarray(0, limit), unicode);
}

/** Without `InfoFlags.unicode` texts are in an ANSI code page, of which there is one that nearly all have. */
function textOf(bytes: Uint8Array, unicode: boolean): string {
  return untilNul(unicode ? decodeUtf16le(bytes) : decodeWindows1252(bytes));
}

function writeCounted(text: string, cursor: WriteCursor): void {
  cursor.u16(sizeOfTerminated(text));
  writeTerminated(text, cursor);
}

function writeTerminated(text: string, cursor: WriteCursor): void {
  cursor.bytes(encodeUtf16le(text));
  cursor.zeros(2);
}

function sizeOfTerminated(text: string): number {
  return text.length * 2 + 2;
}

function decodeAutoReconnectCookie(cursor: ReadCursor): AutoReconnectCookie | null {
  const size = cursor.u16('cbAutoReconnectCookie');
  if (size === 0) return null;
  if (size !== AUTO_RECONNECT_COOKIE_SIZE) {
    throw cursor.error('invalid_value', 'cbAutoReconnectCookie', `${size} is not ${AUTO_RECONNECT_COOKIE_SIZE}`);
  }
  cursor.skip(8, 'cbLen'); // and Version
  const logonId = cursor.u32('LogonId');
  return { logonId, securityVerifier: cursor.bytes(SECURITY_VERIFIER_SIZE, 'SecurityVerifier').slice() };
}

function encodeAutoReconnectCookie(cookie: AutoReconnectCookie | null, cursor: WriteCursor): void {
  if (cookie === null) {
    cursor.u16(0);
    return;
  }
  if (cookie.securityVerifier.length !== SECURITY_VERIFIER_SIZE)
    throw new UsageError('a security verifier has 16 bytes');
  cursor.u16(AUTO_RECONNECT_COOKIE_SIZE);
  cursor.u32(AUTO_RECONNECT_COOKIE_SIZE);
  cursor.u32(AUTO_RECONNECT_VERSION);
  cursor.u32(cookie.logonId);
  cursor.bytes(cookie.securityVerifier);
}
