import { type Client, type Entry, EqualityFilter, type Filter } from 'ldapts';
import type { DirectorySettings } from './directory-settings.ts';
import { domainOfDn, fillFilter } from './ldap-text.ts';
import { DirectoryProblem, searchProblem } from './problems.ts';

/** How the directory has somebody. */
export const personStates = ['active', 'disabled', 'expired', 'locked'] as const;
export type PersonState = (typeof personStates)[number];

/** Somebody in the directory. */
export interface Person {
  readonly dn: string;
  /** `guid:` and hex of an objectGUID, or `uuid:` and an entryUUID: stays when somebody is renamed or moved. */
  readonly uniqueId: string;
  readonly username: string;
  readonly domain: string;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly state: PersonState;
  readonly memberOf: readonly string[];
  /** Of Active Directory's primary group, which does not list its members: its objectSid. */
  readonly primaryGroup: Uint8Array | undefined;
}

type PeopleSettings = Pick<
  DirectorySettings,
  'userBase' | 'userFilter' | 'usernameAttributes' | 'displayNameAttributes' | 'mailAttributes' | 'domain'
>;

const MAX_USERNAME = 256;

/** Finds whom a typed name means. Throws `user_not_found`, `user_ambiguous`, or what the search failed by. */
export async function findByName(client: Client, settings: PeopleSettings, typed: string): Promise<Person> {
  const username = withoutDomain(typed);
  if (username === '' || username.length > MAX_USERNAME) throw new DirectoryProblem('user_not_found');
  return find(client, settings, settings.userBase, fillFilter(settings.userFilter, { username }));
}

/** Finds somebody again, who is still among those that the settings' filter is for. Throws as `findByName`. */
export async function findByUniqueId(client: Client, settings: PeopleSettings, uniqueId: string): Promise<Person> {
  const person = await find(client, settings, settings.userBase, uniqueFilter(uniqueId));
  const filter = fillFilter(settings.userFilter, { username: person.username });
  return find(client, settings, person.dn, filter, 'base');
}

async function find(
  client: Client,
  settings: PeopleSettings,
  base: string,
  filter: string | Filter,
  scope: 'sub' | 'base' = 'sub',
): Promise<Person> {
  const { searchEntries } = await client
    .search(base, {
      scope,
      filter,
      // More than one is as wrong as many.
      sizeLimit: 2,
      derefAliases: 'never',
      attributes: [...attributesOf(settings)],
      explicitBufferAttributes: ['objectGUID', 'objectSid'],
    })
    .catch((error: unknown) => {
      throw searchProblem(error, 'base_not_found');
    });
  const [entry, second] = searchEntries;
  if (entry === undefined) throw new DirectoryProblem('user_not_found');
  if (second !== undefined) throw new DirectoryProblem('user_ambiguous', `${entry.dn} and ${second.dn}`);
  return toPerson(entry, settings, Date.now());
}

/** @param now milliseconds: accounts expire */
export function toPerson(entry: Entry, settings: PeopleSettings, now: number): Person {
  const username = firstOf(entry, settings.usernameAttributes);
  if (username === undefined) throw new DirectoryProblem('no_username', settings.usernameAttributes.join(', '));
  const guid = bytesOf(entry, 'objectGUID');
  const uuid = text(entry, 'entryUUID');
  const uniqueId = guid === undefined ? uuid && `uuid:${uuid}` : `guid:${Buffer.from(guid).toString('hex')}`;
  if (uniqueId === undefined) throw new DirectoryProblem('no_unique_id', entry.dn);
  const principal = text(entry, 'userPrincipalName');
  return {
    dn: entry.dn,
    uniqueId,
    username,
    domain: settings.domain || principal?.split('@')[1] || domainOfDn(entry.dn),
    displayName: firstOf(entry, settings.displayNameAttributes) ?? null,
    email: firstOf(entry, settings.mailAttributes) ?? null,
    state: stateOf(entry, now),
    memberOf: texts(entry, 'memberOf'),
    primaryGroup: primaryGroupOf(bytesOf(entry, 'objectSid'), text(entry, 'primaryGroupID')),
  };
}

/**
 * The SID of somebody's primary group: that of the person ([MS-DTYP] 2.4.2.2) with the group's RID, which
 * primaryGroupID ([MS-ADA3] 2.120) has, as its last sub-authority.
 */
