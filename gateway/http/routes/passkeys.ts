import type { NewPasskey, PasskeyAnswer } from '../../access/passkeys/passkeys.ts';
import { toActor } from '../../access/users.ts';
import { GatewayError } from '../../errors.ts';
import { setDeviceCookie } from '../authentication.ts';
import { type Route, route } from '../route.ts';
import { array, name, object, ref, text } from '../schemas.ts';
import type { Services } from '../services.ts';
import { asked, assertion, attestation, recoveryCodes } from '../sign-in-schemas.ts';
import { existingUser, signedIn as leaveSignIn, stage } from './sign-in.ts';

export function passkeyRoutes(services: Services): Route[] {
  return [...signInRoutes(services), ...ownPasskeyRoutes(services), ...userPasskeyRoutes(services)];
}

function signInRoutes({ passkeys, signIn }: Services): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/login/passkey/options',
      id: 'askPasskeyToSignIn',
      tag: 'passkeys',
      summary: 'Asks for any passkey of this gateway (WebAuthn): whoever has one needs no user name',
      access: 'anyone',
      status: 200,
      response: asked,
      errors: ['passkeys_unavailable'],
      handle: ({ context }) => passkeys.askAnybody(context.get('Origin')),
    }),
    route<PasskeyAnswer>({
      method: 'post',
      path: '/api/login/passkey',
      id: 'loginWithPasskey',
      tag: 'passkeys',
      summary: 'Sign in with a passkey alone: what it asks for by itself is the other factor',
      access: 'anyone',
      body: assertion,
      status: 200,
      response: object({ token: text, user: ref('User'), stage }),
      errors: [
        ...(['passkey_refused', 'passkey_cloned', 'passkeys_unavailable', 'challenge_expired'] as const),
        ...(['factor_not_allowed', 'directory_refused', 'directory_unavailable', 'too_many_requests'] as const),
      ],
      async handle({ body, client, context }) {
        const opened = await signIn.withPasskey(body, client);
        leaveSignIn(context, opened);
        return { token: opened.token, user: opened.user, stage: opened.stage };
      },
    }),
    route({
      method: 'post',
      path: '/api/step-up/options',
      id: 'askPasskey',
      tag: 'passkeys',
      summary: 'Asks for a passkey of whoever is signed in, or owes a second factor: for the second step, or a step-up',
      access: 'signed-in',
      unfinished: true,
      status: 200,
      response: asked,
      errors: ['passkeys_unavailable', 'passkey_cloned', 'conflict'],
      handle: ({ signedIn, context }) => passkeys.ask(signedIn.user, signedIn.reference, context.get('Origin')),
    }),
  ];
}

