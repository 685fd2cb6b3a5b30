import { request } from './request.ts';
import type { Role } from './types.ts';

export type Nesting = 'auto' | 'search' | 'memberOf' | 'matchingRule' | 'none';

/** How people sign in through a directory (LDAP). */
export interface DirectorySettings {
  readonly enabled: boolean;
  readonly servers: readonly string[];
  readonly plain: boolean;
  readonly certificateAuthorities: string;
  readonly bindDn: string;
  readonly bindMode: 'search' | 'template';
  readonly bindTemplate: string;
  readonly userBase: string;
  readonly userFilter: string;
  readonly groupBase: string;
  readonly groupFilter: string;
  readonly groupNameAttribute: string;
  readonly nesting: Nesting;
  readonly usernameAttributes: readonly string[];
  readonly displayNameAttributes: readonly string[];
  readonly mailAttributes: readonly string[];
  readonly domain: string;
  readonly mapping: readonly {
    readonly group: string;
    readonly roles: readonly Role[];
    readonly groups: readonly string[];
  }[];
  readonly defaultRoles: readonly Role[];
  readonly createUsers: boolean;
  readonly linkByName: boolean;
  readonly onlyMapped: boolean;
  readonly refreshSeconds: number;
  readonly whenUnreachable: 'keep' | 'trust';
  readonly timeoutSeconds: number;
}

/** How one step of trying it out went; `code` and `problem` are null where all is well. */
export interface TriedStep {
  readonly step: 'connect' | 'bind' | 'users' | 'groups' | 'person' | 'password' | 'memberships' | 'mapping';
  readonly server: string | null;
  readonly code: string | null;
  readonly problem: string | null;
  readonly detail: string;
}

export interface TriedPerson {
  readonly dn: string;
  readonly username: string;
  readonly domain: string;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly groups: readonly { readonly dn: string; readonly name: string }[];
  readonly mapped: readonly string[];
}

export interface Tried {
  readonly steps: readonly TriedStep[];
  readonly person: TriedPerson | null;
}

/** The directory's settings. Each function throws `ApiError`. */
export const directory = {
  read: (signal?: AbortSignal) =>
    request<DirectorySettings & { readonly hasBindPassword: boolean }>('GET', '/settings/directory', undefined, signal),
  change: (change: Partial<DirectorySettings> & { bindPassword?: string | null }) =>
    request<unknown>('PATCH', '/settings/directory', change),
  test: (who: { username?: string; password?: string }) => request<Tried>('POST', '/settings/directory/test', who),
};
