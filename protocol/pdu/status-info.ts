import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';

/**
 * How far a broker has got with the computer that the client is to be sent to.
 * @pdu [MS-RDPBCGR] 2.2.5.2 TS_STATUS_INFO_PDU
 */
export interface StatusInfo {
  /** One of `StatusCode`; unknown codes survive as numbers. */
  readonly statusCode: number;
}

/** [MS-RDPBCGR] 2.2.5.2 statusCode. */
export const StatusCode = {
  findingDestination: 0x401,
  loadingDestination: 0x402,
  bringingSessionOnline: 0x403,
  redirectingToDestination: 0x404,
  vmLoading: 0x501,
  vmWaking: 0x502,
  vmStarting: 0x503,
  vmStartingMonitoring: 0x504,
  vmRetryingMonitoring: 0x505,
} as const;

export function decodeStatusInfo(cursor: ReadCursor): StatusInfo {
  return { statusCode: cursor.u32('statusCode') };
}

export function sizeOfStatusInfo(): number {
  return 4; /* statusCode */
}

export function encodeStatusInfo(pdu: StatusInfo): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfStatusInfo());
  cursor.u32(pdu.statusCode);
  return cursor.finish();
}
