import type { AccessRequest, AskingRules, RequestState } from '../api/requests.ts';

/** States in the words of people; the first is what a page says, the second what it means. */
export const stateTexts: Readonly<Record<RequestState, readonly [text: string, meaning: string]>> = {
  pending: ['Pending', 'Waits to be decided'],
  approved: ['Approved', 'Begins later'],
  available: ['Available', 'Can be used now'],
  denied: ['Denied', 'An approver said no'],
  revoked: ['Revoked', 'Taken back'],
  expired: ['Expired', 'Its time is over'],
  completed: ['Completed', 'Given back'],
};

export function isOver(state: RequestState): boolean {
  return state === 'denied' || state === 'revoked' || state === 'expired' || state === 'completed';
}

const eventTexts: Readonly<Record<string, string>> = {
  created: 'Asked for',
  emergency: 'Taken as an emergency',
  approved: 'Approved',
  denied: 'Denied',
  granted: 'Granted',
  available: 'Became available',
  revoked: 'Revoked',
  expired: 'Expired',
  completed: 'Completed',
  'session-opened': 'Session opened',
  'session-ended': 'Session ended',
  reviewed: 'Reviewed and signed off',
  'secret-revealed': 'Password shown',
  'secret-typed': 'Password typed into the session',
};

/** What happened to a request; what a later version adds keeps its own name. */
export function eventText(event: string): string {
  return eventTexts[event] ?? event;
}

/** What a request is for, in a line: `admin on Server A and 2 more`. */
export function subjectOf({ items }: Pick<AccessRequest, 'items'>): string {
  const [first, ...others] = items;
  if (first === undefined) return 'nothing';
  const name = `${first.account.username} on ${first.target.name}`;
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

/** A duration as people say it: `45 minutes`, `8 hours`, `1 day 2 hours`. */
export function formatMinutes(minutes: number): string {
  const parts = [
    [Math.floor(minutes / 1440), 'day'],
    [Math.floor((minutes % 1440) / 60), 'hour'],
    [minutes % 60, 'minute'],
  ] as const;
  const words = parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count} ${unit}${count === 1 ? '' : 's'}`]));
  return words.join(' ') || '0 minutes';
}

/** What somebody who asks under these rules should know before. */
export function demandsOf(rules: AskingRules, approvals: number): string {
  const words = [
    approvals === 0 ? '' : `${approvals} approval${approvals === 1 ? '' : 's'}`,
    rules.reasonRequired ? 'reason' : '',
    rules.commentRequired ? 'comment' : '',
    rules.ticketRequired ? 'ticket' : '',
    rules.stepUp ? 'second factor' : '',
  ].filter((word) => word !== '');
  return words.length === 0 ? 'Asks nothing' : `Asks for ${words.join(', ')}`;
}

/** The zone that this browser shows times in, and how far it is from UTC at a moment. */
export function ownTimeZone(at: Date = new Date()): { readonly name: string; readonly offset: string } {
  const minutes = -at.getTimezoneOffset();
  const pad = (value: number): string => String(value).padStart(2, '0');
  const distance = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(distance / 60))}:${pad(distance % 60)}`;
  return { name: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC', offset };
}
