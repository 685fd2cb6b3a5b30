import type { ApiError } from '../api/request.ts';
import type { AskingRules, Grant, NewItem, NewRequest } from '../api/requests.ts';

export const MAX_ITEMS = 50;
export const MAX_COMMENT = 255;
export const MAX_TICKET = 64;
/** Requests are made this far ahead at most. */
const MAX_AHEAD_MS = 366 * 24 * 60 * 60_000;

/** An account that was picked. */
export interface PickedItem {
  readonly accountId: string;
  /** As it is typed; empty: what the policy gives. */
  readonly minutes: string;
  /** Empty: the entitlement that asks least. */
  readonly entitlementId: string;
}

/** The form of a new request, as it is filled in. */
export interface RequestForm {
  readonly items: readonly PickedItem[];
  readonly later: boolean;
  /** Of a `datetime-local` field: the user's own clock, `2026-11-22T14:30`. */
  readonly start: string;
  readonly emergency: boolean;
  readonly reason: string;
  readonly comment: string;
  readonly ticket: string;
}

export const emptyRequestForm: RequestForm = {
  items: [],
  later: false,
  start: '',
  emergency: false,
  reason: '',
  comment: '',
  ticket: '',
};

/** What is wrong, by field; `minutes ID` is the duration of one account. */
export type FormErrors = Readonly<Record<string, string>>;

/** What the policies of everything that was picked ask together. */
export interface Demands {
  readonly reasonRequired: boolean;
  readonly commentRequired: boolean;
  readonly ticketRequired: boolean;
  /** Those that every policy with a list has; null: any words will do. */
  readonly reasonCodes: readonly string[] | null;
  readonly ticketPatterns: readonly string[];
  readonly approvals: number;
  /** Policies that allow no emergency. */
  readonly noEmergency: readonly string[];
}

/** Of the grants to one account the one that a picked item stands on; the gateway takes the same. */
export function grantOf(item: PickedItem, grants: readonly Grant[], emergency: boolean): Grant | undefined {
  const held = grants.filter(({ account }) => account.id === item.accountId);
  const chosen = held.find(({ entitlementId }) => entitlementId === item.entitlementId);
  if (chosen !== undefined) return chosen;
  const usable = emergency ? held.filter(({ rules }) => rules.emergency) : held;
  return (usable.length === 0 ? held : usable).toSorted((a, b) => weight(a) - weight(b))[0];
}

/** Approvals weigh more than everything that one can fill in oneself. */
function weight({ rules, approvalsNeeded }: Grant): number {
  const words = [rules.ticketRequired, rules.reasonRequired, rules.commentRequired, rules.stepUp];
  return approvalsNeeded * words.length * 2 + words.filter(Boolean).length;
}

export function demandsOfForm(form: RequestForm, grants: readonly Grant[]): Demands {
  const used = form.items.flatMap((item) => grantOf(item, grants, form.emergency) ?? []);
  const asks = (rule: (rules: AskingRules) => boolean): boolean => used.some(({ rules }) => rule(rules));
  const lists = used.map(({ rules }) => rules.reasonCodes).filter((codes) => codes.length > 0);
  return {
    reasonRequired: asks((rules) => rules.reasonRequired),
    commentRequired: asks((rules) => rules.commentRequired),
    ticketRequired: asks((rules) => rules.ticketRequired),
    reasonCodes: lists.length === 0 ? null : (lists[0] ?? []).filter((code) => lists.every((of) => of.includes(code))),
    ticketPatterns: [...new Set(used.flatMap(({ rules }) => rules.ticketPattern ?? []))],
    approvals: form.emergency ? 0 : Math.max(0, ...used.map(({ approvalsNeeded }) => approvalsNeeded)),
    noEmergency: [...new Set(used.filter(({ rules }) => !rules.emergency).map(({ policy }) => policy.name))],
  };
}

