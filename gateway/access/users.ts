import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { UserRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { type Actor, Role, roles } from './can.ts';
import { hashPassword, verifyPassword } from './passwords.ts';

/** A user as the API shows one: never a password, nor its hash. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly roles: readonly Role[];
  readonly disabled: boolean;
  readonly createdAt: string;
}

export interface UserChange {
  readonly password?: string;
  readonly roles?: readonly Role[];
  readonly disabled?: boolean;
}

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
    const rows = await this.#store.selectFrom('users').selectAll().orderBy('username').execute();
    return rows.map(toUser);
  }

  async find(id: string): Promise<User | undefined> {
    const row = await this.#store.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toUser(row);
  }

  async create(username: string, password: string, userRoles: readonly Role[]): Promise<User> {
    const row: UserRow = {
      id: newId(),
      username,
      password_hash: await hashPassword(password),
      roles_json: JSON.stringify(userRoles),
      disabled: 0,
      created_at: Date.now(),
    };
    const { numInsertedOrUpdatedRows } = await this.#store
      .insertInto('users')
      .values(row)
      .onConflict((conflict) => conflict.column('username').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'there is a user of that name');
    return toUser(row);
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

  /** The user with this name and password, unless disabled. */
  async authenticate(username: string, password: string): Promise<User | undefined> {
    const row = await this.#store.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst();
    this.#decoyHash ??= hashPassword('nobody has this password');
    const right = await verifyPassword(password, row?.password_hash ?? (await this.#decoyHash));
    return row !== undefined && right && row.disabled === 0 ? toUser(row) : undefined;
  }
}

export function toActor(user: User): Actor {
  return { id: user.id, username: user.username, roles: user.roles };
}

function toUser(row: UserRow): User {
  const stored = JSON.parse(row.roles_json) as string[];
  return {
    id: row.id,
    username: row.username,
    roles: roles.filter((role) => stored.includes(role)),
    disabled: row.disabled !== 0,
    createdAt: new Date(row.created_at).toISOString(),
  };
}

async function requireAdministrator(store: Pick<Store, 'selectFrom'>): Promise<void> {
  const rows = await store.selectFrom('users').selectAll().where('disabled', '=', 0).execute();
  if (!rows.some((row) => toUser(row).roles.includes(Role.admin))) {
    throw new GatewayError('conflict', 'one administrator must remain');
  }
}
