import type { Client } from 'ldapts';
import { bindPerson, bindService, connect } from './connection.ts';
import { given, requireMapped } from './directory-identities.ts';
import type { DirectorySettingsView } from './directory-settings.ts';
import { fillBindName } from './ldap-text.ts';
import { type DirectoryGroup, groupsOf } from './memberships.ts';
import { findByName, type Person } from './people.ts';
import { DirectoryProblem, type ProblemCode, problems, searchProblem } from './problems.ts';

/** What is tried, in this order; after one that fails, those that need it are not. */
export const trySteps = ['connect', 'bind', 'users', 'groups', 'person', 'password', 'memberships', 'mapping'] as const;
export type TryStep = (typeof trySteps)[number];

/** How one step went. */
export interface TryResult {
  readonly step: TryStep;
  /** Null where it is not about one server. */
  readonly server: string | null;
  readonly code: ProblemCode | null;
  /** A sentence; null where all is well. */
  readonly problem: string | null;
  /** More, for whoever knows the directory. */
  readonly detail: string;
}

/** What somebody would be here. */
export interface TryPerson {
  readonly dn: string;
  readonly username: string;
  readonly domain: string;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly state: string;
  readonly groups: readonly DirectoryGroup[];
  /** The lines of the mapping that apply. */
  readonly mapped: readonly string[];
}

export interface Tried {
  readonly steps: readonly TryResult[];
  readonly person: TryPerson | null;
}

/** Groups that an answer lists. */
const MAX_GROUPS_SHOWN = 200;

/**
 * Tries the settings out and says of each step how it went: each server by itself, and, with a user name, that person as
 * far as it goes. Nobody is signed in, and nothing is kept.
 */
export async function tryDirectory(
  settings: DirectorySettingsView,
  servicePassword: string | undefined,
  who: { readonly username?: string | undefined; readonly password?: string | undefined },
): Promise<Tried> {
  const steps: TryResult[] = [];
  let person: TryPerson | null = null;
  if (settings.servers.length === 0) steps.push(failed('connect', null, new DirectoryProblem('no_servers')));
  for (const server of settings.servers) {
    const attempt = new Attempt(settings, server, steps);
    const client = await attempt.step('connect', () => connect(settings, server), securityOf(settings, server));
    if (client === undefined) continue;
    try {
      const bound = await attempt.step(
        'bind',
        async () => {
          await bindService(client, settings.bindDn, servicePassword);
          return true;
        },
        settings.bindDn || 'anonymous',
      );
      if (bound === undefined) continue;
      const there = await attempt.bases(client);
      if (there && who.username !== undefined && who.username !== '' && person === null) {
        person = await attempt.person(client, who.username, who.password ?? '');
      }
    } finally {
      await client.unbind().catch(() => undefined);
    }
  }
  return { steps, person };
}

class Attempt {
  readonly #settings: DirectorySettingsView;
  readonly #server: string;
  readonly #steps: TryResult[];

  constructor(settings: DirectorySettingsView, server: string, steps: TryResult[]) {
    this.#settings = settings;
    this.#server = server;
    this.#steps = steps;
  }

  /** @returns nothing where it failed, which is written down then */
  async step<T>(
    step: TryStep,
    run: () => Promise<T>,
    detail: string | ((result: T) => string),
  ): Promise<T | undefined> {
    try {
      const result = await run();
      const text = typeof detail === 'string' ? detail : detail(result);
      this.#steps.push({ step, server: this.#server, code: null, problem: null, detail: text });
      return result;
    } catch (error) {
      if (!(error instanceof DirectoryProblem)) throw error;
      this.#steps.push(failed(step, this.#server, error));
      return undefined;
    }
  }

  async bases(client: Client): Promise<boolean> {
    const { userBase, groupBase } = this.#settings;
    const users = await this.step('users', () => readBase(client, userBase, 'base_not_found'), userBase);
    const base = groupBase || userBase;
    const groups = await this.step('groups', () => readBase(client, base, 'group_base_not_found'), base);
    return users !== undefined && groups !== undefined;
  }

  async person(client: Client, typed: string, password: string): Promise<TryPerson | null> {
    const settings = this.#settings;
    const found = await this.step(
      'person',
      () => findActive(client, settings, typed),
      ({ dn }) => dn,
    );
    if (found === undefined) return null;
    if (password !== '') {
      const name = settings.bindMode === 'template' ? fillBindName(settings.bindTemplate, typed) : found.dn;
      await this.step('password', () => this.#prove(name, password), name);
    }
    const groups = await this.step(
      'memberships',
      () => groupsOf(client, settings, found),
      (list) => `${list.length} groups`,
    );
    if (groups === undefined) return null;
    const mapped = given(settings, groups).map(({ group }) => group);
    await this.step(
      'mapping',
      async () => requireMapped(settings, groups),
      mapped.length === 0 ? 'no line applies' : mapped.join(', '),
    );
    const { dn, username, domain, displayName, email, state } = found;
    return {
      ...{ dn, username, domain, displayName, email, state },
      groups: groups.slice(0, MAX_GROUPS_SHOWN),
      mapped,
    };
  }

  async #prove(name: string, password: string): Promise<true> {
    const client = await connect(this.#settings, this.#server);
    try {
      await bindPerson(client, name, password);
      return true;
    } finally {
      await client.unbind().catch(() => undefined);
    }
  }
}

async function findActive(client: Client, settings: DirectorySettingsView, typed: string): Promise<Person> {
  const person = await findByName(client, settings, typed);
  if (person.state !== 'active') throw new DirectoryProblem(`account_${person.state}`, person.dn);
  return person;
}

async function readBase(client: Client, base: string, missing: 'base_not_found' | 'group_base_not_found') {
  const { searchEntries } = await client
    .search(base, { scope: 'base', filter: '(objectClass=*)', attributes: ['1.1'], derefAliases: 'never' })
    .catch((error: unknown) => {
      throw searchProblem(error, missing);
    });
  if (searchEntries.length === 0) throw new DirectoryProblem(missing, base);
  return true;
}

function securityOf({ plain }: DirectorySettingsView, server: string): string {
  if (server.startsWith('ldaps:')) return 'TLS';
  return plain ? 'without TLS' : 'StartTLS';
}

function failed(step: TryStep, server: string | null, { code, detail }: DirectoryProblem): TryResult {
  return { step, server, code, problem: problems[code], detail: detail.slice(0, 500) };
}