/** Everything that can be said without the gateway; nothing when the form can be sent. */
export function errorsOf(form: RequestForm, grants: readonly Grant[], now: number): FormErrors {
  const errors: Record<string, string> = {};
  const demands = demandsOfForm(form, grants);
  if (form.items.length === 0) errors.items = 'Pick at least one account.';
  for (const item of form.items) {
    const grant = grantOf(item, grants, form.emergency);
    const wrong = grant === undefined ? undefined : minutesError(item.minutes, grant.rules);
    if (wrong !== undefined) errors[`minutes ${item.accountId}`] = wrong;
  }
  if (form.later) {
    const at = Date.parse(form.start);
    if (Number.isNaN(at)) errors.start = 'Say when access is to begin.';
    else if (at < now) errors.start = 'This is in the past.';
    else if (at > now + MAX_AHEAD_MS) errors.start = 'This is more than a year ahead.';
  }
  if (form.emergency && demands.noEmergency.length > 0) {
    errors.emergency = `Not allowed by the policy ${demands.noEmergency.join(', ')}.`;
  }
  if (form.reason === '' && demands.reasonRequired) errors.reason = 'A reason is needed.';
  if (form.reason !== '' && demands.reasonCodes?.includes(form.reason) === false) {
    errors.reason = 'Choose a reason of the list.';
  }
  if (demands.reasonCodes?.length === 0 && demands.reasonRequired) {
    errors.reason = 'These accounts have no reason in common: ask for them one by one.';
  }
  if (form.comment.trim() === '' && demands.commentRequired) errors.comment = 'A comment is needed.';
  if (form.ticket.trim() === '' && demands.ticketRequired) errors.ticket = 'A ticket number is needed.';
  return errors;
}

function minutesError(typed: string, rules: AskingRules): string | undefined {
  if (typed === '') return undefined;
  const minutes = Number(typed);
  if (!Number.isInteger(minutes) || minutes < 1) return 'Minutes, at least 1.';
  if (!rules.minutesChangeable && minutes !== rules.defaultMinutes) return `It lasts ${rules.defaultMinutes} minutes.`;
  return minutes > rules.maxMinutes ? `At most ${rules.maxMinutes} minutes.` : undefined;
}

/** What is sent. Times have their offset: the gateway does not know the user's clock. */
export function requestOf(form: RequestForm, timeZone: string): NewRequest {
  const [reason, comment, ticket] = [form.reason.trim(), form.comment.trim(), form.ticket.trim()];
  return {
    items: form.items.map(itemOf),
    timeZone,
    ...(form.later && form.start !== '' ? { start: new Date(form.start).toISOString() } : {}),
    ...(form.emergency ? { emergency: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(comment === '' ? {} : { comment }),
    ...(ticket === '' ? {} : { ticket }),
  };
}

function itemOf(item: PickedItem): NewItem {
  return {
    accountId: item.accountId,
    ...(item.minutes === '' ? {} : { minutes: Number(item.minutes) }),
    ...(item.entitlementId === '' ? {} : { entitlementId: item.entitlementId }),
  };
}

/** A request that was kept, as a form to start from. A time that is over is not kept. */
export function formOf(request: NewRequest): RequestForm {
  return {
    ...emptyRequestForm,
    items: request.items.map((item) => ({
      accountId: item.accountId,
      minutes: String(item.minutes ?? request.minutes ?? ''),
      entitlementId: item.entitlementId ?? '',
    })),
    emergency: request.emergency ?? false,
    reason: request.reason ?? '',
    comment: request.comment ?? '',
    ticket: request.ticket ?? '',
  };
}

/** What the gateway's refusal says beside its field: its detail alone, but where that only names the policy. */
export function textBeside(error: Pick<ApiError, 'code' | 'message' | 'detail'>): string {
  const { code, message, detail = '' } = error;
  if (detail === '') return message;
  if (code === 'outside_hours') return `${message} (${detail})`;
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
}

/** Which field the gateway's refusal is about; none: it is about the request as a whole. */
export function fieldOf(code: string, detail: string): string | undefined {
  if (code === 'outside_hours') return 'start';
  if (code !== 'policy_refused' && code !== 'bad_request') return undefined;
  const words: readonly (readonly [word: string, field: string])[] = [
    ['ticket', 'ticket'],
    ['comment', 'comment'],
    ['reason', 'reason'],
    ['start', 'start'],
    ['emergency', 'emergency'],
  ];
  return words.find(([word]) => detail.includes(word))?.[1];
}
