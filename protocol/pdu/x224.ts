/**
 * X.224 class 0 transport PDUs ([X224] section 13), each in a TPKT packet. RDP uses Connection Request, Connection
 * Confirm, Data, and (rarely) Disconnect Request and Error.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeTpktHeader, encodeTpktHeader, TPKT_HEADER_SIZE } from './tpkt.ts';

/** TPDU codes, in the upper four bits of the second byte. */
export const X224Code = {
  connectionRequest: 0xe0,
  connectionConfirm: 0xd0,
  disconnectRequest: 0x80,
  data: 0xf0,
  error: 0x70,
} as const;

/** TPKT header, then LI, code and EOT of a Data TPDU: what precedes each MCS PDU. */
export const DATA_HEADER_SIZE = TPKT_HEADER_SIZE + 3;

/** LI, code, destination reference, source reference, class option. */
const CONNECTION_FIXED_SIZE = 7;

/** [X224] 13.2.1: the length indicator does not count itself and 255 is reserved. */
const MAX_LENGTH_INDICATOR = 254;

/** End of TSDU mark; class 0 in RDP never segments. */
const EOT = 0x80;

/** A Connection Request or Connection Confirm; `data` is what follows the fixed part ([MS-RDPBCGR] 2.2.1.1, 2.2.1.2). */
export interface X224Connection {
  readonly code: typeof X224Code.connectionRequest | typeof X224Code.connectionConfirm;
  readonly destination: number;
  readonly source: number;
  readonly data: Uint8Array;
}

/** The whole packet, TPKT header included. @pdu X.224 Connection Request, Connection Confirm */
export function encodeX224Connection(connection: X224Connection): Uint8Array<ArrayBuffer> {
  const lengthIndicator = CONNECTION_FIXED_SIZE - 1 + connection.data.length;
  const size = TPKT_HEADER_SIZE + 1 + lengthIndicator;
  const cursor = new WriteCursor(size);
  encodeTpktHeader(size, cursor);
  if (lengthIndicator > MAX_LENGTH_INDICATOR) throw new UsageError('x.224 connection data too long');
  cursor.u8(lengthIndicator);
  cursor.u8(connection.code);
  cursor.u16Be(connection.destination);
  cursor.u16Be(connection.source);
  cursor.u8(0); // class 0, no options
  cursor.bytes(connection.data);
  return cursor.finish();
}

/** Decodes a whole TPKT packet that must be a Connection Request or a Connection Confirm. */
export function decodeX224Connection(packet: Uint8Array, code: X224Connection['code']): X224Connection {
  const context = code === X224Code.connectionRequest ? 'X.224 Connection Request' : 'X.224 Connection Confirm';
  const cursor = new ReadCursor(packet, context);
  decodeTpktHeader(cursor);
  const lengthIndicator = cursor.u8('LI');
  // Some peers count a trailing part outside LI (a cookie longer than 254 bytes cannot be counted at all).
  if (lengthIndicator > cursor.remaining || lengthIndicator < CONNECTION_FIXED_SIZE - 1) {
    throw cursor.error('invalid_value', 'LI', `${lengthIndicator}, ${cursor.remaining} bytes follow`);
  }
  const got = cursor.u8('code') & 0xf0;
  if (got !== code) throw cursor.error('unexpected_message', 'code', `0x${got.toString(16)}`);
  const destination = cursor.u16Be('DST-REF');
  const source = cursor.u16Be('SRC-REF');
  cursor.skip(1, 'class option');
  return { code, destination, source, data: cursor.rest() };
}

/** Writes the TPKT and X.224 headers that precede an MCS PDU of `payloadSize` bytes. @pdu X.224 Data */
export function encodeDataHeader(payloadSize: number, cursor: WriteCursor): void {
  encodeTpktHeader(DATA_HEADER_SIZE + payloadSize, cursor);
  cursor.u8(2);
  cursor.u8(X224Code.data);
  cursor.u8(EOT);
}

/** Wraps an MCS PDU into a TPKT packet. */
export function encodeData(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(DATA_HEADER_SIZE + payload.length);
  encodeDataHeader(payload.length, cursor);
  cursor.bytes(payload);
  return cursor.finish();
}

/** The reason of a Disconnect Request, with which a server refuses a Connection Request ([X224] 13.5). `undefined` for any other packet. */
export function refusalReason(packet: Uint8Array): number | undefined {
  if (((packet[TPKT_HEADER_SIZE + 1] ?? 0) & 0xf0) !== X224Code.disconnectRequest) return undefined;
  const message = decodeX224(packet);
  return message.kind === 'disconnect' ? message.reason : undefined;
}

export type X224Message =
  | { readonly kind: 'data'; readonly cursor: ReadCursor }
  /** The peer's transport gave up: Disconnect Request ([X224] 13.5) or Error ([X224] 13.12). */
  | { readonly kind: 'disconnect'; readonly reason: number };

/** Decodes a whole TPKT packet of the time after the connection is confirmed; the cursor stands at the MCS PDU. */
export function decodeX224(packet: Uint8Array): X224Message {
  const cursor = new ReadCursor(packet, 'X.224 Data');
  decodeTpktHeader(cursor);
  const lengthIndicator = cursor.u8('LI');
  const code = cursor.u8('code') & 0xf0;
  if (code === X224Code.disconnectRequest) {
    cursor.skip(4, 'references');
    return { kind: 'disconnect', reason: cursor.u8('reason') };
  }
  if (code === X224Code.error) {
    cursor.skip(2, 'DST-REF');
    return { kind: 'disconnect', reason: cursor.u8('reject cause') };
  }
  if (code !== X224Code.data) throw cursor.error('unexpected_message', 'code', `0x${code.toString(16)}`);
  if (lengthIndicator !== 2) throw cursor.error('invalid_value', 'LI', `${lengthIndicator} is not 2`);
  if (cursor.u8('EOT') !== EOT) throw cursor.error('invalid_value', 'EOT', 'segmented in class 0');
  return { kind: 'data', cursor };
}
