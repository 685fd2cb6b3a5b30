import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';

/**
 * The small PDUs of the active stage: bodies behind the Share Data Header. Shutdown Request ([MS-RDPBCGR] 2.2.2.1.1)
 * and Shutdown Request Denied (2.2.2.2.1) have none at all.
 */

/** [MS-RDPBCGR] 2.2.11.1 TS_RECTANGLE16: all edges inclusive. */
export interface InclusiveRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Asks the server to send parts of the desktop again.
 * @pdu [MS-RDPBCGR] 2.2.11.2.1 TS_REFRESH_RECT_PDU
 */
export interface RefreshRect {
  readonly areas: readonly InclusiveRect[];
}

export function decodeRefreshRect(cursor: ReadCursor): RefreshRect {
  const count = cursor.u8('numberOfAreas');
  cursor.skip(3, 'pad3Octets');
  const areas: InclusiveRect[] = [];
  for (let i = 0; i < count; i++) areas.push(decodeInclusiveRect(cursor));
  return { areas };
}

export function sizeOfRefreshRect(pdu: RefreshRect): number {
  return 1 /* numberOfAreas */ + 3 /* pad3Octets */ + pdu.areas.length * INCLUSIVE_RECT_SIZE;
}

export function encodeRefreshRect(pdu: RefreshRect): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfRefreshRect(pdu));
  cursor.u8(pdu.areas.length);
  cursor.zeros(3);
  for (const area of pdu.areas) encodeInclusiveRect(area, cursor);
  return cursor.finish();
}

/**
 * Tells the server that nobody looks (`area` absent), or that somebody does again.
 * @pdu [MS-RDPBCGR] 2.2.11.3.1 TS_SUPPRESS_OUTPUT_PDU
 */
export interface SuppressOutput {
  /** The desktop that updates are allowed for; `undefined` suppresses them. */
  readonly area: InclusiveRect | undefined;
}

export function decodeSuppressOutput(cursor: ReadCursor): SuppressOutput {
  const allow = cursor.u8('allowDisplayUpdates');
  cursor.skip(3, 'pad3Octets');
  return { area: allow === 0 ? undefined : decodeInclusiveRect(cursor) };
}

export function sizeOfSuppressOutput(pdu: SuppressOutput): number {
  return 1 /* allowDisplayUpdates */ + 3 /* pad3Octets */ + (pdu.area ? INCLUSIVE_RECT_SIZE : 0);
}

export function encodeSuppressOutput(pdu: SuppressOutput): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfSuppressOutput(pdu));
  cursor.u8(pdu.area ? 1 : 0);
  cursor.zeros(3);
  if (pdu.area) encodeInclusiveRect(pdu.area, cursor);
  return cursor.finish();
}

/**
 * The server rings.
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.5.1 TS_PLAY_SOUND_PDU_DATA, in 2.2.9.1.1.5
 */
export interface PlaySound {
  /** Milliseconds. */
  readonly duration: number;
  /** Hertz. */
  readonly frequency: number;
}

export function decodePlaySound(cursor: ReadCursor): PlaySound {
  return { duration: cursor.u32('duration'), frequency: cursor.u32('frequency') };
}

/**
 * The toggle keys' lights as the server has them.
 * @pdu [MS-RDPBCGR] 2.2.8.2.1.1 TS_SET_KEYBOARD_INDICATORS_PDU
 */
export interface KeyboardIndicators {
  /** For `lockKeysOf`. */
  readonly ledFlags: number;
}

export function decodeKeyboardIndicators(cursor: ReadCursor): KeyboardIndicators {
  cursor.skip(2, 'unitId');
  return { ledFlags: cursor.u16('ledFlags') };
}

/**
 * Whether the server's input method editor is open.
 * @pdu [MS-RDPBCGR] 2.2.8.2.2.1 TS_SET_KEYBOARD_IME_STATUS_PDU
 */
export interface KeyboardImeStatus {
  readonly imeState: number;
  readonly imeConvMode: number;
}

export function decodeKeyboardImeStatus(cursor: ReadCursor): KeyboardImeStatus {
  cursor.skip(2, 'unitId');
  return { imeState: cursor.u32('imeState'), imeConvMode: cursor.u32('imeConvMode') };
}

/**
 * Tells a server that sends surface commands how far we are.
 * @pdu [MS-RDPRFX] 2.2.3.1 TS_FRAME_ACKNOWLEDGE_PDU
 */
export interface FrameAcknowledge {
  readonly frameId: number;
}

export function decodeFrameAcknowledge(cursor: ReadCursor): FrameAcknowledge {
  return { frameId: cursor.u32('frameID') };
}

export function sizeOfFrameAcknowledge(): number {
  return 4; /* frameID */
}

export function encodeFrameAcknowledge(pdu: FrameAcknowledge): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfFrameAcknowledge());
  cursor.u32(pdu.frameId);
  return cursor.finish();
}

const INCLUSIVE_RECT_SIZE = 4 * 2; /* left, top, right, bottom */

function decodeInclusiveRect(cursor: ReadCursor): InclusiveRect {
  return { left: cursor.u16('left'), top: cursor.u16('top'), right: cursor.u16('right'), bottom: cursor.u16('bottom') };
}

function encodeInclusiveRect(rect: InclusiveRect, cursor: WriteCursor): void {
  cursor.u16(rect.left);
  cursor.u16(rect.top);
  cursor.u16(rect.right);
  cursor.u16(rect.bottom);
}
