import type { Audit, AuditAction, AuditEvent } from '../audit/audit.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { SettingsDocument } from '../settings/document.ts';
import type { Actor } from './can.ts';
import type { Client, KnownDevices } from './known-devices.ts';
import { LimitedError, type LoginLimiter, type Outcome } from './login-limiter.ts';
import type { LoginSessions, SignedIn, SignInMethod, SignInStage } from './login-sessions.ts';
import {
  ClonedPasskey,
  type NewPasskey,
  type Passkey,
  type PasskeyAnswer,
  type Passkeys,
} from './passkeys/passkeys.ts';
import type { SecondFactors } from './second-factors.ts';
import { allowedFactors, type FactorKind, requiresFactor, type SignInPolicy } from './sign-in-policy.ts';
import { toActor, type User, type Users } from './users.ts';

/** How long after somebody proved who she is she may change how that is proved. */
const RECENT_MS = 10 * 60_000;

export interface SignInParts {
  readonly users: Users;
  readonly passwords: PasswordCheck;
  readonly logins: LoginSessions;
  readonly factors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly devices: KnownDevices;
  readonly limiter: LoginLimiter;
  readonly policy: SettingsDocument<SignInPolicy>;
  readonly audit: Audit;
  readonly notifier: Notifier;
}

/** Who has that password: here, or in the directory. */
export interface PasswordCheck {
  /** Nothing where it is not right. Throws where it is, and does not sign in all the same, or where nobody can tell. */
  check(username: string, password: string, client: Client): Promise<PasswordProof | undefined>;
  /** Throws where a user who needed no password now may not sign in any more. */
  requireWelcome(user: User): Promise<void>;
}

export interface PasswordProof {
  readonly user: User;
  readonly method: 'password' | 'ldap';
}

/** What is shown as a second factor. */
export type FactorProof =
  | { readonly code: string; readonly passkey?: undefined }
  | { readonly passkey: PasskeyAnswer; readonly code?: undefined };

