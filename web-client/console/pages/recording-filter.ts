import type { RecordingFilter } from '../api/gateway.ts';

/** What the form on the recordings page says, and the page's address with it: all texts, empty where nothing is asked. */
export const emptyForm = {
  search: '',
  user: '',
  target: '',
  account: '',
  from: '',
  to: '',
  length: '',
  state: '',
  held: '',
};
export type FilterForm = typeof emptyForm;
export type FilterField = keyof FilterForm;

/** Choices of length, with their bounds in seconds. */
export const lengths: Readonly<
  Record<string, { readonly text: string; readonly min?: number; readonly max?: number }>
> = {
  short: { text: 'Up to 1 minute', max: 60 },
  medium: { text: '1 to 10 minutes', min: 60, max: 600 },
  long: { text: '10 minutes to 1 hour', min: 600, max: 3600 },
  'very-long': { text: 'Over 1 hour', min: 3600 },
};

/** What to ask the gateway for. Days are those of the person who asks; the last one is included. */
export function filterOf(form: FilterForm): RecordingFilter {
  const { search, user, target, account, state, held } = form;
  const length = lengths[form.length];
  const from = dayStart(form.from, 0);
  const to = dayStart(form.to, 1);
  return {
    ...trimmed({ search, user, target, account }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(length?.min === undefined ? {} : { minSeconds: length.min }),
    ...(length?.max === undefined ? {} : { maxSeconds: length.max }),
    ...(state === 'recording' || state === 'ready' || state === 'deleted' ? { state } : {}),
    ...(held === 'yes' || held === 'no' ? { held: held === 'yes' } : {}),
  };
}

/** Reads the page's address; what it does not know stays empty. */
export function formOf(query: Readonly<Record<string, string>>): FilterForm {
  const form = { ...emptyForm };
  for (const name of Object.keys(form) as FilterField[]) form[name] = (query[name] ?? '').slice(0, TEXT_LIMIT);
  return form;
}

/** The page's address for this form. */
export function addressOf(form: FilterForm): string {
  const query = new URLSearchParams(Object.entries(form).filter(([, value]) => value !== ''));
  return query.size === 0 ? '/recordings' : `/recordings?${query}`;
}

export function isEmpty(form: FilterForm): boolean {
  return Object.values(form).every((value) => value.trim() === '');
}

/** As long as the API takes. */
const TEXT_LIMIT = 128;

function dayStart(day: string, later: number): string | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (match === null) return undefined;
  const at = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + later);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

function trimmed(texts: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(texts).map(([name, text]) => [name, text.trim()] as const);
  return Object.fromEntries(entries.filter(([, text]) => text !== ''));
}
