import type { Store } from '../store/store.ts';

/** A user name and its domain; either may be empty. */
export interface DirectoryName {
  readonly username: string;
  readonly domain: string;
}

/** Who a user is in her directory: as her profile says, or else as she is called here. */
export async function directoryName(
  store: Store,
  user: { readonly id: string; readonly username: string },
): Promise<DirectoryName> {
  const row = await store
    .selectFrom('users')
    .select(['directory_username as username', 'directory_domain as domain'])
    .where('id', '=', user.id)
    .executeTakeFirst();
  if (row?.username == null) return splitName(user.username);
  return { username: row.username, domain: row.domain ?? '' };
}

/** `DOMAIN\name` and `name@domain` in their parts; a name alone has no domain. */
export function splitName(name: string): DirectoryName {
  const [, domain, username] = /^([^\\]+)\\(.+)$/.exec(name) ?? [];
  if (domain !== undefined && username !== undefined) return { username, domain };
  const at = name.lastIndexOf('@');
  return at > 0 ? { username: name.slice(0, at), domain: name.slice(at + 1) } : { username: name, domain: '' };
}
