import type { KeyInput, Platform } from './keyboard.ts';

/**
 * Whether the browser answers this key with a `paste` event: Ctrl+V, with Shift in terminals, and Shift+Insert; Cmd+V on
 * a Mac.
 */
export function isPasteKey(event: KeyInput, platform: Platform): boolean {
  if (event.altKey || event.isComposing) return false;
  if (platform === 'mac') return event.code === 'KeyV' && event.metaKey && !event.ctrlKey;
  if (event.metaKey) return false;
  if (event.code === 'Insert') return event.shiftKey && !event.ctrlKey;
  // By what it writes: Ctrl+V is where the layout has its V. On one of another script it is where others have it.
  return event.ctrlKey && (event.key.toLowerCase() === 'v' || (event.code === 'KeyV' && isOtherLetter(event.key)));
}

/** Greek, Cyrillic, Hebrew and the like. */
function isOtherLetter(key: string): boolean {
  return /^\p{L}$/u.test(key) && !/^\p{Script=Latin}$/u.test(key);
}

/**
 * Holds a key that pastes back until the browser has told what is pasted, so that the desktop gets the text first.
 * Whatever is pressed after it waits behind it.
 */
export class PasteKey<Event> {
  readonly #send: (event: Event) => void;
  readonly #after: (milliseconds: number, run: () => void) => () => void;
  #held: { readonly event: Event; readonly cancel: () => void } | undefined;

  /**
   * @param send presses the key
   * @param after runs something later; the result cancels it
   */
  constructor(send: (event: Event) => void, after: (milliseconds: number, run: () => void) => () => void) {
    this.#send = send;
    this.#after = after;
  }

  hold(event: Event): void {
    this.release();
    this.#held = { event, cancel: this.#after(PASTE_WITHIN_MS, () => this.release()) };
  }

  /** What is pasted is on its way, or there is nothing: the key may go. */
  release(): void {
    const held = this.#held;
    if (held === undefined) return;
    held.cancel();
    this.#held = undefined;
    this.#send(held.event);
  }

  /** The keyboard goes elsewhere: the key is not pressed at all. */
  drop(): void {
    this.#held?.cancel();
    this.#held = undefined;
  }
}

/** The event follows the key at once, where it comes at all. */
const PASTE_WITHIN_MS = 60;
