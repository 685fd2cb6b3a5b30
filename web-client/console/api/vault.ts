import { request } from './request.ts';
import type { Account } from './types.ts';

/** The vault, as the API gives it to those who look after it, and to those who use what is in it. */

export interface RotationSettings {
  readonly changer: 'ssh';
  /** Empty: the target's. */
  readonly host: string;
  readonly port: number;
  /** 0: not by the calendar. */
  readonly everyDays: number;
  readonly onCheckIn: boolean;
  readonly afterReveal: boolean;
  readonly length: number;
  readonly privilegedAccountId: string | null;
}

export interface Rotation {
  readonly settings: RotationSettings;
  readonly state: 'ok' | 'changing' | 'failed' | 'unknown';
  readonly lastAt: string | null;
  readonly nextAt: string | null;
  readonly attempts: number;
  readonly error: { readonly code: string; readonly detail: string } | null;
  readonly hostKey: string | null;
  readonly offeredKey: string | null;
}

export interface AccountLookup {
  readonly reference?: string;
  readonly path?: string;
  readonly passwordField?: string;
  readonly usernameField?: string;
}

export interface VaultAccount extends Account {
  readonly target: { readonly id: string; readonly name: string; readonly host: string };
  readonly provider: { readonly id: string; readonly name: string } | null;
  readonly lookup: AccountLookup;
  readonly rotation: Rotation | null;
}

export interface RotationEvent {
  readonly at: string;
  readonly reason: 'schedule' | 'check-in' | 'reveal' | 'by-hand';
  readonly outcome: 'succeeded' | 'reconciled' | 'failed';
  readonly detail: string;
}

export interface ProviderFields {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly ca: string;
  readonly clientCertificate: string;
  readonly namespace?: string;
  readonly mount?: string;
  readonly version?: 1 | 2;
  readonly auth?: 'token' | 'approle';
  readonly authMount?: string;
  readonly roleId?: string;
}

/** Not shown again. */
export interface ProviderSecrets {
  readonly token?: string;
  readonly secretId?: string;
  readonly clientKey?: string;
}

export interface Provider extends ProviderFields {
  readonly id: string;
  readonly kind: 'http' | 'hashicorp';
  readonly hasToken: boolean;
  readonly hasSecretId: boolean;
  readonly hasClientKey: boolean;
  readonly accounts: number;
}

export type KeySource = 'file' | 'environment' | 'passphrase';

export interface MasterKeyState {
  readonly id: string;
  readonly source: KeySource;
  readonly since: string;
  readonly secrets: number;
  readonly moving: { readonly to: string; readonly source: KeySource; readonly left: number } | null;
  readonly lastError: string | null;
}

export interface MasterPasswordState {
  readonly set: boolean;
  readonly since: string | null;
  readonly checkedOut: number;
  readonly lockedUntil: string | null;
}

export interface ShownSecret {
  readonly username: string;
  readonly domain: string;
  readonly password: string;
  readonly hideAfterSeconds: number;
}

/** What a session asks its owner. */
export interface SessionQuestion {
  readonly wants: readonly ('username' | 'password' | 'master-password')[];
  readonly username: string;
  readonly domain: string;
  readonly again: 'reconnect' | 'master_password_wrong' | null;
}

const id = encodeURIComponent;

/** The vault's part of the API, as functions. Each throws `ApiError`. */
export const vault = {
  accounts: (signal?: AbortSignal) => request<readonly VaultAccount[]>('GET', '/vault/accounts', undefined, signal),
  account: (account: string, signal?: AbortSignal) =>
    request<VaultAccount & { readonly history: readonly RotationEvent[] }>(
      'GET',
      `/vault/accounts/${id(account)}`,
      undefined,
      signal,
    ),
  changeRotation: (account: string, settings: Partial<RotationSettings>) =>
    request<Rotation>('PATCH', `/vault/accounts/${id(account)}/rotation`, settings),
  removeRotation: (account: string) => request<void>('DELETE', `/vault/accounts/${id(account)}/rotation`),
  rotate: (account: string) => request<Rotation>('POST', `/vault/accounts/${id(account)}/rotate`),
  acceptHostKey: (account: string, hostKey: string | null) =>
    request<Rotation>('POST', `/vault/accounts/${id(account)}/host-key`, { hostKey }),

  providers: (signal?: AbortSignal) => request<readonly Provider[]>('GET', '/vault/providers', undefined, signal),
  addProvider: (fields: ProviderFields & ProviderSecrets & { readonly kind: Provider['kind'] }) =>
    request<Provider>('POST', '/vault/providers', fields),
  changeProvider: (provider: string, fields: ProviderFields & ProviderSecrets) =>
    request<Provider>('PATCH', `/vault/providers/${id(provider)}`, fields),
  removeProvider: (provider: string) => request<void>('DELETE', `/vault/providers/${id(provider)}`),
  tryProvider: (provider: string, question: { username: string; domain: string; lookup: AccountLookup }) =>
    request<{ username: string | null; milliseconds: number }>(
      'POST',
      `/vault/providers/${id(provider)}/try`,
      question,
    ),

  key: (signal?: AbortSignal) => request<MasterKeyState>('GET', '/vault/key', undefined, signal),
  rewrap: (to: { source: KeySource; key?: string; passphrase?: string }) =>
    request<{ to: string }>('POST', '/vault/key/rewrap', to),

  masterPassword: (signal?: AbortSignal) =>
    request<MasterPasswordState>('GET', '/me/master-password', undefined, signal),
  setMasterPassword: (masterPassword: string) => request<void>('POST', '/me/master-password', { masterPassword }),
  changeMasterPassword: (present: string, masterPassword: string) =>
    request<void>('PATCH', '/me/master-password', { present, masterPassword }),
  resetMasterPassword: (proof: { password: string } | { code: string }) =>
    request<{ lost: number }>('DELETE', '/me/master-password', proof),

  reveal: (requestId: string, accountId: string, masterPassword: string) =>
    request<ShownSecret>('POST', `/requests/${id(requestId)}/reveal`, {
      accountId,
      ...(masterPassword === '' ? {} : { masterPassword }),
    }),
  typeSecret: (session: string, enter: boolean, masterPassword: string) =>
    request<void>('POST', `/sessions/${id(session)}/type-secret`, {
      enter,
      ...(masterPassword === '' ? {} : { masterPassword }),
    }),
  supply: (
    session: string,
    credential: { username?: string; domain?: string; password?: string; masterPassword?: string },
  ) => request<void>('POST', `/sessions/${id(session)}/credential`, credential),
};
