import type { Generated, Selectable } from 'kysely';

/** The tables of who may use what, and of asking for it. */
export interface AccessSchema {
  groups: GroupsTable;
  group_members: GroupMembersTable;
  policies: PoliciesTable;
  entitlements: EntitlementsTable;
  entitlement_accounts: EntitlementAccountsTable;
  entitlement_targets: EntitlementTargetsTable;
  requests: RequestsTable;
  request_items: RequestItemsTable;
  request_steps: RequestStepsTable;
  request_votes: RequestVotesTable;
  request_events: RequestEventsTable;
  request_favourites: RequestFavouritesTable;
  decision_links: DecisionLinksTable;
}

export interface GroupsTable {
  id: string;
  name: string;
  description: string;
  built_in: number;
  created_at: number;
}

export interface GroupMembersTable {
  group_id: string;
  user_id: string;
}

export interface PoliciesTable {
  id: string;
  name: string;
  built_in: number;
  /** `PolicyRules` */
  rules_json: string;
  created_at: number;
}

export interface EntitlementsTable {
  id: string;
  group_id: string;
  policy_id: string;
  /** 1: every account there is and will be. */
  all_accounts: number;
  built_in: number;
  created_at: number;
}

export interface EntitlementAccountsTable {
  entitlement_id: string;
  account_id: string;
}

/** Every account on these targets, now and later. */
export interface EntitlementTargetsTable {
  entitlement_id: string;
  target_id: string;
}

/** Names are copied in, so that the row stays true when a user goes. */
export interface RequestsTable {
  id: string;
  user_id: string;
  username: string;
  /** pending | approved | available | denied | revoked | expired | completed */
  state: string;
  /** Counts the changes of state: a change says which one it found. */
  version: number;
  created_at: number;
  /** When access was asked for to begin; null: as soon as it is granted. */
  wanted_at: number | null;
  /** When access begins and ends; null until it is granted. */
  start_at: number | null;
  end_at: number | null;
  /** When time changes the state next; null in states that are final. */
  due_at: number | null;
  /** The longest of the items. */
  minutes: number;
  reason: string;
  comment: string;
  ticket: string;
  time_zone: string;
  emergency: number;
  /** 1: made by opening a session that needs no asking. It is completed with its session. */
  automatic: number;
  /** none | due | done */
  review: string;
  review_group_id: string | null;
  /** What the search looks through, in lower case. */
  search_text: string;
}

export interface RequestItemsTable {
  request_id: string;
  position: number;
  account_id: string;
  account_username: string;
  target_id: string;
  target_name: string;
  minutes: number;
  entitlement_id: string;
  policy_id: string;
  policy_name: string;
  /** The rules as they were when access was asked for. */
  rules_json: string;
  end_at: number | null;
  /** When its first session was opened: from then on an exclusive account is taken. */
  checked_out_at: number | null;
}

/** Approvals that a request needs. Tracks go on side by side; the steps of one follow each other. */
export interface RequestStepsTable {
  request_id: string;
  track: number;
  step: number;
  policy_name: string;
  /** Null: whoever is an approver. */
  group_id: string | null;
  group_name: string;
  needed: number;
  given: number;
}

export interface RequestVotesTable {
  request_id: string;
  approver_id: string;
  approver: string;
  /** approve | deny */
  decision: string;
  comment: string;
  at: number;
}

/** The history of a request. */
export interface RequestEventsTable {
  id: Generated<number>;
  request_id: string;
  at: number;
  actor_id: string | null;
  actor: string;
  event: string;
  /** The state that the request was in afterwards. */
  state: string;
  comment: string;
  session_id: string | null;
}

export interface RequestFavouritesTable {
  id: string;
  user_id: string;
  name: string;
  color: string;
  request_json: string;
  created_at: number;
}

export interface DecisionLinksTable {
  /** `jti` of the link's token. */
  id: string;
  request_id: string;
  approver_id: string;
  decision: string;
  expires_at: number;
  used_at: number | null;
}

export type PolicyRow = Selectable<PoliciesTable>;
export type RequestRow = Selectable<RequestsTable>;
export type RequestItemRow = Selectable<RequestItemsTable>;
export type RequestStepRow = Selectable<RequestStepsTable>;
export type RequestVoteRow = Selectable<RequestVotesTable>;
export type RequestEventRow = Selectable<RequestEventsTable>;
