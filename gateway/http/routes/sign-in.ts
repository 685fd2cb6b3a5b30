import { signInMethods } from '../../access/login-sessions.ts';
import type { FactorProof, Opened } from '../../access/sign-in.ts';
import { factorKinds } from '../../access/sign-in-policy.ts';
import type { User } from '../../access/users.ts';
import { GatewayError } from '../../errors.ts';
import { withdrawSignIns } from '../../sessions/withdraw.ts';
import { setDeviceCookie, setSessionCookie } from '../authentication.ts';
import { type Call, type Route, route } from '../route.ts';
import { array, newPassword, nullable, object, ref, text } from '../schemas.ts';
import type { Services } from '../services.ts';
import { code, factorProof, identityProof, presentPassword } from '../sign-in-schemas.ts';

interface LoginBody {
  readonly username: string;
  readonly password: string;
  readonly code?: string;
  readonly twoSteps?: boolean;
}

export const stage = {
  enum: ['full', 'code', 'enrol'],
  description:
    '`code`: a second factor is still owed; `enrol`: a second factor must be set up first. Neither can do anything else',
} as const;

export function signInRoutes(services: Services): Route[] {
  const { users, signIn, signInPolicy, passkeys, oidc, audit, sessions } = services;
  const factorsFor = async (user: User, at: 'code' | 'enrol') => {
    const { enrolled, allowed } = await signIn.factorsOf(user);
    return at === 'code' ? enrolled : allowed;
  };
  return [
    route<LoginBody>({
      method: 'post',
      path: '/api/login',
      id: 'login',
      tag: 'sign-in',
      summary: 'Sign in: sets the session cookie, and returns the same token for use as Bearer',
      access: 'anyone',
      body: object(
        {
          username: { type: 'string', maxLength: 256 },
          password: presentPassword,
          code: { ...code, minLength: 0 },
          twoSteps: {
            type: 'boolean',
            description: 'opens a sign-in that owes its second factor, instead of refusing',
          },
        },
        ['code', 'twoSteps'],
      ),
      status: 200,
      response: object({ token: text, user: ref('User'), stage }),
      errors: [
        ...(['login_failed', 'second_factor_required', 'code_wrong', 'too_many_requests'] as const),
        ...(['password_expired', 'directory_refused', 'directory_unavailable'] as const),
      ],
      async handle({ body, client, context }) {
        const opened = await signIn.withPassword(body, client);
        signedIn(context, opened);
        return { token: opened.token, user: opened.user, stage: opened.stage };
      },
    }),
    route({
      method: 'get',
      path: '/api/login',
      id: 'signedIn',
      tag: 'sign-in',
      summary: 'Who is signed in, if anybody is: what a page asks first, so that nobody being there is no error',
      access: 'anyone',
      status: 200,
      response: object({
        user: nullable(ref('User')),
        stage: nullable(stage),
        method: nullable({ enum: [...signInMethods] }),
        factors: {
          ...array({ enum: [...factorKinds] }),
          description: 'of stage `code`, what there is to show; of `enrol`, what may be set up',
        },
        passkeyHost: { ...nullable(text), description: 'the host name whose passkeys sign in by themselves' },
        singleSignOn: nullable(object({ label: text })),
      }),
      errors: [],
      async handle(call) {
        // `signedIn` throws where nobody is, so it is not taken apart here.
        const here = call.token === undefined ? undefined : call.signedIn;
        return {
          user: here?.user ?? null,
          stage: here?.stage ?? null,
          method: here?.method ?? null,
          factors: here === undefined || here.stage === 'full' ? [] : await factorsFor(here.user, here.stage),
          passkeyHost: (await signInPolicy.read()).passwordless ? passkeys.facts().host : null,
          singleSignOn: await oidc.offer(),
        };
      },
    }),
    route<FactorProof>({
      method: 'post',
      path: '/api/login/code',
      id: 'finishLogin',
      tag: 'sign-in',
      summary: 'The second step of a sign-in that owes a second factor',
      access: 'signed-in',
      unfinished: true,
      body: factorProof,
      status: 200,
      response: object({ user: ref('User') }),
      errors: ['conflict', 'second_factor_missing', ...factorErrors],
      async handle({ body, client, context, signedIn }) {
        if (signedIn.stage !== 'code') throw new GatewayError('conflict', 'this sign-in owes no second factor');
        setDeviceCookie(context, await signIn.finish(signedIn, body, client));
        return { user: signedIn.user };
      },
    }),
    route({
      method: 'post',
      path: '/api/logout',
      id: 'logout',
      tag: 'sign-in',
      summary: 'Sign out: the token is no longer good',
      access: 'signed-in',
      unfinished: true,
      status: 204,
      errors: [],
      async handle(call) {
        await signOut(services, call);
        await audit.record({ action: 'logout', actor: call.actor, address: call.address });
      },
    }),
    route({
      method: 'get',
      path: '/api/me',
      id: 'me',
      tag: 'sign-in',
      summary: 'Who is signed in',
      access: 'signed-in',
      status: 200,
      response: ref('User'),
      errors: [],
      handle: ({ signedIn }) => signedIn.user,
    }),
    route<FactorProof | { password: string }>({
      method: 'post',
      path: '/api/step-up',
      id: 'stepUp',
      tag: 'sign-in',
      summary:
        'Show the second factor once more: some desktops ask for it at each connection. The password is for whoever ' +
        'has no second factor, and counts for changes of the own account only',
      access: 'signed-in',
      body: identityProof,
      status: 204,
      errors: ['second_factor_missing', 'factor_not_allowed', 'login_failed', ...factorErrors],
      handle: ({ body, client, signedIn }) =>
        'password' in body ? signIn.prove(signedIn, body.password, client) : signIn.confirm(signedIn, body, client),
    }),
    route<{ current: string; password: string }>({
      method: 'post',
      path: '/api/me/password',
      id: 'changeOwnPassword',
      tag: 'sign-in',
      summary: 'Change the own password; ends every sign-in of this user, this one too',
      access: 'signed-in',
      body: object({ current: presentPassword, password: newPassword }),
      status: 204,
      errors: ['conflict', 'login_failed', 'too_many_requests'],
      async handle({ actor, body, client, context, signedIn }) {
        if (!signedIn.user.hasPassword) throw new GatewayError('conflict', 'your password is not kept here');
        await signIn.checkPassword(signedIn.user, body.current, client);
        await users.change(actor.id, { password: body.password });
        // What this browser has open may stay; whoever else knew the old password has nothing left.
        withdrawSignIns(sessions, actor.id, { except: signedIn.reference });
        await signIn.tell(signedIn.user, client, 'user.changed', 'Your password was changed', actor);
        setSessionCookie(context, undefined);
      },
    }),
  ];
}

/** What showing a second factor may be answered with. */
export const factorErrors = [
  ...(['code_wrong', 'passkey_refused', 'passkey_cloned', 'passkeys_unavailable', 'challenge_expired'] as const),
  'too_many_requests',
] as const;

export async function existingUser(found: Promise<User | undefined>): Promise<User> {
  const user = await found;
  if (user === undefined) throw new GatewayError('not_found', 'there is no such user');
  return user;
}

/** Leaves with the browser what signs it in. */
export function signedIn(context: Parameters<typeof setSessionCookie>[0], opened: Opened): void {
  setSessionCookie(context, opened.token);
  setDeviceCookie(context, opened.device);
}

/** The sign-in is over, with what was opened in it. */
export async function signOut(
  { logins, sessions }: Services,
  { actor, token, signedIn: here, context }: Call,
): Promise<void> {
  if (token !== undefined) await logins.close(token);
  withdrawSignIns(sessions, actor.id, { only: [here.reference] }, 'ended_by_user');
  setSessionCookie(context, undefined);
}
