import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { UserRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { type Actor, can, type Role, roles } from './can.ts';
import { hashPassword, needsRehash, verifyPassword } from './passwords.ts';
import { isPlain, isUsername, nameKey } from './user-names.ts';

/** A user as the API shows one: never a password, nor its hash. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly roles: readonly Role[];
  readonly disabled: boolean;
  readonly createdAt: string;
  /** Where mail for this user goes. */
  readonly email: string | null;
  /** Whether the user has a password here; who comes from a directory may have none. */
  readonly hasPassword: boolean;
  /** Whether two-step sign-in is set up. */
  readonly secondFactor: boolean;
  /** The name that people know, as the directory has it. */
  readonly displayName: string | null;
  /** The account in the organisation's directory (LDAP) that this user is. */
  readonly directoryAccount: DirectoryAccount | null;
}

export interface DirectoryAccount {
  /** sAMAccountName, or uid. */
  readonly username: string;
  /** NetBIOS or DNS name of its domain. */
  readonly domain: string;
}

export interface UserChange {
  readonly password?: string;
  readonly roles?: readonly Role[];
  readonly disabled?: boolean;
  readonly email?: string | null;
  readonly displayName?: string | null;
  readonly directoryAccount?: DirectoryAccount | null;
}

/** In the place of a password's hash: fits no password. Such a user signs in elsewhere. */
const NO_PASSWORD = '';

