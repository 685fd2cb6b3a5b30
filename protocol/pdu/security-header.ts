/**
 * Security headers ([MS-RDPBCGR] 2.2.8.1.1.2). With TLS or CredSSP only the basic one is used, and only on the PDUs
 * that always carry one (the others are `SecuredFrames`' own): Client Info, licensing, auto-detect, multitransport, heartbeat, server redirection.
 */
import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';

/** [MS-RDPBCGR] 2.2.8.1.1.2.1 flags. */
export const SecurityFlags = {
  exchangePacket: 0x0001,
  transportRequest: 0x0002,
  transportResponse: 0x0004,
  encrypt: 0x0008,
  resetSequenceNumber: 0x0010,
  ignoreSequenceNumber: 0x0020,
  infoPacket: 0x0040,
  licensePacket: 0x0080,
  licenseEncrypt: 0x0200,
  redirectionPacket: 0x0400,
  secureChecksum: 0x0800,
  autoDetectRequest: 0x1000,
  autoDetectResponse: 0x2000,
  heartbeat: 0x4000,
  flagsHiValid: 0x8000,
} as const;

export const BASIC_SECURITY_HEADER_SIZE = 4;

/** [MS-RDPBCGR] 2.2.8.1.1.2.1 TS_SECURITY_HEADER. */
export interface BasicSecurityHeader {
  readonly flags: number;
  /** Meaningful only with `SecurityFlags.flagsHiValid`. */
  readonly flagsHi: number;
}

/** @pdu TS_SECURITY_HEADER */
export function decodeBasicSecurityHeader(cursor: ReadCursor): BasicSecurityHeader {
  return { flags: cursor.u16('flags'), flagsHi: cursor.u16('flagsHi') };
}

export function encodeBasicSecurityHeader(header: BasicSecurityHeader, cursor: WriteCursor): void {
  cursor.u16(header.flags);
  cursor.u16(header.flagsHi);
}

export function sizeOfBasicSecurityHeader(): number {
  return BASIC_SECURITY_HEADER_SIZE;
}

/** A PDU of `size` bytes behind a basic security header, as MCS user data. */
export function withSecurityHeader(
  flags: number,
  size: number,
  write: (cursor: WriteCursor) => void,
): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(BASIC_SECURITY_HEADER_SIZE + size);
  encodeBasicSecurityHeader({ flags, flagsHi: 0 }, cursor);
  write(cursor);
  return cursor.finish();
}
