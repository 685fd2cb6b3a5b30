import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { readHeader, sizeOfFastPathPdu, writeHeader } from './fast-path.ts';
import {
  extendedMouseEvents,
  type InputEvent,
  KeyboardFlag,
  mouseEvents,
  scancodeEvent,
  synchronizeEvent,
  toWireEvents,
  type WireInputEvent,
} from './input.ts';

/** [MS-RDPBCGR] 2.2.8.1.2 TS_FP_INPUT_PDU: `numEvents` is one byte. */
export const MAX_EVENTS_PER_PDU = 255;

/**
 * As few fast-path input PDUs as hold the events, in order.
 * @pdu [MS-RDPBCGR] 2.2.8.1.2 TS_FP_INPUT_PDU
 */
export function encodeFastPathInput(events: readonly InputEvent[]): Uint8Array<ArrayBuffer>[] {
  const wire = events.flatMap(toWireEvents);
  const pdus: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < wire.length; at += MAX_EVENTS_PER_PDU) {
    pdus.push(encodePdu(wire.slice(at, at + MAX_EVENTS_PER_PDU)));
  }
  return pdus;
}

/** Decodes a whole fast-path input PDU. Events we have no use for (relative mouse, QoE timestamps) are left out. */
export function decodeFastPathInput(frame: Uint8Array): InputEvent[] {
  const cursor = new ReadCursor(frame, 'TS_FP_INPUT_PDU');
  const { spare } = readHeader(cursor);
  const count = spare === 0 ? cursor.u8('numEvents') : spare;
  const events: InputEvent[] = [];
  for (let i = 0; i < count; i++) events.push(...decodeEvent(cursor));
  cursor.expectEnd();
  return events;
}

export function sizeOfFastPathInput(events: readonly WireInputEvent[]): number {
  return sizeOfFastPathPdu(sizeOfBody(events));
}

/** [MS-RDPBCGR] 2.2.8.1.2.2 TS_FP_INPUT_EVENT, `eventCode` of 2.2.8.1.2.2.1 to 2.2.8.1.2.2.7. */
const EventCode = { scancode: 0, mouse: 1, mouseExtended: 2, synchronize: 3, unicode: 4, relative: 5, qoe: 6 } as const;

/** [MS-RDPBCGR] 2.2.8.1.2.2.1 TS_FP_KEYBOARD_EVENT, `eventFlags`. */
const FastPathKeyFlag = { release: 0x1, extended: 0x2, extended1: 0x4 } as const;

/** Up to this many events are counted in the header itself. */
const MAX_COUNT_IN_HEADER = 15;

function sizeOfEvent(event: WireInputEvent): number {
  switch (event.kind) {
    case 'scancode':
      return 1 /* eventHeader */ + 1 /* keyCode */;
    case 'unicode':
      return 1 /* eventHeader */ + 2 /* unicodeCode */;
    case 'mouse':
      return 1 /* eventHeader */ + 2 /* pointerFlags */ + 2 /* xPos */ + 2 /* yPos */;
    case 'synchronize':
      return 1 /* eventHeader */;
  }
}

function sizeOfBody(events: readonly WireInputEvent[]): number {
  let size = events.length > MAX_COUNT_IN_HEADER ? 1 /* numEvents */ : 0;
  for (const event of events) size += sizeOfEvent(event);
  return size;
}

function encodePdu(events: readonly WireInputEvent[]): Uint8Array<ArrayBuffer> {
  const inHeader = events.length <= MAX_COUNT_IN_HEADER;
  const cursor = new WriteCursor(sizeOfFastPathInput(events));
  writeHeader(cursor, inHeader ? events.length : 0, sizeOfBody(events));
  if (!inHeader) cursor.u8(events.length);
  for (const event of events) encodeEvent(event, cursor);
  return cursor.finish();
}

function encodeEvent(event: WireInputEvent, cursor: WriteCursor): void {
  switch (event.kind) {
    case 'scancode':
      cursor.u8((EventCode.scancode << 5) | toFastPathKeyFlags(event.flags));
      cursor.u8(event.code);
      break;
    case 'unicode':
      cursor.u8((EventCode.unicode << 5) | toFastPathKeyFlags(event.flags));
      cursor.u16(event.unit);
      break;
    case 'mouse':
      cursor.u8((event.extended ? EventCode.mouseExtended : EventCode.mouse) << 5);
      cursor.u16(event.flags);
      cursor.u16(event.x);
      cursor.u16(event.y);
      break;
    case 'synchronize':
      cursor.u8((EventCode.synchronize << 5) | event.toggles);
      break;
  }
}

function decodeEvent(cursor: ReadCursor): InputEvent[] {
  const header = cursor.u8('eventHeader');
  const flags = header & 0x1f;
  switch (header >>> 5) {
    case EventCode.scancode:
      return [scancodeEvent(cursor.u8('keyCode'), fromFastPathKeyFlags(flags))];
    case EventCode.unicode:
      return [{ kind: 'unicode', unit: cursor.u16('unicodeCode'), down: (flags & FastPathKeyFlag.release) === 0 }];
    case EventCode.mouse:
      return mouseEvents(cursor.u16('pointerFlags'), cursor.u16('xPos'), cursor.u16('yPos'));
    case EventCode.mouseExtended:
      return extendedMouseEvents(cursor.u16('pointerFlags'), cursor.u16('xPos'), cursor.u16('yPos'));
    case EventCode.synchronize:
      return [synchronizeEvent(flags)];
    case EventCode.relative:
      cursor.skip(6, 'relativeMouseEvent');
      return [];
    case EventCode.qoe:
      cursor.skip(4, 'timestamp');
      return [];
    default:
      // The events carry no length: behind one we do not know, nothing can be read.
      throw cursor.error('invalid_value', 'eventCode', `${header >>> 5}`);
  }
}

function toFastPathKeyFlags(flags: number): number {
  return (
    (flags & KeyboardFlag.release ? FastPathKeyFlag.release : 0) |
    (flags & KeyboardFlag.extended ? FastPathKeyFlag.extended : 0) |
    (flags & KeyboardFlag.extended1 ? FastPathKeyFlag.extended1 : 0)
  );
}

function fromFastPathKeyFlags(flags: number): number {
  return (
    (flags & FastPathKeyFlag.release ? KeyboardFlag.release : 0) |
    (flags & FastPathKeyFlag.extended ? KeyboardFlag.extended : 0) |
    (flags & FastPathKeyFlag.extended1 ? KeyboardFlag.extended1 : 0)
  );
}
