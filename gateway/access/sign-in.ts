import type { Audit, AuditAction } from '../audit/audit.ts';
import { GatewayError } from '../errors.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { SettingsDocument } from '../settings/document.ts';
import type { Role } from './can.ts';
import type { Client, KnownDevices } from './known-devices.ts';
import { LimitedError, type LoginLimiter, type Outcome } from './login-limiter.ts';
import type { LoginSessions, SignedIn, SignInMethod, SignInStage } from './login-sessions.ts';
import type { SecondFactors } from './second-factors.ts';
import { toActor, type User, type Users } from './users.ts';

/** What signing in asks for. */
export interface SignInPolicy {
  /** Whoever has one of these roles must have a second factor. */
  readonly secondFactorRoles: readonly Role[];
}

export const signInDefaults: SignInPolicy = { secondFactorRoles: [] };

export interface SignInParts {
  readonly users: Users;
  readonly logins: LoginSessions;
  readonly factors: SecondFactors;
  readonly devices: KnownDevices;
  readonly limiter: LoginLimiter;
  readonly policy: SettingsDocument<SignInPolicy>;
  readonly audit: Audit;
  readonly notifier: Notifier;
}

/** A sign-in that was opened. */
export interface Opened {
  readonly user: User;
  readonly token: string;
  readonly reference: string;
  readonly stage: SignInStage;
  /** To be left with the browser; a stage that is not full leaves nothing. */
  readonly device: string | undefined;
}

/** `too_many_requests`, and when to come again. */
export class TooManyAttempts extends GatewayError {
  readonly waitMs: number;
  constructor(waitMs: number) {
    super('too_many_requests');
    this.waitMs = waitMs;
  }
}

