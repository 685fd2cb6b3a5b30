import type { Audit } from '../audit/audit.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifications/kinds.ts';
import { SettingsDocument } from '../settings/document.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { Directory } from './directory/directory.ts';
import { DirectoryIdentities } from './directory/directory-identities.ts';
import { DirectorySettingsStore } from './directory/directory-settings.ts';
import { GroupMapper } from './group-mapping.ts';
import { KnownDevices } from './known-devices.ts';
import { LoginLimiter } from './login-limiter.ts';
import { LoginSessions } from './login-sessions.ts';
import { Identities } from './oidc/identities.ts';
import { Oidc } from './oidc/oidc.ts';
import { OidcSettingsStore } from './oidc/oidc-settings.ts';
import { Challenges } from './passkeys/challenges.ts';
import { Passkeys } from './passkeys/passkeys.ts';
import { relyingParty } from './passkeys/relying-party.ts';
import { Passwords } from './password-check.ts';
import { SecondFactors } from './second-factors.ts';
import { SignIn } from './sign-in.ts';
import { type SignInPolicy, signInDefaults } from './sign-in-policy.ts';
import { Users } from './users.ts';

export interface SignInServices {
  readonly users: Users;
  readonly logins: LoginSessions;
  readonly factors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly devices: KnownDevices;
  readonly signIn: SignIn;
  readonly signInPolicy: SettingsDocument<SignInPolicy>;
  readonly directory: Directory;
  readonly directorySettings: DirectorySettingsStore;
  readonly directoryIdentities: DirectoryIdentities;
  readonly identities: Identities;
  readonly oidc: Oidc;
  readonly oidcSettings: OidcSettingsStore;
}

export interface SignInServicesParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly log: Logger;
  readonly notifier: Notifier;
  publicUrl(): string;
  /** Further origins of the gateway. */
  readonly origins: readonly string[];
  /** A user's roles or groups are others than before. */
  accessChanged(userId: string): Promise<void>;
  signInsEnded(userId: string, references: readonly string[]): void;
  /** Who has a session, or watches one. */
  usersOfSessions(): Iterable<string>;
  /** The directory no longer lets somebody be here: what she has open ends, and says why. */
  withdrawnByDirectory(userId: string, why: string): void;
}

/** Puts together what signing in is made of. */
export function createSignInServices(parts: SignInServicesParts): SignInServices {
  const { store, vault, audit, log, notifier, publicUrl, accessChanged, signInsEnded } = parts;
  const users = new Users(store);
  const logins = new LoginSessions(store, users);
  const factors = new SecondFactors(store, vault);
  const passkeys = new Passkeys(store, new Challenges(), () => relyingParty(publicUrl(), parts.origins));
  const devices = new KnownDevices(store);
  const limiter = new LoginLimiter({
    report: (username, failures) => {
      reportGuessing(parts, username, failures).catch((error: unknown) =>
        log.error({ err: error }, 'guessing could not be reported'),
      );
    },
  });
  const mapper = new GroupMapper({ store, users, audit, accessChanged });
  const directorySettings = new DirectorySettingsStore(store, vault);
  const directoryIdentities = new DirectoryIdentities({
    store,
    users,
    logins,
    audit,
    mapper,
    usersOfSessions: parts.usersOfSessions,
    withdrawn: parts.withdrawnByDirectory,
  });
  const directory = new Directory({ settings: directorySettings, identities: directoryIdentities, log });
  const signInPolicy = new SettingsDocument<SignInPolicy>(store, 'signIn', signInDefaults);
  const signIn = new SignIn({
    users,
    passwords: new Passwords(users, directory),
    logins,
    factors,
    passkeys,
    devices,
    limiter,
    policy: signInPolicy,
    audit,
    notifier,
  });
  const identities = new Identities({ store, users, audit, mapper });
  const oidcSettings = new OidcSettingsStore(store, vault);
  const oidc = new Oidc({
    store,
    vault,
    settings: oidcSettings,
    identities,
    users,
    logins,
    signIn,
    audit,
    log,
    publicUrl,
    signInsEnded,
  });
  return {
    ...{ users, logins, factors, passkeys, devices, signIn, signInPolicy, identities, oidc, oidcSettings },
    ...{ directory, directorySettings, directoryIdentities },
  };
}

async function reportGuessing(
  { audit, notifier }: SignInServicesParts,
  username: string,
  failures: number,
): Promise<void> {
  const name = username.slice(0, 64);
  await audit.record({ action: 'login.guessing', claimedName: name, details: { failures } });
  await notifier.publish({
    kind: 'sign_in.guessing',
    title: `Somebody guesses at the password of ${name}`,
    text: `${failures} wrong tries within the last hour or so. The audit log says from where.`,
    path: '/admin/audit',
    audience: {},
    facts: { user: name, failures },
  });
}
