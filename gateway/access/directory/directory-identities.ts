import type { Audit } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { DirectoryIdentityRow } from '../../store/sign-in-schema.ts';
import type { Store } from '../../store/store.ts';
import type { GroupMapper } from '../group-mapping.ts';
import type { LoginSessions } from '../login-sessions.ts';
import { isUsername } from '../user-names.ts';
import type { User, Users } from '../users.ts';
import type { KnownGroups } from './directory.ts';
import type { DirectoryMapping, DirectorySettings } from './directory-settings.ts';
import { type DirectoryGroup, isGroup } from './memberships.ts';
import type { Person } from './people.ts';
import { DirectoryProblem, type ProblemCode, problems } from './problems.ts';

/** A user who is from the directory, as it was known last. */
export interface KnownPerson {
  readonly userId: string;
  readonly uniqueId: string;
  /** `active`, or why somebody is not to be here. */
  readonly state: string;
  readonly checkedAt: number;
}

export interface DirectoryIdentitiesParts {
  readonly store: Store;
  readonly users: Users;
  readonly logins: LoginSessions;
  readonly audit: Audit;
  readonly mapper: GroupMapper;
  /** Who has a session, or a view of one. */
  usersOfSessions(): Iterable<string>;
  /** Somebody's sign-ins have ended because the directory says so: so does everything that she has open. */
  withdrawn(userId: string, why: string): void;
}

const MAX_EMAIL = 254;
const MAX_DISPLAY_NAME = 256;
/** Kept of somebody's groups, to be shown. */
const MAX_GROUPS_KEPT = 2000;

/** Which user of the gateway somebody from the directory is, and what the directory makes of that user. */
export class DirectoryIdentities {
  readonly #parts: DirectoryIdentitiesParts;

  constructor(parts: DirectoryIdentitiesParts) {
    this.#parts = parts;
  }