/** The gateway's own users. */
export class Users {
  readonly #store: Store;
  /** Checked when there is no such user, so that the answer takes as long as for one there is. */
  #decoyHash: Promise<string> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  async count(): Promise<number> {
    const row = await this.#store
      .selectFrom('users')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return row.count;
  }

  async list(): Promise<User[]> {
    const rows = await selectUsers(this.#store).orderBy('username').execute();
    return rows.map(toUser);
  }

  async find(id: string): Promise<User | undefined> {
    const row = await selectUsers(this.#store).where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toUser(row);
  }

  async findByName(username: string): Promise<User | undefined> {
    const row = await this.#byName(username);
    return row === undefined ? undefined : toUser(row);
  }

  /** Throws `bad_request` for a name that nobody may have, `conflict` for one that is taken. @param password without one, the user can only sign in through an OpenID provider */
  async create(
    username: string,
    password: string | undefined,
    userRoles: readonly Role[],
    email: string | null = null,
  ): Promise<User> {
    if (!isUsername(username)) {
      throw new GatewayError('bad_request', 'a user name has no characters that nobody sees, and no needless spaces');
    }
    const row: UserRow = {
      id: newId(),
      username,
      password_hash: password === undefined ? NO_PASSWORD : await hashPassword(password),
      roles_json: JSON.stringify(userRoles),
      disabled: 0,
      created_at: Date.now(),
      email,
      display_name: null,
      directory_username: null,
      directory_domain: null,
    };
    await this.#store.transaction().execute(async (transaction) => {
      if (await isTaken(transaction, username)) throw new GatewayError('conflict', 'there is a user of that name');
      await transaction.insertInto('users').values(row).execute();
    });
    return toUser({ ...row, factor: null });
  }

  /**
   * Changes a user; ends its sign-ins when the password changes or the user is disabled.
   * Refuses what would leave no administrator.
   */
  async change(id: string, change: UserChange): Promise<User> {
    const passwordHash = change.password === undefined ? undefined : await hashPassword(change.password);
    await this.#store.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('users')
        .where('id', '=', id)
        .set({
          id, // so that an empty change is a statement too
          ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
          ...(change.roles === undefined ? {} : { roles_json: JSON.stringify(change.roles) }),
          ...(change.disabled === undefined ? {} : { disabled: change.disabled ? 1 : 0 }),
          ...(change.email === undefined ? {} : { email: change.email }),
          ...(change.displayName === undefined ? {} : { display_name: change.displayName }),
          ...(change.directoryAccount === undefined
            ? {}
            : {
                directory_username: change.directoryAccount?.username ?? null,
                directory_domain: change.directoryAccount?.domain ?? null,
              }),
        })
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('not_found');
      await requireAdministrator(transaction);
      if (change.password !== undefined || change.disabled === true) {
        await transaction.deleteFrom('login_sessions').where('user_id', '=', id).execute();
      }
    });
    const user = await this.find(id);
    if (user === undefined) throw new GatewayError('not_found');
    return user;
  }

  async remove(id: string): Promise<void> {
    await this.#store.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction.deleteFrom('users').where('id', '=', id).executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw new GatewayError('not_found');
      await requireAdministrator(transaction);
    });
  }

  /** The user with this name and password, unless disabled. A hash of an older kind is replaced on the way. */
  async authenticate(username: string, password: string): Promise<User | undefined> {
    const row = await this.#byName(username);
    this.#decoyHash ??= hashPassword('nobody has this password');
    const stored = row?.password_hash ?? NO_PASSWORD;
    const right = await verifyPassword(password, stored === NO_PASSWORD ? await this.#decoyHash : stored);
    if (row === undefined || stored === NO_PASSWORD || !right || row.disabled !== 0) return undefined;
    // It takes a while, and longer when many wait: whoever knew the password that was changed meanwhile does not get in by it.
    const now = await selectUsers(this.#store).where('id', '=', row.id).executeTakeFirst();
    if (now?.password_hash !== stored) return this.authenticate(username, password);
    if (needsRehash(stored)) await this.#rehash(row.id, stored, password);
    return toUser(now);
  }

  /** However the name is written. Of several that were made when that was possible, the one that is meant exactly. */
  async #byName(username: string): Promise<StoredUser | undefined> {
    const exact = await selectUsers(this.#store).where('username', '=', username).executeTakeFirst();
    // Looked for whether there is one or not: how long it takes tells nobody.
    const same = isPlain(username) ? [] : await sameNames(this.#store, username);
    if (exact !== undefined || same.length !== 1) return exact;
    return selectUsers(this.#store)
      .where('id', '=', same[0] ?? '')
      .executeTakeFirst();
  }

  async #rehash(id: string, old: string, password: string): Promise<void> {
    const hash = await hashPassword(password);
    // Not over one that was set in the meantime.
    await this.#store
      .updateTable('users')
      .set({ password_hash: hash })
      .where('id', '=', id)
      .where('password_hash', '=', old)
      .execute();
  }
}

export function toActor(user: User): Actor {
  return { id: user.id, username: user.username, roles: user.roles };
}

/** The ids of users of that name, however it is written. */
async function sameNames(store: Pick<Store, 'selectFrom'>, username: string): Promise<string[]> {
  const wanted = nameKey(username);
  const rows = await store.selectFrom('users').select(['id', 'username']).execute();
  return rows.filter((row) => nameKey(row.username) === wanted).map(({ id }) => id);
}

async function isTaken(store: Pick<Store, 'selectFrom'>, username: string): Promise<boolean> {
  return (await sameNames(store, username)).length > 0;
}

type StoredUser = UserRow & { readonly factor: number | null };

/** `factor`: when codes of an app, or else a first passkey, were set up. */
function selectUsers(store: Pick<Store, 'selectFrom'>) {
  return store
    .selectFrom('users')
    .leftJoin('second_factors', 'second_factors.user_id', 'users.id')
    .selectAll('users')
    .select(({ fn, selectFrom }) =>
      fn
        .coalesce(
          'second_factors.confirmed_at',
          selectFrom('passkeys')
            .select(({ fn: aggregate }) => aggregate.min('passkeys.created_at').as('first'))
            .whereRef('passkeys.user_id', '=', 'users.id'),
        )
        .as('factor'),
    );
}

function toUser(row: StoredUser): User {
  const stored = JSON.parse(row.roles_json) as string[];
  return {
    id: row.id,
    username: row.username,
    roles: roles.filter((role) => stored.includes(role)),
    disabled: row.disabled !== 0,
    createdAt: new Date(row.created_at).toISOString(),
    email: row.email,
    hasPassword: row.password_hash !== NO_PASSWORD,
    secondFactor: row.factor !== null,
    displayName: row.display_name,
    directoryAccount:
      row.directory_username === null ? null : { username: row.directory_username, domain: row.directory_domain ?? '' },
  };
}

async function requireAdministrator(store: Pick<Store, 'selectFrom'>): Promise<void> {
  const rows = await selectUsers(store).where('disabled', '=', 0).execute();
  if (!rows.some((row) => can(toActor(toUser(row)), 'user.manage'))) {
    throw new GatewayError('conflict', 'one administrator must remain');
  }
}
