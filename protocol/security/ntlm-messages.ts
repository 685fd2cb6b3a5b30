import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { decodeUtf16le, encodeUtf16le } from '../core/text.ts';
import type { AvPairs } from './ntlm-av-pairs.ts';
import { decodeAvPairs, encodeAvPairs } from './ntlm-av-pairs.ts';

/** [MS-NLMP] 2.2.2.5 NEGOTIATE: what either side asks for or agrees to. */
export const NtlmFlag = {
  unicode: 0x0000_0001,
  oem: 0x0000_0002,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  datagram: 0x0000_0040,
  lmKey: 0x0000_0080,
  ntlm: 0x0000_0200,
  anonymous: 0x0000_0800,
  domainSupplied: 0x0000_1000,
  workstationSupplied: 0x0000_2000,
  alwaysSign: 0x0000_8000,
  targetTypeDomain: 0x0001_0000,
  targetTypeServer: 0x0002_0000,
  extendedSessionSecurity: 0x0008_0000,
  identify: 0x0010_0000,
  requestNonNtSessionKey: 0x0040_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  key128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  key56: 0x8000_0000,
} as const;

/** [MS-NLMP] 2.2.2.10 VERSION. For people reading traces; nobody decides anything by it. */
export interface NtlmVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
  /** NTLMSSP_REVISION_W2K3 (15) is the only one there is. */
  readonly revision: number;
}

/**
 * [MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE
 * @pdu [MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE
 */
export interface NegotiateMessage {
  readonly flags: number;
  /** OEM text, as it came; empty unless `domainSupplied`. */
  readonly domain: Uint8Array;
  /** OEM text, as it came; empty unless `workstationSupplied`. */
  readonly workstation: Uint8Array;
  readonly version?: NtlmVersion;
}

/**
 * [MS-NLMP] 2.2.1.2 CHALLENGE_MESSAGE
 * @pdu [MS-NLMP] 2.2.1.2 CHALLENGE_MESSAGE
 */
export interface ChallengeMessage {
  readonly flags: number;
  readonly targetName: string;
  /** 8 bytes. */
  readonly serverChallenge: Uint8Array;
  /** Undefined where the server sent none: it does then not know NTLMv2's extras (MIC, channel binding, SPN). */
  readonly targetInfo?: AvPairs;
  readonly version?: NtlmVersion;
}

/**
 * [MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE
 * @pdu [MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE
 */
export interface AuthenticateMessage {
  readonly flags: number;
  readonly lmResponse: Uint8Array;
  readonly ntResponse: Uint8Array;
  readonly domain: string;
  readonly user: string;
  readonly workstation: string;
  readonly encryptedSessionKey: Uint8Array;
  readonly version?: NtlmVersion;
  /** 16 bytes, or undefined where the message leaves no room for it. Whether one is there says MsvAvFlags. */
  readonly mic?: Uint8Array;
}

/** Where the MIC stands in an AUTHENTICATE_MESSAGE: after the fixed fields and the version. */
export const MIC_OFFSET = 72;
export const MIC_SIZE = 16;

export function decodeNegotiateMessage(bytes: Uint8Array): NegotiateMessage {
  const cursor = startMessage(bytes, 'NEGOTIATE_MESSAGE', MessageType.negotiate);
  const flags = cursor.u32('NegotiateFlags');
  // The oldest form ends here; all that follows may be left out when the flags do not announce it.
  const domain = cursor.remaining >= 8 ? readField(cursor, bytes, 'DomainNameFields') : NONE;
  const workstation = cursor.remaining >= 8 ? readField(cursor, bytes, 'WorkstationFields') : NONE;
  const hasVersion = (flags & NtlmFlag.version) !== 0 && cursor.remaining >= 8;
  return {
    flags,
    domain: (flags & NtlmFlag.domainSupplied) !== 0 ? domain : NONE,
    workstation: (flags & NtlmFlag.workstationSupplied) !== 0 ? workstation : NONE,
    ...(hasVersion && { version: readVersion(cursor) }),
  };
}

export function sizeOfNegotiateMessage(message: NegotiateMessage): number {
  return NEGOTIATE_HEADER + message.domain.length + message.workstation.length;
}

export function encodeNegotiateMessage(message: NegotiateMessage): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfNegotiateMessage(message));
  beginMessage(cursor, MessageType.negotiate);
  cursor.u32(message.flags >>> 0);
  const payload = new Payload(cursor, NEGOTIATE_HEADER);
  payload.field(message.domain);
  payload.field(message.workstation);
  writeVersion(cursor, message.version);
  return payload.finish();
}

