import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';

/**
 * The Connection Finalization PDUs ([MS-RDPBCGR] 1.3.1.1): bodies behind the Share Data Header. They are the same
 * few fields in both directions.
 */

/**
 * @pdu [MS-RDPBCGR] 2.2.1.14.1 TS_SYNCHRONIZE_PDU (client), 2.2.1.19 (server)
 */
export interface Synchronize {
  /** MCS user id of whom it is for. */
  readonly targetUser: number;
}

export function decodeSynchronize(cursor: ReadCursor): Synchronize {
  const messageType = cursor.u16('messageType');
  if (messageType !== SYNCMSGTYPE_SYNC) throw cursor.error('invalid_value', 'messageType', `${messageType}`);
  // Left out by some servers, and of no use to anyone.
  return { targetUser: cursor.remaining >= 2 ? cursor.u16('targetUser') : 0 };
}

export function sizeOfSynchronize(): number {
  return 2 /* messageType */ + 2 /* targetUser */;
}

export function encodeSynchronize(pdu: Synchronize): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfSynchronize());
  cursor.u16(SYNCMSGTYPE_SYNC);
  cursor.u16(pdu.targetUser);
  return cursor.finish();
}

/** [MS-RDPBCGR] 2.2.1.15.1 TS_CONTROL_PDU, `action`. */
export const ControlAction = {
  requestControl: 1,
  grantedControl: 2,
  detach: 3,
  cooperate: 4,
} as const;
export type ControlAction = (typeof ControlAction)[keyof typeof ControlAction];

/**
 * @pdu [MS-RDPBCGR] 2.2.1.15.1 TS_CONTROL_PDU; Cooperate, 2.2.1.16 Request Control, and from the server 2.2.1.20 Cooperate and
 * 2.2.1.21 Granted Control
 */
export interface Control {
  /** One of `ControlAction`; unknown actions survive as numbers. */
  readonly action: number;
  /** In Granted Control: MCS user id of the one in control; otherwise 0. */
  readonly grantId: number;
  /** In Granted Control: the server's MCS channel id; otherwise 0. */
  readonly controlId: number;
}

export function decodeControl(cursor: ReadCursor): Control {
  return { action: cursor.u16('action'), grantId: cursor.u16('grantId'), controlId: cursor.u32('controlId') };
}

export function sizeOfControl(): number {
  return 2 /* action */ + 2 /* grantId */ + 4 /* controlId */;
}

export function encodeControl(pdu: Control): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfControl());
  cursor.u16(pdu.action);
  cursor.u16(pdu.grantId);
  cursor.u32(pdu.controlId);
  return cursor.finish();
}

/**
 * The Font List (client) and Font Map (server) PDUs, empty since RDP 5: they only mark the end of the finalization.
 * Nothing in them is worth decoding, and servers fill them in differently.
 *
 * @pdu [MS-RDPBCGR] 2.2.1.18.1 TS_FONT_LIST_PDU
 */
export function encodeFontList(): Uint8Array<ArrayBuffer> {
  return encodeFontPdu(FONT_LIST_ENTRY_SIZE);
}

/**
 * @pdu [MS-RDPBCGR] 2.2.1.22.1 TS_FONT_MAP_PDU
 */
export function encodeFontMap(): Uint8Array<ArrayBuffer> {
  return encodeFontPdu(FONT_MAP_ENTRY_SIZE);
}

export function sizeOfFontPdu(): number {
  return 2 /* numberFonts or numberEntries */ + 2 /* totalNum… */ + 2 /* flags */ + 2 /* entrySize */;
}

const SYNCMSGTYPE_SYNC = 1;
const FIRST_AND_LAST = 0x0003;
const FONT_LIST_ENTRY_SIZE = 0x0032;
const FONT_MAP_ENTRY_SIZE = 0x0004;

function encodeFontPdu(entrySize: number): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfFontPdu());
  cursor.u16(0);
  cursor.u16(0);
  cursor.u16(FIRST_AND_LAST);
  cursor.u16(entrySize);
  return cursor.finish();
}
