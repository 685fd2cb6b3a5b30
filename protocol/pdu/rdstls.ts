/**
 * RDSTLS ([MS-RDPBCGR] 2.2.17, 5.4.5.3): user authentication by what a Server Redirection Packet brought, directly
 * behind the TLS handshake. The messages carry no length of their own.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';

/** @pdu [MS-RDPBCGR] 2.2.17.1 RDSTLS Capabilities PDU */
export interface RdstlsCapabilities {
  readonly supportedVersions: number;
}

/** Byte arrays as the redirection packet had them, names as UTF-16LE with their terminator. */
export type RdstlsRequest =
  /** @pdu [MS-RDPBCGR] 2.2.17.2 RDSTLS Authentication Request PDU with Password Credentials */
  | {
      readonly kind: 'password';
      readonly redirectionGuid: Uint8Array;
      readonly userName: Uint8Array;
      readonly domain: Uint8Array;
      readonly password: Uint8Array;
    }
  /** @pdu [MS-RDPBCGR] 2.2.17.3 RDSTLS Authentication Request PDU with Auto-Reconnect Cookie */
  | { readonly kind: 'cookie'; readonly sessionId: number; readonly autoReconnectCookie: Uint8Array };

/** @pdu [MS-RDPBCGR] 2.2.17.4 RDSTLS Authentication Response PDU */
export interface RdstlsResponse {
  /** One of `RdstlsResult`, or any other Win32 error. */
  readonly resultCode: number;
}

/** [MS-RDPBCGR] 2.2.17.4 ResultCode. */
export const RdstlsResult = {
  success: 0,
  accessDenied: 0x0005,
  logonFailure: 0x052e,
  invalidLogonHours: 0x0530,
  passwordExpired: 0x0532,
  accountDisabled: 0x0533,
  passwordMustChange: 0x0773,
  accountLockedOut: 0x0775,
} as const;

export const RDSTLS_VERSION = 1;

const PduType = { capabilities: 1, request: 2, response: 4 } as const;
const DataType = { capabilities: 1, password: 1, cookie: 2, result: 1 } as const;

export const RDSTLS_CAPABILITIES_SIZE = 8;
export const RDSTLS_RESPONSE_SIZE = 10;

const HEADER_SIZE = 6;

export function decodeRdstlsCapabilities(bytes: Uint8Array): RdstlsCapabilities {
  const cursor = openPdu(bytes, 'RDSTLS Capabilities PDU', PduType.capabilities);
  expectDataType(cursor, DataType.capabilities);
  return { supportedVersions: cursor.u16('SupportedVersions') };
}

export function encodeRdstlsCapabilities(pdu: RdstlsCapabilities): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(RDSTLS_CAPABILITIES_SIZE);
  writePduHeader(cursor, PduType.capabilities, DataType.capabilities);
  cursor.u16(pdu.supportedVersions);
  return cursor.finish();
}

export function encodeRdstlsRequest(request: RdstlsRequest): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfRdstlsRequest(request));
  if (request.kind === 'password') {
    writePduHeader(cursor, PduType.request, DataType.password);
    for (const field of passwordFields(request)) writeCounted(field, cursor);
  } else {
    writePduHeader(cursor, PduType.request, DataType.cookie);
    cursor.u32(request.sessionId);
    writeCounted(request.autoReconnectCookie, cursor);
  }
  return cursor.finish();
}

export function sizeOfRdstlsRequest(request: RdstlsRequest): number {
  const fields = request.kind === 'password' ? passwordFields(request) : [request.autoReconnectCookie];
  const size = fields.reduce((sum, field) => sum + 2 + field.length, HEADER_SIZE);
  return request.kind === 'password' ? size : size + 4; /* SessionID */
}

/** Bytes of the request at the start of `bytes`; `undefined` while too few are there to tell. For the server's side. */
export function findRdstlsRequestSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const cursor = new ReadCursor(bytes, 'RDSTLS Authentication Request PDU', HEADER_SIZE - 2);
  const isCookie = cursor.u16('DataType') === DataType.cookie;
  if (isCookie) {
    if (cursor.remaining < 4) return undefined;
    cursor.skip(4, 'SessionID');
  }
  for (let i = isCookie ? 1 : 4; i > 0; i--) {
    if (cursor.remaining < 2) return undefined;
    const length = cursor.u16('length');
    if (cursor.remaining < length) return undefined;
    cursor.skip(length, 'field');
  }
  return bytes.length - cursor.remaining;
}

export function decodeRdstlsRequest(bytes: Uint8Array): RdstlsRequest {
  const cursor = openPdu(bytes, 'RDSTLS Authentication Request PDU', PduType.request);
  const dataType = cursor.u16('DataType');
  const counted = (field: string) => cursor.bytes(cursor.u16(field), field);
  if (dataType === DataType.cookie) {
    const sessionId = cursor.u32('SessionID');
    return { kind: 'cookie', sessionId, autoReconnectCookie: counted('AutoReconnectCookie') };
  }
  if (dataType !== DataType.password) throw cursor.error('invalid_value', 'DataType', `${dataType}`);
  return {
    kind: 'password',
    redirectionGuid: counted('RedirectionGuid'),
    userName: counted('UserName'),
    domain: counted('Domain'),
    password: counted('Password'),
  };
}

export function decodeRdstlsResponse(bytes: Uint8Array): RdstlsResponse {
  const cursor = openPdu(bytes, 'RDSTLS Authentication Response PDU', PduType.response);
  expectDataType(cursor, DataType.result);
  return { resultCode: cursor.u32('ResultCode') };
}

export function encodeRdstlsResponse(response: RdstlsResponse): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(RDSTLS_RESPONSE_SIZE);
  writePduHeader(cursor, PduType.response, DataType.result);
  cursor.u32(response.resultCode);
  return cursor.finish();
}

function passwordFields(request: Extract<RdstlsRequest, { kind: 'password' }>): Uint8Array[] {
  return [request.redirectionGuid, request.userName, request.domain, request.password];
}

function writePduHeader(cursor: WriteCursor, pduType: number, dataType: number): void {
  cursor.u16(RDSTLS_VERSION);
  cursor.u16(pduType);
  cursor.u16(dataType);
}

function writeCounted(field: Uint8Array, cursor: WriteCursor): void {
  if (field.length > 0xffff) throw new UsageError(`an RDSTLS field of ${field.length} bytes`);
  cursor.u16(field.length);
  cursor.bytes(field);
}

function openPdu(bytes: Uint8Array, context: string, wanted: number): ReadCursor {
  const cursor = new ReadCursor(bytes, context);
  const version = cursor.u16('Version');
  if (version !== RDSTLS_VERSION) throw cursor.error('invalid_value', 'Version', `${version}`);
  const pduType = cursor.u16('PduType');
  if (pduType !== wanted) throw cursor.error('unexpected_message', 'PduType', `${pduType} is not ${wanted}`);
  return cursor;
}

function expectDataType(cursor: ReadCursor, wanted: number): void {
  const dataType = cursor.u16('DataType');
  if (dataType !== wanted) throw cursor.error('invalid_value', 'DataType', `${dataType} is not ${wanted}`);
}
