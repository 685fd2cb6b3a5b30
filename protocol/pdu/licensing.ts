/**
 * Licensing PDUs ([MS-RDPBCGR] 2.2.1.12, [MS-RDPELE] 2.2.2): what follows the basic security header. Messages that
 * carry keys or licences are framed here and made in the connector.
 */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { decodeUtf16le, untilNul } from '../core/text.ts';

/** [MS-RDPBCGR] 2.2.1.12.1.1 bMsgType. */
export const LicenseMessageType = {
  licenseRequest: 0x01,
  platformChallenge: 0x02,
  newLicense: 0x03,
  upgradeLicense: 0x04,
  licenseInfo: 0x12,
  newLicenseRequest: 0x13,
  platformChallengeResponse: 0x15,
  errorAlert: 0xff,
} as const;

/** [MS-RDPBCGR] 2.2.1.12.1.1 flags: the low four bits are the version, here 3 (RDP 5 and later). */
export const LICENSE_VERSION_3 = 0x03;
export const LICENSE_EXTENDED_ERROR_SUPPORTED = 0x80;

/** [MS-RDPBCGR] 2.2.1.12.1.3 dwErrorCode. */
export const LicenseErrorCode = {
  invalidServerCertificate: 0x01,
  noLicense: 0x02,
  invalidMac: 0x03,
  invalidScope: 0x04,
  noLicenseServer: 0x06,
  validClient: 0x07,
  invalidClient: 0x08,
  invalidProductId: 0x0b,
  invalidMessageLength: 0x0c,
} as const;

/** [MS-RDPBCGR] 2.2.1.12.1.3 dwStateTransition. */
export const LicenseStateTransition = {
  totalAbort: 1,
  noTransition: 2,
  resetPhaseToStart: 3,
  resendLastMessage: 4,
} as const;

/** [MS-RDPBCGR] 2.2.1.12.1.2 wBlobType. */
export const LicenseBlobType = {
  data: 0x0001,
  random: 0x0002,
  certificate: 0x0003,
  error: 0x0004,
  encryptedData: 0x0009,
  keyExchangeAlgorithm: 0x000d,
  scope: 0x000e,
  clientUserName: 0x000f,
  clientMachineName: 0x0010,
} as const;

/** [MS-RDPBCGR] 2.2.1.12.1.2 LICENSE_BINARY_BLOB. */
export interface LicenseBlob {
  readonly type: number;
  readonly data: Uint8Array;
}

/** [MS-RDPELE] 2.2.2.1 SERVER_LICENSE_REQUEST. */
export interface LicenseRequest {
  readonly kind: 'licenseRequest';
  /** 32 bytes. */
  readonly serverRandom: Uint8Array;
  readonly productVersion: number;
  readonly companyName: string;
  readonly productId: string;
  /** Key exchange algorithms; 1 is RSA. */
  readonly keyExchange: Uint8Array;
  /** Empty if the server sent its certificate with the security data. */
  readonly serverCertificate: Uint8Array;
  readonly scopes: readonly LicenseBlob[];
}

/** [MS-RDPELE] 2.2.2.4 SERVER_PLATFORM_CHALLENGE. */
export interface PlatformChallenge {
  readonly kind: 'platformChallenge';
  readonly connectFlags: number;
  readonly encryptedChallenge: Uint8Array;
  /** 16 bytes. */
  readonly mac: Uint8Array;
}

/** [MS-RDPELE] 2.2.2.6 and 2.2.2.7: a licence, encrypted. `upgrade`: it replaces one the client had. */
export interface NewLicense {
  readonly kind: 'newLicense';
  readonly upgrade: boolean;
  readonly encryptedLicense: Uint8Array;
  readonly mac: Uint8Array;
}

/** [MS-RDPBCGR] 2.2.1.12.1.3 LICENSE_ERROR_MESSAGE, [MS-RDPELE] 2.2.2.8. */
export interface LicenseErrorAlert {
  readonly kind: 'errorAlert';
  readonly errorCode: number;
  readonly stateTransition: number;
  readonly info: LicenseBlob;
}

/** [MS-RDPELE] 2.2.2.2 CLIENT_NEW_LICENSE_REQUEST. */
export interface NewLicenseRequest {
  readonly kind: 'newLicenseRequest';
  readonly keyExchangeAlgorithm: number;
  readonly platformId: number;
  /** 32 bytes. */
  readonly clientRandom: Uint8Array;
  readonly encryptedPremasterSecret: Uint8Array;
  /** Sent as bytes of the client's ANSI code page, with a NUL. */
  readonly userName: string;
  readonly machineName: string;
}

