import type { InputEvent } from '#protocol/pdu/input.ts';

/** What a key press means to the window that has the keyboard. */
export type TypeAction =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'edit'; readonly key: EditKey };

/** What a key press means to the desktop: Ctrl+C and Ctrl+V are the clipboard's; with Shift, it copies a file. */
export type KeyAction =
  | TypeAction
  | { readonly kind: 'copy' }
  | { readonly kind: 'copy-file' }
  | { readonly kind: 'paste' };

export type EditKey = 'backspace' | 'delete' | 'enter' | 'left' | 'right' | 'up' | 'down' | 'home' | 'end' | 'tab';

/**
 * Turns keyboard events into text and editing keys, as Windows does with the US layout: shift, caps lock, and Unicode
 * input beside it. Of chords with Ctrl and Alt, Ctrl+C and Ctrl+V mean something; none types anything.
 */
export class UsKeyboard {
  readonly #held = new Set<number>();
  #capsLock = false;
  #numLock = true;
  #highSurrogate = '';

  press(event: InputEvent): KeyAction | undefined {
    switch (event.kind) {
      case 'scancode':
        return this.#scancode(event.code, event.extended, event.down);
      case 'unicode':
        return event.down ? this.#unicode(event.unit) : undefined;
      case 'synchronize':
        this.#held.clear();
        this.#capsLock = event.capsLock;
        this.#numLock = event.numLock;
        return undefined;
      default:
        return undefined;
    }
  }

  #scancode(code: number, extended: boolean, down: boolean): KeyAction | undefined {
    const key = extended ? code | EXTENDED : code;
    if (!down) {
      this.#held.delete(key);
      return undefined;
    }
    const repeated = this.#held.has(key);
    this.#held.add(key);
    if (key === CAPS_LOCK && !repeated) this.#capsLock = !this.#capsLock;
    if (key === NUM_LOCK && !repeated) this.#numLock = !this.#numLock;
    if (CHORD_KEYS.some((chord) => this.#held.has(chord))) return this.#chord(key);
    const edit = EDIT_KEYS.get(key);
    if (edit) return { kind: 'edit', key: edit };
    const keypad = KEYPAD.get(key);
    if (keypad) return this.#numLock ? { kind: 'text', text: keypad[0] } : editAction(keypad[1]);
    const pair = PRINTABLE.get(key);
    if (!pair) return undefined;
    const shift = this.#held.has(LEFT_SHIFT) || this.#held.has(RIGHT_SHIFT);
    const isLetter = pair[0] >= 'a' && pair[0] <= 'z';
    const upper = isLetter ? shift !== this.#capsLock : shift;
    return { kind: 'text', text: upper ? pair[1] : pair[0] };
  }

  #chord(key: number): KeyAction | undefined {
    const held = CHORD_KEYS.filter((chord) => this.#held.has(chord));
    if (held.some((chord) => chord !== CONTROL && chord !== (CONTROL | EXTENDED))) return undefined;
    const shift = this.#held.has(LEFT_SHIFT) || this.#held.has(RIGHT_SHIFT);
    if (key === KEY_C) return { kind: shift ? 'copy-file' : 'copy' };
    return key === KEY_V ? { kind: 'paste' } : undefined;
  }

  #unicode(unit: number): KeyAction | undefined {
    if (unit >= 0xd800 && unit < 0xdc00) {
      this.#highSurrogate = String.fromCharCode(unit);
      return undefined;
    }
    const text = this.#highSurrogate + String.fromCharCode(unit);
    this.#highSurrogate = '';
    if (unit === 0x0d || unit === 0x0a) return { kind: 'edit', key: 'enter' };
    if (unit === 0x08) return { kind: 'edit', key: 'backspace' };
    if (unit < 0x20 || !text.isWellFormed()) return undefined;
    return { kind: 'text', text };
  }
}

const EXTENDED = 0x100;
const LEFT_SHIFT = 0x2a;
const RIGHT_SHIFT = 0x36;
const CAPS_LOCK = 0x3a;
const NUM_LOCK = 0x45;
const CONTROL = 0x1d;
const KEY_C = 0x2e;
const KEY_V = 0x2f;
/** Ctrl, Alt and the Windows keys, left and right. */
const CHORD_KEYS = [CONTROL, CONTROL | EXTENDED, 0x38, 0x38 | EXTENDED, 0x5b | EXTENDED, 0x5c | EXTENDED];

const EDIT_KEYS = new Map<number, EditKey>([
  [0x0e, 'backspace'],
  [0x0f, 'tab'],
  [0x1c, 'enter'],
  [0x1c | EXTENDED, 'enter'],
  [0x53 | EXTENDED, 'delete'],
  [0x4b | EXTENDED, 'left'],
  [0x4d | EXTENDED, 'right'],
  [0x48 | EXTENDED, 'up'],
  [0x50 | EXTENDED, 'down'],
  [0x47 | EXTENDED, 'home'],
  [0x4f | EXTENDED, 'end'],
]);

/** With Num Lock and without. */
const KEYPAD = new Map<number, readonly [string, EditKey | undefined]>([
  [0x47, ['7', 'home']],
  [0x48, ['8', 'up']],
  [0x49, ['9', undefined]],
  [0x4b, ['4', 'left']],
  [0x4c, ['5', undefined]],
  [0x4d, ['6', 'right']],
  [0x4f, ['1', 'end']],
  [0x50, ['2', 'down']],
  [0x51, ['3', undefined]],
  [0x52, ['0', undefined]],
  [0x53, ['.', 'delete']],
]);

/** Without shift and with. Keys of one row have consecutive scancodes. */
const PRINTABLE = new Map<number, readonly [string, string]>([
  ...row(0x02, '1234567890-=', '!@#$%^&*()_+'),
  ...row(0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'),
  ...row(0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
  ...row(0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'),
  ...row(0x37, '*', '*'),
  ...row(0x39, ' ', ' '),
  ...row(0x4a, '-', '-'),
  ...row(0x4e, '+', '+'),
  ...row(0x56, '\\', '|'),
  ...row(0x35 | EXTENDED, '/', '/'),
]);

function row(first: number, plain: string, shifted: string): [number, readonly [string, string]][] {
  return [...plain].map((character, i) => [first + i, [character, shifted[i] ?? character]]);
}

function editAction(key: EditKey | undefined): KeyAction | undefined {
  return key && { kind: 'edit', key };
}
