import { SettingsDocument } from '../../settings/document.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Role } from '../can.ts';
import type { MappingLine } from '../group-mapping.ts';

/** How groups within groups are found. `auto`: by Active Directory's own rule where it is offered, else by searching. */
export const nestings = ['auto', 'search', 'memberOf', 'matchingRule', 'none'] as const;
export type Nesting = (typeof nestings)[number];

/** How the password is proved: by the entry that a search finds, or by a name made from a template. */
export const bindModes = ['search', 'template'] as const;

/** What happens while no server answers. Sessions that go on are kept either way. */
export const unreachableRules = ['keep', 'trust'] as const;

export interface DirectoryMapping extends MappingLine {
  /** A group of the directory: its DN, or its name. */
  readonly group: string;
}

/** How people sign in through a directory (LDAP). */
export interface DirectorySettings {
  readonly enabled: boolean;
  /** `ldaps://host:port`, or `ldap://host:port`, which is upgraded by StartTLS; asked in this order. */
  readonly servers: readonly string[];
  /** Whether `ldap://` goes without TLS: everybody on the way reads the passwords. */
  readonly plain: boolean;
  /** PEM of the authorities that vouch for the servers; empty: those that the system knows. */
  readonly certificateAuthorities: string;
  /** Who looks people up; empty: anonymous. */
  readonly bindDn: string;
  readonly bindMode: (typeof bindModes)[number];
  /** With `{username}`: a DN, or a name such as `{username}@example.com`. For `template` only. */
  readonly bindTemplate: string;
  readonly userBase: string;
  /** RFC 4515 with `{username}`. */
  readonly userFilter: string;
  /** Empty: as `userBase`. */
  readonly groupBase: string;
  /** RFC 4515 with `{dn}` and `{username}`: the groups that have somebody, or a group, as a member. */
  readonly groupFilter: string;
  readonly groupNameAttribute: string;
  readonly nesting: Nesting;
  /** Each the first that an entry has. */
  readonly usernameAttributes: readonly string[];
  readonly displayNameAttributes: readonly string[];
  readonly mailAttributes: readonly string[];
  /** Of accounts that are linked to people's own; empty: from the user principal name, or the DN. */
  readonly domain: string;
  readonly mapping: readonly DirectoryMapping[];
  /** What somebody new may do, before any mapping. */
  readonly defaultRoles: readonly Role[];
  readonly createUsers: boolean;
  /** Whether a user who was made here without a password is whoever has that name in the directory. */
  readonly linkByName: boolean;
  /** Only who is in a group that the mapping names may sign in. */
  readonly onlyMapped: boolean;
  /** How often everybody who is signed in is looked up again. */
  readonly refreshSeconds: number;
  readonly whenUnreachable: (typeof unreachableRules)[number];
  readonly timeoutSeconds: number;
}

/** As the API shows them: the password only by its being there. */
export interface DirectorySettingsView extends DirectorySettings {
  readonly hasBindPassword: boolean;
}

export type DirectoryChange = Partial<DirectorySettings> & { readonly bindPassword?: string | null };

const defaults: DirectorySettings & { readonly sealedPassword: string | null } = {
  enabled: false,
  servers: [],
  plain: false,
  certificateAuthorities: '',
  bindDn: '',
  bindMode: 'search',
  bindTemplate: '',
  userBase: '',
  userFilter: '(&(objectClass=person)(|(uid={username})(sAMAccountName={username})(userPrincipalName={username})))',
  groupBase: '',
  groupFilter: '(|(member={dn})(uniqueMember={dn})(memberUid={username}))',
  groupNameAttribute: 'cn',
  nesting: 'auto',
  usernameAttributes: ['sAMAccountName', 'uid'],
  displayNameAttributes: ['displayName', 'cn'],
  mailAttributes: ['mail'],
  domain: '',
  mapping: [],
  defaultRoles: ['user'],
  createUsers: true,
  linkByName: false,
  onlyMapped: false,
  refreshSeconds: 30,
  whenUnreachable: 'keep',
  timeoutSeconds: 5,
  sealedPassword: null,
};

const SEAL_NAME = 'directory bind password';

export class DirectorySettingsStore {
  readonly #document: SettingsDocument<typeof defaults>;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#document = new SettingsDocument(store, 'directory', defaults);
    this.#vault = vault;
  }

  async read(): Promise<DirectorySettingsView> {
    const { sealedPassword, ...settings } = await this.#document.read();
    return { ...settings, hasBindPassword: sealedPassword !== null };
  }

  async readPassword(): Promise<string | undefined> {
    const { sealedPassword } = await this.#document.read();
    if (sealedPassword === null) return undefined;
    return this.#vault.open(Uint8Array.from(Buffer.from(sealedPassword, 'base64')), SEAL_NAME);
  }

  /** @param change `bindPassword`: null takes it away */
  async change(change: DirectoryChange): Promise<DirectorySettingsView> {
    const { bindPassword, ...rest } = change;
    const sealedPassword =
      typeof bindPassword === 'string'
        ? Buffer.from(this.#vault.seal(bindPassword, SEAL_NAME)).toString('base64')
        : null;
    await this.#document.change({ ...rest, ...(bindPassword === undefined ? {} : { sealedPassword }) });
    return this.read();
  }
}

/** Whether the password of the service account would go to somebody else than whom it was given for. */
export function goesElsewhere(before: DirectorySettings, change: DirectoryChange): boolean {
  return (['servers', 'plain', 'certificateAuthorities'] as const).some(
    (name) => change[name] !== undefined && JSON.stringify(change[name]) !== JSON.stringify(before[name]),
  );
}
