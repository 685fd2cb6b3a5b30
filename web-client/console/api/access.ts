import { request } from './request.ts';
import type { TimeWindow } from './requests.ts';
import type { InputLogPolicy } from './types.ts';

/** Who may use what, as the API gives it: groups, policies, and the entitlements that join them to accounts. */

interface Named {
  readonly id: string;
  readonly name: string;
}

export interface Group extends Named {
  readonly description: string;
  readonly members: readonly { readonly id: string; readonly username: string }[];
}

export interface GroupFields {
  readonly name: string;
  readonly description: string;
  /** User ids. */
  readonly members: readonly string[];
}

/** So many of a group; without a group, of whoever is an approver. */
export interface ApprovalStep {
  readonly needed: number;
  readonly group: string | null;
}

export type RecordingMode = 'off' | 'on' | 'required';
export type TransferDirection = 'none' | 'to-remote' | 'from-remote' | 'both';

export interface PolicyFields {
  readonly name: string;
  readonly approval: { readonly steps: readonly ApprovalStep[] };
  readonly emergency: boolean;
  readonly reasonRequired: boolean;
  readonly reasonCodes: readonly string[];
  readonly commentRequired: boolean;
  readonly ticketRequired: boolean;
  readonly ticketPattern: string | null;
  readonly ticketWebhook: string | null;
  readonly defaultMinutes: number;
  readonly maxMinutes: number;
  readonly minutesChangeable: boolean;
  readonly pendingMinutes: number;
  readonly windows: readonly TimeWindow[];
  readonly timeZone: string;
  readonly recording: RecordingMode | null;
  readonly inputLog: InputLogPolicy | null;
  readonly liveView: boolean;
  readonly liveViewAnnounced: boolean | null;
  readonly idleMinutes: number;
  readonly sessionMinutes: number;
  readonly warnMinutes: readonly number[];
  readonly clipboard: TransferDirection;
  readonly files: TransferDirection;
  readonly exclusive: boolean;
  readonly maxSessions: number;
  readonly stepUp: boolean;
  readonly review: boolean;
  readonly reviewGroup: string | null;
  readonly reveal: boolean;
  readonly typeSecret: boolean;
  readonly secretNotice: boolean;
  readonly masterPassword: boolean;
}

export interface Policy extends PolicyFields {
  readonly id: string;
}

export interface Entitlement {
  readonly id: string;
  readonly group: Named;
  readonly policy: Named;
  readonly accounts: 'all' | readonly { readonly id: string; readonly username: string; readonly target: Named }[];
  /** Besides: every account on these. */
  readonly targets: readonly Named[];
}

/** All by id. */
export interface EntitlementFields {
  readonly group: string;
  readonly policy: string;
  readonly accounts: 'all' | readonly string[];
  readonly targets: readonly string[];
}

const id = encodeURIComponent;

/** The access part of the API, as functions. Each throws `ApiError`. */
export const access = {
  groups: (signal?: AbortSignal) => request<readonly Group[]>('GET', '/groups', undefined, signal),
  addGroup: (fields: GroupFields) => request<Group>('POST', '/groups', fields),
  changeGroup: (group: string, fields: Partial<GroupFields>) => request<Group>('PATCH', `/groups/${id(group)}`, fields),
  removeGroup: (group: string) => request<void>('DELETE', `/groups/${id(group)}`),

  policies: (signal?: AbortSignal) => request<readonly Policy[]>('GET', '/policies', undefined, signal),
  addPolicy: (fields: PolicyFields) => request<Policy>('POST', '/policies', fields),
  changePolicy: (policy: string, fields: PolicyFields) => request<Policy>('PATCH', `/policies/${id(policy)}`, fields),
  removePolicy: (policy: string) => request<void>('DELETE', `/policies/${id(policy)}`),

  entitlements: (signal?: AbortSignal) => request<readonly Entitlement[]>('GET', '/entitlements', undefined, signal),
  addEntitlement: (fields: EntitlementFields) => request<Entitlement>('POST', '/entitlements', fields),
  changeEntitlement: (entitlement: string, fields: EntitlementFields) =>
    request<Entitlement>('PATCH', `/entitlements/${id(entitlement)}`, fields),
  removeEntitlement: (entitlement: string) => request<void>('DELETE', `/entitlements/${id(entitlement)}`),
};
