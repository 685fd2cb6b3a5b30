import { type ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { type LockKeys, lockKeysOf, toggleFlagsOf } from './lock-keys.ts';

/**
 * Input as everything but the wire knows it. The browser sends these through the tunnel, `protocol/session` puts them
 * on the wire as fast-path or slow-path events, and our server turns the wire's events back into them.
 *
 * Coordinates are desktop pixels, 0 … 65535.
 */
export type InputEvent =
  | {
      readonly kind: 'scancode';
      /** Set 1 make code without its prefix byte and release bit, 0 … 255: `E0 4B` (left arrow) is 0x4b, extended. */
      readonly code: number;
      /** The key's code is prefixed with E0. */
      readonly extended: boolean;
      /** The key's code is prefixed with E1: Pause alone. */
      readonly extended1?: boolean;
      readonly down: boolean;
    }
  | {
      readonly kind: 'unicode';
      /** One UTF-16 code unit; a character past U+FFFF is two events. */
      readonly unit: number;
      readonly down: boolean;
    }
  | { readonly kind: 'mouse-move'; readonly x: number; readonly y: number }
  | {
      readonly kind: 'mouse-button';
      readonly button: MouseButton;
      readonly down: boolean;
      readonly x: number;
      readonly y: number;
    }
  | {
      readonly kind: 'wheel';
      /** 120 a notch; positive is away from the user, or to the right. Any size: the wire's limit is ours to keep. */
      readonly delta: number;
      readonly horizontal: boolean;
      readonly x: number;
      readonly y: number;
    }
  /** The state of the toggle keys, when the viewer gets the keyboard. All keys count as released by it. */
  | ({ readonly kind: 'synchronize' } & LockKeys);

/** Numbered as RDP numbers them, which is neither the DOM's nor X11's way. */
export const MouseButton = { left: 1, right: 2, middle: 3, back: 4, forward: 5 } as const;
export type MouseButton = (typeof MouseButton)[keyof typeof MouseButton];

/** More events in one slow-path PDU than any client sends. */
export const MAX_SLOW_PATH_INPUT_EVENTS = 1024;

/**
 * The body of a slow-path Input PDU, behind the Share Data Header. Only for servers without fast-path input.
 *
 * @pdu [MS-RDPBCGR] 2.2.8.1.1.3.1 TS_INPUT_PDU_DATA
 */
export function encodeSlowPathInput(events: readonly InputEvent[]): Uint8Array<ArrayBuffer> {
  const wire = events.flatMap(toWireEvents);
  if (wire.length > 0xffff) throw new UsageError(`${wire.length} input events in one PDU`);
  const cursor = new WriteCursor(sizeOfSlowPathInput(wire.length));
  cursor.u16(wire.length);
  cursor.zeros(2); // pad2Octets
  for (const event of wire) {
    cursor.zeros(4); // eventTime: ignored by servers
    switch (event.kind) {
      case 'scancode':
        cursor.u16(SlowPathMessage.scancode);
        cursor.u16(event.flags);
        cursor.u16(event.code);
        cursor.zeros(2);
        break;
      case 'unicode':
        cursor.u16(SlowPathMessage.unicode);
        cursor.u16(event.flags);
        cursor.u16(event.unit);
        cursor.zeros(2);
        break;
      case 'mouse':
        cursor.u16(event.extended ? SlowPathMessage.mouseExtended : SlowPathMessage.mouse);
        cursor.u16(event.flags);
        cursor.u16(event.x);
        cursor.u16(event.y);
        break;
      case 'synchronize':
        cursor.u16(SlowPathMessage.synchronize);
        cursor.zeros(2);
        cursor.u32(event.toggles);
        break;
    }
  }
  return cursor.finish();
}

/** @param wireEvents events on the wire, of which a long wheel turn makes several */
export function sizeOfSlowPathInput(wireEvents: number): number {
  return 2 /* numEvents */ + 2 /* pad2Octets */ + wireEvents * SLOW_PATH_EVENT_SIZE;
}

export function decodeSlowPathInput(cursor: ReadCursor): InputEvent[] {
  const count = cursor.u16('numEvents');
  if (count > MAX_SLOW_PATH_INPUT_EVENTS) throw cursor.error('limit_exceeded', 'numEvents', `${count} events`);
  cursor.skip(2, 'pad2Octets');
  const events: InputEvent[] = [];
  for (let i = 0; i < count; i++) {
    cursor.skip(4, 'eventTime');
    const messageType = cursor.u16('messageType');
    const body = cursor.sub(6, 'slowPathInputData', 'TS_INPUT_EVENT');
    switch (messageType) {
      case SlowPathMessage.scancode: {
        const flags = body.u16('keyboardFlags');
        events.push(scancodeEvent(body.u16('keyCode'), flags));
        break;
      }
      case SlowPathMessage.unicode: {
        const flags = body.u16('keyboardFlags');
        events.push({ kind: 'unicode', unit: body.u16('unicodeCode'), down: (flags & KeyboardFlag.release) === 0 });
        break;
      }
      case SlowPathMessage.mouse:
      case SlowPathMessage.mouseExtended: {
        const flags = body.u16('pointerFlags');
        const x = body.u16('xPos');
        const y = body.u16('yPos');
        if (messageType === SlowPathMessage.mouse) events.push(...mouseEvents(flags, x, y));
        else events.push(...extendedMouseEvents(flags, x, y));
        break;
      }
      case SlowPathMessage.synchronize:
        body.skip(2, 'pad2Octets');
        events.push(synchronizeEvent(body.u32('toggleFlags')));
        break;
      default: // "unused" events are legal, relative mouse is not offered: nothing to do for either
        break;
    }
  }
  return events;
}

/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1.1 TS_KEYBOARD_EVENT, `keyboardFlags`. Fast-path has its own three bits. */
export const KeyboardFlag = { extended: 0x0100, extended1: 0x0200, release: 0x8000 } as const;

/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1.3 TS_POINTER_EVENT, `pointerFlags`; the same on both paths. */
export const PointerFlag = {
  wheelRotationMask: 0x01ff,
  wheelNegative: 0x0100,
  verticalWheel: 0x0200,
  horizontalWheel: 0x0400,
  move: 0x0800,
  button1: 0x1000,
  button2: 0x2000,
  button3: 0x4000,
  down: 0x8000,
} as const;

/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1.4 TS_POINTERX_EVENT, `pointerFlags`; the same on both paths. */
export const ExtendedPointerFlag = { button1: 0x0001, button2: 0x0002, down: 0x8000 } as const;

/** One event in the wire's terms, before either path's framing. */
export type WireInputEvent =
  | { readonly kind: 'scancode'; readonly flags: number; readonly code: number }
  | { readonly kind: 'unicode'; readonly flags: number; readonly unit: number }
  | {
      readonly kind: 'mouse';
      readonly extended: boolean;
      readonly flags: number;
      readonly x: number;
      readonly y: number;
    }
  | { readonly kind: 'synchronize'; readonly toggles: number };

/** What one input event is on the wire: one event, or several for a wheel turn past the field's nine bits. */
export function toWireEvents(event: InputEvent): WireInputEvent[] {
  switch (event.kind) {
    case 'scancode': {
      const flags =
        (event.extended ? KeyboardFlag.extended : 0) |
        (event.extended1 ? KeyboardFlag.extended1 : 0) |
        (event.down ? 0 : KeyboardFlag.release);
      return [{ kind: 'scancode', flags, code: event.code & 0xff }];
    }
    case 'unicode':
      return [{ kind: 'unicode', flags: event.down ? 0 : KeyboardFlag.release, unit: event.unit & 0xffff }];
    case 'mouse-move':
      return [mouse(false, PointerFlag.move, event)];
    case 'mouse-button': {
      const down = event.down ? PointerFlag.down : 0;
      switch (event.button) {
        case MouseButton.left:
          return [mouse(false, PointerFlag.button1 | down, event)];
        case MouseButton.right:
          return [mouse(false, PointerFlag.button2 | down, event)];
        case MouseButton.middle:
          return [mouse(false, PointerFlag.button3 | down, event)];
        case MouseButton.back:
          return [mouse(true, ExtendedPointerFlag.button1 | down, event)];
        case MouseButton.forward:
          return [mouse(true, ExtendedPointerFlag.button2 | down, event)];
        default:
          throw new UsageError(`no mouse button ${String(event.button)}`);
      }
    }
    case 'wheel':
      return wheelEvents(event);
    case 'synchronize':
      return [{ kind: 'synchronize', toggles: toggleFlagsOf(event) }];
  }
}

/** @param flags as in `KeyboardFlag` */
export function scancodeEvent(code: number, flags: number): InputEvent {
  const extended1 = (flags & KeyboardFlag.extended1) !== 0;
  return {
    kind: 'scancode',
    code: code & 0xff,
    extended: (flags & KeyboardFlag.extended) !== 0,
    ...(extended1 ? { extended1 } : {}),
    down: (flags & KeyboardFlag.release) === 0,
  };
}

/** One TS_POINTER_EVENT can say several things at once; they come apart in the order move, buttons. */
export function mouseEvents(flags: number, x: number, y: number): InputEvent[] {
  if (flags & (PointerFlag.verticalWheel | PointerFlag.horizontalWheel)) {
    const rotation = flags & PointerFlag.wheelRotationMask;
    const delta = rotation & PointerFlag.wheelNegative ? rotation - 0x200 : rotation;
    return [{ kind: 'wheel', delta, horizontal: (flags & PointerFlag.verticalWheel) === 0, x, y }];
  }
  const events: InputEvent[] = [];
  const down = (flags & PointerFlag.down) !== 0;
  if (flags & PointerFlag.move) events.push({ kind: 'mouse-move', x, y });
  if (flags & PointerFlag.button1) events.push({ kind: 'mouse-button', button: MouseButton.left, down, x, y });
  if (flags & PointerFlag.button2) events.push({ kind: 'mouse-button', button: MouseButton.right, down, x, y });
  if (flags & PointerFlag.button3) events.push({ kind: 'mouse-button', button: MouseButton.middle, down, x, y });
  return events;
}

export function extendedMouseEvents(flags: number, x: number, y: number): InputEvent[] {
  const events: InputEvent[] = [];
  const down = (flags & ExtendedPointerFlag.down) !== 0;
  if (flags & ExtendedPointerFlag.button1) events.push({ kind: 'mouse-button', button: MouseButton.back, down, x, y });
  if (flags & ExtendedPointerFlag.button2) {
    events.push({ kind: 'mouse-button', button: MouseButton.forward, down, x, y });
  }
  return events;
}

export function synchronizeEvent(toggles: number): InputEvent {
  return { kind: 'synchronize', ...lockKeysOf(toggles) };
}

/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1 TS_INPUT_EVENT, `messageType` of 2.2.8.1.1.3.1.1.1 to 2.2.8.1.1.3.1.1.6. */
const SlowPathMessage = {
  synchronize: 0x0000,
  scancode: 0x0004,
  unicode: 0x0005,
  mouse: 0x8001,
  mouseExtended: 0x8002,
} as const;

const SLOW_PATH_EVENT_SIZE = 4 /* eventTime */ + 2 /* messageType */ + 6; /* slowPathInputData */

/** The wire's rotation is nine bits, signed; both ends are kept symmetric. */
const MAX_ROTATION = 255;
/** A turn longer than this comes from no wheel, and would become a flood of events. */
const MAX_WHEEL_DELTA = 120 * 64;

function mouse(extended: boolean, flags: number, at: { readonly x: number; readonly y: number }): WireInputEvent {
  return { kind: 'mouse', extended, flags, x: clampCoordinate(at.x), y: clampCoordinate(at.y) };
}

function wheelEvents(event: Extract<InputEvent, { kind: 'wheel' }>): WireInputEvent[] {
  const axis = event.horizontal ? PointerFlag.horizontalWheel : PointerFlag.verticalWheel;
  const events: WireInputEvent[] = [];
  let left = Math.max(-MAX_WHEEL_DELTA, Math.min(MAX_WHEEL_DELTA, Math.round(event.delta)));
  while (left !== 0) {
    const rotation = Math.max(-MAX_ROTATION, Math.min(MAX_ROTATION, left));
    events.push(mouse(false, axis | (rotation & PointerFlag.wheelRotationMask), event));
    left -= rotation;
  }
  return events;
}

function clampCoordinate(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)));
}
