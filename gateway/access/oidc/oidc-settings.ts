import { SettingsDocument } from '../../settings/document.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Role } from '../can.ts';

/** What membership in a group of the directory means here. */
export interface GroupMapping {
  /** A value of the group claim. */
  readonly claim: string;
  readonly roles: readonly Role[];
  /** Groups of the gateway, by id. */
  readonly groups: readonly string[];
}

/** How to find the user of the gateway for somebody who signs in from the directory for the first time. */
export const linkRules = ['none', 'verified_email', 'username'] as const;
export type LinkRule = (typeof linkRules)[number];

export interface OidcSettings {
  readonly enabled: boolean;
  /** URL; what its `/.well-known/openid-configuration` says is used. */
  readonly issuer: string;
  readonly clientId: string;
  /** What the button says. */
  readonly label: string;
  /** Besides `openid`. */
  readonly scopes: readonly string[];
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  readonly mapping: readonly GroupMapping[];
  /** What somebody new may do, before any mapping. */
  readonly defaultRoles: readonly Role[];
  /** Whether whoever the directory lets in becomes a user here. */
  readonly createUsers: boolean;
  readonly linkBy: LinkRule;
  /** Whether the provider asks for a second factor itself, so that the gateway need not. */
  readonly trustsSecondFactor: boolean;
  /** How often the provider is asked whether somebody may still be signed in. */
  readonly recheckMinutes: number;
}

/** As the API shows them: the secret only by its being there. */
export interface OidcSettingsView extends OidcSettings {
  readonly hasSecret: boolean;
}

const defaults: OidcSettings & { readonly sealedSecret: string | null } = {
  enabled: false,
  issuer: '',
  clientId: '',
  label: 'Single sign-on',
  scopes: ['profile', 'email', 'offline_access'],
  usernameClaim: 'preferred_username',
  groupsClaim: 'groups',
  mapping: [],
  defaultRoles: ['user'],
  createUsers: true,
  linkBy: 'none',
  trustsSecondFactor: false,
  recheckMinutes: 5,
  sealedSecret: null,
};

const SEAL_NAME = 'oidc client secret';

export class OidcSettingsStore {
  readonly #document: SettingsDocument<typeof defaults>;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#document = new SettingsDocument(store, 'oidc', defaults);
    this.#vault = vault;
  }

  async read(): Promise<OidcSettingsView> {
    const { sealedSecret, ...settings } = await this.#document.read();
    return { ...settings, hasSecret: sealedSecret !== null };
  }

  async readSecret(): Promise<string | undefined> {
    const { sealedSecret } = await this.#document.read();
    if (sealedSecret === null) return undefined;
    return this.#vault.open(Uint8Array.from(Buffer.from(sealedSecret, 'base64')), SEAL_NAME);
  }

  /** @param change `clientSecret`: null takes it away */
  async change(change: Partial<OidcSettings> & { readonly clientSecret?: string | null }): Promise<OidcSettingsView> {
    const { clientSecret, ...rest } = change;
    const sealedSecret =
      typeof clientSecret === 'string'
        ? Buffer.from(this.#vault.seal(clientSecret, SEAL_NAME)).toString('base64')
        : null;
    await this.#document.change({ ...rest, ...(clientSecret === undefined ? {} : { sealedSecret }) });
    return this.read();
  }
}
