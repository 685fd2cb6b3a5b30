import type { User } from '../access/users.ts';
import type { Store } from '../store/store.ts';

/** A user name and its domain; either may be empty. */
export interface DirectoryName {
  readonly username: string;
  readonly domain: string;
}

/** Who users are in their directory: as an administrator has said, or else as they are called here. */
export class DirectoryNames {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** `given`: an administrator has said so. */
  async read(user: Pick<User, 'id' | 'username'>): Promise<DirectoryName & { readonly given: boolean }> {
    const row = await this.#store
      .selectFrom('directory_names')
      .select(['username', 'domain'])
      .where('user_id', '=', user.id)
      .executeTakeFirst();
    return row === undefined ? { ...splitName(user.username), given: false } : { ...row, given: true };
  }

  /** @param username empty: as the user is called here */
  async change(userId: string, username: string, domain: string): Promise<void> {
    await this.#store.deleteFrom('directory_names').where('user_id', '=', userId).execute();
    if (username === '') return;
    await this.#store.insertInto('directory_names').values({ user_id: userId, username, domain }).execute();
  }
}

/** `DOMAIN\name` and `name@domain` in their parts; a name alone has no domain. */
export function splitName(name: string): DirectoryName {
  const [, domain, username] = /^([^\\]+)\\(.+)$/.exec(name) ?? [];
  if (domain !== undefined && username !== undefined) return { username, domain };
  const at = name.lastIndexOf('@');
  return at > 0 ? { username: name.slice(0, at), domain: name.slice(at + 1) } : { username: name, domain: '' };
}
