/**
 * RDP security negotiation: what the X.224 Connection Request and Connection Confirm carry
 * ([MS-RDPBCGR] 2.2.1.1 and 2.2.1.2).
 */
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../core/text.ts';
import { decodeX224Connection, encodeX224Connection, X224Code } from './x224.ts';

/** [MS-RDPBCGR] 2.2.1.1.1 requestedProtocols, 2.2.1.2.1 selectedProtocol. Zero is standard RDP security. */
export const SecurityProtocol = { rdp: 0, ssl: 0x1, hybrid: 0x2, rdstls: 0x4, hybridEx: 0x8, rdsAad: 0x10 } as const;

/** [MS-RDPBCGR] 2.2.1.1.1 flags. */
export const NegotiationRequestFlags = {
  restrictedAdminModeRequired: 0x01,
  redirectedAuthenticationModeRequired: 0x02,
  correlationInfoPresent: 0x08,
} as const;

/** [MS-RDPBCGR] 2.2.1.2.1 flags. */
export const NegotiationResponseFlags = {
  extendedClientDataSupported: 0x01,
  dynvcGfxProtocolSupported: 0x02,
  restrictedAdminModeSupported: 0x08,
  redirectedAuthenticationModeSupported: 0x10,
} as const;

/** [MS-RDPBCGR] 2.2.1.2.2 failureCode. */
export const NegotiationFailureCode = {
  sslRequiredByServer: 1,
  sslNotAllowedByServer: 2,
  sslCertNotOnServer: 3,
  inconsistentFlags: 4,
  hybridRequiredByServer: 5,
  sslWithUserAuthRequiredByServer: 6,
} as const;

/** [MS-RDPBCGR] 2.2.1.1 Client X.224 Connection Request PDU. */
export interface ConnectionRequest {
  /** Text after `Cookie: ` up to CR LF for a cookie (`mstshash=…`), or a whole routing token (`msts=…`), without CR LF. */
  readonly routing?: { readonly kind: 'cookie' | 'token'; readonly value: string };
  /** Absent: the client predates negotiation and wants standard RDP security. */
  readonly negotiation?: { readonly flags: number; readonly protocols: number };
  /** [MS-RDPBCGR] 2.2.1.1.2 RDP_NEG_CORRELATION_INFO correlationId, 16 bytes. */
  readonly correlationId?: Uint8Array;
}

/** [MS-RDPBCGR] 2.2.1.2 Server X.224 Connection Confirm PDU. `none`: the server predates negotiation. */
export type ConnectionConfirm =
  | { readonly kind: 'response'; readonly flags: number; readonly protocol: number }
  | { readonly kind: 'failure'; readonly code: number }
  | { readonly kind: 'none' };

const TYPE_REQUEST = 1;
const TYPE_RESPONSE = 2;
const TYPE_FAILURE = 3;
const TYPE_CORRELATION_INFO = 6;

/** type, flags, length (u16), protocols or code (u32). */
const NEGOTIATION_SIZE = 8;
/** type, flags, length (u16), correlationId 16, reserved 16. */
const CORRELATION_SIZE = 36;

/**
 * What an X.224 Connection Request, whose length is one byte, has room for besides an RDP_NEG_REQ and an
 * RDP_NEG_CORRELATION_INFO, without the CR LF.
 */
export const MAX_ROUTING_BYTES = 254 - 6 - NEGOTIATION_SIZE - CORRELATION_SIZE - 2;

const CR = 13;
const LF = 10;
const COOKIE_PREFIX = 'Cookie: ';

/** The whole packet, TPKT and X.224 headers included. @pdu Client X.224 Connection Request PDU */
export function encodeConnectionRequest(request: ConnectionRequest): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  if (request.routing !== undefined) {
    const prefix = request.routing.kind === 'cookie' ? COOKIE_PREFIX : '';
    parts.push(encodeLine(`${prefix}${request.routing.value}`));
  }
  if (request.negotiation !== undefined) {
    const present = request.correlationId === undefined ? 0 : NegotiationRequestFlags.correlationInfoPresent;
    parts.push(encodeNegotiation(TYPE_REQUEST, request.negotiation.flags | present, request.negotiation.protocols));
    if (request.correlationId !== undefined) parts.push(encodeCorrelation(request.correlationId));
  }
  const data = concatBytes(...parts);
  return encodeX224Connection({ code: X224Code.connectionRequest, destination: 0, source: 0, data });
}

