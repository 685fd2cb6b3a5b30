import type { InputEvent } from '#protocol/pdu/input.ts';
import { KeyReading, keyNamed } from '#protocol/session/key-reading.ts';
import type { RecordingEvent } from '../evidence/evidence.ts';
import type { EventWords } from './event-text.ts';

/**
 * The words that were typed or copied in a session, as far as its event log has them (`inputLog: full`). Scan codes are read by
 * the session's keyboard layout.
 */
export function typedWords(events: readonly RecordingEvent[]): EventWords[] {
  const layout = events.find(({ type }) => type === 'request')?.keyboardLayout;
  const keyboard = new KeyReading(typeof layout === 'number' ? layout : 0);
  const words: EventWords[] = [];
  let word = '';
  let at = 0;
  const end = (): void => {
    if (word.length >= MIN_WORD) words.push({ at, text: word });
    word = '';
  };
  for (const event of events) {
    words.push(...wordsOf(event.type === 'clipboard' ? event.text : undefined, event.t ?? 0));
    if (event.type !== 'input' || !Array.isArray(event.typed)) continue;
    const since = Math.max(0, (event.t ?? 0) - (typeof event.ms === 'number' ? event.ms : 0));
    for (const stroke of event.typed as unknown[]) {
      const input = inputOf(stroke);
      const meaning = input && keyboard.read(input);
      if (meaning === undefined) continue;
      if (meaning.kind === 'key') {
        if (meaning.name === 'backspace') word = word.slice(0, -1);
        else end();
        continue;
      }
      const { text } = meaning;
      if (/^\s$/.test(text)) {
        end();
        continue;
      }
      if (word === '') at = since + offsetOf(stroke);
      if (word.length < MAX_WORD) word += text;
    }
  }
  end();
  return words;
}

/** Of a text that was copied, which is as secret as one that was typed. */
function wordsOf(text: unknown, at: number): EventWords[] {
  if (typeof text !== 'string') return [];
  const words = text.split(/\s+/).filter((word) => word.length >= MIN_WORD && word.length <= MAX_WORD);
  return words.map((word) => ({ at, text: word }));
}

/** Words as they are compared: in any case, without the punctuation around them. */
export function wordForm(word: string): string {
  return word
    .toLowerCase()
    .normalize('NFC')
    .replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

export const MIN_WORD = 3;
const MAX_WORD = 64;

function inputOf(stroke: unknown): InputEvent | undefined {
  if (!Array.isArray(stroke) || typeof stroke[1] !== 'string') return undefined;
  return keyNamed(stroke[1], stroke[2] === 1);
}

function offsetOf(stroke: unknown): number {
  return Array.isArray(stroke) && typeof stroke[0] === 'number' ? stroke[0] : 0;
}
