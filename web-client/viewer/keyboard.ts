import type { InputEvent } from '#protocol/pdu/input.ts';
import type { LockKeys } from '#protocol/pdu/lock-keys.ts';
import type { Scancode } from './scancodes.ts';
import { scancodeOf } from './scancodes.ts';
import { lacksShift } from './shifted-characters.ts';

/** What of a `KeyboardEvent` matters. */
export interface KeyInput {
  readonly code: string;
  readonly key: string;
  /** Of old; only `INPUT_METHOD` matters. */
  readonly keyCode: number;
  readonly isComposing: boolean;
  readonly timeStamp: number;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  getModifierState(key: string): boolean;
}

/** What holds modifiers: a key, or something that is done with the mouse. */
export type ModifierState = Pick<KeyInput, 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'getModifierState'>;

export type Platform = 'windows' | 'mac' | 'other';

export interface KeyboardOptions {
  readonly platform: Platform;
  send(events: readonly InputEvent[]): void;
  /** Runs `run` after `milliseconds`; the result cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/**
 * Turns keyboard events into input for a remote desktop: the physical key as a scancode, so that the remote keyboard
 * layout decides what it means, and Unicode for text that no physical key stands for (input methods, dead keys, soft
 * keyboards). Knows no DOM node: `text-input.ts` feeds it.
 */
export class Keyboard {
  readonly #options: KeyboardOptions;
  /** Keys that are down on the remote side, by `KeyboardEvent.code`. */
  readonly #pressed = new Map<string, Scancode>();
  #locks: LockKeys | undefined;
  /** The remote side must be told of the lock keys before the next key. */
  #mustSynchronize = true;
  /** The lock keys that went through since `#locks` was taken: both sides have changed alike, if this one has changed. */
  readonly #lockKeysPressed = new Set<string>();
  /** A dead key came; the browser composes the next one with it. */
  #deadKey = false;
  #heldControl: { readonly timeStamp: number; readonly cancel: () => void } | undefined;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** @returns whether the key is dealt with, so that the browser must not act on it */
  keyDown(event: KeyInput): boolean {
    if (event.isComposing || event.key === 'Process' || event.keyCode === INPUT_METHOD) return false;
    const code = codeOf(event);
    this.#settleHeldControl(event);
    if (this.#isComposedByBrowser(event)) return false;
    if (!modifiers.has(code)) this.#releaseStuckModifiers(event);
    // Whether a lock key's own event tells the state before or after it, depends on the platform.
    if (!lockKeys.has(code)) this.synchronize(event);
    if (code === 'Pause') {
      this.#options.send(event.ctrlKey ? breakKey : pauseKey);
      return true;
    }
    const scancode = code === 'PrintScreen' && event.altKey ? systemRequest : scancodeOn(event, code);
    if (scancode === undefined) return this.#typeUnknownKey(event);
    if (lockKeys.has(code)) {
      this.#lockKeysPressed.add(code);
      // macOS tells of Caps Lock going on by a key down and going off by a key up.
      if (this.#options.platform === 'mac' && code === 'CapsLock') return this.#tap(scancode);
    }
    if (this.#options.platform === 'windows' && code === 'ControlLeft' && !this.#pressed.has(code)) {
      this.#holdControl(event);
      return true;
    }
    if (this.#options.platform === 'mac' && event.metaKey && !event.ctrlKey && clipboardKeys.has(code)) {
      return this.#tapWithControl(scancode);
    }
    // macOS sends no key up for keys pressed while Command is down.
    if (this.#options.platform === 'mac' && event.metaKey && !modifiers.has(code)) return this.#tap(scancode);
    if (!event.ctrlKey && !event.altKey && !event.metaKey && lacksShift(event)) return this.#tapWithShift(scancode);
    this.#press(code, scancode);
    return true;
  }

  /** @returns whether the key is dealt with */
  keyUp(event: KeyInput): boolean {
    const code = codeOf(event);
    if (code === 'ControlLeft') this.#flushHeldControl();
    // Chromium composes what dead keys begin without telling of a Shift that goes up meanwhile.
    if (!modifiers.has(code)) this.#releaseStuckModifiers(event);
    if (code === 'PrintScreen' && !this.#pressed.has(code)) {
      // Windows gives the browser only the key up of Print Screen.
      return this.#tap(event.altKey ? systemRequest : printScreen);
    }
    if (this.#options.platform === 'mac' && code === 'CapsLock') {
      this.#lockKeysPressed.add(code);
      return this.#tap({ code: 0x3a, extended: false });
    }
    if (!this.#pressed.has(code)) return false;
    this.#release(code);
    if (this.#options.platform === 'windows' && code.startsWith('Shift')) {
      // With both Shift keys down, Windows tells of the last one's release only.
      this.#release('ShiftLeft');
      this.#release('ShiftRight');
    }
    if (this.#options.platform === 'mac' && code.startsWith('Meta')) {
      for (const held of [...this.#pressed.keys()]) if (!modifiers.has(held)) this.#release(held);
    }
    return true;
  }

  /** Types text that came without a physical key: composed, from an input method or a soft keyboard. */
  type(text: string): void {
    this.#deadKey = false;
    const events: InputEvent[] = [];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit === 0x0d && text.charCodeAt(i + 1) === 0x0a) continue;
      if (unit === 0x0a || unit === 0x0d) events.push(...tap({ code: 0x1c, extended: false }));
      else if (unit === 0x09) events.push(...tap({ code: 0x0f, extended: false }));
      else events.push({ kind: 'unicode', unit, down: true }, { kind: 'unicode', unit, down: false });
    }
    if (events.length > 0) this.#options.send(events);
  }

  /** Presses these keys in order and releases them in reverse: a combination the browser would not let through. */
  press(codes: readonly string[]): void {
    const keys = codes.map((code) => scancodeOf(code)).filter((scancode) => scancode !== undefined);
    const events: InputEvent[] = keys.map((key) => ({ kind: 'scancode', ...key, down: true }));
    for (const key of keys.toReversed()) events.push({ kind: 'scancode', ...key, down: false });
    this.releaseAll();
    this.#options.send(events);
  }

  /** Releases every key that is down: the keyboard is going to something else. */
  releaseAll(): void {
    this.#heldControl?.cancel();
    this.#heldControl = undefined;
    this.#deadKey = false;
    const events = Array.from(this.#pressed.values(), (key): InputEvent => ({ kind: 'scancode', ...key, down: false }));
    const held = [...this.#pressed.keys()];
    this.#pressed.clear();
    if (events.length === 0) return;
    // Whoever leaves by Alt+Tab or Command+Tab means no menu there, which the key alone would open: Control keeps it shut.
    const opensMenu = held.some((code) => menuKeys.has(code)) && !held.some((code) => code.startsWith('Control'));
    const control: InputEvent = { kind: 'scancode', ...controlLeft, down: true };
    this.#options.send(opensMenu ? [control, ...events, { ...control, down: false }] : events);
  }

  /** The keyboard comes here: lock keys may have changed meanwhile. */
  focused(): void {
    this.#mustSynchronize = true;
    if (this.#locks !== undefined) this.#sendLocks(this.#locks);
  }

  /** Brings the remote lock keys in line with what this keyboard or mouse event says of the local ones. */
  synchronize(event: Pick<KeyInput, 'getModifierState'>): void {
    const locks = this.#readLocks(event);
    const known = this.#locks;
    const same = known !== undefined && sameLocks(known, locks);
    const pressed = this.#lockKeysPressed;
    // Caps Lock that switches between layouts here, or a Mac's Clear: only the other side has changed. Of Scroll Lock not every system tells.
    const isTold = pressed.has('CapsLock') || pressed.has('NumLock');
    const isKnown = same ? !isTold : pressed.size > 0;
    pressed.clear();
    if (!this.#mustSynchronize && isKnown) {
      this.#locks = locks;
      return;
    }
    this.#mustSynchronize = false;
    this.#sendLocks(locks);
  }

  /** Tells of the lock keys if the keyboard has just come here; for mouse events, which come before any key. */
  synchronizeIfDue(event: Pick<KeyInput, 'getModifierState'>): void {
    if (this.#mustSynchronize) this.synchronize(event);
  }

  /** Something is done with the mouse: modifiers that are down there without being held here would mean something else. */
  mouseUsed(event: ModifierState): void {
    this.#flushHeldControl();
    this.#releaseStuckModifiers(event);
  }

  /**
   * What the remote side says of its lock keys: where it disagrees, it is told again before the next key. After a lock
   * key of ours it is only ahead of us.
   */
  remoteLocks(remote: LockKeys): void {
    if (this.#locks === undefined || this.#lockKeysPressed.size > 0) return;
    const { capsLock, numLock, scrollLock } = this.#locks;
    const same = remote.capsLock === capsLock && remote.numLock === numLock && remote.scrollLock === scrollLock;
    if (!same) this.#mustSynchronize = true;
  }

  #sendLocks(locks: LockKeys): void {
    this.#locks = locks;
    // A synchronise event lets go of all keys on the remote side, so modifiers that are held go down again.
    const held = [...this.#pressed].filter(([code]) => modifiers.has(code));
    const again = held.map(([, scancode]): InputEvent => ({ kind: 'scancode', ...scancode, down: true }));
    this.#options.send([{ kind: 'synchronize', ...locks }, ...again]);
  }

  #readLocks(event: Pick<KeyInput, 'getModifierState'>): LockKeys {
    return {
      scrollLock: event.getModifierState('ScrollLock'),
      // A Mac has no Num Lock: its number pad always types numbers.
      numLock: this.#options.platform === 'mac' || event.getModifierState('NumLock'),
      capsLock: event.getModifierState('CapsLock'),
      kanaLock: event.getModifierState('KanaMode'),
    };
  }

  /** Dead keys, and the key after one, are left to the browser: what it makes of them comes as text. */
  #isComposedByBrowser(event: KeyInput): boolean {
    if (this.#isShortcut(event)) return false;
    if (event.key === 'Dead') {
      this.#deadKey = true;
      return true;
    }
    if (!this.#deadKey || modifiers.has(event.code)) return false;
    this.#deadKey = false;
    // Where the two make nothing together, Firefox on Windows names both of them.
    return !isName(event.key);
  }

  /** With these modifiers browsers call a dead key so as well, and make nothing of it. */
  #isShortcut({ ctrlKey, altKey, metaKey }: KeyInput): boolean {
    switch (this.#options.platform) {
      case 'mac':
        return ctrlKey || metaKey; // Option is what AltGr is elsewhere
      case 'windows':
        return ctrlKey !== altKey; // both are AltGr
      case 'other':
        return ctrlKey || altKey;
    }
  }

  /** A key without a scancode: its character, if it has one, goes as Unicode. */
  #typeUnknownKey(event: KeyInput): boolean {
    if (event.code === '' && namedKeys.has(event.key)) {
      const scancode = scancodeOf(event.key);
      return scancode !== undefined && this.#tap(scancode);
    }
    if (event.key === 'Unidentified' || !isCharacter(event.key)) return false;
    this.type(event.key);
    return true;
  }

  /**
   * On Windows, AltGr comes as ControlLeft and then AltRight. A ControlLeft is held back for a moment; if AltRight
   * follows it was AltGr, and the remote side gets AltRight alone, as from a real keyboard.
   */
  #holdControl(event: KeyInput): void {
    if (this.#heldControl !== undefined) return;
    const cancel = this.#options.after(altGrWindow, () => this.#flushHeldControl());
    this.#heldControl = { timeStamp: event.timeStamp, cancel };
  }

  #settleHeldControl(event: KeyInput): void {
    const held = this.#heldControl;
    if (held === undefined || event.code === 'ControlLeft') return;
    if (event.code === 'AltRight' && event.timeStamp - held.timeStamp <= altGrWindow) {
      held.cancel();
      this.#heldControl = undefined;
    } else this.#flushHeldControl();
  }

  #flushHeldControl(): void {
    const held = this.#heldControl;
    if (held === undefined) return;
    held.cancel();
    this.#heldControl = undefined;
    this.#press('ControlLeft', controlLeft);
  }

  /** A modifier whose release went elsewhere (Alt+Tab, say) shows in the flags of what comes next. */
  #releaseStuckModifiers(event: ModifierState): void {
    const altGraph = event.getModifierState('AltGraph');
    if (!event.shiftKey) this.#releaseEach('ShiftLeft', 'ShiftRight');
    if (!event.ctrlKey && !altGraph) this.#releaseEach('ControlLeft', 'ControlRight');
    if (!event.altKey && !altGraph) this.#releaseEach('AltLeft', 'AltRight');
    if (!event.metaKey) this.#releaseEach('MetaLeft', 'MetaRight', 'OSLeft', 'OSRight');
  }

  #releaseEach(...codes: readonly string[]): void {
    for (const code of codes) this.#release(code);
  }

  #press(code: string, scancode: Scancode): void {
    this.#pressed.set(code, scancode);
    this.#options.send([{ kind: 'scancode', ...scancode, down: true }]);
  }

  #release(code: string): void {
    const scancode = this.#pressed.get(code);
    if (scancode === undefined) return;
    this.#pressed.delete(code);
    this.#options.send([{ kind: 'scancode', ...scancode, down: false }]);
  }

  #tapWithShift(scancode: Scancode): true {
    const shift: InputEvent = { kind: 'scancode', ...shiftLeft, down: true };
    this.#options.send([shift, ...tap(scancode), { ...shift, down: false }]);
    return true;
  }