/** [MS-RDPELE] 2.2.2.5 CLIENT_PLATFORM_CHALLENGE_RESPONSE. */
export interface PlatformChallengeResponse {
  readonly kind: 'platformChallengeResponse';
  readonly encryptedResponse: Uint8Array;
  readonly encryptedHardwareId: Uint8Array;
  readonly mac: Uint8Array;
}

/** A message type of ours to skip: `body` is a view. */
export interface UnknownLicenseMessage {
  readonly kind: 'unknown';
  readonly type: number;
  readonly body: Uint8Array;
}

export type LicenseMessage =
  | LicenseRequest
  | PlatformChallenge
  | NewLicense
  | LicenseErrorAlert
  | NewLicenseRequest
  | PlatformChallengeResponse
  | UnknownLicenseMessage;

/** bMsgType, flags, wMsgSize: [MS-RDPELE] 2.2.1.2 LICENSE_PREAMBLE. */
const PREAMBLE_SIZE = 4;
const BLOB_HEADER_SIZE = 4;
const RANDOM_SIZE = 32;
const MAC_SIZE = 16;
/** [MS-RDPELE] 2.2.2.1.1: names are short; this is past any real one. */
const MAX_PRODUCT_TEXT_BYTES = 1024;
/** [MS-RDPELE] 2.2.2.1: real servers send one scope. */
const MAX_SCOPES = 16;

/** @pdu LICENSE_PREAMBLE and the messages behind it */
export function decodeLicenseMessage(cursor: ReadCursor): LicenseMessage {
  const type = cursor.u8('bMsgType');
  cursor.skip(1, 'flags');
  const size = cursor.u16('wMsgSize');
  if (size < PREAMBLE_SIZE) throw cursor.error('invalid_value', 'wMsgSize', `${size} bytes`);
  const body = cursor.sub(size - PREAMBLE_SIZE, 'wMsgSize', 'LICENSE_PREAMBLE');
  switch (type) {
    case LicenseMessageType.licenseRequest:
      return decodeLicenseRequest(body);
    case LicenseMessageType.platformChallenge: {
      const connectFlags = body.u32('ConnectFlags');
      const encryptedChallenge = decodeBlob(body, 'EncryptedPlatformChallenge').data;
      return { kind: 'platformChallenge', connectFlags, encryptedChallenge, mac: decodeMac(body) };
    }
    case LicenseMessageType.newLicense:
    case LicenseMessageType.upgradeLicense: {
      const encryptedLicense = decodeBlob(body, 'EncryptedLicenseInfo').data;
      const upgrade = type === LicenseMessageType.upgradeLicense;
      return { kind: 'newLicense', upgrade, encryptedLicense, mac: decodeMac(body) };
    }
    case LicenseMessageType.errorAlert: {
      const errorCode = body.u32('dwErrorCode');
      const stateTransition = body.u32('dwStateTransition');
      // Empty, whatever its type, and of no use: an alert that ends before it says all there is to say.
      const info = body.remaining === 0 ? NO_ERROR_INFO : decodeBlob(body, 'bbErrorInfo');
      return { kind: 'errorAlert', errorCode, stateTransition, info };
    }
    case LicenseMessageType.newLicenseRequest:
      return decodeNewLicenseRequest(body);
    case LicenseMessageType.platformChallengeResponse: {
      const encryptedResponse = decodeBlob(body, 'EncryptedPlatformChallengeResponse').data;
      const encryptedHardwareId = decodeBlob(body, 'EncryptedHWID').data;
      return { kind: 'platformChallengeResponse', encryptedResponse, encryptedHardwareId, mac: decodeMac(body) };
    }
    default:
      return { kind: 'unknown', type, body: body.rest() };
  }
}

/** The messages we send, as client or as server. */
export type SentLicenseMessage = LicenseErrorAlert | NewLicenseRequest | PlatformChallengeResponse;

export function encodeLicenseMessage(message: SentLicenseMessage, cursor: WriteCursor): void {
  cursor.u8(LicenseMessageType[message.kind]);
  cursor.u8(LICENSE_VERSION_3 | (message.kind === 'errorAlert' ? 0 : LICENSE_EXTENDED_ERROR_SUPPORTED));
  cursor.u16(sizeOfLicenseMessage(message));
  switch (message.kind) {
    case 'errorAlert':
      cursor.u32(message.errorCode);
      cursor.u32(message.stateTransition);
      encodeBlob(message.info.type, message.info.data, cursor);
      return;
    case 'newLicenseRequest':
      cursor.u32(message.keyExchangeAlgorithm);
      cursor.u32(message.platformId);
      cursor.bytes(message.clientRandom);
      encodeBlob(LicenseBlobType.random, message.encryptedPremasterSecret, cursor);
      encodeBlob(LicenseBlobType.clientUserName, ansiText(message.userName), cursor);
      encodeBlob(LicenseBlobType.clientMachineName, ansiText(message.machineName), cursor);
      return;
    case 'platformChallengeResponse':
      encodeBlob(LicenseBlobType.encryptedData, message.encryptedResponse, cursor);
      encodeBlob(LicenseBlobType.encryptedData, message.encryptedHardwareId, cursor);
      cursor.bytes(message.mac);
      return;
  }
}

