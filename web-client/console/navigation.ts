import type { RequestCounts } from './api/requests.ts';
import type { Role, User } from './api/types.ts';
import { hasRole } from './roles.ts';
import type { IconName } from './ui/icon.tsx';

/** A page in the navigation, with those that are a part of it. */
export interface Entry {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
  /** Who has any use of it. */
  readonly roles: readonly Role[];
  /** How many wait there. */
  readonly waiting?: (counts: RequestCounts) => number;
}

export const work: readonly Entry[] = [
  { path: '/', label: 'Desktops', icon: 'desktops', roles: ['user'] },
  {
    path: '/requests',
    label: 'Requests',
    icon: 'request',
    roles: ['user', 'approver', 'session-admin', 'auditor'],
    waiting: ({ available }) => available,
  },
  {
    path: '/approvals',
    label: 'Approvals',
    icon: 'approvals',
    roles: ['approver', 'session-admin'],
    waiting: ({ toDecide }) => toDecide,
  },
  {
    path: '/reviews',
    label: 'Reviews',
    icon: 'reviews',
    roles: ['auditor'],
    waiting: ({ toReview }) => toReview,
  },
  { path: '/sessions', label: 'Live sessions', icon: 'sessions', roles: ['user', 'session-admin'] },
  { path: '/recordings', label: 'Recordings', icon: 'recordings', roles: ['auditor'] },
];
export const administration: readonly Entry[] = [
  { path: '/admin/targets', label: 'Targets', icon: 'targets', roles: ['vault-admin', 'system-admin'] },
  { path: '/admin/vault', label: 'Vault', icon: 'key', roles: ['vault-admin'] },
  { path: '/admin/users', label: 'Users', icon: 'users', roles: ['system-admin'] },
  { path: '/admin/groups', label: 'Groups', icon: 'group', roles: ['policy-admin', 'system-admin'] },
  { path: '/admin/policies', label: 'Policies', icon: 'policy', roles: ['policy-admin'] },
  { path: '/admin/entitlements', label: 'Entitlements', icon: 'entitlement', roles: ['policy-admin'] },
  { path: '/sessions/alerts', label: 'Alert rules', icon: 'warning', roles: ['policy-admin', 'session-admin'] },
  { path: '/admin/audit', label: 'Audit log', icon: 'audit', roles: ['auditor'] },
  { path: '/admin/storage', label: 'Storage', icon: 'storage', roles: ['system-admin'] },
  { path: '/admin/settings', label: 'Settings', icon: 'settings', roles: ['system-admin'] },
];

/** The entry whose page this is, or that the page is a part of; nothing for pages that everybody has. */
export function entryOf(path: string): Entry | undefined {
  const holds = (of: string): boolean => path === of || (of !== '/' && path.startsWith(`${of}/`));
  return [...work, ...administration]
    .filter(({ path: of }) => holds(of))
    .sort((a, b) => a.path.length - b.path.length)
    .at(-1);
}

/**
 * Whether somebody has any use of a page: without, its buttons would all be refused by the gateway, which is what
 * decides.
 */
export function isFor(user: User, path: string): boolean {
  // The first page is another one for each role.
  if (path === '/') return true;
  const roles = path === MASTER_KEY.path ? MASTER_KEY.roles : entryOf(path)?.roles;
  return roles === undefined || hasRole(user, ...roles);
}

/** Whether an address can be taken apart: a `%` in it that means nothing would break the router. */
export function isReadable(path: string): boolean {
  try {
    // Its result is asked for: a call without is taken for useless, and left out of what is built.
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
}

/** A part of a page that more people have than the page. */
const MASTER_KEY: Pick<Entry, 'path' | 'roles'> = { path: '/admin/vault/key', roles: ['vault-admin', 'system-admin'] };