export function decodeChallengeMessage(bytes: Uint8Array): ChallengeMessage {
  const cursor = startMessage(bytes, 'CHALLENGE_MESSAGE', MessageType.challenge);
  const targetName = readField(cursor, bytes, 'TargetNameFields');
  const flags = cursor.u32('NegotiateFlags');
  const serverChallenge = cursor.bytes(8, 'ServerChallenge').slice();
  // Servers of before Windows 2000 stop here.
  if (cursor.remaining >= 8) cursor.skip(8, 'Reserved');
  const targetInfo = cursor.remaining >= 8 ? readField(cursor, bytes, 'TargetInfoFields') : NONE;
  const hasVersion = (flags & NtlmFlag.version) !== 0 && cursor.remaining >= 8;
  return {
    flags,
    targetName: (flags & NtlmFlag.unicode) !== 0 ? decodeUtf16le(targetName) : '',
    serverChallenge,
    ...((flags & NtlmFlag.targetInfo) !== 0 && targetInfo.length > 0 && { targetInfo: decodeAvPairs(targetInfo) }),
    ...(hasVersion && { version: readVersion(cursor) }),
  };
}

export function sizeOfChallengeMessage(message: ChallengeMessage): number {
  const targetInfo = message.targetInfo === undefined ? NONE : encodeAvPairs(message.targetInfo);
  return CHALLENGE_HEADER + message.targetName.length * 2 + targetInfo.length;
}

export function encodeChallengeMessage(message: ChallengeMessage): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfChallengeMessage(message));
  beginMessage(cursor, MessageType.challenge);
  const payload = new Payload(cursor, CHALLENGE_HEADER);
  payload.field(encodeUtf16le(message.targetName));
  cursor.u32(message.flags >>> 0);
  cursor.bytes(message.serverChallenge);
  cursor.zeros(8);
  payload.field(message.targetInfo === undefined ? NONE : encodeAvPairs(message.targetInfo));
  writeVersion(cursor, message.version);
  return payload.finish();
}

export function decodeAuthenticateMessage(bytes: Uint8Array): AuthenticateMessage {
  const cursor = startMessage(bytes, 'AUTHENTICATE_MESSAGE', MessageType.authenticate);
  const fields = ['LmChallengeResponse', 'NtChallengeResponse', 'DomainName', 'UserName', 'Workstation'] as const;
  const [lmResponse = NONE, ntResponse = NONE, domain = NONE, user = NONE, workstation = NONE] = fields.map((field) =>
    readField(cursor, bytes, `${field}Fields`),
  );
  const encryptedSessionKey = readField(cursor, bytes, 'EncryptedRandomSessionKeyFields');
  const flags = cursor.u32('NegotiateFlags');
  if ((flags & NtlmFlag.unicode) === 0) {
    throw cursor.error('invalid_value', 'NegotiateFlags', 'OEM text, though Unicode was negotiated');
  }
  const hasVersion = (flags & NtlmFlag.version) !== 0 && cursor.remaining >= 8;
  const version = hasVersion ? readVersion(cursor) : undefined;
  return {
    flags,
    lmResponse,
    ntResponse,
    domain: decodeUtf16le(domain),
    user: decodeUtf16le(user),
    workstation: decodeUtf16le(workstation),
    encryptedSessionKey,
    ...(version !== undefined && { version }),
    ...(bytes.length >= MIC_OFFSET + MIC_SIZE && { mic: bytes.subarray(MIC_OFFSET, MIC_OFFSET + MIC_SIZE) }),
  };
}

export function sizeOfAuthenticateMessage(message: AuthenticateMessage): number {
  return (
    MIC_OFFSET +
    (message.mic === undefined ? 0 : MIC_SIZE) +
    message.domain.length * 2 +
    message.user.length * 2 +
    message.workstation.length * 2 +
    message.lmResponse.length +
    message.ntResponse.length +
    message.encryptedSessionKey.length
  );
}

