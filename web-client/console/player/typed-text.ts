import { KeyReading, keyNamed } from '#protocol/session/key-reading.ts';
import type { RecordedEvent } from './events.ts';

/**
 * Reads what was typed out of events whose log lists keys (`inputLog: full`), one event after the other: what is held and
 * accents that wait go on from one to the next. Editing keys are shown as what they are: nothing is hidden by them.
 */
export class TypedText {
  #keys = new KeyReading(0);

  /** The text of an event; empty where its keys are not listed. Told of all events, because one names the layout. */
  read(event: RecordedEvent): string {
    if (event.type === 'request' && typeof event.keyboardLayout === 'number') {
      this.#keys = new KeyReading(event.keyboardLayout);
    }
    if (event.type !== 'input' || !Array.isArray(event.typed)) return '';
    return (event.typed as unknown[]).map((stroke) => this.#stroke(stroke)).join('');
  }

  #stroke(stroke: unknown): string {
    if (!Array.isArray(stroke) || typeof stroke[1] !== 'string') return '';
    const input = keyNamed(stroke[1], stroke[2] === 1);
    const meaning = input && this.#keys.read(input);
    if (meaning === undefined) return '';
    return meaning.kind === 'text' ? meaning.text : SYMBOLS[meaning.name];
  }
}

const SYMBOLS = { enter: '⏎', tab: '⇥', backspace: '⌫', delete: '⌦', move: '' } as const;
