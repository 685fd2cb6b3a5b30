import type { Grant } from '../access/entitlements.ts';
import type { PolicyRules } from '../access/policy-rules.ts';
import { isWithin } from '../access/time-windows.ts';
import { GatewayError } from '../errors.ts';

/** What a user asks for. */
export interface NewRequest {
  readonly items: readonly NewItem[];
  /** For items that do not say; otherwise what their policy gives. */
  readonly minutes?: number;
  readonly reason?: string;
  readonly comment?: string;
  readonly ticket?: string;
  /** When access is to begin, ISO 8601 with an offset; at once, unless given. */
  readonly start?: string;
  /** The user's own, by the IANA's name: times are shown in it. */
  readonly timeZone?: string;
  readonly emergency?: boolean;
}

export interface NewItem {
  readonly accountId: string;
  readonly minutes?: number;
  /** By which entitlement, where there are several; the one that asks least, unless given. */
  readonly entitlementId?: string;
}

export const MAX_ITEMS = 50;
/** Requests are made this far ahead at most. */
const MAX_AHEAD_MS = 366 * 24 * 60 * 60_000;
/** A start this little in the past is now: clocks differ. */
const PAST_MS = 5 * 60_000;

/** One account of a request, with the grant that it stands on. */
export interface PlannedItem {
  readonly grant: Grant;
  readonly minutes: number;
}

/** When access is to begin: null for at once. Throws `bad_request`. */
export function wantedAt(request: NewRequest, now: number): number | null {
  if (request.start === undefined) return null;
  const at = Date.parse(request.start);
  if (Number.isNaN(at)) throw new GatewayError('bad_request', 'there is no such moment');
  if (at < now - PAST_MS) throw new GatewayError('bad_request', 'the start is in the past');
  if (at > now + MAX_AHEAD_MS) throw new GatewayError('bad_request', 'the start is more than a year ahead');
  return at <= now ? null : at;
}

/**
 * Of the grants that a user has to an account, the one that this item stands on: that which asks least of those whose
 * policy it satisfies. Throws `not_entitled` without any, `policy_refused` and the like with the reason of the best.
 * @param startAt when access is to begin
 */
export function planItem(request: NewRequest, item: NewItem, grants: readonly Grant[], startAt: number): PlannedItem {
  const usable = grants
    .filter(({ entitlementId }) => item.entitlementId === undefined || entitlementId === item.entitlementId)
    .toSorted((a, b) => demands(a.rules) - demands(b.rules));
  if (usable.length === 0) throw new GatewayError('not_entitled');
  let refusal: unknown;
  for (const grant of usable) {
    try {
      return { grant, minutes: checkItem(request, item, grant, startAt) };
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** How much a policy asks: approvals weigh most. */
export function demands(rules: PolicyRules): number {
  const approvals = rules.steps.reduce((sum, { needed }) => sum + needed, 0);
  const words = [rules.ticketRequired, rules.reasonRequired, rules.commentRequired, rules.stepUp];
  return approvals * words.length * 2 + words.filter(Boolean).length;
}

/** Everything that can be said without asking anybody. Returns the minutes. */
function checkItem(request: NewRequest, item: NewItem, grant: Grant, startAt: number): number {
  const { rules, policy } = grant;
  const refuse = (detail: string): never => {
    throw new GatewayError('policy_refused', `${detail} (policy "${policy.name}")`);
  };
  if (request.emergency === true && !rules.emergency) refuse('emergency access is not allowed');
  const reason = request.reason ?? '';
  if (rules.reasonRequired && reason === '') refuse('a reason is needed');
  if (reason !== '' && rules.reasonCodes.length > 0 && !rules.reasonCodes.includes(reason)) {
    refuse('the reason is not one of the list');
  }
  if (rules.commentRequired && (request.comment ?? '') === '') refuse('a comment is needed');
  if (rules.ticketRequired && (request.ticket ?? '') === '') refuse('a ticket number is needed');
  const asked = item.minutes ?? request.minutes;
  if (asked !== undefined && asked !== rules.defaultMinutes && !rules.minutesChangeable) {
    refuse(`the duration is ${rules.defaultMinutes} minutes`);
  }
  if (asked !== undefined && asked > rules.maxMinutes) refuse(`the duration is at most ${rules.maxMinutes} minutes`);
  if (request.emergency !== true && !isWithin(rules.windows, rules.timeZone, startAt)) {
    throw new GatewayError('outside_hours', `policy "${policy.name}"`);
  }
  return asked ?? rules.defaultMinutes;
}
