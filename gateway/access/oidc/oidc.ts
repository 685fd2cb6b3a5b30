import type { Audit } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { Recurring } from '../../recurring.ts';
import type { OidcSignInRow } from '../../store/sign-in-schema.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Client } from '../known-devices.ts';
import type { LoginSessions, SignedIn } from '../login-sessions.ts';
import type { Opened, SignIn } from '../sign-in.ts';
import type { User, Users } from '../users.ts';
import type { Identities } from './identities.ts';
import type { OidcSettingsStore, OidcSettingsView } from './oidc-settings.ts';
import { type Checks, type Claims, OidcProvider, type ProviderTokens } from './provider.ts';

export const CALLBACK_PATH = '/api/oidc/callback';
/** Somebody who signs in at the provider takes no longer than this. */
const FLOW_LIFE_MS = 10 * 60_000;
/** What discovery found is good for this long: keys and endpoints change rarely. */
const DISCOVERY_LIFE_MS = 60 * 60_000;
const RETRY_DISCOVERY_MS = 5000;
/** How often it is looked whether a sign-in is to be checked again. */
const SWEEP_MS = 15_000;
/** [RFC 8176] 2: authentication methods that are, or go with, a second factor. */
const SECOND_FACTOR_METHODS = ['mfa', 'otp', 'hwk', 'swk', 'sms', 'tel', 'fpt', 'face', 'iris'];

/** What the browser was sent to the provider for. */
export type Purpose = 'sign-in' | 'link' | 'step-up';

export interface OidcParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly settings: OidcSettingsStore;
  readonly identities: Identities;
  readonly users: Users;
  readonly logins: LoginSessions;
  readonly signIn: SignIn;
  readonly audit: Audit;
  readonly log: Logger;
  /** How people reach the gateway: `https://host:port`, known once it listens. */
  publicUrl(): string;
  /** Sign-ins have ended before their time: so does what was opened in them. */
  signInsEnded(userId: string, references: readonly string[]): void;
}

/** One round to the provider and back; travels sealed in a cookie, so that nothing is kept for browsers that never return. */
interface Flow extends Checks {
  readonly purpose: Purpose;
  readonly returnTo: string;
  /** Of whom it was that left, where somebody was signed in. */
  readonly reference: string | null;
  readonly userId: string | null;
  readonly at: number;
}

/** What came of a round. */
export interface Returned {
  readonly opened: Opened | undefined;
  readonly returnTo: string;
}

/** Single sign-on by OpenID Connect: to the provider and back, kept in step with the directory, and out again. */
export class Oidc {
  readonly #parts: OidcParts;
  #provider: { readonly key: string; until: number; readonly found: Promise<OidcProvider> } | undefined;
  readonly #sweeper: Recurring;

