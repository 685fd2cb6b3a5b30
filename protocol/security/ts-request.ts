import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  contextTag,
  DerTag,
  derContext,
  derInteger,
  derOctetString,
  derSequence,
  readElement,
  readInteger,
  readLength,
  readOctetString,
  readOptional,
} from './der.ts';

/**
 * [MS-CSSP] 2.2.1 TSRequest: every CredSSP message is one.
 * @pdu [MS-CSSP] 2.2.1 TSRequest
 */
export interface TsRequest {
  /** 2 to 6; a peer of the future may say more. */
  readonly version: number;
  /** [MS-CSSP] 2.2.1.1 NegoData: SPNEGO tokens or NTLM messages. */
  readonly negoToken?: Uint8Array;
  /** TSCredentials, sealed. */
  readonly authInfo?: Uint8Array;
  readonly pubKeyAuth?: Uint8Array;
  /** NTSTATUS, unsigned. */
  readonly errorCode?: number;
  /** 32 bytes, from version 5 on. */
  readonly clientNonce?: Uint8Array;
}

/**
 * How many bytes the TSRequest at the start of `bytes` has; undefined while too few have come to tell. They carry no
 * other framing. Throws `DecodeError` for what cannot be one.
 */
export function findTsRequestSize(bytes: Uint8Array): number | undefined {
  const tag = bytes[0];
  if (tag === undefined) return undefined;
  if (tag !== DerTag.sequence) {
    throw new DecodeError('invalid_value', 'TSRequest', 'tag', 0, `0x${tag.toString(16)} is no SEQUENCE`);
  }
  const first = bytes[1];
  if (first === undefined || (first > 0x80 && bytes.length < 2 + (first & 0x7f))) {
    if (first !== undefined && (first & 0x7f) > 4) {
      throw new DecodeError('invalid_value', 'TSRequest', 'length', 1, `a length of ${first & 0x7f} bytes`);
    }
    return undefined;
  }
  const cursor = new ReadCursor(bytes, 'TSRequest', 1);
  const length = readLength(cursor, 'length');
  if (length > MAX_TS_REQUEST) throw cursor.error('limit_exceeded', 'length', `${length} bytes`);
  return cursor.position + length;
}

/** Decodes one whole TSRequest. Fields are views. */
export function decodeTsRequest(bytes: Uint8Array): TsRequest {
  const outer = new ReadCursor(bytes, 'TSRequest');
  const cursor = readElement(outer, DerTag.sequence, 'TSRequest');
  outer.expectEnd();
  const version = readInteger(readElement(cursor, contextTag(0), 'version'), 'version');
  const negoTokens = readOptional(cursor, contextTag(1), 'negoTokens');
  const authInfo = readOptional(cursor, contextTag(2), 'authInfo');
  const pubKeyAuth = readOptional(cursor, contextTag(3), 'pubKeyAuth');
  const errorCode = readOptional(cursor, contextTag(4), 'errorCode');
  const clientNonce = readOptional(cursor, contextTag(5), 'clientNonce');
  const negoToken = negoTokens === undefined ? undefined : readNegoData(negoTokens);
  return {
    version,
    ...(negoToken !== undefined && { negoToken }),
    ...(authInfo !== undefined && { authInfo: readOctetString(authInfo, 'authInfo') }),
    ...(pubKeyAuth !== undefined && { pubKeyAuth: readOctetString(pubKeyAuth, 'pubKeyAuth') }),
    ...(errorCode !== undefined && { errorCode: readInteger(errorCode, 'errorCode') >>> 0 }),
    ...(clientNonce !== undefined && { clientNonce: readNonce(clientNonce) }),
  };
}

export function encodeTsRequest(request: TsRequest): Uint8Array<ArrayBuffer> {
  const { negoToken, authInfo, pubKeyAuth, errorCode, clientNonce } = request;
  const parts = [derContext(0, derInteger(request.version))];
  if (negoToken !== undefined) {
    parts.push(derContext(1, derSequence(derSequence(derContext(0, derOctetString(negoToken))))));
  }
  if (authInfo !== undefined) parts.push(derContext(2, derOctetString(authInfo)));
  if (pubKeyAuth !== undefined) parts.push(derContext(3, derOctetString(pubKeyAuth)));
  // An NTSTATUS is written as the signed 32-bit number that it is in C.
  if (errorCode !== undefined) parts.push(derContext(4, derInteger(errorCode | 0)));
  if (clientNonce !== undefined) parts.push(derContext(5, derOctetString(clientNonce)));
  return derSequence(...parts);
}

export function sizeOfTsRequest(request: TsRequest): number {
  return encodeTsRequest(request).length;
}

/** The largest that comes is a Kerberos ticket with a large PAC: far less than this. */
const MAX_TS_REQUEST = 0x1_0000;
const NONCE_SIZE = 32;

/** SEQUENCE OF SEQUENCE { negoToken [0] OCTET STRING }: one is all that ever comes; of several the first counts. */
function readNegoData(cursor: ReadCursor): Uint8Array | undefined {
  const list = readElement(cursor, DerTag.sequence, 'negoTokens');
  if (list.remaining === 0) return undefined;
  const item = readElement(list, DerTag.sequence, 'negoTokens');
  return readOctetString(readElement(item, contextTag(0), 'negoToken'), 'negoToken');
}

function readNonce(cursor: ReadCursor): Uint8Array {
  const nonce = readOctetString(cursor, 'clientNonce');
  if (nonce.length !== NONCE_SIZE) throw cursor.error('invalid_value', 'clientNonce', `${nonce.length} bytes`);
  return nonce;
}
