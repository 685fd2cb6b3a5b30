import type { FactorProof } from '../../access/sign-in.ts';
import { factorKinds } from '../../access/sign-in-policy.ts';
import { GatewayError } from '../../errors.ts';
import { withdrawSignIns } from '../../sessions/withdraw.ts';
import { setDeviceCookie } from '../authentication.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, nullable, object, ref, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { code, recoveryCodes as codesShown, factorProof, presentPassword } from '../sign-in-schemas.ts';
import { factorErrors } from './sign-in.ts';

/** What people do about their own account. */
export function accountRoutes(services: Services): Route[] {
  return [...secondFactorRoutes(services), ...ownSignInRoutes(services)];
}

const recoveryCodes = object({ recoveryCodes: codesShown });

function secondFactorRoutes({ factors, passkeys, signIn }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/me/second-factor',
      id: 'getSecondFactor',
      tag: 'account',
      summary: 'Whether two-step sign-in is set up',
      access: 'signed-in',
      status: 200,
      response: object({
        enrolled: { type: 'boolean', description: 'codes of an authenticator app' },
        since: nullable(time),
        recoveryCodesLeft: count,
        passkeys: count,
        required: flag,
        allowed: { ...array({ enum: [...factorKinds] }), description: 'what counts for a role of yours' },
      }),
      errors: [],
      async handle({ actor }) {
        const { allowed, required } = await signIn.factorsOf(actor);
        return { ...(await factors.state(actor.id)), passkeys: await passkeys.count(actor.id), required, allowed };
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
      errors: [
        ...(['conflict', 'login_failed', 'too_many_requests', 'second_factor_required'] as const),
        ...(['factor_not_allowed', 'step_up_required', 'recent_sign_in_required'] as const),
      ],
      async handle({ signedIn, body, client }) {
        const { user, stage } = signedIn;
        if (stage === 'code') throw new GatewayError('second_factor_required');
        await signIn.requireAllowed(user, 'code');
        // Whoever finds a browser unlocked should not make the account theirs.
        if (stage === 'full' && user.hasPassword) await signIn.checkPassword(user, body.password ?? '', client);
        else await signIn.requireRecent(signedIn);
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
    route<FactorProof>({
      method: 'post',
      path: '/api/me/second-factor/recovery-codes',
      id: 'renewRecoveryCodes',
      tag: 'account',
      summary: 'New recovery codes; the old ones are no longer good',
      access: 'signed-in',
      body: factorProof,
      status: 200,
      response: recoveryCodes,
      errors: ['second_factor_missing', 'factor_not_allowed', ...factorErrors],
      async handle({ signedIn, body, client }) {
        await signIn.confirm(signedIn, body, client);
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
      summary: 'Turns the codes of the app off: with the password, or, for whoever has none here, a code',
      access: 'signed-in',
      body: object({ password: presentPassword, code }, ['password', 'code']),
      status: 204,
      errors: ['login_failed', 'conflict', 'second_factor_missing', 'factor_not_allowed', ...factorErrors],
      async handle({ signedIn, body, client }) {
        const { user } = signedIn;
        const { enrolled, allowed, required } = await signIn.factorsOf(user);
        const passkey = enrolled.includes('passkey');
        if (required && !(passkey && allowed.includes('passkey'))) {
          throw new GatewayError('conflict', 'two-step sign-in is required for a role of yours');
        }
        if (user.hasPassword) await signIn.checkPassword(user, body.password ?? '', client);
        else await signIn.confirm(signedIn, { code: body.code ?? '' }, client);
        if (!(await factors.remove(user.id, passkey))) throw new GatewayError('second_factor_missing');
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
          withdrawSignIns(sessions, actor.id, which === 'one' ? { only: ended } : { except: signedIn.reference });
          const details = { userId: actor.id, count: ended.length, references: ended.join(' ') };
          await audit.record({ action: 'sign_in.revoked', actor, address, subject: actor.username, details });
        },
      }),
    ),
  ];
}