  constructor(parts: OidcParts) {
    this.#parts = parts;
    this.#sweeper = new Recurring(
      SWEEP_MS,
      () => this.recheck(),
      (error) => parts.log.error({ err: error }, 'sign-ins could not be checked again'),
    );
  }

  /** What the provider must know of this gateway. */
  get redirectUri(): string {
    return `${this.#parts.publicUrl()}${CALLBACK_PATH}`;
  }

  /** The button of the sign-in page. */
  async offer(): Promise<{ readonly label: string } | null> {
    const { enabled, label } = await this.#parts.settings.read();
    return enabled ? { label } : null;
  }

  /** Where to send the browser, and what to leave with it. */
  async begin(purpose: Purpose, returnTo: string, signedIn: SignedIn | undefined) {
    const provider = await this.#enabled();
    const { url, checks } = await provider.begin(purpose === 'step-up');
    const flow: Flow = {
      ...checks,
      purpose,
      returnTo: isOwnPath(returnTo) ? returnTo : '/',
      reference: signedIn?.reference ?? null,
      userId: signedIn?.user.id ?? null,
      at: Date.now(),
    };
    return { url, cookie: this.#seal(JSON.stringify(flow), 'oidc flow'), maxAgeMs: FLOW_LIFE_MS };
  }

  /** The browser is back. @param search the query it came with @param cookie what was left with it */
  async finish(search: string, cookie: string | undefined, client: Client): Promise<Returned> {
    try {
      return await this.#finish(search, cookie, client);
    } catch (error) {
      this.#parts.log.warn({ err: error, address: client.address }, 'single sign-on failed');
      throw error;
    }
  }

  /** What a round that has failed was for. */
  purposeOf(cookie: string | undefined): Purpose {
    try {
      return this.#readFlow(cookie).purpose;
    } catch {
      return 'sign-in';
    }
  }

  /** Where the browser goes to be signed out at the provider too. Asked before the sign-in is closed. */
  async endSessionUrl(reference: string): Promise<string | undefined> {
    const row = await this.#row(reference);
    if (row === undefined) return undefined;
    try {
      const provider = await this.#enabled();
      return provider.endSessionUrl(this.#open(row.id_token, reference), `${this.#parts.publicUrl()}/`);
    } catch (error) {
      // Signing out here does not wait for a provider that is away.
      this.#parts.log.warn({ err: error }, 'the provider could not be asked to sign out');
      return undefined;
    }
  }

  /** The provider says that somebody has signed out, or may no longer be signed in. */
  async backChannelLogout(token: string): Promise<void> {
    const provider = await this.#enabled().catch((cause: unknown) => {
      throw new GatewayError('bad_request', 'there is no provider', { cause });
    });
    const { issuer, subject, sid } = await provider.readLogoutToken(token);
    let query = this.#parts.store.selectFrom('oidc_sign_ins').selectAll().where('issuer', '=', issuer);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    if (sid !== undefined) query = query.where('sid', '=', sid);
    for (const row of await query.execute()) await this.#end(row, 'signed out at the provider');
  }

  /** Looks now and then whether those who signed in through the provider still may. */
  start(): void {
    this.#sweeper.start();
  }

  stop(): Promise<void> {
    return this.#sweeper.stop();
  }

  /** Asks the provider about every sign-in that was not checked for long enough, by its refresh token. */
  async recheck(now = Date.now()): Promise<void> {
    const settings = await this.#parts.settings.read();
    if (!settings.enabled) return;
    const due = await this.#parts.store
      .selectFrom('oidc_sign_ins')
      .selectAll()
      .where('refresh_token', 'is not', null)
      .where('checked_at', '<=', now - settings.recheckMinutes * 60_000)
      .orderBy('checked_at')
      .limit(100)
      .execute();
    for (const row of due) await this.#recheckOne(row, settings, now);
  }

  /** What discovery finds, for whoever sets it up. */
  async test(): Promise<OidcProvider['facts']> {
    this.#provider = undefined;
    return (await this.#discovered()).facts;
  }

  async #finish(search: string, cookie: string | undefined, client: Client): Promise<Returned> {
    const flow = this.#readFlow(cookie);
    const provider = await this.#enabled();
    const settings = await this.#parts.settings.read();
    const tokens = await provider.finish(new URL(`${this.redirectUri}${search}`), flow);
    switch (flow.purpose) {
      case 'sign-in':
        return { opened: await this.#signIn(tokens, settings, client), returnTo: flow.returnTo };
      case 'link':
        await this.#link(flow, tokens);
        return { opened: undefined, returnTo: flow.returnTo };
      case 'step-up':
        await this.#stepUp(flow, tokens.claims, settings);
        return { opened: undefined, returnTo: flow.returnTo };
    }
  }

  async #signIn(tokens: ProviderTokens, settings: OidcSettingsView, client: Client): Promise<Opened> {
    const { identities, signIn, audit } = this.#parts;
    const { claims } = tokens;
    const { issuer } = (await this.#discovered()).facts;
    const user = await identities.userFor(issuer, claims, settings).catch(async (error: unknown) => {
      if (error instanceof GatewayError) {
        const details = { issuer, subject: claims.sub, code: error.code, why: error.detail ?? '' };
        await audit.record({ action: 'identity.refused', address: client.address, details });
      }
      throw error;
    });
    const opened = await signIn.vouchedFor(user, settings.trustsSecondFactor || sawSecondFactor(claims), client);
    await this.#keepTokens(opened.reference, issuer, tokens);
    return opened;
  }

  async #link(flow: Flow, { claims }: ProviderTokens): Promise<void> {
    const user = await this.#whoLeft(flow);
    await this.#parts.identities.link(user, (await this.#discovered()).facts.issuer, claims.sub);
  }

  async #stepUp(flow: Flow, claims: Claims, settings: OidcSettingsView): Promise<void> {
    const user = await this.#whoLeft(flow);
    const row = await this.#row(flow.reference ?? '');
    if (row === undefined || row.subject !== claims.sub)
      throw new GatewayError('directory_refused', 'that is somebody else');
    if (!settings.trustsSecondFactor && !sawSecondFactor(claims)) {
      throw new GatewayError('directory_refused', 'the provider saw no second factor');
    }
    await this.#parts.logins.confirm(row.reference);
    const details = { reference: row.reference, byProvider: true };
    await this.#parts.audit.record({ action: 'second_factor.confirmed', actor: user, details });
  }

  /** The session cookie does not come along from another site; who it was is in the sealed flow, and must still be there. */
  async #whoLeft({ reference, userId }: Flow): Promise<User> {
    const user = userId === null ? undefined : await this.#parts.users.find(userId);
    const open = user === undefined ? [] : await this.#parts.logins.list(user.id);
    if (user === undefined || user.disabled || !open.some(({ id }) => id === reference)) {
      throw new GatewayError('directory_refused', 'nobody is signed in any more');
    }
    return user;
  }

  async #recheckOne(row: OidcSignInRow, settings: OidcSettingsView, now: number): Promise<void> {
    const { identities, log } = this.#parts;
    if (row.refresh_token === null) return;
    try {
      const provider = await this.#enabled();
      const tokens = await provider.refresh(this.#open(row.refresh_token, row.reference), row.subject);
      const user = await identities.find(row.issuer, row.subject);
      if (user === undefined) return await this.#end(row, 'no longer linked');
      await identities.apply(user, row.issuer, tokens.claims, settings);
      await this.#parts.store
        .updateTable('oidc_sign_ins')
        .set({
          checked_at: now,
          refresh_token: tokens.refreshToken === undefined ? null : this.#sealBytes(tokens.refreshToken, row.reference),
          ...(tokens.idToken === '' ? {} : { id_token: this.#sealBytes(tokens.idToken, row.reference) }),
        })
        .where('reference', '=', row.reference)
        .execute();
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'directory_refused') {
        await this.#end(row, error.detail ?? 'refused');
        return;
      }
      // A provider that is away throws nobody out: asked again at the next sweep.
      log.warn({ err: error, reference: row.reference }, 'the provider does not answer');
    }
  }

  async #end(row: OidcSignInRow, why: string): Promise<void> {
    const { logins, audit, identities, store, signInsEnded } = this.#parts;
    const login = await store
      .selectFrom('login_sessions')
      .select('user_id')
      .where('reference', '=', row.reference)
      .executeTakeFirst();
    if (login === undefined) return;
    const ended = await logins.revoke(login.user_id, { only: row.reference });
    signInsEnded(login.user_id, ended);
    const user = await identities.find(row.issuer, row.subject);
    const details = { reference: row.reference, why: why.slice(0, 200) };
    await audit.record({ action: 'identity.ended', subject: user?.username ?? row.subject, details });
  }

  async #keepTokens(
    reference: string,
    issuer: string,
    { claims, idToken, refreshToken }: ProviderTokens,
  ): Promise<void> {
    await this.#parts.store
      .insertInto('oidc_sign_ins')
      .values({
        reference,
        issuer,
        subject: claims.sub,
        sid: typeof claims.sid === 'string' ? claims.sid : null,
        id_token: this.#sealBytes(idToken, reference),
        refresh_token: refreshToken === undefined ? null : this.#sealBytes(refreshToken, reference),
        checked_at: Date.now(),
      })
      .execute();
  }

  async #enabled(): Promise<OidcProvider> {
    const { enabled } = await this.#parts.settings.read();
    if (!enabled) throw new GatewayError('directory_unavailable', 'single sign-on is not set up');
    return this.#discovered();
  }

  async #discovered(): Promise<OidcProvider> {
    const { issuer, clientId, scopes } = await this.#parts.settings.read();
    const clientSecret = await this.#parts.settings.readSecret();
    const options = { issuer, clientId, clientSecret, scopes, redirectUri: this.redirectUri };
    const key = JSON.stringify(options);
    const now = Date.now();
    if (this.#provider?.key === key && this.#provider.until > now) return this.#provider.found;
    const found = OidcProvider.discover(options);
    const kept = { key, until: now + DISCOVERY_LIFE_MS, found };
    this.#provider = kept;
    found.catch(() => {
      // Soon again, but not once for everybody who comes by.
      kept.until = Date.now() + RETRY_DISCOVERY_MS;
    });
    return found;
  }

  #readFlow(cookie: string | undefined): Flow {
    try {
      const flow = JSON.parse(this.#open(Buffer.from(cookie ?? '', 'base64url'), 'oidc flow')) as Flow;
      if (flow.at + FLOW_LIFE_MS > Date.now()) return flow;
    } catch (cause) {
      throw new GatewayError('directory_refused', 'this sign-in did not begin in this browser', { cause });
    }
    throw new GatewayError('directory_refused', 'this sign-in took too long');
  }

  #row(reference: string): Promise<OidcSignInRow | undefined> {
    return this.#parts.store
      .selectFrom('oidc_sign_ins')
      .selectAll()
      .where('reference', '=', reference)
      .executeTakeFirst();
  }

  #seal(text: string, name: string): string {
    return Buffer.from(this.#sealBytes(text, name)).toString('base64url');
  }

  #sealBytes(text: string, name: string): Uint8Array {
    return this.#parts.vault.seal(text, `oidc ${name}`);
  }

  #open(sealed: Uint8Array, name: string): string {
    return this.#parts.vault.open(Uint8Array.from(sealed), `oidc ${name}`);
  }
}

function sawSecondFactor(claims: Claims): boolean {
  const { amr } = claims;
  return Array.isArray(amr) && amr.some((method) => SECOND_FACTOR_METHODS.includes(method as string));
}

/** A page of this gateway, and nothing that a browser takes for another host. */
function isOwnPath(path: string): boolean {
  return path.length <= 500 && /^\/(?![/\\])[^\\\s]*$/.test(path);
}
