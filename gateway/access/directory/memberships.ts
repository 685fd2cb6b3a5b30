import { type Client, type Entry, EqualityFilter, type Filter } from 'ldapts';
import type { DirectorySettings } from './directory-settings.ts';
import { escapeFilterValue, fillFilter, firstName, normaliseDn } from './ldap-text.ts';
import { type Person, texts } from './people.ts';
import { searchProblem } from './problems.ts';

/** A group of the directory. */
export interface DirectoryGroup {
  readonly dn: string;
  readonly name: string;
}

/** Groups within groups within groups: nobody nests deeper, and a loop ends. */
const MAX_DEPTH = 32;
/** Of one person; the search ends there. */
const MAX_GROUPS = 10_000;
/** Entries of one page ([RFC 2696]): servers give no more than a thousand or so at a time. */
const PAGE_SIZE = 500;
/** Members that are asked for in one search. */
const BATCH = 50;
/** [MS-ADTS] 3.1.1.3.4.4.3 LDAP_MATCHING_RULE_TRANSITIVE_EVAL: Active Directory follows groups by itself. */
const TRANSITIVE = '1.2.840.113556.1.4.1941';
/** [MS-ADTS] 3.1.1.3.4.3.1 LDAP_CAP_ACTIVE_DIRECTORY_OID. */
const ACTIVE_DIRECTORY = '1.2.840.113556.1.4.800';

type GroupSettings = Pick<
  DirectorySettings,
  'userBase' | 'groupBase' | 'groupFilter' | 'groupNameAttribute' | 'nesting'
>;

/** The groups that somebody is in, directly or through others. Throws `DirectoryProblem`. */
export async function groupsOf(client: Client, settings: GroupSettings, person: Person): Promise<DirectoryGroup[]> {
  const { nesting } = settings;
  const automatic = async () => ((await isActiveDirectory(client)) ? 'matchingRule' : 'search');
  const search = new GroupSearch(client, settings, nesting === 'auto' ? await automatic() : nesting);
  await search.add(person);
  if (person.primaryGroup !== undefined) await search.addGroup(person.primaryGroup);
  return search.found;
}

/** Whether a group is the one that a line of the mapping names, by DN or by name. */
export function isGroup({ dn, name }: DirectoryGroup, named: string): boolean {
  if (named.includes('=')) return normaliseDn(named) === normaliseDn(dn);
  return named.toLowerCase() === name.toLowerCase();
}

/** Somebody, or a group, that groups have as a member. */
type Member = Pick<Person, 'dn' | 'username' | 'memberOf'>;

class GroupSearch {
  readonly #client: Client;
  readonly #settings: GroupSettings;
  readonly #nesting: Exclude<GroupSettings['nesting'], 'auto'>;
  readonly #found = new Map<string, DirectoryGroup>();

  constructor(client: Client, settings: GroupSettings, nesting: Exclude<GroupSettings['nesting'], 'auto'>) {
    this.#client = client;
    this.#settings = settings;
    this.#nesting = nesting;
  }

