/** Heartbeat PDU ([MS-RDPBCGR] 2.2.16.1): what follows the security header, on the message channel. */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';

/** A sign of life that a server which has nothing else to say sends now and then. @pdu Heartbeat PDU */
export interface Heartbeat {
  /** Seconds between two of them. */
  readonly period: number;
  /** So many missed are worth a warning. */
  readonly missedForWarning: number;
  /** So many more mean that the connection is lost. */
  readonly missedAfterWarning: number;
}

export function decodeHeartbeat(cursor: ReadCursor): Heartbeat {
  cursor.skip(1, 'reserved');
  return {
    period: cursor.u8('period'),
    missedForWarning: cursor.u8('count1'),
    missedAfterWarning: cursor.u8('count2'),
  };
}

export function encodeHeartbeat(heartbeat: Heartbeat, cursor: WriteCursor): void {
  cursor.u8(0); // reserved
  cursor.u8(heartbeat.period);
  cursor.u8(heartbeat.missedForWarning);
  cursor.u8(heartbeat.missedAfterWarning);
}

export function sizeOfHeartbeat(): number {
  return 4;
}
