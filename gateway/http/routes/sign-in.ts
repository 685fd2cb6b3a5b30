import { referenceOf } from '../../access/login-sessions.ts';
import { toActor } from '../../access/users.ts';
import { GatewayError } from '../../errors.ts';
import { setSessionCookie } from '../authentication.ts';
import { type Route, route } from '../route.ts';
import { newPassword, nullable, object, ref, text } from '../schemas.ts';
import type { Services } from '../services.ts';

interface LoginBody {
  readonly username: string;
  readonly password: string;
}

export function signInRoutes({ users, logins, limiter, audit }: Services): Route[] {
  return [
    route<LoginBody>({
      method: 'post',
      path: '/api/login',
      id: 'login',
      tag: 'sign-in',
      summary: 'Sign in: sets the session cookie, and returns the same token for use as Bearer',
      access: 'anyone',
      body: object({
        username: { type: 'string', maxLength: 256 },
        password: { type: 'string', maxLength: 1024, writeOnly: true },
      }),
      status: 200,
      response: object({ token: text, user: ref('User') }),
      errors: ['login_failed', 'too_many_requests'],
      async handle({ body, address, context }) {
        const user = await limiter.inTurn(body.username, address, async () => {
          const now = Date.now();
          const wait = limiter.waitMs(body.username, address, now);
          if (wait > 0) {
            context.set('Retry-After', String(Math.ceil(wait / 1000)));
            await audit.record({ action: 'login.limited', claimedName: body.username, address });
            throw new GatewayError('too_many_requests');
          }
          limiter.attempt(body.username, address, now);
          const found = await users.authenticate(body.username, body.password);
          if (found === undefined) {
            await audit.record({ action: 'login.failed', claimedName: body.username, address });
            throw new GatewayError('login_failed');
          }
          limiter.succeeded(body.username, address);
          return found;
        });
        const token = await logins.open(user.id);
        const details = { reference: referenceOf(token) };
        await audit.record({ action: 'login.succeeded', actor: toActor(user), address, details });
        setSessionCookie(context, token);
        return { token, user };
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
      response: object({ user: nullable(ref('User')) }),
      errors: [],
      // `actor` throws where nobody is signed in, so it is not taken apart here.
      handle: async (call) => ({ user: call.token === undefined ? null : ((await users.find(call.actor.id)) ?? null) }),
    }),
    route({
      method: 'post',
      path: '/api/logout',
      id: 'logout',
      tag: 'sign-in',
      summary: 'Sign out: the token is no longer good',
      access: 'signed-in',
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
      handle: ({ actor }) => users.find(actor.id),
    }),
    route<{ current: string; password: string }>({
      method: 'post',
      path: '/api/me/password',
      id: 'changeOwnPassword',
      tag: 'sign-in',
      summary: 'Change the own password; ends every sign-in of this user, this one too',
      access: 'signed-in',
      body: object({ current: { type: 'string', maxLength: 1024, writeOnly: true }, password: newPassword }),
      status: 204,
      errors: ['login_failed', 'too_many_requests'],
      async handle({ actor, body, address, context }) {
        const now = Date.now();
        if (limiter.waitMs(actor.username, address, now) > 0) throw new GatewayError('too_many_requests');
        limiter.attempt(actor.username, address, now);
        if ((await users.authenticate(actor.username, body.current)) === undefined) {
          throw new GatewayError('login_failed');
        }
        limiter.succeeded(actor.username, address);
        await users.change(actor.id, { password: body.password });
        await audit.record({
          action: 'user.changed',
          actor,
          address,
          subject: actor.username,
          details: { password: true },
        });
        setSessionCookie(context, undefined);
      },
    }),
  ];
}
