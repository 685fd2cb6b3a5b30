import type { InputEvent } from '#protocol/pdu/input.ts';
import { UsKeyboard } from '../demo/us-keyboard.ts';
import type { RecordingEvent } from '../evidence/evidence.ts';
import type { EventWords } from './event-text.ts';

/**
 * The words that were typed in a session, as far as its event log lists keys (`inputLog: full`). Scan codes are read by
 * the session's keyboard layout where that is one of the common ones, and as the US layout otherwise.
 */
export function typedWords(events: readonly RecordingEvent[]): EventWords[] {
  const keyboard = new UsKeyboard();
  const letters = lettersOf(events.find(({ type }) => type === 'request')?.keyboardLayout);
  const words: EventWords[] = [];
  let word = '';
  let at = 0;
  const end = (): void => {
    if (word.length >= MIN_WORD) words.push({ at, text: word });
    word = '';
  };
  for (const event of events) {
    if (event.type !== 'input' || !Array.isArray(event.typed)) continue;
    const since = Math.max(0, (event.t ?? 0) - (typeof event.ms === 'number' ? event.ms : 0));
    for (const stroke of event.typed as unknown[]) {
      const input = inputOf(stroke);
      const action = input && keyboard.press(input);
      if (action === undefined) continue;
      if (action.kind === 'edit') {
        if (action.key === 'backspace') word = word.slice(0, -1);
        else end();
        continue;
      }
      const text = letters(action.text);
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
  const down = stroke[2] === 1;
  const unicode = /^U\+([0-9A-F]{4})$/.exec(stroke[1]);
  if (unicode !== null) return { kind: 'unicode', unit: Number.parseInt(unicode[1] ?? '', 16), down };
  const code = /^(e0)?([0-9a-f]{2})$/.exec(stroke[1]);
  if (code === null) return undefined;
  return { kind: 'scancode', code: Number.parseInt(code[2] ?? '', 16), extended: code[1] !== undefined, down };
}

function offsetOf(stroke: unknown): number {
  return Array.isArray(stroke) && typeof stroke[0] === 'number' ? stroke[0] : 0;
}

/** What a layout writes in place of the US layout's letters. Windows layout ids, of which the low word is the language. */
function lettersOf(layout: unknown): (text: string) => string {
  const language = typeof layout === 'number' ? layout & 0xffff : 0;
  const swaps = QWERTZ.has(language) ? 'yzzyYZZY' : AZERTY.has(language) ? 'qaaqwzzwQAAQWZZW;m:M' : '';
  const map = new Map<string, string>();
  for (let i = 0; i < swaps.length; i += 2) map.set(swaps.charAt(i), swaps.charAt(i + 1));
  return (text) => map.get(text) ?? text;
}

/** German (Germany, Switzerland, Austria, Luxembourg, Liechtenstein), French (Switzerland), Czech, Hungarian, Slovak. */
const QWERTZ = new Set([0x0407, 0x0807, 0x0c07, 0x1007, 0x1407, 0x100c, 0x0405, 0x040e, 0x041b]);
/** French (France, Belgium), Dutch (Belgium). */
const AZERTY = new Set([0x040c, 0x080c, 0x0813]);
