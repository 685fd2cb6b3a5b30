import type { Moment } from './activity.ts';
import type { RecordedEvent } from './events.ts';
import { TypedText } from './typed-text.ts';

/** Input within this of the input before it is one event: typing, not each of its seconds. */
const SAME_INPUT_MS = 6000;
const COUNTS = ['keys', 'clicks', 'wheel'] as const;

/**
 * The events with input summed up, from where it began until a pause. A pointer that only moved is left out. The log
 * has a line for every second or two of input, which would bury everything else.
 */
export function sumUpInput(events: readonly RecordedEvent[]): RecordedEvent[] {
  const result: RecordedEvent[] = [];
  const typed = new TypedText();
  let open: { place: number; until: number } | undefined;
  for (const event of events) {
    const text = typed.read(event);
    if (event.type !== 'input' || event.t === null) {
      result.push(event);
      continue;
    }
    if (weightOf(event) === 0) continue;
    const { moves: _moves, typed: _typed, clicked: _clicked, ...fields } = event;
    const began = Math.max(0, event.t - numberOf(event.ms));
    const before = open === undefined ? undefined : result[open.place];
    if (open !== undefined && before !== undefined && began - open.until < SAME_INPUT_MS) {
      result[open.place] = { ...before, ...sumOf(before, event), ...textOf(`${before.text ?? ''}${text}`) };
      open.until = event.t;
    } else {
      open = { place: result.length, until: event.t };
      result.push({ ...fields, n: event.n, at: event.at, t: began, type: event.type, ...textOf(text) });
    }
  }
  return result;
}

/** How much was typed, clicked and scrolled, and when, for the timeline's bars. */
export function inputMoments(events: readonly RecordedEvent[]): Moment[] {
  return events.flatMap((event) => {
    const weight = event.type === 'input' ? weightOf(event) : 0;
    if (event.t === null || weight === 0) return [];
    // A line stands for the time up to it.
    return [{ at: Math.max(0, event.t - numberOf(event.ms) / 2), weight }];
  });
}

function textOf(text: string): { readonly text?: string } {
  return text === '' ? {} : { text };
}

function sumOf(one: RecordedEvent, other: RecordedEvent): Record<string, number> {
  return Object.fromEntries(COUNTS.map((name) => [name, numberOf(one[name]) + numberOf(other[name])]));
}

function weightOf(event: RecordedEvent): number {
  return COUNTS.reduce((sum, name) => sum + numberOf(event[name]), 0);
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}
