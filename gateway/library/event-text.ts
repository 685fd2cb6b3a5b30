import type { RecordingEvent } from '../evidence/evidence.ts';

/** What an event says, at its moment of the video in milliseconds. */
export interface EventWords {
  readonly at: number;
  readonly text: string;
}

/**
 * The events of a recording as text that can be searched: all words in them, whatever their type, so that kinds of
 * later versions are found too; what says the same again and again, as often as it is ever shown. What only a program reads (hashes, ids, sizes) is left out, and so is input: what was
 * typed may be a password (`typed-text.ts`).
 */
export function textsOf(events: readonly RecordingEvent[]): EventWords[] {
  const times = new Map<string, number>();
  return events.flatMap((event) => {
    if (SILENT_TYPES.has(event.type)) return [];
    const words = [...wordsIn(event, 0)];
    const text = [event.type, ...words].join(' · ').slice(0, MAX_TEXT);
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    return before < MOMENTS ? [{ at: event.t ?? 0, text }] : [];
  });
}

/** Fields that say nothing to a person. */
const SILENT_FIELDS = new Set([
  ...['n', 'at', 't', 'type', 'prev', 'id', 'sha256', 'certificate', 'reference', 'cipher', 'inputLog', 'typed'],
]);
const SILENT_TYPES = new Set(['log', 'recording', 'desktop', 'input', 'segment', 'torn', 'recovered', 'finished']);
/** Of a recording that was found, so many are shown. */
export const MOMENTS = 3;
const MAX_DEPTH = 4;
/** A clipboard may hold a book. */
const MAX_TEXT = 4000;

/** What went through the clipboard may be a password, as what was typed may. */
function isCopied(event: object, field: string): boolean {
  return field === 'text' && (event as { type?: unknown }).type === 'clipboard';
}

function* wordsIn(value: unknown, depth: number): Generator<string> {
  if (typeof value === 'string') {
    if (value !== '') yield value;
    return;
  }
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return;
  for (const [name, inner] of Object.entries(value)) {
    if (!SILENT_FIELDS.has(name) && !name.endsWith('Id') && !isCopied(value, name)) yield* wordsIn(inner, depth + 1);
  }
}