  /** Command+C is Ctrl+C there. Control goes down before Command goes up: else that would open the Start menu. */
  #tapWithControl(scancode: Scancode): true {
    const control: InputEvent = { kind: 'scancode', ...controlLeft, down: true };
    this.#options.send([control]);
    this.#releaseEach('MetaLeft', 'MetaRight', 'OSLeft', 'OSRight');
    this.#options.send([...tap(scancode), { ...control, down: false }]);
    return true;
  }

  #tap(scancode: Scancode): true {
    this.#options.send(tap(scancode));
    return true;
  }
}

/** `KeyboardEvent.keyCode` of what an input method takes, UI Events 8.3.1. Of its first key Chromium on a Mac says nothing else that tells. */
const INPUT_METHOD = 229;

/** Milliseconds within which ControlLeft and AltRight are one AltGr key. */
const altGrWindow = 50;

const modifiers: ReadonlySet<string> = new Set([
  'ShiftLeft',
  'ShiftRight',
  'ControlLeft',
  'ControlRight',
  'AltLeft',
  'AltRight',
  'MetaLeft',
  'MetaRight',
  'OSLeft',
  'OSRight',
]);
/** Pressed alone, they open the Start menu, or that of the window, when they come up. */
const menuKeys: ReadonlySet<string> = new Set(['AltLeft', 'MetaLeft', 'MetaRight', 'OSLeft', 'OSRight']);
/** Cut, copy, paste: with Command on a Mac. */
const clipboardKeys: ReadonlySet<string> = new Set(['KeyX', 'KeyC', 'KeyV']);
const lockKeys: ReadonlySet<string> = new Set(['CapsLock', 'NumLock', 'ScrollLock', 'KanaMode']);
/** `KeyboardEvent.key` values that soft keyboards send without a code and that name a key of the same `code`. */
const namedKeys: ReadonlySet<string> = new Set([
  'Backspace',
  'Tab',
  'Enter',
  'Escape',
  'Delete',
  'Home',
  'End',
  'PageUp',
  'PageDown',
  'ArrowLeft',
  'ArrowRight',
  'ArrowUp',
  'ArrowDown',
]);

