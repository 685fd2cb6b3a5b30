/** Multitransport bootstrapping ([MS-RDPBCGR] 2.2.15): what follows the security header, on the message channel. */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';

/** The server would like a second transport, over UDP. @pdu [MS-RDPBCGR] 2.2.15.1 Initiate Multitransport Request */
export interface MultitransportRequest {
  readonly requestId: number;
  /** 1: reliable, 2: lossy. */
  readonly requestedProtocol: number;
  /** 16 bytes. */
  readonly securityCookie: Uint8Array;
}

/** @pdu [MS-RDPBCGR] 2.2.15.2 Multitransport Response */
export interface MultitransportResponse {
  readonly requestId: number;
  /** An HRESULT. */
  readonly result: number;
}

/** E_ABORT: the client could not, or would not, make the transport. */
export const MULTITRANSPORT_ABORTED = 0x80004004;

const COOKIE_SIZE = 16;

export function decodeMultitransportRequest(cursor: ReadCursor): MultitransportRequest {
  const requestId = cursor.u32('requestId');
  const requestedProtocol = cursor.u16('requestedProtocol');
  cursor.skip(2, 'reserved');
  return { requestId, requestedProtocol, securityCookie: cursor.bytes(COOKIE_SIZE, 'securityCookie') };
}

export function decodeMultitransportResponse(cursor: ReadCursor): MultitransportResponse {
  return { requestId: cursor.u32('requestId'), result: cursor.u32('hrResponse') };
}

export function encodeMultitransportResponse(response: MultitransportResponse, cursor: WriteCursor): void {
  cursor.u32(response.requestId);
  cursor.u32(response.result);
}

export function sizeOfMultitransportResponse(): number {
  return 8;
}