  /**
   * The user for somebody who has proved the password. In this order: who is linked; a user without a password of that
   * name, where the settings say so; somebody new, where users are made. Throws `directory_refused`, `DirectoryProblem`.
   *
   * INVARIANT: a user who has a password here is never taken over by somebody of that name in the directory.
   */
  async signIn(found: KnownGroups, settings: DirectorySettings, address: string): Promise<User> {
    const { person, groups } = found;
    if (person.state !== 'active') throw new DirectoryProblem(`account_${person.state}`);
    requireMapped(settings, groups);
    const user = await this.#userFor(person, settings).catch(async (error: unknown) => {
      if (error instanceof GatewayError) {
        const details = { dn: person.dn.slice(0, 500), code: error.code, why: error.detail ?? '' };
        await this.#parts.audit.record({ action: 'identity.refused', claimedName: person.username, address, details });
      }
      throw error;
    });
    if (user.disabled) throw new GatewayError('directory_refused', 'the user is disabled here');
    await this.#keep(user, found, settings, { last_sign_in_at: Date.now() });
    return (await this.#parts.users.find(user.id)) ?? user;
  }

  async known(userId: string): Promise<KnownPerson | undefined> {
    const row = await this.#parts.store
      .selectFrom('directory_identities')
      .selectAll()
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row && toKnown(row);
  }

  /** Who is signed in, or has a session that goes on. */
  async live(): Promise<KnownPerson[]> {
    const { store, usersOfSessions } = this.#parts;
    const now = Date.now();
    const signedIn = await store
      .selectFrom('login_sessions')
      .select('user_id')
      .distinct()
      .where('expires_at', '>', now)
      .execute();
    const live = new Set([...signedIn.map((row) => row.user_id), ...usersOfSessions()]);
    const rows = await store.selectFrom('directory_identities').selectAll().orderBy('checked_at').execute();
    return rows.filter((row) => live.has(row.user_id)).map(toKnown);
  }

  /** Takes over what the directory says of somebody now. @returns why she is not to be here any more */
  async update(known: KnownPerson, found: KnownGroups, settings: DirectorySettings): Promise<ProblemCode | undefined> {
    const user = await this.#parts.users.find(known.userId);
    if (user === undefined) return undefined;
    if (settings.onlyMapped && given(settings, found.groups).length === 0) {
      return this.withdraw(known, 'not_mapped', settings);
    }
    await this.#keep(user, found, settings, {});
    return undefined;
  }

  /** Takes everything back from somebody: sign-ins, what is open in them, and what the directory had given. */
  async withdraw(known: KnownPerson, code: ProblemCode, settings: DirectorySettings): Promise<ProblemCode> {
    const { users, logins, audit, mapper, store, withdrawn } = this.#parts;
    const user = await users.find(known.userId);
    if (user === undefined) return code;
    const ended = await logins.revoke(user.id);
    withdrawn(user.id, problems[code]);
    await store
      .updateTable('directory_identities')
      .set({ state: code, checked_at: Date.now(), groups_json: '[]' })
      .where('user_id', '=', user.id)
      .execute();
    // Once, and not at each look after that.
    if (known.state !== code || ended.length > 0) {
      const details = { why: problems[code], code, references: ended.join(' ') };
      await audit.record({ action: 'identity.ended', subject: user.username, details });
    }
    await mapper.apply(user, settings.mapping, [], []);
    return code;
  }

  /** Makes a user one of the gateway's own again. Returns whether it was from the directory. */
  async unlink(user: User): Promise<boolean> {
    const { numDeletedRows } = await this.#parts.store
      .deleteFrom('directory_identities')
      .where('user_id', '=', user.id)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) return false;
    await this.#parts.users.change(user.id, { directoryAccount: null });
    return true;
  }

  async #keep(
    user: User,
    { person, groups }: KnownGroups,
    settings: DirectorySettings,
    more: { readonly last_sign_in_at?: number },
  ): Promise<void> {
    const lines = given(settings, groups);
    await this.#parts.store
      .updateTable('directory_identities')
      .set({
        dn: person.dn,
        state: 'active',
        groups_json: JSON.stringify(groups.slice(0, MAX_GROUPS_KEPT).map(({ name }) => name)),
        checked_at: Date.now(),
        ...more,
      })
      .where('user_id', '=', user.id)
      .execute();
    await this.#takeFacts(user, person);
    await this.#parts.mapper.apply(
      user,
      settings.mapping,
      lines,
      lines.map(({ group }) => group),
    );
  }

  async #takeFacts(user: User, person: Person): Promise<void> {
    const facts = {
      displayName: person.displayName?.slice(0, MAX_DISPLAY_NAME) ?? null,
      directoryAccount: { username: person.username, domain: person.domain },
      ...(person.email === null || person.email.length > MAX_EMAIL ? {} : { email: person.email }),
    };
    const present = { displayName: user.displayName, directoryAccount: user.directoryAccount, email: user.email };
    const changed = Object.entries(facts).some(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(present[name as keyof typeof present]),
    );
    if (changed) await this.#parts.users.change(user.id, facts);
  }

  async #userFor(person: Person, settings: DirectorySettings): Promise<User> {
    const { store, users } = this.#parts;
    const row = await store
      .selectFrom('directory_identities')
      .select('user_id')
      .where('unique_id', '=', person.uniqueId)
      .executeTakeFirst();
    const linked = row && (await users.find(row.user_id));
    if (linked !== undefined) return linked;
    const existing = await users.findByName(person.username);
    if (existing !== undefined) {
      const free = !existing.hasPassword && (await this.known(existing.id)) === undefined;
      if (!settings.linkByName || !free) {
        throw new GatewayError('directory_refused', `there is another user ${person.username} already`);
      }
      await this.#link(existing, person);
      return existing;
    }
    if (!settings.createUsers) throw new GatewayError('directory_refused', 'there is no user here for that entry');
    if (!isUsername(person.username)) throw new GatewayError('directory_refused', 'the user name cannot be used here');
    const made = await users.create(person.username, undefined, settings.defaultRoles);
    await this.#parts.audit.record({
      action: 'user.created',
      subject: made.username,
      details: { userId: made.id, roles: made.roles.join(' '), byDirectory: true },
    });
    await this.#link(made, person);
    return made;
  }

  async #link(user: User, person: Person): Promise<void> {
    const now = Date.now();
    await this.#parts.store
      .insertInto('directory_identities')
      .values({
        user_id: user.id,
        unique_id: person.uniqueId,
        dn: person.dn,
        state: 'active',
        groups_json: '[]',
        linked_at: now,
        checked_at: now,
        last_sign_in_at: null,
      })
      .execute();
    const details = { userId: user.id, dn: person.dn.slice(0, 500) };
    await this.#parts.audit.record({ action: 'identity.linked', subject: user.username, details });
  }
}

/** The lines of the mapping whose group somebody is in. */
export function given(settings: Pick<DirectorySettings, 'mapping'>, groups: readonly DirectoryGroup[]) {
  return settings.mapping.filter((line: DirectoryMapping) => groups.some((group) => isGroup(group, line.group)));
}

/** Throws `not_mapped` where only who is in a group of the mapping may sign in, and this is not. */
export function requireMapped(
  settings: Pick<DirectorySettings, 'mapping' | 'onlyMapped'>,
  groups: readonly DirectoryGroup[],
): void {
  if (settings.onlyMapped && given(settings, groups).length === 0) throw new DirectoryProblem('not_mapped');
}

function toKnown(row: DirectoryIdentityRow): KnownPerson {
  return { userId: row.user_id, uniqueId: row.unique_id, state: row.state, checkedAt: row.checked_at };
}
