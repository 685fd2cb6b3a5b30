import type { PasskeyAnswer } from './passkeys.ts';
import { request } from './request.ts';
import type { Role, User } from './types.ts';

/** What is shown as a second factor, besides recovery codes. */
export type FactorKind = 'code' | 'passkey';
export type FactorProof = { readonly code: string } | { readonly passkey: PasskeyAnswer };
/** How a sign-in began. */
export type SignInMethod = 'password' | 'ldap' | 'passkey' | 'oidc';

/** Who is at this browser, and how signing in works here. */
export interface SignedInState {
  readonly user: User | null;
  /** `code`: a second factor is still owed; `enrol`: one must be set up first. */
  readonly stage: 'full' | 'code' | 'enrol' | null;
  readonly method: SignInMethod | null;
  /** Of stage `code`, what there is to show; of `enrol`, what may be set up. */
  readonly factors: readonly FactorKind[];
  /** For which host name passkeys sign in by themselves; null where they do not. */
  readonly passkeyHost: string | null;
  readonly singleSignOn: { readonly label: string } | null;
}

export interface SecondFactorState {
  /** Codes of an authenticator app. */
  readonly enrolled: boolean;
  readonly passkeys: number;
  readonly allowed: readonly FactorKind[];
  readonly since: string | null;
  readonly recoveryCodesLeft: number;
  readonly required: boolean;
}

export interface Enrolment {
  readonly secret: string;
  readonly uri: string;
  readonly svg: string;
}

export interface SignInEntry {
  readonly id: string;
  readonly address: string;
  readonly userAgent: string;
  readonly method: SignInMethod;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly expiresAt: string;
  readonly current: boolean;
}

export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly linkedAt: string;
  readonly lastSignInAt: string | null;
}

export interface Notification {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  readonly path: string;
  readonly createdAt: string;
  readonly read: boolean;
}

export interface MailPreference {
  readonly kind: string;
  readonly mail: boolean;
}

export interface NotificationList {
  readonly unread: number;
  readonly notifications: readonly Notification[];
}

const id = encodeURIComponent;

/** The part of the gateway's API that is about oneself. Each function throws `ApiError`. */
export const account = {
  state: () => request<SignedInState>('GET', '/login'),
  /** Whoever has a second factor owes it then. */
  signIn: (fields: { username: string; password: string }) =>
    request<unknown>('POST', '/login', { ...fields, twoSteps: true }),
  finishSignIn: (proof: FactorProof) => request<unknown>('POST', '/login/code', proof),
  /** Where to go on to, to be signed out at the provider too. */
  signOutEverywhere: () => request<{ readonly url: string | null }>('POST', '/oidc/logout'),
  stepUp: (proof: FactorProof | { readonly password: string }) => request<void>('POST', '/step-up', proof),

  secondFactor: (signal?: AbortSignal) => request<SecondFactorState>('GET', '/me/second-factor', undefined, signal),
  beginSecondFactor: (password?: string) =>
    request<Enrolment>('POST', '/me/second-factor', password === undefined ? {} : { password }),
  confirmSecondFactor: (code: string) =>
    request<{ readonly recoveryCodes: readonly string[] }>('POST', '/me/second-factor/confirm', { code }),
  renewRecoveryCodes: (proof: FactorProof) =>
    request<{ readonly recoveryCodes: readonly string[] }>('POST', '/me/second-factor/recovery-codes', proof),
  removeSecondFactor: (proof: { password: string } | { code: string }) =>
    request<void>('POST', '/me/second-factor/remove', proof),

  signIns: (signal?: AbortSignal) => request<readonly SignInEntry[]>('GET', '/me/sign-ins', undefined, signal),
  endSignIn: (signIn: string) => request<void>('DELETE', `/me/sign-ins/${id(signIn)}`),
  endOtherSignIns: () => request<void>('DELETE', '/me/sign-ins'),
  identities: (signal?: AbortSignal) => request<readonly Identity[]>('GET', '/me/identities', undefined, signal),
  unlinkIdentities: () => request<void>('DELETE', '/me/identities'),

  notifications: (options: { limit: number; before?: string }, signal?: AbortSignal) =>
    request<NotificationList>(
      'GET',
      `/notifications?limit=${options.limit}${options.before === undefined ? '' : `&before=${id(options.before)}`}`,
      undefined,
      signal,
    ),
  /** The mails that one is sent and could decline. */
  mails: (signal?: AbortSignal) => request<readonly MailPreference[]>('GET', '/me/mails', undefined, signal),
  changeMails: (wanted: Readonly<Record<string, boolean>>) =>
    request<readonly MailPreference[]>('PATCH', '/me/mails', wanted),
  readNotifications: (ids?: readonly string[]) =>
    request<void>('POST', '/notifications/read', ids === undefined ? {} : { ids }),
};