/** The whole message, preamble included. */
export function sizeOfLicenseMessage(message: SentLicenseMessage): number {
  switch (message.kind) {
    case 'errorAlert':
      return PREAMBLE_SIZE + 8 /* code, transition */ + BLOB_HEADER_SIZE + message.info.data.length;
    case 'newLicenseRequest':
      return (
        PREAMBLE_SIZE +
        8 /* algorithm, platform */ +
        RANDOM_SIZE +
        3 * BLOB_HEADER_SIZE +
        message.encryptedPremasterSecret.length +
        (message.userName.length + 1) +
        (message.machineName.length + 1)
      );
    case 'platformChallengeResponse':
      return (
        PREAMBLE_SIZE +
        2 * BLOB_HEADER_SIZE +
        message.encryptedResponse.length +
        message.encryptedHardwareId.length +
        MAC_SIZE
      );
  }
}

const NO_ERROR_INFO: LicenseBlob = { type: LicenseBlobType.error, data: new Uint8Array(0) };

/** [MS-RDPBCGR] 2.2.1.12: the error alert with which a server without licensing lets every client in. */
export const VALID_CLIENT_ALERT: LicenseErrorAlert = {
  kind: 'errorAlert',
  errorCode: LicenseErrorCode.validClient,
  stateTransition: LicenseStateTransition.noTransition,
  info: NO_ERROR_INFO,
};

/** [MS-RDPELE] 2.2.2.1 with 2.2.2.1.2 SCOPE_LIST, 2.2.2.1.2.1 SCOPE. */
function decodeLicenseRequest(body: ReadCursor): LicenseRequest {
  const serverRandom = body.bytes(RANDOM_SIZE, 'ServerRandom');
  const productVersion = body.u32('dwVersion');
  const companyName = decodeProductText(body, 'pbCompanyName');
  const productId = decodeProductText(body, 'pbProductId');
  const keyExchange = decodeBlob(body, 'KeyExchangeList').data;
  const serverCertificate = decodeBlob(body, 'ServerCertificate').data;
  const count = body.u32('ScopeCount');
  if (count > MAX_SCOPES) throw body.error('limit_exceeded', 'ScopeCount', `${count} scopes`);
  const scopes = Array.from({ length: count }, () => decodeBlob(body, 'ScopeArray'));
  return {
    kind: 'licenseRequest',
    serverRandom,
    productVersion,
    companyName,
    productId,
    keyExchange,
    serverCertificate,
    scopes,
  };
}

function decodeNewLicenseRequest(body: ReadCursor): NewLicenseRequest {
  return {
    kind: 'newLicenseRequest',
    keyExchangeAlgorithm: body.u32('PreferredKeyExchangeAlg'),
    platformId: body.u32('PlatformId'),
    clientRandom: body.bytes(RANDOM_SIZE, 'ClientRandom'),
    encryptedPremasterSecret: decodeBlob(body, 'EncryptedPreMasterSecret').data,
    userName: fromAnsi(decodeBlob(body, 'ClientUserName').data),
    machineName: fromAnsi(decodeBlob(body, 'ClientMachineName').data),
  };
}

function decodeProductText(body: ReadCursor, field: string): string {
  const size = body.u32(field);
  if (size > MAX_PRODUCT_TEXT_BYTES) throw body.error('limit_exceeded', field, `${size} bytes`);
  return untilNul(decodeUtf16le(body.bytes(size, field)));
}

function decodeMac(body: ReadCursor): Uint8Array {
  return body.bytes(MAC_SIZE, 'MACData');
}

/** [MS-RDPELE] 2.2.1.3 LICENSE_BINARY_BLOB. */
function decodeBlob(cursor: ReadCursor, field: string): LicenseBlob {
  const type = cursor.u16(field);
  const size = cursor.u16(field);
  return { type, data: cursor.bytes(size, field) };
}

function encodeBlob(type: number, data: Uint8Array, cursor: WriteCursor): void {
  cursor.u16(type);
  cursor.u16(data.length);
  cursor.bytes(data);
}

/** Characters outside Latin-1 become question marks: the field has no other way to say them. */
function ansiText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) > 0xff ? 0x3f : text.charCodeAt(i);
  return bytes;
}

function fromAnsi(bytes: Uint8Array): string {
  return untilNul(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