/** Keys that their users give another meaning: xkb's `ctrl:nocaps` and `caps:swapescape`, Colemak's second Backspace. */
const remappedKeys: ReadonlySet<string> = new Set(['CapsLock', 'ControlLeft', 'Escape']);
/** By `KeyboardEvent.key`, the key that then is meant. */
const meantKeys: ReadonlyMap<string, string> = new Map([
  ['Backspace', 'Backspace'],
  ['CapsLock', 'CapsLock'],
  ['Control', 'ControlLeft'],
  ['Escape', 'Escape'],
]);

const shiftLeft: Scancode = { code: 0x2a, extended: false };
const controlLeft: Scancode = { code: 0x1d, extended: false };
const printScreen: Scancode = { code: 0x37, extended: true };
/** Alt+PrintScreen. */
const systemRequest: Scancode = { code: 0x54, extended: false };
/** Ctrl+Pause. */
const breakKey: readonly InputEvent[] = tap({ code: 0x46, extended: true });
/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1.1: Pause is E1 1D 45 going down and up at once; nothing follows on release. */
const pauseKey: readonly InputEvent[] = [
  { kind: 'scancode', code: 0x1d, extended: false, extended1: true, down: true },
  { kind: 'scancode', code: 0x45, extended: false, down: true },
  { kind: 'scancode', code: 0x1d, extended: false, extended1: true, down: false },
  { kind: 'scancode', code: 0x45, extended: false, down: false },
];

