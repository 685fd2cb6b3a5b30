import { GatewayError } from '../../errors.ts';
import { withdrawSignIns } from '../../sessions/withdraw.ts';
import { setDeviceCookie } from '../authentication.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, nullable, object, ref, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { code, presentPassword } from './sign-in.ts';

/** What people do about their own account. */
export function accountRoutes(services: Services): Route[] {
  return [...secondFactorRoutes(services), ...ownSignInRoutes(services)];
}

const recoveryCodes = object({ recoveryCodes: { ...array(text), description: 'not shown again' } });

function secondFactorRoutes({ factors, signIn, signInPolicy }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/me/second-factor',
      id: 'getSecondFactor',
      tag: 'account',
      summary: 'Whether two-step sign-in is set up',
      access: 'signed-in',
      status: 200,
      response: object({ enrolled: flag, since: nullable(time), recoveryCodesLeft: count, required: flag }),
      errors: [],
      async handle({ actor }) {
        const { secondFactorRoles } = await signInPolicy.read();
        const required = actor.roles.some((role) => secondFactorRoles.includes(role));
        return { ...(await factors.state(actor.id)), required };
      },
    }),
    route<{ password?: string }>({
      method: 'post',
      path: '/api/me/second-factor',
      id: 'beginSecondFactor',
      tag: 'account',
      summary: 'A new key for an authenticator app (RFC 6238); it counts once a first code is confirmed',
      access: 'signed-in',
      unfinished: true,
      body: object({ password: presentPassword }, ['password']),
      status: 201,
      response: object({
        secret: { type: 'string', description: 'RFC 4648 base32' },
        uri: { type: 'string', description: 'otpauth:' },
        svg: { type: 'string', description: 'the URI as a QR code' },
      }),
      errors: ['conflict', 'login_failed', 'too_many_requests', 'second_factor_required'],
      async handle({ signedIn, body, client }) {
        const { user, stage } = signedIn;
        if (stage === 'code') throw new GatewayError('second_factor_required');
        // Whoever finds a browser unlocked should not make the account theirs.
        if (stage === 'full' && user.hasPassword) await signIn.checkPassword(user, body.password ?? '', client);
        return factors.begin(user);
      },
    }),
    route<{ code: string }>({
      method: 'post',
      path: '/api/me/second-factor/confirm',
      id: 'confirmSecondFactor',
      tag: 'account',
      summary: 'Turns two-step sign-in on with a first code; the recovery codes are shown this once',
      access: 'signed-in',
      unfinished: true,
      body: object({ code }),
      status: 200,
      response: recoveryCodes,
      errors: ['code_wrong', 'conflict', 'too_many_requests', 'second_factor_required'],
      async handle({ signedIn, body, client, context }) {
        if (signedIn.stage === 'code') throw new GatewayError('second_factor_required');
        const { recoveryCodes: codes, device } = await signIn.enrol(signedIn, body.code, client);
        setDeviceCookie(context, device);
        return { recoveryCodes: codes };
      },
    }),
    route<{ password?: string; code: string }>({
      method: 'post',
      path: '/api/me/second-factor/recovery-codes',
      id: 'renewRecoveryCodes',
      tag: 'account',
      summary: 'New recovery codes; the old ones are no longer good',
      access: 'signed-in',
      body: object({ code }),
      status: 200,
      response: recoveryCodes,
      errors: ['code_wrong', 'second_factor_missing', 'too_many_requests'],
      async handle({ signedIn, body, client }) {
        await signIn.confirm(signedIn, body.code, client);
        const codes = await factors.newRecoveryCodes(signedIn.user.id);
        await signIn.tell(signedIn.user, client, 'second_factor.recovery_renewed', 'New recovery codes were made');
        return { recoveryCodes: codes };
      },
    }),
    route<{ password?: string; code?: string }>({
      method: 'post',
      path: '/api/me/second-factor/remove',
      id: 'removeSecondFactor',
      tag: 'account',
      summary: 'Turns two-step sign-in off: with the password, or, for whoever has none here, a code',
      access: 'signed-in',
      body: object({ password: presentPassword, code }, ['password', 'code']),
      status: 204,
      errors: ['login_failed', 'code_wrong', 'conflict', 'second_factor_missing', 'too_many_requests'],
      async handle({ signedIn, body, client }) {
        const { user } = signedIn;
        const { secondFactorRoles } = await signInPolicy.read();
        if (user.roles.some((role) => secondFactorRoles.includes(role))) {
          throw new GatewayError('conflict', 'two-step sign-in is required for a role of yours');
        }
        if (user.hasPassword) await signIn.checkPassword(user, body.password ?? '', client);
        else await signIn.confirm(signedIn, body.code ?? '', client);
        if (!(await factors.remove(user.id))) throw new GatewayError('second_factor_missing');
        await signIn.tell(user, client, 'second_factor.removed', 'Two-step sign-in was turned off');
      },
    }),
  ];
}

function ownSignInRoutes({ logins, audit, sessions }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/me/sign-ins',
      id: 'listOwnSignIns',
      tag: 'account',
      summary: 'Where one is signed in, the latest used first',
      access: 'signed-in',
      status: 200,
      response: array(ref('SignIn')),
      errors: [],
      async handle({ signedIn }) {
        const list = await logins.list(signedIn.user.id);
        return list.map((entry) => ({ ...entry, current: entry.id === signedIn.reference }));
      },
    }),
    ...(['one', 'others'] as const).map((which) =>
      route({
        method: 'delete',
        path: which === 'one' ? '/api/me/sign-ins/:signIn' : '/api/me/sign-ins',
        id: which === 'one' ? 'endOwnSignIn' : 'endOtherSignIns',
        tag: 'account',
        summary: `End ${which === 'one' ? 'a sign-in' : 'every sign-in but this one'}, and what was opened in it`,
        access: 'signed-in',
        status: 204,
        errors: [],
        async handle({ parameter, signedIn, actor, address }) {
          const choice = which === 'one' ? { only: parameter('signIn') } : { except: signedIn.reference };
          const ended = await logins.revoke(actor.id, choice);
          if (which === 'one' && ended.length === 0) throw new GatewayError('not_found');
          withdrawSignIns(sessions, actor.id, ended);
          const details = { userId: actor.id, count: ended.length, references: ended.join(' ') };
          await audit.record({ action: 'sign_in.revoked', actor, address, subject: actor.username, details });
        },
      }),
    ),
  ];
}
