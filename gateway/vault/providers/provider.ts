import type { Secret } from '../secret.ts';

/** What a credential is asked for. */
export interface CredentialQuestion {
  readonly user: { readonly id: string; readonly username: string };
  readonly account: { readonly id: string; readonly username: string; readonly domain: string };
  readonly target: { readonly id: string; readonly name: string; readonly host: string; readonly port: number };
  readonly requestId: string | null;
  readonly purpose: CredentialPurpose;
  readonly lookup: AccountLookup;
}

export const credentialPurposes = ['connect', 'reveal', 'type', 'test', 'rotate'] as const;
export type CredentialPurpose = (typeof credentialPurposes)[number];

/** What of a provider an account is. */
export interface AccountLookup {
  /** HTTP: what the provider knows it by. */
  readonly reference?: string;
  /** HashiCorp Vault: the secret's path below its mount. */
  readonly path?: string;
  /** HashiCorp Vault: the fields of the secret; `password` unless given, and no user name. */
  readonly passwordField?: string;
  readonly usernameField?: string;
}

/** The user name and domain where the provider has others than the account. */
export interface ProvidedCredential {
  readonly username?: string;
  readonly domain?: string;
  readonly password: Secret;
}

/**
 * Where a credential comes from. Asked anew for each use, and nothing of the answer is kept. Throws `provider_denied`,
 * `provider_unavailable`, `provider_timeout` or `provider_invalid`, with a detail that quotes nothing of the answer.
 */
export interface CredentialProvider {
  fetch(question: CredentialQuestion): Promise<ProvidedCredential>;
}

interface TlsSettings {
  /** PEM of the authorities that vouch for the server; empty: this machine's. */
  readonly ca: string;
  /** PEM of the certificate that the gateway shows; empty: none. */
  readonly clientCertificate: string;
}

interface CommonSettings extends TlsSettings {
  readonly url: string;
  readonly timeoutMs: number;
}

export interface HttpSettings extends CommonSettings {
  readonly kind: 'http';
}

export interface HashiCorpSettings extends CommonSettings {
  readonly kind: 'hashicorp';
  readonly namespace: string;
  /** Where the KV engine is mounted. */
  readonly mount: string;
  readonly version: 1 | 2;
  readonly auth: 'token' | 'approle';
  /** Where AppRole is mounted. */
  readonly authMount: string;
  readonly roleId: string;
}

export type ProviderSettings = HttpSettings | HashiCorpSettings;
export const providerKinds = ['http', 'hashicorp'] as const;

/** What of a provider's settings nobody gets to see again. */
export interface ProviderSecrets {
  /** HTTP: a bearer token; HashiCorp Vault: the token to sign in with. */
  readonly token?: string;
  /** AppRole's. */
  readonly secretId?: string;
  /** PEM of the private key to `clientCertificate`. */
  readonly clientKey?: string;
}
