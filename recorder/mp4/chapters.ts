import type { RecordedEvent } from '../evidence/event-log.ts';

/**
 * The events of a recording for other players: chapters, and a text track with a line for each event. What is typed is
 * counted there, never spelt out. Times are milliseconds of the video.
 */
export interface Chapter {
  readonly fromMs: number;
  readonly title: string;
}

/** A text that is shown for a while. */
export interface Cue {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly text: string;
}

/** In order, the first at 0, at most 255: more do not fit into the lists of some players. */
export function chaptersOf(events: readonly RecordedEvent[], durationMs: number): Chapter[] {
  const marks = events.flatMap((event) => {
    const title = CHAPTER_TYPES.has(event.type) ? describeEvent(event) : undefined;
    return title === undefined ? [] : [{ fromMs: momentOf(event, durationMs), title }];
  });
  if (marks[0] === undefined) return [];
  const chapters = together(marks, CHAPTER_APART_MS).map(({ fromMs, titles }) => ({
    fromMs,
    title: [...titles.slice(0, CHAPTER_TITLES), ...moreThan(titles.length)].join(', '),
  }));
  const [first, ...rest] = chapters.slice(0, MAX_CHAPTERS);
  return first === undefined ? [] : [{ ...first, fromMs: 0 }, ...rest];
}

/** In order, none over another. */
export function cuesOf(events: readonly RecordedEvent[], durationMs: number): Cue[] {
  const marks = events.flatMap((event) => {
    const title = describeEvent(event);
    return title === undefined ? [] : [{ fromMs: momentOf(event, durationMs), title }];
  });
  const groups = together(marks, CUE_APART_MS);
  return groups.flatMap(({ fromMs, titles }, index) => {
    const next = groups[index + 1]?.fromMs ?? durationMs;
    const untilMs = Math.min(next, fromMs + CUE_MS, durationMs);
    return untilMs <= fromMs ? [] : [{ fromMs, untilMs, text: titles.slice(-CUE_LINES).join('\n') }];
  });
}

/** An event in a few words; nothing for those that say nothing to a viewer. */
export function describeEvent(event: RecordedEvent): string | undefined {
  const words = WORDS[event.type];
  if (words === undefined) return event.type;
  return words === null ? undefined : words(event).slice(0, MAX_TITLE);
}

type Words = (event: RecordedEvent) => string;

const WORDS: Readonly<Record<string, Words | null>> = {
  log: null,
  recording: null,
  segment: null,
  torn: null,
  finished: null,
  'sign-in': ({ user }) => `${text(user)} signed in`,
  request: ({ user, target, account }) =>
    `${nameOf(user)} asked for ${nameOf(target)} as ${text(fields(account).username)}`,
  secured: ({ protocol, tls }) => `Secured: ${text(protocol)}${text(tls) === '' ? '' : `, TLS ${text(tls)}`}`,
  connected: ({ host, account }) => `Connected to ${text(host)} as ${text(account)}`,
  connection: ({ state }) => `Connection: ${text(state)}`,
  desktop: ({ width, height }) => `Desktop ${text(width)} × ${text(height)}`,
  input: ({ keys, clicks, wheel, moves }) =>
    [counted(keys, 'key'), counted(clicks, 'click'), counted(wheel, 'wheel step'), counted(moves, 'move')]
      .filter((part) => part !== '')
      .join(', '),
  clipboard: ({ direction, format, bytes, refused }) =>
    `Clipboard ${text(direction)}${refused === undefined ? '' : ' (refused)'}: ${[text(format), counted(bytes, 'byte')].filter((part) => part !== '').join(', ')}`,
  file: ({ direction, name, state }) =>
    `File ${text(direction)}${text(state) === 'done' ? '' : ` (${text(state)})`}: ${text(name)}`,
  'shadow-started': ({ user }) => `${nameOf(user)} watches`,
  'shadow-ended': ({ user }) => `${nameOf(user)} no longer watches`,
  frozen: ({ user, reason }) => `Frozen by ${nameOf(user)}${text(reason) === '' ? '' : `: ${text(reason)}`}`,
  unfrozen: ({ user }) => `Unfrozen by ${nameOf(user)}`,
  message: ({ user, text: words }) => `${nameOf(user)}: ${text(words)}`,
  alert: ({ rule }) => `Alert: ${text(rule)}`,
  terminated: ({ by }) => `Ended by the administrator ${text(by)}`,
  ended: ({ message, code, detail }) =>
    `Ended: ${text(message)} (${[text(code), text(detail)].filter(Boolean).join(', ')})`,
  'gateway-lost': () => 'The gateway was gone',
  'encoder-lost': ({ problem }) => `An encoder was lost: ${text(problem)}`,
  late: ({ ms }) => `Too much changed: of the last ${text(Math.round(Number(ms) / 1000))} s only this is shown`,
  'clock-moved': ({ byMs }) => `The machine's clock was set by ${text(byMs)} ms`,
  recovered: () => 'Interrupted, and finished after a crash',
};

/** What is worth a chapter. */
const CHAPTER_TYPES = new Set([
  ...[
    'request',
    'connected',
    'connection',
    'desktop',
    'shadow-started',
    'shadow-ended',
    'frozen',
    'unfrozen',
    'terminated',
  ],
  ...['alert', 'ended', 'gateway-lost'],
]);

function momentOf(event: RecordedEvent, durationMs: number): number {
  return Math.min(Math.max(0, Math.round(event.t ?? 0)), Math.max(0, Math.round(durationMs) - 1));
}

/** Marks that come so close are one. */
function together(marks: readonly Chapter[], apartMs: number): { fromMs: number; titles: string[] }[] {
  const groups: { fromMs: number; titles: string[] }[] = [];
  for (const { fromMs, title } of [...marks].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = groups.at(-1);
    if (last !== undefined && fromMs - last.fromMs < apartMs) last.titles.push(title);
    else groups.push({ fromMs, titles: [title] });
  }
  return groups;
}

function moreThan(titles: number): string[] {
  return titles > CHAPTER_TITLES ? [`and ${titles - CHAPTER_TITLES} more`] : [];
}

function counted(value: unknown, one: string): string {
  return typeof value === 'number' && value > 0 ? `${value} ${one}${value === 1 ? '' : 's'}` : '';
}

function nameOf(value: unknown): string {
  const { username, name } = fields(value);
  return text(username) || text(name) || text(value);
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

const MAX_CHAPTERS = 255;
const MAX_TITLE = 200;
const CHAPTER_APART_MS = 1000;
/** Of one chapter: a rule that is fired again and again must not make a title that no player shows. */
const CHAPTER_TITLES = 8;
const CUE_APART_MS = 500;
/** How long a line stays, unless the next one comes. */
const CUE_MS = 4000;
const CUE_LINES = 4;
