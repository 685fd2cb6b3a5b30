import type { Client } from 'ldapts';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { Recurring } from '../../recurring.ts';
import type { User } from '../users.ts';
import { bindPerson, DirectoryServers } from './connection.ts';
import type { DirectoryIdentities, KnownPerson } from './directory-identities.ts';
import type { DirectorySettingsStore, DirectorySettingsView } from './directory-settings.ts';
import { fillBindName } from './ldap-text.ts';
import { type DirectoryGroup, groupsOf } from './memberships.ts';
import { findByName, findByUniqueId, type Person } from './people.ts';
import { DirectoryProblem, isServerProblem, type ProblemCode, problems } from './problems.ts';
import { type Tried, tryDirectory } from './try-directory.ts';

/** A decision that comes this soon after somebody was looked up does not ask again. */
const FRESH_MS = 5000;
/** While no server answers, it is not tried for everybody who comes by. */
const RETRY_MS = 5000;
/** How often it is looked whether the interval has passed, where a directory is in use: it is not to be overshot by much. */
const SWEEP_MS = 1000;
/** Settings are read again after so long, in case another process has written them. */
const SETTINGS_MS = 15_000;

export interface DirectoryParts {
  readonly settings: DirectorySettingsStore;
  readonly identities: DirectoryIdentities;
  readonly log: Logger;
}

/** How the directory has a user now. */
type Standing =
  | { readonly person: Person; readonly groups: readonly DirectoryGroup[] }
  | { readonly gone: ProblemCode };