export function decodeConnectionRequest(packet: Uint8Array): ConnectionRequest {
  const { data } = decodeX224Connection(packet, X224Code.connectionRequest);
  // Whoever sends both, token and cookie, is let in all the same (3.3.5.3.1); the first counts.
  let at = 0;
  let routing: ConnectionRequest['routing'];
  for (let end = findLineEnd(data, at); end >= 0; end = findLineEnd(data, at)) {
    routing ??= decodeRouting(decodeUtf8(data.subarray(at, end)));
    at = end + 2;
  }
  const cursor = new ReadCursor(data, 'RDP_NEG_REQ', at);
  const withRouting = routing === undefined ? {} : { routing };
  if (cursor.remaining === 0) return withRouting;
  const { type, flags, value: protocols } = decodeNegotiation(cursor);
  if (type !== TYPE_REQUEST) throw cursor.error('invalid_value', 'type', `${type} is not TYPE_RDP_NEG_REQ`);
  const negotiation = { flags, protocols };
  if (!(flags & NegotiationRequestFlags.correlationInfoPresent)) return { ...withRouting, negotiation };
  return { ...withRouting, negotiation, correlationId: decodeCorrelation(cursor) };
}

/** The whole packet, TPKT and X.224 headers included. @pdu Server X.224 Connection Confirm PDU */
export function encodeConnectionConfirm(confirm: ConnectionConfirm): Uint8Array<ArrayBuffer> {
  let data: Uint8Array = new Uint8Array(0);
  if (confirm.kind === 'response') data = encodeNegotiation(TYPE_RESPONSE, confirm.flags, confirm.protocol);
  if (confirm.kind === 'failure') data = encodeNegotiation(TYPE_FAILURE, 0, confirm.code);
  // 0x1234 is the server reference that Windows uses; the value has no meaning in class 0.
  return encodeX224Connection({ code: X224Code.connectionConfirm, destination: 0, source: 0x1234, data });
}

export function decodeConnectionConfirm(packet: Uint8Array): ConnectionConfirm {
  const { data } = decodeX224Connection(packet, X224Code.connectionConfirm);
  if (data.length === 0) return { kind: 'none' };
  const cursor = new ReadCursor(data, 'RDP_NEG_RSP');
  const { type, flags, value } = decodeNegotiation(cursor);
  cursor.expectEnd();
  if (type === TYPE_RESPONSE) return { kind: 'response', flags, protocol: value };
  if (type === TYPE_FAILURE) return { kind: 'failure', code: value };
  throw cursor.error('invalid_value', 'type', `${type} is neither response nor failure`);
}

function encodeNegotiation(type: number, flags: number, value: number): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(NEGOTIATION_SIZE);
  cursor.u8(type);
  cursor.u8(flags);
  cursor.u16(NEGOTIATION_SIZE);
  cursor.u32(value);
  return cursor.finish();
}

function decodeNegotiation(cursor: ReadCursor): { type: number; flags: number; value: number } {
  const type = cursor.u8('type');
  const flags = cursor.u8('flags');
  const length = cursor.u16('length');
  if (length !== NEGOTIATION_SIZE) throw cursor.error('invalid_value', 'length', `${length} is not 8`);
  return { type, flags, value: cursor.u32('protocol') };
}

function encodeCorrelation(correlationId: Uint8Array): Uint8Array<ArrayBuffer> {
  if (correlationId.length !== 16) throw new UsageError('a correlation id has 16 bytes');
  const cursor = new WriteCursor(CORRELATION_SIZE);
  cursor.u8(TYPE_CORRELATION_INFO);
  cursor.u8(0);
  cursor.u16(CORRELATION_SIZE);
  cursor.bytes(correlationId);
  cursor.zeros(16);
  return cursor.finish();
}

function decodeCorrelation(cursor: ReadCursor): Uint8Array {
  const type = cursor.u8('type');
  if (type !== TYPE_CORRELATION_INFO) throw cursor.error('invalid_value', 'type', `${type} is not 6`);
  cursor.skip(1, 'flags');
  const length = cursor.u16('length');
  if (length !== CORRELATION_SIZE) throw cursor.error('invalid_value', 'length', `${length} is not 36`);
  const correlationId = cursor.bytes(16, 'correlationId').slice();
  cursor.skip(16, 'reserved');
  return correlationId;
}

/** `Cookie: msts=…` is a routing token and `Cookie: mstshash=…` a cookie; both begin alike on the wire. */
function decodeRouting(line: string): ConnectionRequest['routing'] & object {
  return line.startsWith(`${COOKIE_PREFIX}mstshash=`)
    ? { kind: 'cookie', value: line.slice(COOKIE_PREFIX.length) }
    : { kind: 'token', value: line };
}

/** Offset of the CR LF that ends the line from `at` on, or -1. No line begins with byte 1, RDP_NEG_REQ does. */
function findLineEnd(data: Uint8Array, at: number): number {
  if (data[at] === TYPE_REQUEST) return -1;
  for (let i = at; i + 1 < data.length; i++) if (data[i] === CR && data[i + 1] === LF) return i;
  return -1;
}

/** Names of pools come in UTF-8 as well; what would end the line does not belong into it. */
function encodeLine(text: string): Uint8Array<ArrayBuffer> {
  if (/\p{Cc}/u.test(text)) throw new UsageError('routing text has control characters');
  const line = encodeUtf8(`${text}\r\n`);
  if (line.length > MAX_ROUTING_BYTES + 2) throw new UsageError(`routing text of ${line.length} bytes`);
  return line;
}
