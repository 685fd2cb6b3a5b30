import type { Opened } from '../../access/sign-in.ts';
import { GatewayError } from '../../errors.ts';
import { withdrawSignIns } from '../../sessions/withdraw.ts';
import { setDeviceCookie, setSessionCookie } from '../authentication.ts';
import { type Route, route } from '../route.ts';
import { newPassword, nullable, object, ref, text } from '../schemas.ts';
import type { Services } from '../services.ts';

interface LoginBody {
  readonly username: string;
  readonly password: string;
  readonly code?: string;
}

/** Six digits, or a recovery code; spaces and dashes as people type them. */
export const code = { type: 'string', minLength: 6, maxLength: 64, writeOnly: true } as const;
export const presentPassword = { type: 'string', maxLength: 1024, writeOnly: true } as const;
const stage = {
  enum: ['full', 'code', 'enrol'],
  description:
    '`code`: a code is still owed; `enrol`: a second factor must be set up first. Neither can do anything else',
} as const;

export function signInRoutes({ users, logins, signIn, oidc, audit, sessions }: Services): Route[] {
  return [
    route<LoginBody>({
      method: 'post',
      path: '/api/login',
      id: 'login',
      tag: 'sign-in',
      summary: 'Sign in: sets the session cookie, and returns the same token for use as Bearer',
      access: 'anyone',
      body: object(
        { username: { type: 'string', maxLength: 256 }, password: presentPassword, code: { ...code, minLength: 0 } },
        ['code'],
      ),
      status: 200,
      response: object({ token: text, user: ref('User'), stage }),
      errors: ['login_failed', 'second_factor_required', 'code_wrong', 'too_many_requests'],
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
        method: nullable({ enum: ['password', 'oidc'] }),
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
          singleSignOn: await oidc.offer(),
        };
      },
    }),
    route<{ code: string }>({
      method: 'post',
      path: '/api/login/code',
      id: 'finishLogin',
      tag: 'sign-in',
      summary: 'The second step of a sign-in that owes a code',
      access: 'signed-in',
      unfinished: true,
      body: object({ code }),
      status: 200,
      response: object({ user: ref('User') }),
      errors: ['code_wrong', 'conflict', 'second_factor_missing', 'too_many_requests'],
      async handle({ body, client, context, signedIn }) {
        if (signedIn.stage !== 'code') throw new GatewayError('conflict', 'this sign-in owes no code');
        setDeviceCookie(context, await signIn.finish(signedIn, body.code, client));
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
      async handle({ actor, address, token, context }) {
        if (token !== undefined) await logins.close(token);
        setSessionCookie(context, undefined);
        await audit.record({ action: 'logout', actor, address });
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
    route<{ code: string }>({
      method: 'post',
      path: '/api/step-up',
      id: 'stepUp',
      tag: 'sign-in',
      summary: 'Show the second factor once more: some desktops ask for it at each connection',
      access: 'signed-in',
      body: object({ code }),
      status: 204,
      errors: ['code_wrong', 'second_factor_missing', 'too_many_requests'],
      handle: ({ body, client, signedIn }) => signIn.confirm(signedIn, body.code, client),
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
      errors: ['login_failed', 'too_many_requests'],
      async handle({ actor, body, client, context, signedIn }) {
        await signIn.checkPassword(actor, body.current, client);
        const others = (await logins.list(actor.id)).map(({ id }) => id).filter((id) => id !== signedIn.reference);
        await users.change(actor.id, { password: body.password });
        // What this browser has open may stay; whoever else knew the old password has nothing left.
        withdrawSignIns(sessions, actor.id, others);
        await signIn.tell(signedIn.user, client, 'user.changed', 'Your password was changed', actor);
        setSessionCookie(context, undefined);
      },
    }),
  ];
}

/** Leaves with the browser what signs it in. */
export function signedIn(context: Parameters<typeof setSessionCookie>[0], opened: Opened): void {
  setSessionCookie(context, opened.token);
  setDeviceCookie(context, opened.device);
}