function tap(scancode: Scancode): InputEvent[] {
  return [
    { kind: 'scancode', ...scancode, down: true },
    { kind: 'scancode', ...scancode, down: false },
  ];
}

/** Which key it is: by its place, but where it has been given another's meaning. */
function codeOf({ code, key }: KeyInput): string {
  return (remappedKeys.has(code) ? meantKeys.get(key) : undefined) ?? code;
}

/**
 * The key of the number pad that moves the caret with Shift, though Num Lock is on: Windows lets go of Shift before it and takes it again after
 * it, so that the plain key would write a number there. It is what the key beside the pad is.
 */
function scancodeOn(event: KeyInput, code: string): Scancode | undefined {
  const scancode = scancodeOf(code);
  const moves = numberPad.test(code) && isName(event.key) && !event.shiftKey && event.getModifierState('NumLock');
  return moves && scancode !== undefined ? { ...scancode, extended: true } : scancode;
}

const numberPad = /^Numpad(?:[0-9]|Decimal)$/;

/** Whether a `KeyboardEvent.key` names a key, as `Enter` does; else it is what the key writes. */
function isName(key: string): boolean {
  return /^[A-Z][A-Za-z0-9]+$/.test(key);
}

/** Whether a `KeyboardEvent.key` is one character, not a name such as `Enter`. */
function isCharacter(key: string): boolean {
  const [first, second] = key;
  return first !== undefined && second === undefined;
}

function sameLocks(a: LockKeys, b: LockKeys): boolean {
  return (
    a.scrollLock === b.scrollLock && a.numLock === b.numLock && a.capsLock === b.capsLock && a.kanaLock === b.kanaLock
  );
}
