import type { Role } from './can.ts';

/** What can be shown besides a password: a code of an authenticator app, or a passkey. */
export const factorKinds = ['code', 'passkey'] as const;
export type FactorKind = (typeof factorKinds)[number];

/** What signing in asks for. */
export interface SignInPolicy {
  /** Whoever has one of these roles must have a second factor. */
  readonly secondFactorRoles: readonly Role[];
  /** Which second factors count for a role; a role that is not named may use either. */
  readonly allowedFactors: Partial<Record<Role, readonly FactorKind[]>>;
  /** Whether a passkey, with the PIN or finger that it asks for, signs in by itself. */
  readonly passwordless: boolean;
}

export const signInDefaults: SignInPolicy = { secondFactorRoles: [], allowedFactors: {}, passwordless: true };

/** Whether somebody with these roles must have a second factor. */
export function requiresFactor(policy: SignInPolicy, roles: readonly Role[]): boolean {
  return roles.some((role) => policy.secondFactorRoles.includes(role));
}

/**
 * What counts for somebody with these roles: what each of them allows. Where they have nothing in common it is a
 * passkey, the stronger of the two.
 */
export function allowedFactors(policy: SignInPolicy, roles: readonly Role[]): readonly FactorKind[] {
  const common = factorKinds.filter((kind) =>
    roles.every((role) => policy.allowedFactors[role]?.includes(kind) ?? true),
  );
  return common.length > 0 ? common : ['passkey'];
}
