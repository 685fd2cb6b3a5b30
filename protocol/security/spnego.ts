import { equalBytes } from '../core/bytes.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  applicationTag,
  contextTag,
  DerTag,
  derContext,
  derElement,
  derInteger,
  derOctetString,
  derSequence,
  readElement,
  readInteger,
  readOctetString,
  readOptional,
} from './der.ts';

/** Contents of the object identifiers that matter here. */
export const Mechanism = {
  /** 1.3.6.1.5.5.2 */
  spnego: Uint8Array.of(0x2b, 0x06, 0x01, 0x05, 0x05, 0x02),
  /** 1.3.6.1.4.1.311.2.2.10 */
  ntlm: Uint8Array.of(0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a),
} as const;

export const NegState = { acceptCompleted: 0, acceptIncomplete: 1, reject: 2, requestMic: 3 } as const;

/**
 * [RFC 4178] 4.2.1 NegTokenInit, in the InitialContextToken of [RFC 2743] 3.1. Decoded as NegTokenInit2 of
 * [MS-SPNG] 2.2.1, too, whose hints nobody heeds.
 * @pdu [RFC 4178] 4.2.1 NegTokenInit
 */
export interface NegTokenInit {
  /** Contents of the object identifiers, the most wanted first. */
  readonly mechTypes: readonly Uint8Array[];
  /** For the first of them. */
  readonly mechToken?: Uint8Array;
  readonly mechListMic?: Uint8Array;
}

/**
 * [RFC 4178] 4.2.2 NegTokenResp
 * @pdu [RFC 4178] 4.2.2 NegTokenResp
 */
export interface NegTokenResp {
  readonly negState?: number;
  readonly supportedMech?: Uint8Array;
  readonly responseToken?: Uint8Array;
  readonly mechListMic?: Uint8Array;
}

export function encodeNegTokenInit(token: NegTokenInit): Uint8Array<ArrayBuffer> {
  const parts = [derContext(0, encodeMechTypes(token.mechTypes))];
  if (token.mechToken !== undefined) parts.push(derContext(2, derOctetString(token.mechToken)));
  if (token.mechListMic !== undefined) parts.push(derContext(3, derOctetString(token.mechListMic)));
  const spnego = derElement(DerTag.objectIdentifier, Mechanism.spnego);
  return derElement(applicationTag(0), spnego, derContext(0, derSequence(...parts)));
}

export function decodeNegTokenInit(bytes: Uint8Array): NegTokenInit {
  const outer = readElement(new ReadCursor(bytes, 'NegTokenInit'), applicationTag(0), 'InitialContextToken');
  const mechanism = readElement(outer, DerTag.objectIdentifier, 'thisMech').rest();
  if (!equalBytes(mechanism, Mechanism.spnego)) throw outer.error('invalid_value', 'thisMech', 'not SPNEGO');
  const cursor = readElement(readElement(outer, contextTag(0), 'negTokenInit'), DerTag.sequence, 'negTokenInit');
  const types = readOptional(cursor, contextTag(0), 'mechTypes');
  const mechTypes = types === undefined ? [] : decodeMechTypes(types);
  readOptional(cursor, contextTag(1), 'reqFlags');
  const mechToken = readOptional(cursor, contextTag(2), 'mechToken');
  const mechListMic = readMic(cursor, 3) ?? readMic(cursor, 4);
  return {
    mechTypes,
    ...(mechToken !== undefined && { mechToken: readOctetString(mechToken, 'mechToken') }),
    ...(mechListMic !== undefined && { mechListMic }),
  };
}

export function encodeNegTokenResp(token: NegTokenResp): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  if (token.negState !== undefined) parts.push(derContext(0, derInteger(token.negState, DerTag.enumerated)));
  if (token.supportedMech !== undefined) {
    parts.push(derContext(1, derElement(DerTag.objectIdentifier, token.supportedMech)));
  }
  if (token.responseToken !== undefined) parts.push(derContext(2, derOctetString(token.responseToken)));
  if (token.mechListMic !== undefined) parts.push(derContext(3, derOctetString(token.mechListMic)));
  return derContext(1, derSequence(...parts));
}

export function decodeNegTokenResp(bytes: Uint8Array): NegTokenResp {
  const outer = readElement(new ReadCursor(bytes, 'NegTokenResp'), contextTag(1), 'negTokenResp');
  const cursor = readElement(outer, DerTag.sequence, 'negTokenResp');
  const negState = readOptional(cursor, contextTag(0), 'negState');
  const supportedMech = readOptional(cursor, contextTag(1), 'supportedMech');
  const responseToken = readOptional(cursor, contextTag(2), 'responseToken');
  const mechListMic = readMic(cursor, 3);
  return {
    ...(negState !== undefined && { negState: readInteger(negState, 'negState', DerTag.enumerated) }),
    ...(supportedMech !== undefined && {
      supportedMech: readElement(supportedMech, DerTag.objectIdentifier, 'supportedMech').rest(),
    }),
    ...(responseToken !== undefined && { responseToken: readOctetString(responseToken, 'responseToken') }),
    ...(mechListMic !== undefined && { mechListMic }),
  };
}

function decodeMechTypes(cursor: ReadCursor): Uint8Array[] {
  const list = readElement(cursor, DerTag.sequence, 'mechTypes');
  const mechTypes: Uint8Array[] = [];
  while (list.remaining > 0) {
    if (mechTypes.length >= MAX_MECHANISMS) throw list.error('limit_exceeded', 'mechTypes');
    mechTypes.push(readElement(list, DerTag.objectIdentifier, 'mechTypes').rest());
  }
  return mechTypes;
}

/** What the mechListMIC signs: the DER of the MechTypeList ([RFC 4178] 5). */
export function encodeMechTypes(mechTypes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return derSequence(...mechTypes.map((oid) => derElement(DerTag.objectIdentifier, oid)));
}

/** Which of SPNEGO's two tokens the bytes are, if one. */
export function spnegoTokenKind(bytes: Uint8Array): 'init' | 'resp' | undefined {
  if (bytes[0] === applicationTag(0)) return 'init';
  return bytes[0] === contextTag(1) ? 'resp' : undefined;
}

export function requireToken<T>(value: T | undefined, context: string, field: string): T {
  if (value === undefined) throw new DecodeError('invalid_value', context, field, 0, 'missing');
  return value;
}

/** Windows offers four. */
const MAX_MECHANISMS = 32;

/**
 * The mechListMIC, [3]; [4] in a NegTokenInit2, which has negHints at [3] ([MS-SPNG] 2.2.1, a SEQUENCE): they do not
 * count as a MIC, which is an OCTET STRING.
 */
function readMic(cursor: ReadCursor, tag: 3 | 4): Uint8Array | undefined {
  const element = readOptional(cursor, contextTag(tag), 'mechListMIC');
  if (element === undefined || element.remaining === 0 || element.peekU8('mechListMIC') !== DerTag.octetString) {
    return undefined;
  }
  return readOctetString(element, 'mechListMIC');
}
