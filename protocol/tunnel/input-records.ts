import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import type { InputEvent } from '../pdu/input.ts';
import { lockKeysOf, toggleFlagsOf } from '../pdu/lock-keys.ts';
import { TunnelLimits } from './limits.ts';

/**
 * The records of an input message, one for each event: a kind byte, then its fields.
 *
 * | kind | event        | fields                                                               |
 * |------|--------------|----------------------------------------------------------------------|
 * | 1    | scancode     | u8 flags (1 down, 2 extended, 4 extended1), u8 code                  |
 * | 2    | unicode      | u8 flags (1 down), u16 UTF-16 unit                                   |
 * | 3    | mouse-move   | u16 x, u16 y                                                         |
 * | 4    | mouse-button | u8 flags (1 down), u8 button 1..5, u16 x, u16 y                      |
 * | 5    | wheel        | u8 flags (1 horizontal), i16 delta, u16 x, u16 y                     |
 * | 6    | synchronize  | u8 flags (1 scroll lock, 2 num lock, 4 caps lock, 8 kana lock)       |
 */
const Kind = { scancode: 1, unicode: 2, mouseMove: 3, mouseButton: 4, wheel: 5, synchronize: 6 } as const;

export function writeInputEvents(cursor: WriteCursor, events: readonly InputEvent[]): void {
  if (events.length > TunnelLimits.inputEvents) throw new UsageError(`${events.length} events in one input message`);
  for (const event of events) writeInputEvent(cursor, event);
}

/** Reads records to the end of the message. */
export function readInputEvents(cursor: ReadCursor): InputEvent[] {
  const events: InputEvent[] = [];
  while (cursor.remaining > 0) {
    if (events.length === TunnelLimits.inputEvents) throw cursor.error('limit_exceeded', 'events');
    events.push(readInputEvent(cursor));
  }
  return events;
}

export function sizeOfInputEvents(events: readonly InputEvent[]): number {
  let size = 0;
  for (const event of events) size += sizeOfInputEvent(event);
  return size;
}

function sizeOfInputEvent(event: InputEvent): number {
  switch (event.kind) {
    case 'scancode':
      return 1 + 1 + 1; // kind, flags, code
    case 'unicode':
      return 1 + 1 + 2; // kind, flags, unit
    case 'mouse-move':
      return 1 + 2 + 2; // kind, x, y
    case 'mouse-button':
      return 1 + 1 + 1 + 2 + 2; // kind, flags, button, x, y
    case 'wheel':
      return 1 + 1 + 2 + 2 + 2; // kind, flags, delta, x, y
    case 'synchronize':
      return 1 + 1; // kind, flags
  }
}

function writeInputEvent(cursor: WriteCursor, event: InputEvent): void {
  switch (event.kind) {
    case 'scancode':
      cursor.u8(Kind.scancode);
      cursor.u8((event.down ? 1 : 0) | (event.extended ? 2 : 0) | (event.extended1 ? 4 : 0));
      cursor.u8(event.code);
      return;
    case 'unicode':
      cursor.u8(Kind.unicode);
      cursor.u8(event.down ? 1 : 0);
      cursor.u16(event.unit);
      return;
    case 'mouse-move':
      cursor.u8(Kind.mouseMove);
      cursor.u16(event.x);
      cursor.u16(event.y);
      return;
    case 'mouse-button':
      cursor.u8(Kind.mouseButton);
      cursor.u8(event.down ? 1 : 0);
      cursor.u8(event.button);
      cursor.u16(event.x);
      cursor.u16(event.y);
      return;
    case 'wheel':
      if (Math.abs(event.delta) > TunnelLimits.wheelDelta) throw new UsageError(`wheel delta ${event.delta}`);
      cursor.u8(Kind.wheel);
      cursor.u8(event.horizontal ? 1 : 0);
      cursor.i16(event.delta);
      cursor.u16(event.x);
      cursor.u16(event.y);
      return;
    case 'synchronize':
      cursor.u8(Kind.synchronize);
      cursor.u8(toggleFlagsOf(event));
      return;
  }
}

function readInputEvent(cursor: ReadCursor): InputEvent {
  const kind = cursor.u8('kind');
  switch (kind) {
    case Kind.scancode: {
      const flags = readFlags(cursor, 7);
      const event = {
        kind: 'scancode',
        code: cursor.u8('code'),
        extended: (flags & 2) !== 0,
        down: (flags & 1) !== 0,
      } as const;
      return (flags & 4) === 0 ? event : { ...event, extended1: true };
    }
    case Kind.unicode: {
      const flags = readFlags(cursor, 1);
      return { kind: 'unicode', unit: cursor.u16('unit'), down: flags === 1 };
    }
    case Kind.mouseMove:
      return { kind: 'mouse-move', x: cursor.u16('x'), y: cursor.u16('y') };
    case Kind.mouseButton: {
      const flags = readFlags(cursor, 1);
      const button = cursor.u8('button');
      if (!isButton(button)) throw cursor.error('invalid_value', 'button', `${button}`);
      return { kind: 'mouse-button', button, down: flags === 1, x: cursor.u16('x'), y: cursor.u16('y') };
    }
    case Kind.wheel: {
      const flags = readFlags(cursor, 1);
      const delta = cursor.i16('delta');
      if (Math.abs(delta) > TunnelLimits.wheelDelta) throw cursor.error('limit_exceeded', 'delta', `${delta}`);
      return { kind: 'wheel', delta, horizontal: flags === 1, x: cursor.u16('x'), y: cursor.u16('y') };
    }
    case Kind.synchronize:
      return { kind: 'synchronize', ...lockKeysOf(readFlags(cursor, 15)) };
    default:
      throw cursor.error('invalid_value', 'kind', `${kind} is no input event`);
  }
}

function readFlags(cursor: ReadCursor, allowed: number): number {
  const flags = cursor.u8('flags');
  if ((flags & ~allowed) !== 0) throw cursor.error('invalid_value', 'flags', `0x${flags.toString(16)}`);
  return flags;
}

function isButton(value: number): value is 1 | 2 | 3 | 4 | 5 {
  return value >= 1 && value <= 5;
}
