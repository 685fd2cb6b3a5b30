/** Bytes for people: 1 kB is 1000 bytes, as file managers and networks count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A length of time as a clock shows it: `0:07`, `12:34`, `1:02:03`. */
export function formatClock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}

/** A moment: the time alone when it is today, with the date otherwise. */
export function formatMoment(iso: string, now: Date = new Date(), locale?: string): string {
  const at = new Date(iso);
  const time = { hour: '2-digit', minute: '2-digit' } as const;
  if (at.toDateString() === now.toDateString()) return `Today, ${at.toLocaleTimeString(locale, time)}`;
  const date = {
    day: 'numeric',
    month: 'short',
    ...(at.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  };
  return at.toLocaleString(locale, { ...(date as Intl.DateTimeFormatOptions), ...time });
}

/** The same within a sentence. */
export function formatMomentWithin(iso: string, now?: Date, locale?: string): string {
  return formatMoment(iso, now, locale).replace(/^Today/, 'today');
}

/** A moment soon or lately, within a sentence: the time alone, which is enough within half a day; the day too further away. */
export function formatNear(iso: string, now: Date = new Date(), locale?: string): string {
  const at = new Date(iso);
  if (Math.abs(at.getTime() - now.getTime()) >= HALF_DAY_MS) return formatMomentWithin(iso, now, locale);
  return at.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
}

const HALF_DAY_MS = 12 * 60 * 60 * 1000;

/** Whether a text has all words of a search, in any order and case, with or without accents. */
export function matches(search: string, ...texts: readonly (string | null | undefined)[]): boolean {
  const haystack = withoutAccents(texts.join('\n'));
  return withoutAccents(search)
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

function withoutAccents(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();
}

/** A fingerprint in groups that an eye can compare: `a1b2 c3d4 …`. Nothing stays nothing. */
export function formatFingerprint(hex: string | null): string | undefined {
  return hex?.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

/** A SHA-256 fingerprint as tools write it (colons, spaces, capitals), as the gateway takes it; nothing if it is none. */
export function parseFingerprint(text: string): string | undefined {
  const hex = text.replaceAll(/[\s:-]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
}