  get found(): DirectoryGroup[] {
    return [...this.#found.values()];
  }

  /** Finds the groups of a member. */
  async add(member: Member): Promise<void> {
    switch (this.#nesting) {
      case 'search':
        return this.#bySearching(member, MAX_DEPTH);
      case 'none':
        return this.#bySearching(member, 1);
      case 'matchingRule':
        await this.#take(`(member:${TRANSITIVE}:=${escapeFilterValue(member.dn)})`);
        return;
      case 'memberOf':
        return this.#byMemberOf(member);
    }
  }

  /** Finds a group by its objectSid, and those that it is in. */
  async addGroup(objectSid: Uint8Array): Promise<void> {
    const filter = new EqualityFilter({ attribute: 'objectSid', value: Buffer.from(objectSid) });
    for (const { dn } of await this.#take(filter)) {
      if (this.#nesting === 'none') continue;
      const memberOf = this.#nesting === 'memberOf' ? texts((await this.#read(dn)) ?? { dn }, 'memberOf') : [];
      await this.add({ dn, username: dn, memberOf });
    }
  }

  /** Asks for the groups that have the person as a member, then for those that have these, until there are no new ones. */
  async #bySearching({ dn, username }: Member, depth: number): Promise<void> {
    const { groupFilter } = this.#settings;
    let filters = [fillFilter(groupFilter, { dn, username })];
    for (let level = 0; level < depth && filters.length > 0 && this.#found.size < MAX_GROUPS; level++) {
      const fresh: DirectoryGroup[] = [];
      for (let at = 0; at < filters.length; at += BATCH) {
        fresh.push(...(await this.#take(`(|${filters.slice(at, at + BATCH).join('')})`)));
      }
      // A group is a member by its DN only: what else the filter says of a user name must not fit it.
      filters = fresh.map((group) => fillFilter(groupFilter, { dn: group.dn, username: group.dn }));
    }
  }

  /** Reads who somebody is in from the entry itself, and of each group from the group's. */
  async #byMemberOf({ memberOf }: Member): Promise<void> {
    let level = memberOf;
    for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
      const next: string[] = [];
      for (const dn of level) {
        if (this.#found.has(normaliseDn(dn)) || this.#found.size >= MAX_GROUPS) continue;
        const entry = await this.#read(dn);
        this.#keep(entry ?? { dn });
        if (entry !== undefined) next.push(...texts(entry, 'memberOf'));
      }
      level = next;
    }
  }

  /** Returns those that were not found before. */
  async #take(filter: string | Filter): Promise<DirectoryGroup[]> {
    const { groupBase, userBase, groupNameAttribute } = this.#settings;
    const fresh: DirectoryGroup[] = [];
    const pages = this.#client.searchPaginated(groupBase || userBase, {
      scope: 'sub',
      filter,
      derefAliases: 'never',
      attributes: [groupNameAttribute],
      paged: { pageSize: PAGE_SIZE },
    });
    try {
      for await (const { searchEntries } of pages) {
        for (const entry of searchEntries) {
          const group = this.#keep(entry);
          if (group !== undefined) fresh.push(group);
        }
        if (this.#found.size >= MAX_GROUPS) break;
      }
    } catch (error) {
      throw searchProblem(error, 'group_base_not_found');
    }
    return fresh;
  }

  #keep(entry: Entry): DirectoryGroup | undefined {
    const key = normaliseDn(entry.dn);
    if (this.#found.has(key)) return undefined;
    const group = { dn: entry.dn, name: texts(entry, this.#settings.groupNameAttribute)[0] ?? firstName(entry.dn) };
    this.#found.set(key, group);
    return group;
  }

  /** A group that is not to be seen still is one that somebody is in. */
  async #read(dn: string): Promise<Entry | undefined> {
    try {
      const { searchEntries } = await this.#client.search(dn, {
        scope: 'base',
        filter: '(objectClass=*)',
        derefAliases: 'never',
        attributes: [this.#settings.groupNameAttribute, 'memberOf'],
      });
      return searchEntries[0];
    } catch (error) {
      const problem = searchProblem(error, 'group_base_not_found');
      if (['group_base_not_found', 'not_allowed', 'referral', 'search_failed'].includes(problem.code)) return undefined;
      throw problem;
    }
  }
}

/** [RFC 4512] 5.1: what a server says of itself, to anybody. */
async function isActiveDirectory(client: Client): Promise<boolean> {
  const { searchEntries } = await client
    .search('', { scope: 'base', filter: '(objectClass=*)', attributes: ['supportedCapabilities'] })
    .catch((error: unknown) => {
      const problem = searchProblem(error, 'base_not_found');
      if (problem.code === 'not_allowed' || problem.code === 'base_not_found') return { searchEntries: [] };
      throw problem;
    });
  const [root] = searchEntries;
  return root !== undefined && texts(root, 'supportedCapabilities').includes(ACTIVE_DIRECTORY);
}
