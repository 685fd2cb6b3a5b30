/** Bundles of rights. They add up: whoever is user and auditor may do what either may. */
export const Role = {
  /** Asks for access, and connects. */
  user: 'user',
  /** Decides on requests of others, where a policy names a group of hers. */
  approver: 'approver',
  /** Watches, freezes and ends sessions, revokes access, stops all new sessions. */
  sessionAdmin: 'session-admin',
  /** Recordings, audit, reviews. Cannot connect. */
  auditor: 'auditor',
  /** Targets and the accounts on them. Cannot connect with them. */
  vaultAdmin: 'vault-admin',
  /** Groups, policies, entitlements. */
  policyAdmin: 'policy-admin',
  /** Users, groups, targets, settings. */
  systemAdmin: 'system-admin',
  /** All of the above: the first administrator. */
  admin: 'admin',
} as const;
export type Role = (typeof Role)[keyof typeof Role];
export const roles: readonly Role[] = Object.values(Role);

/** Who asks. */
export interface Actor {
  readonly id: string;
  readonly username: string;
  readonly roles: readonly Role[];
}

/** What can be asked for. Each API route names one of these (or says that it is open to all or to whoever is signed in). */
export type Action =
  | 'target.list'
  | 'target.manage'
  | 'account.manage'
  | 'vault.manage'
  | 'key.manage'
  | 'group.manage'
  | 'policy.manage'
  | 'entitlement.manage'
  | 'request.make'
  | 'request.view'
  | 'request.decide'
  | 'request.revoke'
  | 'request.review'
  | 'session.open'
  | 'session.list'
  | 'session.watch'
  | 'session.control'
  | 'session.end'
  | 'session.stop'
  | 'alert.manage'
  | 'recording.view'
  | 'recording.hold'
  | 'audit.view'
  | 'user.view'
  | 'user.manage'
  | 'setting.manage';

/** What it is asked for on, where that matters. */
export interface Resource {
  /** Who started the session. */
  readonly ownerId: string;
}

type Bundle = Exclude<Role, 'admin'>;

/** What each role may do. Which of the requests, sessions and targets it then sees, is narrowed further by what they are. */
const rights: Readonly<Record<Bundle, readonly Action[]>> = {
  user: ['target.list', 'request.make', 'request.view', 'session.open', 'session.list'],
  approver: ['request.view', 'request.decide', 'request.revoke'],
  'session-admin': [
    ...(['request.view', 'request.revoke', 'session.list', 'session.watch', 'session.control'] as const),
    ...(['session.end', 'session.stop', 'alert.manage'] as const),
  ],
  auditor: ['request.view', 'request.review', 'recording.view', 'recording.hold', 'audit.view'],
  'vault-admin': ['target.list', 'target.manage', 'account.manage', 'vault.manage', 'key.manage'],
  'policy-admin': ['target.list', 'user.view', 'group.manage', 'policy.manage', 'entitlement.manage', 'alert.manage'],
  'system-admin': [
    ...(['target.list', 'target.manage', 'user.view', 'user.manage', 'group.manage'] as const),
    ...(['session.stop', 'setting.manage', 'key.manage'] as const),
  ],
};

/** What each role may do on what is its own. */
const ownRights: Partial<Record<Bundle, readonly Action[]>> = { user: ['session.end'] };

/**
 * The one place that says who may do what. Deny by default: an action that no line allows is refused. That nobody
 * approves or reviews a request of one's own is not a right of a role: `requests/` refuses it to everybody.
 */
export function can(actor: Actor | undefined, action: Action, resource?: Resource): boolean {
  if (actor === undefined) return false;
  const own = resource?.ownerId === actor.id;
  return bundlesOf(actor).some(
    (bundle) => rights[bundle].includes(action) || (own && ownRights[bundle]?.includes(action) === true),
  );
}

/** Whether `session.list` gives this actor every session, or only those of its own. */
export function seesAllSessions(actor: Actor): boolean {
  return hasBundle(actor, Role.sessionAdmin);
}

/** Whether `target.list` gives this actor every target, or only those that it is entitled to. */
export function seesAllTargets(actor: Actor): boolean {
  return [Role.vaultAdmin, Role.policyAdmin, Role.systemAdmin].some((role) => hasBundle(actor, role));
}

/** Whether `request.view` gives this actor every request, or only its own and those it decides on. */
export function seesAllRequests(actor: Actor): boolean {
  return hasBundle(actor, Role.auditor) || hasBundle(actor, Role.sessionAdmin);
}

function hasBundle(actor: Actor, bundle: Bundle): boolean {
  return bundlesOf(actor).includes(bundle);
}

function bundlesOf(actor: Actor): readonly Bundle[] {
  const known = Object.keys(rights) as Bundle[];
  return actor.roles.includes(Role.admin) ? known : known.filter((bundle) => actor.roles.includes(bundle));
}