export function primaryGroupOf(objectSid: Uint8Array | undefined, rid: string | undefined): Uint8Array | undefined {
  const count = objectSid?.[1] ?? 0;
  if (objectSid === undefined || count === 0 || objectSid.length !== SID_HEADER + 4 * count) return undefined;
  const last = Number(digits(rid));
  if (!Number.isInteger(last) || last > 0xffff_ffff) return undefined;
  const sid = Uint8Array.from(objectSid);
  new DataView(sid.buffer).setUint32(sid.length - 4, last, true);
  return sid;
}

/** Revision, number of sub-authorities, authority. */
const SID_HEADER = 8;

/** [MS-ADTS] 2.2.16 userAccountControl: ADS_UF_ACCOUNT_DISABLE. */
const UF_ACCOUNT_DISABLE = 0x2;
/** [MS-ADA1] accountExpires: 100 ns since 1601; 0 and 2^63 - 1 are never. */
const NEVER = 0x7fff_ffff_ffff_ffffn;
const FILETIME_EPOCH_MS = 11_644_473_600_000n;
const DAY_MS = 86_400_000;
/** What ppolicy writes for an account that an administrator has locked. */
const LOCKED_FOR_GOOD = '000001010000Z';

/**
 * As the kinds of directory say it, each in its own attributes. A lock that came of wrong passwords is none of them: it
 * refuses passwords, and who guesses at somebody's would otherwise end her sessions.
 */
function stateOf(entry: Entry, now: number): PersonState {
  const control = Number(text(entry, 'userAccountControl') ?? 0);
  const disabled =
    (control & UF_ACCOUNT_DISABLE) !== 0 ||
    text(entry, 'nsAccountLock')?.toLowerCase() === 'true' ||
    text(entry, 'loginDisabled')?.toLowerCase() === 'true';
  if (disabled) return 'disabled';
  const expires = BigInt(digits(text(entry, 'accountExpires')) ?? '0');
  const expired = expires !== 0n && expires < NEVER && expires / 10_000n - FILETIME_EPOCH_MS <= BigInt(now);
  const shadow = Number(digits(text(entry, 'shadowExpire')) ?? -1);
  if (expired || (shadow > 0 && shadow * DAY_MS <= now)) return 'expired';
  return text(entry, 'pwdAccountLockedTime') === LOCKED_FOR_GOOD ? 'locked' : 'active';
}

const stateAttributes = [
  ...['userAccountControl', 'accountExpires', 'nsAccountLock', 'loginDisabled', 'shadowExpire', 'pwdAccountLockedTime'],
];

function attributesOf(settings: PeopleSettings): ReadonlySet<string> {
  const { usernameAttributes, displayNameAttributes, mailAttributes } = settings;
  const named = [...usernameAttributes, ...displayNameAttributes, ...mailAttributes];
  return new Set([
    ...named,
    ...stateAttributes,
    'objectGUID',
    'entryUUID',
    'userPrincipalName',
    'memberOf',
    'objectSid',
    'primaryGroupID',
  ]);
}

function uniqueFilter(uniqueId: string): Filter {
  const value = uniqueId.slice(5);
  // As bytes: text that is escaped would be encoded once more on its way.
  return uniqueId.startsWith('guid:')
    ? new EqualityFilter({ attribute: 'objectGUID', value: Buffer.from(value, 'hex') })
    : new EqualityFilter({ attribute: 'entryUUID', value });
}

/** `jane` of `CORP\jane`; everything else as it is typed. */
function withoutDomain(typed: string): string {
  return typed.slice(typed.indexOf('\\') + 1).trim();
}

function firstOf(entry: Entry, names: readonly string[]): string | undefined {
  return names.map((name) => text(entry, name)).find((value) => value !== undefined && value !== '');
}

function bytesOf(entry: Entry, name: 'objectGUID' | 'objectSid'): Uint8Array | undefined {
  const value = entry[name];
  const bytes = Array.isArray(value) ? value[0] : value;
  return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
}

function text(entry: Entry, name: string): string | undefined {
  return texts(entry, name)[0];
}

/** Directories write the names of attributes as they like. */
export function texts(entry: Entry, name: string): readonly string[] {
  const key = Object.keys(entry).find((one) => one.toLowerCase() === name.toLowerCase());
  const value = key === undefined ? [] : entry[key];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === 'string');
}

function digits(value: string | undefined): string | undefined {
  return value !== undefined && /^\d{1,19}$/.test(value) ? value : undefined;
}