/** Signing in through a directory (LDAP), and keeping in step with it while people are signed in. */
export class Directory {
  readonly #parts: DirectoryParts;
  readonly #servers = new DirectoryServers();
  #down: { readonly problem: DirectoryProblem; readonly until: number } | undefined;
  readonly #sweeper: Recurring;
  /** Unless proved otherwise: then it is looked each second, and else only whether that has changed. Nothing before the start. */
  #isInUse: boolean | undefined;
  /** By a clock that nobody sets; before `#dueAt` there is nothing to look for. */
  #sweptAt = Number.NEGATIVE_INFINITY;
  #dueAt = Number.NEGATIVE_INFINITY;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    this.#sweeper = new Recurring(
      SWEEP_MS,
      () => this.#sweep(),
      (error) => parts.log.error({ err: error }, 'people could not be looked up again'),
    );
  }

  /** Tries out what is saved. `who`: also that person, as far as a password is given. */
  async try(who: { readonly username?: string | undefined; readonly password?: string | undefined }): Promise<Tried> {
    const { settings } = this.#parts;
    return tryDirectory(await settings.read(), await settings.readPassword(), who);
  }

  /** What was known of the servers is of the settings before. */
  settingsChanged(): void {
    this.#down = undefined;
    this.#dueAt = Number.NEGATIVE_INFINITY;
    // Unless they say otherwise.
    this.#inUse(true);
  }

  /**
   * The user of the gateway with that name and password in the directory; nothing where there is none. Throws
   * `password_expired`, `directory_refused`, and `directory_unavailable` where no server can tell.
   */
  async authenticate(typed: string, password: string, address: string): Promise<User | undefined> {
    const settings = await this.#parts.settings.read();
    // [RFC 4513] 5.1.2: servers take an empty password for an anonymous bind, and call it a success.
    if (!settings.enabled || password === '') return undefined;
    try {
      const found = await this.#prove(settings, typed, password);
      return await this.#parts.identities.signIn(found, settings, address);
    } catch (error) {
      if (!(error instanceof DirectoryProblem)) throw error;
      return this.#refuse(error);
    }
  }

  /**
   * Looks a user up who is from the directory, unless that was done just now, before something is decided. Throws
   * `directory_refused` where she may not be here any more, with all that she has taken back; and, as the settings have it,
   * `directory_unavailable` where nobody can tell.
   * @returns whether she was looked up
   */
  async requireCurrent(user: Pick<User, 'id'>): Promise<boolean> {
    const known = await this.#parts.identities.known(user.id);
    if (known === undefined) return false;
    if (known.state === 'active' && Date.now() - known.checkedAt < FRESH_MS) return false;
    const settings = await this.#parts.settings.read();
    if (!settings.enabled) throw new GatewayError('directory_unavailable', 'the directory is turned off');
    try {
      const gone = await this.#bound(settings, (client) => this.#recheck(client, settings, known));
      if (gone !== undefined) throw new GatewayError('directory_refused', problems[gone]);
    } catch (error) {
      if (!(error instanceof DirectoryProblem)) throw error;
      if (settings.whenUnreachable === 'trust' && known.state === 'active') return false;
      throw unavailable(error);
    }
    return true;
  }

  /** Looks everybody up who has something open. A directory that does not answer throws nobody out. */
  async refresh(): Promise<void> {
    const settings = await this.#parts.settings.read();
    if (!settings.enabled) return;
    const live = await this.#parts.identities.live();
    if (live.length === 0) return;
    try {
      await this.#bound(settings, async (client) => {
        for (const known of live)
          await this.#recheck(client, settings, known).catch((error) => this.#skip(error, known));
      });
    } catch (error) {
      this.#parts.log.warn({ err: error, people: live.length }, 'the directory does not answer');
    }
  }

  start(): void {
    this.#isInUse = true;
    this.#sweeper.start();
  }

  stop(): Promise<void> {
    this.#isInUse = undefined;
    return this.#sweeper.stop();
  }

  /** Somebody's entry and groups, once the password is proved. Throws `DirectoryProblem`. */
  async #prove(settings: DirectorySettingsView, typed: string, password: string): Promise<KnownGroups> {
    if (settings.bindMode === 'template') {
      await this.#bindAs(settings, fillBindName(settings.bindTemplate, typed), password);
      return this.#bound(settings, (client) => lookUp(client, settings, typed));
    }
    // The groups are read once the password is known to be right: nobody makes the gateway search by guessing names.
    const person = await this.#bound(settings, (client) => findByName(client, settings, typed));
    await this.#bindAs(settings, person.dn, password);
    return this.#bound(settings, async (client) => ({ person, groups: await groupsOf(client, settings, person) }));
  }

  async #bindAs(settings: DirectorySettingsView, name: string, password: string): Promise<void> {
    await this.#servers.connected(settings, (client) => bindPerson(client, name, password));
  }

  async #bound<T>(settings: DirectorySettingsView, run: (client: Client) => Promise<T>): Promise<T> {
    if (this.#down !== undefined && this.#down.until > Date.now()) throw this.#down.problem;
    try {
      const result = await this.#servers.bound(settings, await this.#parts.settings.readPassword(), run);
      this.#down = undefined;
      return result;
    } catch (error) {
      if (error instanceof DirectoryProblem && isServerProblem(error.code)) {
        this.#down = { problem: error, until: Date.now() + RETRY_MS };
      }
      throw error;
    }
  }

  /** @returns why somebody is not to be here any more */
  async #recheck(
    client: Client,
    settings: DirectorySettingsView,
    known: KnownPerson,
  ): Promise<ProblemCode | undefined> {
    const standing = await standingOf(client, settings, known);
    return 'gone' in standing
      ? this.#parts.identities.withdraw(known, standing.gone, settings)
      : this.#parts.identities.update(known, standing, settings);
  }

  async #sweep(): Promise<void> {
    const now = performance.now();
    // Nearly every second there is nothing to do: then not even the settings are read.
    if (this.#isInUse && now < this.#dueAt) return;
    this.#dueAt = now + SETTINGS_MS;
    const { enabled, refreshSeconds } = await this.#parts.settings.read();
    this.#inUse(enabled);
    if (!enabled) return;
    const dueAt = this.#sweptAt + refreshSeconds * 1000;
    this.#dueAt = Math.min(this.#dueAt, Math.max(dueAt, now));
    if (now < dueAt) return;
    this.#sweptAt = now;
    await this.refresh();
  }

  #inUse(isInUse: boolean): void {
    if (this.#isInUse === undefined || isInUse === this.#isInUse) return;
    this.#isInUse = isInUse;
    this.#sweeper.start(isInUse ? SWEEP_MS : SETTINGS_MS);
  }

  /** What is wrong with one entry must not keep the others from being looked up. */
  #skip(error: unknown, { userId }: KnownPerson): void {
    if (!(error instanceof DirectoryProblem) || isServerProblem(error.code)) throw error;
    this.#parts.log.warn({ err: error, userId }, 'somebody cannot be looked up in the directory');
  }

  #refuse(problem: DirectoryProblem): undefined {
    const { code } = problem;
    if (code === 'user_not_found' || code === 'password_wrong') return undefined;
    this.#parts.log.warn({ err: problem }, 'the directory signed nobody in');
    if (code === 'password_expired') throw new GatewayError('password_expired', undefined, { cause: problem });
    if (refusals.has(code)) throw new GatewayError('directory_refused', problems[code], { cause: problem });
    throw unavailable(problem);
  }
}

export interface KnownGroups {
  readonly person: Person;
  readonly groups: readonly DirectoryGroup[];
}

/** Finds somebody by name, with her groups. Throws `DirectoryProblem`. */
export async function lookUp(client: Client, settings: DirectorySettingsView, typed: string): Promise<KnownGroups> {
  const person = await findByName(client, settings, typed);
  return { person, groups: await groupsOf(client, settings, person) };
}

/** Why somebody who has the password is not let in: what one may tell her. */
const refusals: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...(['account_disabled', 'account_expired', 'account_locked', 'not_mapped'] as const),
]);

/** What the search failed by tells nothing of whoever is searched for; being found, or not, does. */
async function standingOf(
  client: Client,
  settings: DirectorySettingsView,
  { uniqueId }: KnownPerson,
): Promise<Standing> {
  try {
    const person = await findByUniqueId(client, settings, uniqueId);
    if (person.state !== 'active') return { gone: `account_${person.state}` };
    return { person, groups: await groupsOf(client, settings, person) };
  } catch (error) {
    if (error instanceof DirectoryProblem && error.code === 'user_not_found') return { gone: error.code };
    throw error;
  }
}

/** Why is for the log and for whoever sets it up: who signs in is told the code only. */
function unavailable(problem: DirectoryProblem): GatewayError {
  return new GatewayError('directory_unavailable', problem.code, { cause: problem });
}
