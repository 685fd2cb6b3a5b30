export const Role = { admin: 'admin', user: 'user', auditor: 'auditor' } as const;
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
  | 'session.open'
  | 'session.list'
  | 'session.watch'
  | 'session.end'
  | 'recording.view'
  | 'recording.hold'
  | 'audit.view'
  | 'user.manage'
  | 'setting.manage';

/** What it is asked for on, where that matters. */
export interface Resource {
  /** Who started the session. */
  readonly ownerId: string;
}

/**
 * The one place that says who may do what. Deny by default: an action that no line allows is refused.
 * Roles add up: whoever is user and auditor may do what either may.
 */
export function can(actor: Actor | undefined, action: Action, resource?: Resource): boolean {
  if (actor === undefined) return false;
  return actor.roles.some((role) => allowed(role, action, actor, resource));
}

function allowed(role: Role, action: Action, actor: Actor, resource: Resource | undefined): boolean {
  switch (role) {
    case Role.admin:
      return true;
    case Role.user:
      switch (action) {
        case 'target.list':
        case 'session.open':
        case 'session.list':
          return true;
        case 'session.end':
          return resource?.ownerId === actor.id;
        default:
          return false;
      }
    case Role.auditor:
      return action === 'recording.view' || action === 'recording.hold' || action === 'audit.view';
    default:
      return false;
  }
}

/** Whether `session.list` gives this actor every session, or only those of its own. */
export function seesAllSessions(actor: Actor): boolean {
  return actor.roles.includes(Role.admin);
}
