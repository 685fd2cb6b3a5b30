import type { InputEvent } from '../pdu/input.ts';
import { type LayoutKeys, layoutKeys } from './layout-keys.ts';
import { ACCENTS } from './layout-typing.ts';

/** What a pressed key wrote, or which editing key it was. */
export type KeyMeaning =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'key'; readonly name: 'enter' | 'tab' | 'backspace' | 'delete' | 'move' };

/**
 * Reads keys back into what they wrote, by the session's keyboard layout: the other direction of `LayoutTyping`, for
 * logs of keys. Chords with Ctrl, Alt or the Windows key write nothing; the keypad is read as digits.
 */
export class KeyReading {
  readonly #direct: ReadonlyMap<string, string>;
  readonly #dead: ReadonlyMap<string, string>;
  readonly #letters: ReadonlySet<number>;
  readonly #held = new Set<number>();
  #capsLock = false;
  #accent = '';
  #highSurrogate = '';

  /** @param layout a Windows input locale identifier; one that is not known here is read as the US layout */
  constructor(layout: number) {
    const keys = layoutKeys(layout) ?? layoutKeys(US_LAYOUT);
    this.#direct = strokesOf(keys?.direct);
    this.#dead = strokesOf(keys?.dead);
    this.#letters = lettersOf(this.#direct);
  }

  read(event: InputEvent): KeyMeaning | undefined {
    switch (event.kind) {
      case 'unicode':
        return event.down ? this.#unicode(event.unit) : undefined;
      case 'scancode':
        return this.#scancode(event.code + (event.extended ? EXTENDED : 0), event.down);
      case 'synchronize':
        this.#held.clear();
        this.#capsLock = event.capsLock;
        return undefined;
      default:
        return undefined;
    }
  }

  #scancode(key: number, down: boolean): KeyMeaning | undefined {
    if (!down) {
      this.#held.delete(key);
      return undefined;
    }
    if (key === CAPS_LOCK && !this.#held.has(key)) this.#capsLock = !this.#capsLock;
    this.#held.add(key);
    const altGr = this.#held.has(ALT_GR);
    // Windows sends left Ctrl with AltGr.
    if (!altGr && CHORDS.some((chord) => this.#held.has(chord))) return undefined;
    const name = EDITING.get(key);
    if (name !== undefined) return { kind: 'key', name };
    const digit = KEYPAD.get(key);
    if (digit !== undefined) return { kind: 'text', text: digit };
    if (key >= EXTENDED) return undefined;
    const shifted = this.#held.has(LEFT_SHIFT) || this.#held.has(RIGHT_SHIFT);
    const shift = this.#capsLock && this.#letters.has(key) ? !shifted : shifted;
    const stroke = nameOf(key, shift, altGr);
    const dead = this.#dead.get(stroke);
    if (dead !== undefined) {
      this.#accent = dead;
      return undefined;
    }
    const text = this.#direct.get(stroke);
    if (text === undefined) return undefined;
    const accent = this.#accent;
    this.#accent = '';
    return { kind: 'text', text: accent === '' ? text : accented(text, accent) };
  }

  #unicode(unit: number): KeyMeaning | undefined {
    if (unit >= 0xd800 && unit < 0xdc00) {
      this.#highSurrogate = String.fromCharCode(unit);
      return undefined;
    }
    const text = this.#highSurrogate + String.fromCharCode(unit);
    this.#highSurrogate = '';
    if (unit === 0x0d || unit === 0x0a) return { kind: 'key', name: 'enter' };
    return unit < 0x20 || !text.isWellFormed() ? undefined : { kind: 'text', text };
  }
}

/**
 * A key by its name in logs: a scan code in hex (`1e`, extended `e04b`), or a character (`U+0041`).
 * @returns nothing for what is no such name
 */
export function keyNamed(name: string, down: boolean): InputEvent | undefined {
  const unicode = /^U\+([0-9A-F]{4})$/.exec(name);
  if (unicode !== null) return { kind: 'unicode', unit: Number.parseInt(unicode[1] ?? '', 16), down };
  const code = /^(e0)?([0-9a-f]{2})$/.exec(name);
  if (code === null) return undefined;
  return { kind: 'scancode', code: Number.parseInt(code[2] ?? '', 16), extended: code[1] !== undefined, down };
}

function strokesOf(keys: LayoutKeys['direct'] | undefined): ReadonlyMap<string, string> {
  return new Map([...(keys ?? [])].map(([text, { code, shift, altGr }]) => [nameOf(code, shift, altGr), text]));
}

/** Keys that have both cases of one letter: those that Caps Lock is for. */
function lettersOf(direct: ReadonlyMap<string, string>): ReadonlySet<number> {
  const letters = new Set<number>();
  for (let code = 0; code < EXTENDED; code++) {
    const lower = direct.get(nameOf(code, false, false));
    const upper = direct.get(nameOf(code, true, false));
    if (lower !== undefined && lower !== upper && lower.toUpperCase() === upper) letters.add(code);
  }
  return letters;
}

function nameOf(code: number, shift: boolean, altGr: boolean): string {
  return `${code}${shift ? ' shift' : ''}${altGr ? ' altgr' : ''}`;
}

/** A letter after a dead key; a space writes the accent alone, and what takes no accent comes after it. */
function accented(text: string, accent: string): string {
  if (text === ' ') return accent;
  for (const [mark, key] of ACCENTS) {
    const one = key === accent ? `${text}${mark}`.normalize('NFC') : '';
    if (one !== '' && [...one].length === 1) return one;
  }
  return accent + text;
}

const US_LAYOUT = 0x0409;
const EXTENDED = 0x100;
const LEFT_SHIFT = 0x2a;
const RIGHT_SHIFT = 0x36;
const CAPS_LOCK = 0x3a;
const ALT_GR = 0x38 + EXTENDED;
/** Ctrl, left Alt and the Windows keys. */
const CHORDS = [0x1d, 0x1d + EXTENDED, 0x38, 0x5b + EXTENDED, 0x5c + EXTENDED];
const EDITING: ReadonlyMap<number, Extract<KeyMeaning, { kind: 'key' }>['name']> = new Map([
  [0x0e, 'backspace'],
  [0x0f, 'tab'],
  [0x1c, 'enter'],
  [0x1c + EXTENDED, 'enter'],
  [0x53 + EXTENDED, 'delete'],
  ...[0x47, 0x48, 0x49, 0x4b, 0x4d, 0x4f, 0x50, 0x51].map((code) => [code + EXTENDED, 'move'] as const),
]);
/** With Num Lock, as it mostly is. */
const KEYPAD: ReadonlyMap<number, string> = new Map([
  ...[...'789-456+1230.'].map((text, i) => [0x47 + i, text] as const),
  [0x37, '*'],
  [0x35 + EXTENDED, '/'],
]);