/** Proving who one is: passwords and second factors, one bound for wrong ones, and everything written down. */
export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /**
   * Signs in with name, password and, for whoever has a second factor, a code of it or a recovery code. Throws
   * `login_failed`, `second_factor_required` (right so far, and a code is missing), `code_wrong`, `too_many_requests`.
   */
  async withPassword(
    { username, password, code }: { username: string; password: string; code?: string | undefined },
    client: Client,
  ): Promise<Opened> {
    const { users } = this.#parts;
    const proven = await this.#attempt(username, client, 'login', async () => {
      const user = await users.authenticate(username, password);
      if (user === undefined) return wrong('login_failed');
      if (!(await this.#parts.factors.isEnrolled(user.id)))
        return { outcome: 'right', value: { user, confirmed: false } };
      if (code === undefined || code === '') {
        return { outcome: 'unfinished', value: new GatewayError('second_factor_required') };
      }
      if (!(await this.#takeCode(user, code, client))) return wrong('code_wrong');
      return { outcome: 'right', value: { user, confirmed: true } };
    });
    const { user, confirmed } = proven;
    return this.#open(user, 'password', { factorSeen: confirmed, confirmed }, client);
  }

  /**
   * Signs in whom somebody else vouches for.
   *
   * @param factorSeen whether they have seen a second factor; otherwise the gateway's own is asked for where there is
   *   one. When they did nobody knows: it does not count as shown now.
   */
  async vouchedFor(user: User, factorSeen: boolean, client: Client): Promise<Opened> {
    return this.#open(user, 'oidc', { factorSeen, confirmed: false }, client);
  }

  /** The second step of a sign-in that owes a code. Returns the cookie to leave with the browser. */
  async finish(signedIn: SignedIn, code: string, client: Client): Promise<string> {
    await this.confirm(signedIn, code, client);
    return this.#finished(signedIn.user, signedIn.reference, signedIn.method, client);
  }

  /** A code within a sign-in: for what asks for a second factor at the moment it is done. */
  async confirm({ user, reference }: SignedIn, code: string, client: Client): Promise<void> {
    const { factors, logins, audit } = this.#parts;
    if (!(await factors.isEnrolled(user.id))) throw new GatewayError('second_factor_missing');
    await this.#attempt(user.username, client, 'second_factor', async () =>
      (await this.#takeCode(user, code, client)) ? { outcome: 'right', value: true as const } : wrong('code_wrong'),
    );
    await logins.confirm(reference);
    await audit.record({
      action: 'second_factor.confirmed',
      actor: toActor(user),
      address: client.address,
      details: { reference },
    });
  }

  /**
   * Throws unless a second factor was shown in this sign-in within the last minutes: `step_up_required`, or
   * `second_factor_missing` where there is none to show.
   */
  async requireStepUp({ user, method, confirmedAt }: SignedIn, withinMinutes: number): Promise<void> {
    if (confirmedAt !== null && Date.now() - confirmedAt <= withinMinutes * 60_000) return;
    // A provider can be asked to have its user prove it anew.
    const possible = method === 'oidc' || (await this.#parts.factors.isEnrolled(user.id));
    throw new GatewayError(possible ? 'step_up_required' : 'second_factor_missing');
  }

  /** Asks somebody who is signed in for the password once more; counts as signing in does. */
  async checkPassword(user: Pick<User, 'username'>, password: string, client: Client): Promise<void> {
    await this.#attempt(user.username, client, 'login', async () => {
      const found = await this.#parts.users.authenticate(user.username, password);
      return found === undefined ? wrong('login_failed') : { outcome: 'right', value: found };
    });
  }

  /** Sets up the second factor that a first code proves. A sign-in that waited for it is whole then. */
  async enrol(signedIn: SignedIn, code: string, client: Client) {
    const { user, reference, method, stage } = signedIn;
    const { factors, logins } = this.#parts;
    const recoveryCodes = await this.#attempt(user.username, client, 'second_factor', async () => {
      try {
        return { outcome: 'right', value: await factors.confirm(user.id, code) };
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'code_wrong') return wrong('code_wrong');
        if (error instanceof GatewayError) return { outcome: 'unfinished', value: error };
        throw error;
      }
    });
    await logins.confirm(reference);
    await this.tell(user, client, 'second_factor.enrolled', 'Two-step sign-in was turned on');
    const device = stage === 'full' ? undefined : await this.#finished(user, reference, method, client);
    return { recoveryCodes, device };
  }

  /** Writes down a change of how somebody signs in, and tells that person: it may not have been she. */
  async tell(user: User, client: Client, action: AuditAction, title: string, actor = toActor(user)): Promise<void> {
    const { audit, notifier } = this.#parts;
    await audit.record({ action, actor, address: client.address, subject: user.username });
    await notifier.publish({
      kind: 'account.changed',
      title,
      text: `From ${client.address}. If this was not you, tell an administrator.`,
      path: '/account',
      audience: { requester: [user.id] },
      facts: { user: user.username, action, address: client.address },
    });
  }

  async #takeCode(user: User, code: string, client: Client): Promise<boolean> {
    const kind = await this.#parts.factors.take(user.id, code);
    if (kind === 'recovery') await this.tell(user, client, 'second_factor.recovery_used', 'A recovery code was used');
    return kind !== undefined;
  }

  /** Within the bounds for wrong tries. A value that is an error is thrown, once its outcome is counted. */
  async #attempt<T>(
    username: string,
    client: Client,
    what: 'login' | 'second_factor',
    run: () => Promise<{ outcome: Outcome; value: T | GatewayError }>,
  ): Promise<T> {
    const { limiter, devices, audit } = this.#parts;
    const { address } = client;
    const knownDevice = await devices.recognise(username, client);
    const result = await limiter.try({ username, address, knownDevice }, run).catch(async (error: unknown) => {
      if (!(error instanceof LimitedError)) throw error;
      await audit.record({ action: `${what}.limited`, claimedName: username, address });
      throw new TooManyAttempts(error.waitMs);
    });
    if (!(result instanceof GatewayError)) return result;
    if (result.code === 'login_failed' || result.code === 'code_wrong') {
      const action = result.code === 'login_failed' ? 'login.failed' : 'second_factor.failed';
      await audit.record({ action, claimedName: username, address });
    }
    throw result;
  }

  async #open(
    user: User,
    method: SignInMethod,
    { factorSeen, confirmed }: { readonly factorSeen: boolean; readonly confirmed: boolean },
    client: Client,
  ): Promise<Opened> {
    const { logins } = this.#parts;
    const { address, userAgent } = client;
    const stage = factorSeen ? 'full' : await this.#stageOf(user);
    const { token, reference } = await logins.open(user.id, { address, userAgent, method, stage, confirmed });
    const device = stage === 'full' ? await this.#finished(user, reference, method, client) : undefined;
    return { user, token, reference, stage, device };
  }

  async #stageOf(user: User): Promise<SignInStage> {
    const { factors, policy } = this.#parts;
    if (await factors.isEnrolled(user.id)) return 'code';
    const { secondFactorRoles } = await policy.read();
    return user.roles.some((role) => secondFactorRoles.includes(role)) ? 'enrol' : 'full';
  }

  async #finished(user: User, reference: string, method: SignInMethod, client: Client): Promise<string> {
    const { devices, audit, notifier } = this.#parts;
    const { address } = client;
    const details = { reference, method };
    await audit.record({ action: 'login.succeeded', actor: toActor(user), address, details });
    const { cookie, unexpected } = await devices.remember(user.id, client);
    if (unexpected) {
      await notifier.publish({
        kind: 'sign_in.new_device',
        title: 'Signed in from a new place',
        text: `From ${address}. If this was not you, end that sign-in and change your password.`,
        path: '/account',
        audience: { requester: [user.id] },
        facts: { user: user.username, address, reference },
      });
    }
    return cookie;
  }
}

function wrong(code: 'login_failed' | 'code_wrong'): { outcome: Outcome; value: GatewayError } {
  return { outcome: 'wrong', value: new GatewayError(code) };
}
