import { request } from './request.ts';

/** Access that is asked for, decided on, given back and looked at afterwards: what the API gives of it. */
export const requestStates = ['pending', 'approved', 'available', 'denied', 'revoked', 'expired', 'completed'] as const;
export type RequestState = (typeof requestStates)[number];

interface Named {
  readonly id: string;
  readonly name: string;
}

interface Person {
  readonly id: string;
  readonly username: string;
}

/** When sessions may be opened; Monday is 1. */
export interface TimeWindow {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

/** What a policy asks, as far as whoever asks is told. */
export interface AskingRules {
  readonly emergency: boolean;
  readonly reasonRequired: boolean;
  readonly reasonCodes: readonly string[];
  readonly commentRequired: boolean;
  readonly ticketRequired: boolean;
  readonly ticketPattern: string | null;
  readonly defaultMinutes: number;
  readonly maxMinutes: number;
  readonly minutesChangeable: boolean;
  readonly windows: readonly TimeWindow[];
  readonly timeZone: string;
  readonly recording: 'off' | 'on' | 'required' | null;
  readonly liveView: boolean;
  readonly idleMinutes: number;
  readonly sessionMinutes: number;
  readonly exclusive: boolean;
  readonly stepUp: boolean;
  readonly review: boolean;
}

/** An account that one may use, by one entitlement. */
export interface Grant {
  readonly entitlementId: string;
  readonly account: Person & { readonly domain: string };
  readonly target: Named;
  readonly policy: Named;
  readonly needsRequest: boolean;
  readonly approvalsNeeded: number;
  readonly rules: AskingRules;
}

export interface NewItem {
  readonly accountId: string;
  readonly minutes?: number;
  readonly entitlementId?: string;
}

export interface NewRequest {
  readonly items: readonly NewItem[];
  readonly minutes?: number;
  readonly reason?: string;
  readonly comment?: string;
  readonly ticket?: string;
  readonly start?: string;
  readonly timeZone?: string;
  readonly emergency?: boolean;
}

export interface RequestItem {
  readonly account: Person;
  readonly target: Named;
  readonly policy: Named;
  readonly minutes: number;
  readonly endsAt: string | null;
  readonly checkedOutAt: string | null;
  /** Whether its password may be shown to whoever asked. */
  readonly reveal: boolean;
}

export interface AccessRequest {
  readonly id: string;
  readonly state: RequestState;
  readonly user: Person;
  readonly createdAt: string;
  /** Null: at once. */
  readonly wantedAt: string | null;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly waitsUntil: string | null;
  readonly minutes: number;
  readonly reason: string;
  readonly comment: string;
  readonly ticket: string;
  readonly timeZone: string;
  readonly emergency: boolean;
  readonly automatic: boolean;
  readonly review: 'none' | 'due' | 'done';
  readonly items: readonly RequestItem[];
}

export interface RequestSession {
  readonly id: string;
  readonly account: Person;
  readonly target: Named;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly endCode: string | null;
  readonly recording: string;
}

export interface RequestDetails extends AccessRequest {
  readonly steps: readonly {
    readonly track: number;
    readonly step: number;
    readonly policy: string;
    readonly group: Named | null;
    readonly needed: number;
    readonly given: number;
  }[];
  readonly votes: readonly {
    readonly approver: Person;
    readonly decision: 'approve' | 'deny';
    readonly comment: string;
    readonly at: string;
  }[];
  readonly history: readonly {
    readonly at: string;
    readonly event: string;
    readonly state: RequestState;
    readonly actor: Person | null;
    readonly comment: string;
    readonly sessionId: string | null;
  }[];
  readonly sessions: readonly RequestSession[];
  readonly reviewGroup: Named | null;
  /** What the caller may do with it. */
  readonly may: {
    readonly decide: boolean;
    readonly revoke: boolean;
    readonly checkIn: boolean;
    readonly review: boolean;
    readonly open: boolean;
  };
}

export interface RequestFilter {
  readonly limit?: number;
  /** Only those that come after this one in the list. */
  readonly after?: string;
  readonly scope?: 'own' | 'to-decide' | 'to-review' | 'all';
  readonly state?: RequestState | '';
  readonly search?: string;
  readonly user?: string;
  readonly emergency?: boolean | undefined;
  readonly automatic?: boolean | undefined;
  readonly from?: string;
  readonly to?: string;
}

export interface Favourite {
  readonly id: string;
  readonly name: string;
  /** `#rrggbb` */
  readonly color: string;
  readonly request: NewRequest;
}

export interface RequestCounts {
  readonly toDecide: number;
  readonly toReview: number;
  readonly pending: number;
  readonly available: number;
}

export interface SessionSwitchState {
  readonly stopped: boolean;
  readonly reason: string;
  readonly by: string;
  readonly at: string | null;
}

/** What somebody does with a request. */
export type RequestVerb = 'approve' | 'deny' | 'revoke' | 'check-in' | 'review';

interface Changed {
  readonly id: string;
  readonly state: RequestState;
}

const id = encodeURIComponent;

/** The API's functions of access that is asked for. Each throws `ApiError`. */
export const requests = {
  myAccess: (signal?: AbortSignal) => request<readonly Grant[]>('GET', '/my/access', undefined, signal),
  create: (asked: NewRequest) => request<Changed>('POST', '/requests', asked),
  /** The newest first. */
  list: (filter: RequestFilter, signal?: AbortSignal) =>
    request<readonly AccessRequest[]>('GET', `/requests?${queryOf(filter)}`, undefined, signal),
  details: (of: string, signal?: AbortSignal) =>
    request<RequestDetails>('GET', `/requests/${id(of)}`, undefined, signal),
  act: (of: string, verb: RequestVerb, comment: string) =>
    request<Changed>('POST', `/requests/${id(of)}/${verb}`, comment === '' ? {} : { comment }),
  counts: (signal?: AbortSignal) => request<RequestCounts>('GET', '/request-counts', undefined, signal),

  favourites: (signal?: AbortSignal) => request<readonly Favourite[]>('GET', '/request-favourites', undefined, signal),
  addFavourite: (fields: Omit<Favourite, 'id'>) => request<Favourite>('POST', '/request-favourites', fields),
  changeFavourite: (favourite: string, fields: Partial<Omit<Favourite, 'id'>>) =>
    request<Favourite>('PATCH', `/request-favourites/${id(favourite)}`, fields),
  removeFavourite: (favourite: string) => request<void>('DELETE', `/request-favourites/${id(favourite)}`),

  sessionSwitch: (signal?: AbortSignal) => request<SessionSwitchState>('GET', '/session-switch', undefined, signal),
  turnSessionSwitch: (stopped: boolean, reason: string) =>
    request<SessionSwitchState>('POST', '/session-switch', { stopped, reason }),
};

function queryOf(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return String(query);
}
