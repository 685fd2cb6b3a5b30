/**
 * Framing. Everything on an RDP connection after the security handshake is either a TPKT packet ([T123] section 8,
 * [MS-RDPBCGR] 2.2.1.1) or a fast-path PDU ([MS-RDPBCGR] 2.2.9.1.2, 2.2.8.1.2); the first byte tells which.
 */

import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';

/** version, reserved, length (u16 BE). */
export const TPKT_HEADER_SIZE = 4;

/** TPKT version 3, the only one. */
export const TPKT_VERSION = 3;

/** Smallest packet: the TPKT header and the 3-byte X.224 header of a Data TPDU. */
const MIN_TPKT_SIZE = TPKT_HEADER_SIZE + 3;

/** Smallest fast-path PDU: its header byte, a one-byte length and nothing else. */
const MIN_FAST_PATH_SIZE = 2;

/** Low two bits of a fast-path header: FASTPATH_OUTPUT_ACTION_FASTPATH or FASTPATH_INPUT_ACTION_FASTPATH. */
const ACTION_MASK = 0x03;
const ACTION_FAST_PATH = 0x00;

export type FrameKind = 'tpkt' | 'fast-path';

/** What a frame that begins with this byte is. `undefined`: neither, the peer does not speak RDP. */
export function frameKind(firstByte: number): FrameKind | undefined {
  if (firstByte === TPKT_VERSION) return 'tpkt';
  return (firstByte & ACTION_MASK) === ACTION_FAST_PATH ? 'fast-path' : undefined;
}

/**
 * Size in bytes of the TPKT packet that starts at `start`, header included; `undefined` while the header is not
 * all there. Throws `DecodeError` when the bytes are no TPKT packet. Packets are at most 65535 bytes by their
 * 16-bit length field.
 */
export function findTpktSize(bytes: Uint8Array, start = 0): number | undefined {
  const version = bytes[start];
  if (version === undefined) return undefined;
  if (version !== TPKT_VERSION) {
    throw new DecodeError('invalid_value', 'tpktHeader', 'version', start, `${version} is not 3`);
  }
  const high = bytes[start + 2];
  const low = bytes[start + 3];
  if (high === undefined || low === undefined) return undefined;
  const size = (high << 8) | low;
  if (size < MIN_TPKT_SIZE) throw new DecodeError('invalid_value', 'tpktHeader', 'length', start + 2, `${size} bytes`);
  return size;
}

/**
 * Size in bytes of the frame of either kind that starts at `start`, for the active stage; `undefined` while its
 * header is not all there.
 */
export function findFrameSize(bytes: Uint8Array, start = 0): number | undefined {
  const first = bytes[start];
  if (first === undefined) return undefined;
  const kind = frameKind(first);
  if (kind === 'tpkt') return findTpktSize(bytes, start);
  if (kind === undefined) {
    throw new DecodeError('invalid_value', 'fpOutputHeader', 'action', start, `byte 0x${first.toString(16)}`);
  }
  const length1 = bytes[start + 1];
  if (length1 === undefined) return undefined;
  let size = length1;
  if (length1 & 0x80) {
    const length2 = bytes[start + 2];
    if (length2 === undefined) return undefined;
    size = ((length1 & 0x7f) << 8) | length2;
  }
  if (size < MIN_FAST_PATH_SIZE) {
    throw new DecodeError('invalid_value', 'TS_FP_UPDATE_PDU', 'length1', start + 1, `${size} bytes`);
  }
  return size;
}

/** [MS-RDPBCGR] 2.2.1.1 tpktHeader. Returns the packet's size, header included. @pdu TPKT */
export function decodeTpktHeader(cursor: ReadCursor): number {
  const version = cursor.u8('version');
  if (version !== TPKT_VERSION) throw cursor.error('invalid_value', 'version', `${version} is not 3`);
  cursor.skip(1, 'reserved');
  const size = cursor.u16Be('length');
  if (size - TPKT_HEADER_SIZE !== cursor.remaining) {
    throw cursor.error('invalid_value', 'length', `says ${size - TPKT_HEADER_SIZE}, ${cursor.remaining} are there`);
  }
  return size;
}

/** @param size of the whole packet, header included */
export function encodeTpktHeader(size: number, cursor: WriteCursor): void {
  cursor.u8(TPKT_VERSION);
  cursor.u8(0);
  cursor.u16Be(size);
}
