import type { Audit } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Role } from './can.ts';
import type { User, Users } from './users.ts';

/** What membership in one group of a directory gives here. */
export interface MappingLine {
  readonly roles: readonly Role[];
  /** Groups of the gateway, by id. */
  readonly groups: readonly string[];
}

export interface GroupMapperParts {
  readonly store: Store;
  readonly users: Users;
  readonly audit: Audit;
  /** A user's roles or groups are others than before. */
  accessChanged(userId: string): Promise<void>;
}

/** Gives and takes roles and groups as a directory says. */
export class GroupMapper {
  readonly #parts: GroupMapperParts;

  constructor(parts: GroupMapperParts) {
    this.#parts = parts;
  }

  /**
   * Gives and takes what the mapping ties to groups of the directory, and nothing else: roles and groups that no line of
   * it names stay as an administrator set them.
   *
   * @param given the lines whose group the user is in
   * @param names those groups, for the audit
   */
  async apply(
    user: User,
    mapping: readonly MappingLine[],
    given: readonly MappingLine[],
    names: readonly string[],
  ): Promise<void> {
    const rolesChanged = await this.#applyRoles(user, mapping, given);
    const groupsChanged = await this.#applyGroups(user, mapping, given);
    if (!rolesChanged && !groupsChanged) return;
    await this.#parts.audit.record({
      action: 'user.changed',
      subject: user.username,
      details: { userId: user.id, byDirectory: true, groups: names.join(' ').slice(0, 500) },
    });
    await this.#parts.accessChanged(user.id);
  }

  async #applyRoles(user: User, mapping: readonly MappingLine[], lines: readonly MappingLine[]): Promise<boolean> {
    const managed = new Set(mapping.flatMap(({ roles }) => roles));
    const given = new Set(lines.flatMap(({ roles }) => roles));
    const next = [...new Set<Role>([...user.roles.filter((role) => !managed.has(role)), ...given])];
    if (next.length === user.roles.length && next.every((role) => user.roles.includes(role))) return false;
    try {
      await this.#parts.users.change(user.id, { roles: next });
      return true;
    } catch (error) {
      // The last administrator stays one, whatever the directory says.
      if (error instanceof GatewayError && error.code === 'conflict') return false;
      throw error;
    }
  }

  async #applyGroups(user: User, mapping: readonly MappingLine[], lines: readonly MappingLine[]): Promise<boolean> {
    const managed = [...new Set(mapping.flatMap(({ groups }) => groups))];
    if (managed.length === 0) return false;
    const given = new Set(lines.flatMap(({ groups }) => groups));
    return this.#parts.store.transaction().execute(async (transaction) => {
      const existing = await transaction.selectFrom('groups').select('id').where('id', 'in', managed).execute();
      const rows = await transaction
        .selectFrom('group_members')
        .select('group_id')
        .where('user_id', '=', user.id)
        .where('group_id', 'in', managed)
        .execute();
      const present = new Set(rows.map((row) => row.group_id));
      const added = existing.map((row) => row.id).filter((id) => given.has(id) && !present.has(id));
      const removed = [...present].filter((id) => !given.has(id));
      if (added.length > 0) {
        const values = added.map((id) => ({ group_id: id, user_id: user.id }));
        await transaction.insertInto('group_members').values(values).execute();
      }
      if (removed.length > 0) {
        await transaction
          .deleteFrom('group_members')
          .where('user_id', '=', user.id)
          .where('group_id', 'in', removed)
          .execute();
      }
      return added.length + removed.length > 0;
    });
  }
}