/** Of other users, for administrators. */
export const userSecurity = {
  signIns: (user: string, signal?: AbortSignal) =>
    request<readonly SignInEntry[]>('GET', `/users/${id(user)}/sign-ins`, undefined, signal),
  endSignIn: (user: string, signIn: string) => request<void>('DELETE', `/users/${id(user)}/sign-ins/${id(signIn)}`),
  endSignIns: (user: string) => request<void>('DELETE', `/users/${id(user)}/sign-ins`),
  /** Makes somebody from the directory a user of Oriel alone. */
  leaveDirectory: (user: string) => request<User>('DELETE', `/users/${id(user)}/directory`),
  resetSecondFactor: (user: string) => request<void>('DELETE', `/users/${id(user)}/second-factor`),
};

export interface SingleSignOnSettings {
  readonly enabled: boolean;
  readonly issuer: string;
  readonly clientId: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  readonly mapping: readonly {
    readonly claim: string;
    readonly roles: readonly Role[];
    readonly groups: readonly string[];
  }[];
  readonly defaultRoles: readonly Role[];
  readonly createUsers: boolean;
  readonly linkBy: 'none' | 'verified_email' | 'username';
  readonly trustsSecondFactor: boolean;
  readonly recheckMinutes: number;
}

export interface MailSettings {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly security: 'starttls' | 'tls' | 'none';
  readonly username: string;
  readonly from: string;
}

export type Audience = 'approvers' | 'requester' | 'reviewers' | 'admins';
export type Channel = 'page' | 'mail';
export type NotificationRules = Readonly<Record<string, Readonly<Record<Audience, readonly Channel[]>>>>;

export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly string[];
  readonly enabled: boolean;
}

export interface Delivery {
  readonly id: string;
  readonly channel: 'mail' | 'webhook';
  readonly recipient: string;
  readonly kind: string;
  readonly state: 'waiting' | 'sent' | 'failed';
  readonly attempts: number;
  readonly createdAt: string;
  readonly lastError: string;
}

/** What signing in asks for. */
export interface SignInPolicy {
  readonly secondFactorRoles: readonly Role[];
  readonly allowedFactors: Partial<Record<Role, readonly FactorKind[]>>;
  readonly passwordless: boolean;
}

export interface PasskeyFacts {
  readonly host: string | null;
  readonly origin: string | null;
  /** Why they do not work. */
  readonly problem: string | null;
}

/** Settings of signing in and of notifications. */
export const policies = {
  signIn: (signal?: AbortSignal) =>
    request<SignInPolicy & { readonly passkeys: PasskeyFacts }>('GET', '/settings/sign-in', undefined, signal),
  changeSignIn: (change: SignInPolicy) => request<unknown>('PATCH', '/settings/sign-in', change),
  singleSignOn: (signal?: AbortSignal) =>
    request<SingleSignOnSettings & { readonly hasSecret: boolean; readonly redirectUri: string }>(
      'GET',
      '/settings/single-sign-on',
      undefined,
      signal,
    ),
  changeSingleSignOn: (change: Partial<SingleSignOnSettings> & { clientSecret?: string | null }) =>
    request<unknown>('PATCH', '/settings/single-sign-on', change),
  testSingleSignOn: () =>
    request<{ issuer: string; logout: boolean; backChannelLogout: boolean; refresh: boolean }>(
      'POST',
      '/settings/single-sign-on/test',
    ),
  mail: (signal?: AbortSignal) =>
    request<MailSettings & { readonly hasPassword: boolean }>('GET', '/settings/mail', undefined, signal),
  changeMail: (change: Partial<MailSettings> & { password?: string | null }) =>
    request<unknown>('PATCH', '/settings/mail', change),
  testMail: (to: string) => request<void>('POST', '/settings/mail/test', { to }),
  notifications: (signal?: AbortSignal) =>
    request<NotificationRules>('GET', '/settings/notifications', undefined, signal),
  changeNotifications: (change: NotificationRules) => request<unknown>('PATCH', '/settings/notifications', change),
  webhooks: (signal?: AbortSignal) => request<readonly Webhook[]>('GET', '/webhooks', undefined, signal),
  addWebhook: (fields: { name: string; url: string; kinds: readonly string[] }) =>
    request<Webhook & { readonly secret: string }>('POST', '/webhooks', fields),
  changeWebhook: (webhook: string, change: Partial<Omit<Webhook, 'id'>>) =>
    request<Webhook>('PATCH', `/webhooks/${id(webhook)}`, change),
  removeWebhook: (webhook: string) => request<void>('DELETE', `/webhooks/${id(webhook)}`),
  testWebhook: (webhook: string) => request<void>('POST', `/webhooks/${id(webhook)}/test`),
  deliveries: (signal?: AbortSignal) => request<readonly Delivery[]>('GET', '/deliveries?limit=50', undefined, signal),
  retryDelivery: (delivery: string) => request<void>('POST', `/deliveries/${id(delivery)}/retry`),
};
