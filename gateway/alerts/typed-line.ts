import type { InputEvent } from '#protocol/pdu/input.ts';
import { KeyReading } from '#protocol/session/key-reading.ts';

/** What was typed last in a session, read by its keyboard layout. In memory only, and no more than is looked at. */
export class TypedLine {
  readonly #keyboard: KeyReading;
  #text = '';

  /** @param layout a Windows input locale identifier */
  constructor(layout: number) {
    this.#keyboard = new KeyReading(layout);
  }

  get text(): string {
    return this.#text;
  }

  /** @returns whether the text has another end now */
  add(event: InputEvent): boolean {
    const meaning = this.#keyboard.read(event);
    if (meaning === undefined) return false;
    if (meaning.kind === 'text') return this.#append(meaning.text);
    switch (meaning.name) {
      case 'enter':
        return this.#append('\n');
      case 'tab':
        return this.#append('\t');
      case 'backspace':
        this.#text = [...this.#text].slice(0, -1).join('');
        return true;
      default:
        // Where the caret went nobody knows from here: what is typed on counts as typed after.
        return false;
    }
  }

  clear(): void {
    this.#text = '';
  }

  #append(text: string): true {
    this.#text = (this.#text + text).slice(-MAX_TYPED);
    return true;
  }
}

/** Characters that a pattern is held against. */
const MAX_TYPED = 256;
