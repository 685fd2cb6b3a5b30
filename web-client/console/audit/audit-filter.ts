import type { AuditFilter } from '../api/audit.ts';
import { formInAddress } from '../ui/form-address.ts';

/** What the form on the audit page says, and the page's address with it. */
export const auditForm = formInAddress('/admin/audit', {
  search: '',
  person: '',
  subject: '',
  action: '',
  sessionId: '',
  outcome: '',
  from: '',
  to: '',
});
export type AuditForm = typeof auditForm.emptyForm;
export type AuditField = keyof AuditForm;

/** What to ask the gateway for. Times are those of the clock of whoever asks; the last minute is included. */
export function filterOf(form: AuditForm): AuditFilter {
  const { outcome } = form;
  const [from, to] = [momentOf(form.from, 0), momentOf(form.to, 1)];
  const { search, person, subject, action, sessionId } = form;
  const texts = Object.entries({ search, person, subject, action, sessionId })
    .map(([name, text]) => [name, name === 'action' ? actionOf(text) : text.trim()] as const)
    .filter(([, text]) => text !== '');
  return {
    ...Object.fromEntries(texts),
    ...(outcome === 'done' || outcome === 'refused' ? { outcome } : {}),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** As far as it can be the name of an action: half a word more is on its way. */
function actionOf(text: string): string {
  return /^[a-z_]+(\.[a-z_]+)?/.exec(text.trim().toLowerCase())?.[0] ?? '';
}

/** `2026-03-01T08:00` of the local clock, and so many minutes later, as a moment that everybody knows. */
export function momentOf(local: string, minutesLater: number): string | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(local);
  if (match === null) return undefined;
  const [year, month, day, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number];
  const at = new Date(year, month - 1, day, hour, minute + minutesLater);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
