import type { Audit } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { GroupMapper } from '../group-mapping.ts';
import { isUsername } from '../user-names.ts';
import { toActor, type User, type Users } from '../users.ts';
import type { OidcSettings } from './oidc-settings.ts';
import type { Claims } from './provider.ts';

/** Who somebody is at the provider. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly linkedAt: string;
  readonly lastSignInAt: string | null;
}

export interface IdentitiesParts {
  readonly store: Store;
  readonly users: Users;
  readonly audit: Audit;
  readonly mapper: GroupMapper;
}

const MAX_EMAIL = 254;
const MAX_GROUPS = 2000;

/** Which user of the gateway somebody is whom the provider signs in, and what the directory's groups make of that user. */
export class Identities {
  readonly #parts: IdentitiesParts;

  constructor(parts: IdentitiesParts) {
    this.#parts = parts;
  }

  /**
   * The user for somebody whom the provider vouches for. In this order: who is linked to that identity; by the link rule;
   * somebody new, where users are made. Throws `directory_refused`.
   *
   * INVARIANT: an existing user is never taken over by a mere name unless the administrator's rule says so, and an
   * unverified mail address never is a proof.
   */
  async userFor(issuer: string, claims: Claims, settings: OidcSettings): Promise<User> {
    const linked = await this.find(issuer, claims.sub);
    const user = linked ?? (await this.#firstSignIn(issuer, claims, settings));
    if (user.disabled) throw new GatewayError('directory_refused', 'the user is disabled here');
    await this.apply(user, issuer, claims, settings);
    const now = Date.now();
    await this.#parts.store
      .updateTable('user_identities')
      .set({ last_sign_in_at: now })
      .where('issuer', '=', issuer)
      .where('subject', '=', claims.sub)
      .execute();
    return (await this.#parts.users.find(user.id)) ?? user;
  }

  async find(issuer: string, subject: string): Promise<User | undefined> {
    const row = await this.#parts.store
      .selectFrom('user_identities')
      .select('user_id')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst();
    return row && this.#parts.users.find(row.user_id);
  }

  async list(userId: string): Promise<Identity[]> {
    const rows = await this.#parts.store
      .selectFrom('user_identities')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('linked_at')
      .execute();
    const iso = (time: number) => new Date(time).toISOString();
    return rows.map((row) => ({
      issuer: row.issuer,
      subject: row.subject,
      linkedAt: iso(row.linked_at),
      lastSignInAt: row.last_sign_in_at === null ? null : iso(row.last_sign_in_at),
    }));
  }

  /** Says that this user is that person at the provider. Throws `conflict` where somebody else is. */
  async link(user: User, issuer: string, subject: string): Promise<void> {
    await this.#parts.store
      .insertInto('user_identities')
      .values({ issuer, subject, user_id: user.id, linked_at: Date.now(), last_sign_in_at: null, groups_json: '[]' })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    if ((await this.find(issuer, subject))?.id !== user.id) {
      throw new GatewayError('directory_refused', 'that identity belongs to another user');
    }
    await this.#parts.audit.record({
      action: 'identity.linked',
      actor: toActor(user),
      subject: user.username,
      details: { issuer, subject },
    });
  }

  /** Undoes every link of a user. */
  async unlink(user: User): Promise<boolean> {
    const { numDeletedRows } = await this.#parts.store
      .deleteFrom('user_identities')
      .where('user_id', '=', user.id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /**
   * Gives and takes what the mapping ties to groups of the directory, and nothing else: roles and groups that no line of it
   * names stay as an administrator set them.
   */
  async apply(user: User, issuer: string, claims: Claims, settings: OidcSettings): Promise<void> {
    const groups = groupsOf(claims, settings.groupsClaim);
    const lines = settings.mapping.filter(({ claim }) => groups.includes(claim));
    const email = verifiedEmail(claims);
    // Whose account the directory made, has the address that the directory knows.
    if (!user.hasPassword && email !== undefined && email !== user.email) {
      await this.#parts.users.change(user.id, { email });
    }
    await this.#parts.store
      .updateTable('user_identities')
      .set({ groups_json: JSON.stringify(groups) })
      .where('issuer', '=', issuer)
      .where('subject', '=', claims.sub)
      .execute();
    await this.#parts.mapper.apply(
      user,
      settings.mapping,
      lines,
      lines.map(({ claim }) => claim),
    );
  }

  async #firstSignIn(issuer: string, claims: Claims, settings: OidcSettings): Promise<User> {
    const { users } = this.#parts;
    const email = verifiedEmail(claims);
    const username = usernameOf(claims, settings.usernameClaim);
    const found = await this.#byRule(settings.linkBy, username, email);
    if (found !== undefined) {
      await this.link(found, issuer, claims.sub);
      return found;
    }
    if (!settings.createUsers) throw new GatewayError('directory_refused', 'there is no user here for that identity');
    if (username === undefined) throw new GatewayError('directory_refused', `no claim ${settings.usernameClaim}`);
    if ((await users.findByName(username)) !== undefined) {
      throw new GatewayError('directory_refused', `there is a user ${username} already, not linked to that identity`);
    }
    const made = await users.create(username, undefined, settings.defaultRoles, email ?? null);
    await this.#parts.audit.record({
      action: 'user.created',
      subject: made.username,
      details: { userId: made.id, roles: made.roles.join(' '), byDirectory: true },
    });
    await this.link(made, issuer, claims.sub);
    return made;
  }

  async #byRule(rule: OidcSettings['linkBy'], username?: string, email?: string): Promise<User | undefined> {
    const { users } = this.#parts;
    if (rule === 'username' && username !== undefined) return users.findByName(username);
    if (rule === 'verified_email' && email !== undefined) {
      const having = (await users.list()).filter((user) => user.email?.toLowerCase() === email.toLowerCase());
      // Two users of one address are no proof of either.
      return having.length === 1 ? having[0] : undefined;
    }
    return undefined;
  }
}

function verifiedEmail({ email, email_verified: verified }: Claims): string | undefined {
  return verified === true && typeof email === 'string' && email.length <= MAX_EMAIL ? email : undefined;
}

/** A list of names, or a single one; anything else is none. */
function groupsOf(claims: Claims, claim: string): readonly string[] {
  const value = claims[claim];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((group): group is string => typeof group === 'string').slice(0, MAX_GROUPS);
}

function usernameOf(claims: Claims, claim: string): string | undefined {
  const value = claims[claim] ?? (claim === 'sub' ? claims.sub : undefined);
  return typeof value === 'string' && isUsername(value) ? value : undefined;
}