/** What a user has to show, and what she may have. */
export interface FactorsOf {
  /** What there is: sign-ins ask for one of these. */
  readonly enrolled: readonly FactorKind[];
  /** What counts for her roles. */
  readonly allowed: readonly FactorKind[];
  readonly required: boolean;
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
   *
   * @param twoSteps opens the sign-in without the code: it owes its second factor then, and can do nothing else
   */
  async withPassword(
    fields: {
      readonly username: string;
      readonly password: string;
      readonly code?: string | undefined;
      readonly twoSteps?: boolean | undefined;
    },
    client: Client,
  ): Promise<Opened> {
    const { username, password, code, twoSteps = false } = fields;
    const proven = await this.#attempt<PasswordProof & { readonly shown: 'code' | undefined }>(
      username,
      client,
      'login',
      async () => {
        const proof = await this.#parts.passwords.check(username, password, client);
        if (proof === undefined) return wrong('login_failed');
        const { enrolled } = await this.factorsOf(proof.user);
        if (enrolled.length === 0) return { outcome: 'right', value: { ...proof, shown: undefined } };
        if (code === undefined || code === '') {
          if (!twoSteps) await this.#firstStep(proof.user, proof.method, client);
          const owed = twoSteps ? { ...proof, shown: undefined } : new GatewayError('second_factor_required');
          return { outcome: 'unfinished', value: owed };
        }
        if (!(await this.#takeCode(proof.user, code, client))) return wrong('code_wrong');
        return { outcome: 'right', value: { ...proof, shown: 'code' as const } };
      },
    );
    return this.#open(proven.user, proven.method, proven.shown, client);
  }

  /**
   * Signs in with a passkey alone. It has asked for a PIN or a finger, so it is both factors. Throws `passkey_refused`,
   * `passkey_cloned`, `challenge_expired`, `factor_not_allowed`, `too_many_requests`.
   */
  async withPasskey(answer: PasskeyAnswer, client: Client): Promise<Opened> {
    const { users, passkeys, passwords, policy } = this.#parts;
    const { passwordless } = await policy.read();
    if (!passwordless) throw new GatewayError('factor_not_allowed', 'a passkey goes with a password here');
    const owner = await passkeys.ownerOf(answer.response.id);
    const name = owner === undefined ? '' : ((await users.find(owner))?.username ?? '');
    const user = await this.#attempt(name, client, 'login', async () => {
      const { userId } = await passkeys.signIn(answer);
      const found = await users.find(userId);
      if (found === undefined || found.disabled) return wrong('passkey_refused');
      return { outcome: 'right', value: found };
    });
    if (!(await this.factorsOf(user)).allowed.includes('passkey')) throw new GatewayError('factor_not_allowed');
    await passwords.requireWelcome(user);
    return this.#open(user, 'passkey', 'passkey', client);
  }

  /**
   * Signs in whom somebody else vouches for.
   *
   * @param factorSeen whether they have seen a second factor; otherwise the gateway's own is asked for where there is
   *   one. When they did nobody knows: it does not count as shown now.
   */
  async vouchedFor(user: User, factorSeen: boolean, client: Client): Promise<Opened> {
    return this.#open(user, 'oidc', factorSeen ? 'elsewhere' : undefined, client);
  }

  /** The second step of a sign-in that owes a factor. Returns the cookie to leave with the browser, once it is whole. */
  async finish(signedIn: SignedIn, proof: FactorProof, client: Client): Promise<string | undefined> {
    const stage = await this.#confirm(signedIn, proof, client);
    return stage === 'full' ? this.#finished(signedIn.user, signedIn.reference, signedIn.method, client) : undefined;
  }

  /** A factor within a sign-in: for what asks for one at the moment it is done. */
  async confirm(signedIn: SignedIn, proof: FactorProof, client: Client): Promise<void> {
    await this.#confirm(signedIn, proof, client);
  }

  /** The password within a sign-in: for what asks whoever has no second factor to prove once more who she is. */
  async prove({ user, reference }: SignedIn, password: string, client: Client): Promise<void> {
    await this.checkPassword(user, password, client);
    await this.#parts.logins.prove(reference);
  }

  /** What a user has to show as a second factor, and what counts. */
  async factorsOf({ id, roles }: Pick<User, 'id' | 'roles'>): Promise<FactorsOf> {
    const { factors, passkeys, policy } = this.#parts;
    const rules = await policy.read();
    const enrolled: FactorKind[] = [];
    if (await factors.isEnrolled(id)) enrolled.push('code');
    if ((await passkeys.count(id)) > 0) enrolled.push('passkey');
    return { enrolled, allowed: allowedFactors(rules, roles), required: requiresFactor(rules, roles) };
  }

  /** Throws `factor_not_allowed` where that kind does not count for the user. */
  async requireAllowed(user: User, kind: FactorKind): Promise<void> {
    if (!(await this.factorsOf(user)).allowed.includes(kind)) throw new GatewayError('factor_not_allowed');
  }

  /**
   * Throws unless a second factor was shown in this sign-in within the last minutes: `step_up_required`, or
   * `second_factor_missing` where there is none to show.
   */
  async requireStepUp({ user, method, confirmedAt }: SignedIn, withinMinutes: number): Promise<void> {
    if (confirmedAt !== null && Date.now() - confirmedAt <= withinMinutes * 60_000) return;
    // A provider can be asked to have its user prove it anew.
    const possible = method === 'oidc' || (await this.factorsOf(user)).enrolled.length > 0;
    throw new GatewayError(possible ? 'step_up_required' : 'second_factor_missing');
  }

  /**
   * Throws unless somebody has just proved who she is, before she changes how that is proved: whoever finds a browser
   * unlocked should not make the account theirs. `step_up_required` where there is a second factor to show (or a
   * provider to ask), `recent_sign_in_required` where there is a password.
   */
  async requireRecent({ user, method, stage, confirmedAt, provenAt }: SignedIn): Promise<void> {
    // Somebody who is on the way in has.
    if (stage === 'enrol') return;
    const since = Date.now() - RECENT_MS;
    if (confirmedAt !== null && confirmedAt >= since) return;
    if ((await this.factorsOf(user)).enrolled.length > 0) throw new GatewayError('step_up_required');
    if (provenAt >= since) return;
    throw new GatewayError(method === 'oidc' ? 'step_up_required' : 'recent_sign_in_required');
  }

  /** Asks somebody who is signed in for the password once more; counts as signing in does. */
  async checkPassword(user: User, password: string, client: Client): Promise<void> {
    // A name that somebody else has in the directory by now is not hers any more.
    const username = user.directoryAccount?.username ?? user.username;
    await this.#attempt(user.username, client, 'login', async () => {
      const found = await this.#parts.passwords.check(username, password, client);
      return found?.user.id === user.id ? { outcome: 'right', value: found } : wrong('login_failed');
    });
  }

  /** Sets up the second factor that a first code proves. A sign-in that waited for it is whole then. */
  async enrol(signedIn: SignedIn, code: string, client: Client) {
    const { user } = signedIn;
    const { factors } = this.#parts;
    const recoveryCodes = await this.#attempt(user.username, client, 'second_factor', async () => {
      try {
        return { outcome: 'right', value: await factors.confirm(user.id, code) };
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'code_wrong') return wrong('code_wrong');
        if (error instanceof GatewayError) return { outcome: 'unfinished', value: error };
        throw error;
      }
    });
    await this.tell(user, client, 'second_factor.enrolled', 'Two-step sign-in was turned on');
    return { recoveryCodes, device: await this.#enrolled(signedIn, client) };
  }

  /**
   * Keeps a passkey that the browser has made. With the first factor come recovery codes. A sign-in that waited for one
   * is whole then.
   */
  async register(signedIn: SignedIn, made: NewPasskey, client: Client) {
    const { user, reference } = signedIn;
    const { factors, passkeys } = this.#parts;
    await this.requireAllowed(user, 'passkey');
    const passkey: Passkey = await passkeys.register(user, reference, made);
    const { recoveryCodesLeft } = await factors.state(user.id);
    const recoveryCodes = recoveryCodesLeft === 0 ? await factors.newRecoveryCodes(user.id) : [];
    await this.tell(user, client, 'passkey.registered', `The passkey "${passkey.name}" was added`, toActor(user), {
      passkey: passkey.name,
      passkeyId: passkey.id,
    });
    return { passkey, recoveryCodes, device: await this.#enrolled(signedIn, client) };
  }

  /** Something else that could be used to guess at a password: within the same bounds. @returns what `run` gives */
  async bounded<T>(
    username: string,
    client: Client,
    run: () => Promise<{ readonly right: boolean; readonly value: T }>,
  ): Promise<T> {
    const result = await this.#attempt<{ value: T }>(username, client, 'login', async () => {
      const { right, value } = await run();
      return { outcome: right ? 'unfinished' : 'wrong', value: { value } };
    });
    return result.value;
  }

  /** Writes down a change of how somebody signs in, and tells that person: it may not have been she. */
  async tell(
    user: User,
    client: Client,
    action: AuditAction,
    title: string,
    actor: Pick<Actor, 'id' | 'username'> | undefined = toActor(user),
    details: NonNullable<AuditEvent['details']> = {},
  ): Promise<void> {
    const { audit, notifier } = this.#parts;
    await audit.record({ action, actor, address: client.address, subject: user.username, details });
    await notifier.publish({
      kind: 'account.changed',
      title,
      text: `From ${client.address}. If this was not you, tell an administrator.`,
      path: '/account',
      audience: { requester: [user.id] },
      facts: { user: user.username, action, address: client.address },
    });
  }

  /** @returns what the sign-in is good for then */
  async #confirm(signedIn: SignedIn, proof: FactorProof, client: Client): Promise<SignInStage> {
    const { user, reference, stage: before } = signedIn;
    const { logins, audit } = this.#parts;
    const { enrolled, allowed, required } = await this.factorsOf(user);
    if (enrolled.length === 0) throw new GatewayError('second_factor_missing');
    const shown = proof.passkey === undefined ? 'code' : 'passkey';
    await this.#attempt(user.username, client, 'second_factor', async () => {
      if (proof.passkey !== undefined) await this.#parts.passkeys.confirm(user.id, reference, proof.passkey);
      else if (!(await this.#takeCode(user, proof.code, client))) return wrong('code_wrong');
      return { outcome: 'right', value: true as const };
    });
    const counts = allowed.includes(shown);
    // What does not count any more still lets its user in, who would otherwise be shut out by a new rule.
    if (before === 'full' && !counts) throw new GatewayError('factor_not_allowed');
    const missing = required && !enrolled.some((kind) => allowed.includes(kind));
    const stage = before !== 'full' && missing ? 'enrol' : 'full';
    await logins.confirm(reference, stage, counts);
    await audit.record({
      action: 'second_factor.confirmed',
      actor: toActor(user),
      address: client.address,
      details: { reference, factor: shown },
    });
    return stage;
  }

  async #takeCode(user: User, code: string, client: Client): Promise<boolean> {
    const kind = await this.#parts.factors.take(user.id, code);
    if (kind === 'recovery') await this.tell(user, client, 'second_factor.recovery_used', 'A recovery code was used');
    return kind !== undefined;
  }

  async #enrolled({ user, reference, method, stage }: SignedIn, client: Client): Promise<string | undefined> {
    await this.#parts.logins.confirm(reference, 'full', true);
    return stage === 'full' ? undefined : this.#finished(user, reference, method, client);
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
    const result = await limiter
      .try({ username, address, knownDevice }, () => run().catch(outcomeOf))
      .catch(async (error: unknown) => {
        if (!(error instanceof LimitedError)) throw error;
        await audit.record({ action: `${what}.limited`, claimedName: username, address });
        throw new TooManyAttempts(error.waitMs);
      });
    if (!(result instanceof GatewayError)) return result;
    if (wrongCodes.has(result.code)) {
      const action = what === 'login' && result.code !== 'code_wrong' ? 'login.failed' : 'second_factor.failed';
      await audit.record({ action, claimedName: username, address, details: { code: result.code } });
    }
    if (result instanceof ClonedPasskey) await this.#reportCloned(result, client);
    throw result;
  }

  /** To its user and to administrators: somebody has a copy of what should not be copied. */
  async #reportCloned({ userId, passkey }: ClonedPasskey, { address }: Client): Promise<void> {
    const { users, audit, notifier } = this.#parts;
    const user = await users.find(userId);
    if (user === undefined) return;
    await audit.record({ action: 'passkey.cloned', subject: user.username, address, details: { passkey } });
    await notifier.publish({
      kind: 'account.changed',
      title: `A copy of the passkey "${passkey}" seems to be in use`,
      text: `It was shown from ${address}, and is not taken any more. Remove it, and tell an administrator.`,
      path: '/account',
      audience: { requester: [user.id] },
      facts: { user: user.username, action: 'passkey.cloned', address },
    });
  }

  async #open(
    user: User,
    method: SignInMethod,
    shown: FactorKind | 'elsewhere' | undefined,
    client: Client,
  ): Promise<Opened> {
    const { logins } = this.#parts;
    const { address, userAgent } = client;
    const { stage, counts } = await this.#stageOf(user, shown);
    const { token, reference } = await logins.open(user.id, { address, userAgent, method, stage, confirmed: counts });
    const device = stage === 'full' ? await this.#finished(user, reference, method, client) : undefined;
    if (stage !== 'full') await this.#firstStep(user, method, client, { reference, stage });
    return { user, token, reference, stage, device };
  }

  /** Written down although nobody is signed in yet: whoever stops here, has the password. */
  async #firstStep(
    user: User,
    method: SignInMethod,
    { address }: Client,
    opened: { readonly reference?: string; readonly stage?: SignInStage } = {},
  ): Promise<void> {
    const details = { method, ...opened };
    await this.#parts.audit.record({ action: 'login.first_step', actor: toActor(user), address, details });
  }

  /** What a sign-in with that is good for; and whether it counts as having shown a second factor now. */
  async #stageOf(
    user: User,
    shown: FactorKind | 'elsewhere' | undefined,
  ): Promise<{ readonly stage: SignInStage; readonly counts: boolean }> {
    if (shown === 'elsewhere') return { stage: 'full', counts: false };
    const { enrolled, allowed, required } = await this.factorsOf(user);
    if (shown === undefined && enrolled.length > 0) return { stage: 'code', counts: false };
    const missing = required && !enrolled.some((kind) => allowed.includes(kind));
    return { stage: missing ? 'enrol' : 'full', counts: shown !== undefined && allowed.includes(shown) };
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

/** What was shown and is not right: what counts as guessing. */
const wrongCodes: ReadonlySet<string> = new Set(['login_failed', 'code_wrong', 'passkey_refused', 'passkey_cloned']);

function wrong(code: ErrorCode): { outcome: Outcome; value: GatewayError } {
  return { outcome: 'wrong', value: new GatewayError(code) };
}

/** A refusal that came as an error; what is no refusal stays one, and counts as wrong. */
function outcomeOf(error: unknown): { outcome: Outcome; value: GatewayError } {
  if (!(error instanceof GatewayError)) throw error;
  return { outcome: wrongCodes.has(error.code) ? 'wrong' : 'unfinished', value: error };
}
