import type { InputEvent } from '../pdu/input.ts';
import { type KeyStroke, type LayoutKeys, layoutKeys } from './layout-keys.ts';

/**
 * Types text at servers that take no Unicode input: by the keys that have the characters on the session's keyboard
 * layout, with Shift and AltGr as they need them, and by dead keys. What no key has is lost, and `lost` tells.
 */
export class LayoutTyping {
  readonly #keys: LayoutKeys | undefined;
  /** Modifiers that the user holds. */
  readonly #held = new Map<string, Extract<InputEvent, { kind: 'scancode' }>>();
  #capsLock = false;
  #highSurrogate = '';
  #lost = 0;

  /** @param layout a Windows input locale identifier */
  constructor(layout: number) {
    this.#keys = layoutKeys(layout);
  }

  /** Characters that no key had. */
  get lost(): number {
    return this.#lost;
  }

  /** The same input without Unicode events. */
  translate(events: readonly InputEvent[]): InputEvent[] {
    return events.flatMap((event) => {
      if (event.kind === 'unicode') return event.down ? this.#type(event.unit) : [];
      this.#follow(event);
      return [event];
    });
  }

  #follow(event: InputEvent): void {
    if (event.kind === 'synchronize') {
      this.#capsLock = event.capsLock;
      this.#held.clear();
    }
    if (event.kind !== 'scancode') return;
    if (event.code === CAPS_LOCK && event.down) this.#capsLock = !this.#capsLock;
    if (!MODIFIERS.has(event.code)) return;
    const name = `${event.code} ${event.extended}`;
    if (event.down) this.#held.set(name, event);
    else this.#held.delete(name);
  }

  #type(unit: number): InputEvent[] {
    if (unit >= 0xd800 && unit < 0xdc00) {
      this.#highSurrogate = String.fromCharCode(unit);
      return [];
    }
    const character = this.#highSurrogate + String.fromCharCode(unit);
    this.#highSurrogate = '';
    const strokes = this.#keys === undefined ? undefined : strokesOf(character, this.#keys);
    if (strokes === undefined) {
      this.#lost++;
      return [];
    }
    // What the user holds would make other characters of these keys.
    const held = [...this.#held.values()];
    return [
      ...held.map((event): InputEvent => ({ ...event, down: false })),
      ...strokes.flatMap((stroke) => this.#press(stroke)),
      ...held,
    ];
  }

  #press({ code, shift, altGr, letter }: LetterStroke): InputEvent[] {
    const withShift = this.#capsLock && letter ? !shift : shift;
    const modifiers: InputEvent[] = [...(withShift ? [SHIFT] : []), ...(altGr ? [ALT_GR] : [])];
    return [
      ...modifiers,
      { kind: 'scancode', code, extended: false, down: true },
      { kind: 'scancode', code, extended: false, down: false },
      ...modifiers.toReversed().map((event): InputEvent => ({ ...event, down: false }) as InputEvent),
    ];
  }
}

/** `letter`: Caps Lock changes what it types. */
type LetterStroke = KeyStroke & { readonly letter: boolean };

/** One stroke, a dead key and a letter, or a dead key and the space bar. */
function strokesOf(character: string, { direct, dead }: LayoutKeys): LetterStroke[] | undefined {
  const stroke = direct.get(character);
  if (stroke !== undefined) return [{ ...stroke, letter: isLetter(character, direct) }];
  const space = direct.get(' ');
  const accent = dead.get(character);
  if (accent !== undefined && space !== undefined) {
    return [
      { ...accent, letter: false },
      { ...space, letter: false },
    ];
  }
  const [base = '', mark = '', ...more] = character.normalize('NFD');
  const deadKey = dead.get(ACCENTS.get(mark) ?? '');
  const baseKey = direct.get(base);
  if (more.length > 0 || deadKey === undefined || baseKey === undefined) return undefined;
  return [
    { ...deadKey, letter: false },
    { ...baseKey, letter: isLetter(base, direct) },
  ];
}

/** Whether one key has both cases of it. */
function isLetter(character: string, direct: LayoutKeys['direct']): boolean {
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  const code = direct.get(lower)?.code;
  return lower !== upper && code !== undefined && code === direct.get(upper)?.code;
}

/** Combining characters, and the accents on the keys that stand for them. */
export const ACCENTS: ReadonlyMap<string, string> = new Map([
  ['\u0300', '`'],
  ['\u0301', '´'],
  ['\u0302', '^'],
  ['\u0303', '~'],
  ['\u0308', '¨'],
]);

const SHIFT: InputEvent = { kind: 'scancode', code: 0x2a, extended: false, down: true };
const ALT_GR: InputEvent = { kind: 'scancode', code: 0x38, extended: true, down: true };
const CAPS_LOCK = 0x3a;
/** Shift left and right, Control, Alt, Windows left and right. */
const MODIFIERS: ReadonlySet<number> = new Set([0x2a, 0x36, 0x1d, 0x38, 0x5b, 0x5c]);