function ownPasskeyRoutes({ passkeys, signIn, factors, identities, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/me/passkeys',
      id: 'listOwnPasskeys',
      tag: 'passkeys',
      summary: 'The own passkeys, the oldest first',
      access: 'signed-in',
      status: 200,
      response: array(ref('Passkey')),
      errors: [],
      handle: ({ actor }) => passkeys.list(actor.id),
    }),
    route({
      method: 'post',
      path: '/api/me/passkeys/options',
      id: 'askNewPasskey',
      tag: 'passkeys',
      summary: 'Asks the browser to make a passkey; for whoever has just proved who she is',
      access: 'signed-in',
      unfinished: true,
      status: 200,
      response: asked,
      errors: ['passkeys_unavailable', 'factor_not_allowed', 'step_up_required', 'recent_sign_in_required'],
      async handle({ signedIn, context }) {
        if (signedIn.stage === 'code') throw new GatewayError('second_factor_required');
        await signIn.requireAllowed(signedIn.user, 'passkey');
        await signIn.requireRecent(signedIn);
        return passkeys.askNew(signedIn.user, signedIn.reference, context.get('Origin'));
      },
    }),
    route<NewPasskey>({
      method: 'post',
      path: '/api/me/passkeys',
      id: 'addPasskey',
      tag: 'passkeys',
      summary: 'Keep a passkey that the browser has made; with the first factor come recovery codes, shown this once',
      access: 'signed-in',
      unfinished: true,
      body: attestation,
      status: 201,
      response: object({ passkey: ref('Passkey'), recoveryCodes }),
      errors: ['passkey_refused', 'passkeys_unavailable', 'challenge_expired', 'factor_not_allowed', 'conflict'],
      async handle({ signedIn, body, client, context }) {
        if (signedIn.stage === 'code') throw new GatewayError('second_factor_required');
        const { passkey, recoveryCodes: codes, device } = await signIn.register(signedIn, body, client);
        setDeviceCookie(context, device);
        return { passkey, recoveryCodes: codes };
      },
    }),
    route<{ name: string }>({
      method: 'patch',
      path: '/api/me/passkeys/:passkey',
      id: 'renamePasskey',
      tag: 'passkeys',
      summary: 'Give a passkey another name',
      access: 'signed-in',
      body: object({ name }),
      status: 200,
      response: ref('Passkey'),
      errors: [],
      async handle({ actor, address, parameter, body }) {
        const before = await passkeys.get(actor.id, parameter('passkey'));
        const passkey = await passkeys.rename(actor.id, before.id, body.name);
        const details = { passkeyId: passkey.id, from: before.name, to: passkey.name };
        await audit.record({ action: 'passkey.renamed', actor, address, subject: actor.username, details });
        return passkey;
      },
    }),
    route({
      method: 'delete',
      path: '/api/me/passkeys/:passkey',
      id: 'removePasskey',
      tag: 'passkeys',
      summary: 'Remove a passkey; never what one could not sign in without, nor what a role asks for',
      access: 'signed-in',
      status: 204,
      errors: ['conflict', 'step_up_required', 'recent_sign_in_required'],
      async handle({ signedIn, parameter, client }) {
        const { user } = signedIn;
        const passkey = await passkeys.get(user.id, parameter('passkey'));
        await signIn.requireRecent(signedIn);
        const others = (await passkeys.list(user.id)).length - 1;
        const { enrolled, allowed, required } = await signIn.factorsOf(user);
        const code = enrolled.includes('code');
        if (others === 0) {
          if (required && !(code && allowed.includes('code'))) {
            throw new GatewayError('conflict', 'a second factor is required for a role of yours: add another first');
          }
          const elsewhere = user.hasPassword || user.directoryAccount !== null;
          if (!elsewhere && (await identities.list(user.id)).length === 0) {
            throw new GatewayError('conflict', 'nothing else would be left to sign in with');
          }
          if (!code) await factors.remove(user.id);
        }
        await passkeys.remove(user.id, passkey.id);
        const details = { passkey: passkey.name, passkeyId: passkey.id };
        const title = `The passkey "${passkey.name}" was removed`;
        await signIn.tell(user, client, 'passkey.removed', title, toActor(user), details);
      },
    }),
  ];
}

function userPasskeyRoutes({ users, passkeys, factors, signIn }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/users/:id/passkeys',
      id: 'listPasskeysOfUser',
      tag: 'users',
      summary: 'The passkeys of a user',
      access: 'user.manage',
      status: 200,
      response: array(ref('Passkey')),
      errors: [],
      handle: async ({ parameter }) => passkeys.list((await existingUser(users.find(parameter('id')))).id),
    }),
    route({
      method: 'delete',
      path: '/api/users/:id/passkeys/:passkey',
      id: 'removePasskeyOfUser',
      tag: 'users',
      summary: 'Take away a passkey that a user has lost',
      access: 'user.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, client }) {
        const user = await existingUser(users.find(parameter('id')));
        const passkey = await passkeys.get(user.id, parameter('passkey'));
        await passkeys.remove(user.id, passkey.id);
        if ((await signIn.factorsOf(user)).enrolled.length === 0) await factors.remove(user.id);
        const details = { passkey: passkey.name, passkeyId: passkey.id };
        const title = `The passkey "${passkey.name}" was removed by an administrator`;
        await signIn.tell(user, client, 'passkey.removed', title, actor, details);
      },
    }),
  ];
}
