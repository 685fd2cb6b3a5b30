import type { Role, User } from './api/types.ts';

/** Whether a user has one of these roles; `admin` is all of them. What she then may do, the gateway says. */
export function hasRole(user: User, ...roles: readonly Role[]): boolean {
  return user.roles.includes('admin') || roles.some((role) => user.roles.includes(role));
}
