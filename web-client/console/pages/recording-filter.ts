import type { RecordingFilter } from '../api/gateway.ts';
import { formInAddress } from '../ui/form-address.ts';

/** What the form on the recordings page says, and the page's address with it. */
export const recordingForm = formInAddress('/recordings', {
  search: '',
  user: '',
  target: '',
  account: '',
  from: '',
  to: '',
  length: '',
  state: '',
  held: '',
});
export type RecordingForm = typeof recordingForm.emptyForm;
export type RecordingField = keyof RecordingForm;

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
export function filterOf(form: RecordingForm): RecordingFilter {
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