/** With `mic` as it is given: the caller, who computes it over this very message, writes it in afterwards. */
export function encodeAuthenticateMessage(message: AuthenticateMessage): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfAuthenticateMessage(message));
  const header = MIC_OFFSET + (message.mic === undefined ? 0 : MIC_SIZE);
  beginMessage(cursor, MessageType.authenticate);
  const domain = encodeUtf16le(message.domain);
  const user = encodeUtf16le(message.user);
  const workstation = encodeUtf16le(message.workstation);
  // Names first in the payload, as Windows lays it out: some servers have relied on the order.
  const names = header + domain.length + user.length + workstation.length;
  writeField(cursor, message.lmResponse.length, names);
  writeField(cursor, message.ntResponse.length, names + message.lmResponse.length);
  writeField(cursor, domain.length, header);
  writeField(cursor, user.length, header + domain.length);
  writeField(cursor, workstation.length, header + domain.length + user.length);
  writeField(cursor, message.encryptedSessionKey.length, names + message.lmResponse.length + message.ntResponse.length);
  cursor.u32(message.flags >>> 0);
  writeVersion(cursor, message.version);
  if (message.mic !== undefined) cursor.bytes(message.mic);
  for (const part of [domain, user, workstation, message.lmResponse, message.ntResponse]) cursor.bytes(part);
  cursor.bytes(message.encryptedSessionKey);
  return cursor.finish();
}

/** Whether the bytes are an NTLM message as such, not wrapped in SPNEGO. */
export function isNtlmMessage(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && SIGNATURE.every((byte, i) => bytes[i] === byte);
}

const MessageType = { negotiate: 1, challenge: 2, authenticate: 3 } as const;

/** `NTLMSSP\0` */
const SIGNATURE = Uint8Array.of(0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00);
const NONE = new Uint8Array(0);

/** Signature 8, MessageType 4, NegotiateFlags 4, two fields of 8, Version 8. */
const NEGOTIATE_HEADER = 40;
/** Signature 8, MessageType 4, TargetName 8, NegotiateFlags 4, ServerChallenge 8, Reserved 8, TargetInfo 8, Version 8. */
const CHALLENGE_HEADER = 56;

function startMessage(bytes: Uint8Array, context: string, type: number): ReadCursor {
  const cursor = new ReadCursor(bytes, context);
  const signature = cursor.bytes(8, 'Signature');
  if (!SIGNATURE.every((byte, i) => signature[i] === byte)) {
    throw new DecodeError('invalid_value', context, 'Signature', 0, 'not an NTLM message');
  }
  const found = cursor.u32('MessageType');
  if (found !== type) throw new DecodeError('unexpected_message', context, 'MessageType', 8, `type ${found}`);
  return cursor;
}

/** Len, MaxLen and BufferOffset, and what they point to. */
function readField(cursor: ReadCursor, bytes: Uint8Array, field: string): Uint8Array {
  const length = cursor.u16(field);
  cursor.skip(2, field);
  const offset = cursor.u32(field);
  if (length === 0) return NONE;
  if (offset + length > bytes.length) {
    throw cursor.error('truncated', field, `${length} bytes at ${offset} of a message of ${bytes.length}`);
  }
  return bytes.subarray(offset, offset + length);
}

function readVersion(cursor: ReadCursor): NtlmVersion {
  const major = cursor.u8('ProductMajorVersion');
  const minor = cursor.u8('ProductMinorVersion');
  const build = cursor.u16('ProductBuild');
  cursor.skip(3, 'Reserved');
  return { major, minor, build, revision: cursor.u8('NTLMRevisionCurrent') };
}

function beginMessage(cursor: WriteCursor, type: number): void {
  cursor.bytes(SIGNATURE);
  cursor.u32(type);
}

function writeField(cursor: WriteCursor, length: number, offset: number): void {
  cursor.u16(length);
  cursor.u16(length);
  cursor.u32(offset);
}

function writeVersion(cursor: WriteCursor, version: NtlmVersion | undefined): void {
  cursor.u8(version?.major ?? 0);
  cursor.u8(version?.minor ?? 0);
  cursor.u16(version?.build ?? 0);
  cursor.zeros(3);
  cursor.u8(version?.revision ?? 0);
}

/** Collects what the header's fields point to, in order. */
class Payload {
  readonly #cursor: WriteCursor;
  readonly #parts: Uint8Array[] = [];
  #offset: number;

  constructor(cursor: WriteCursor, offset: number) {
    this.#cursor = cursor;
    this.#offset = offset;
  }

  field(value: Uint8Array): void {
    writeField(this.#cursor, value.length, this.#offset);
    this.#parts.push(value);
    this.#offset += value.length;
  }

  finish(): Uint8Array<ArrayBuffer> {
    for (const part of this.#parts) this.#cursor.bytes(part);
    return this.#cursor.finish();
  }
}
