import type { Context } from 'koa';
import type { Purpose } from '../../access/oidc/oidc.ts';
import { linkRules, type OidcSettings } from '../../access/oidc/oidc-settings.ts';
import { changesOf } from '../../audit/changes.ts';
import { GatewayError } from '../../errors.ts';
import { setCookie } from '../authentication.ts';
import { type Call, type Route, route } from '../route.ts';
import { array, flag, id, nullable, object, text, time, userRoles } from '../schemas.ts';
import type { Services } from '../services.ts';
import { signedIn, signOut } from './sign-in.ts';
import { tested } from './tested.ts';

/** Carries one round to the provider and back. */
const FLOW_COOKIE = '__Host-oriel-oidc';

export function singleSignOnRoutes(services: Services): Route[] {
  return [
    ...roundTripRoutes(services),
    ...logoutRoutes(services),
    ...identityRoutes(services),
    ...settingRoutes(services),
  ];
}

/** A query, and a browser that is sent on. What goes wrong is for a person to read, so it goes to a page. */
const returnTo = { type: 'string', maxLength: 500, default: '/' };

function roundTripRoutes({ oidc }: Services): Route[] {
  const begin = async (call: Call<undefined, { to: string }>, purpose: Purpose) => {
    try {
      if (purpose !== 'sign-in') requireOwnPage(call.context);
      // `signedIn` throws where nobody is, so it is not taken apart here.
      const here = call.token === undefined ? undefined : call.signedIn;
      const { url, cookie, maxAgeMs } = await oidc.begin(purpose, call.query.to, here);
      // Lax, not Strict: the provider's redirect is a navigation from another site, and Strict cookies stay behind then.
      setCookie(call.context, FLOW_COOKIE, cookie, { maxAge: maxAgeMs, sameSite: 'lax' });
      return url;
    } catch (error) {
      return failurePage(error, purpose);
    }
  };
  const query = object({ to: returnTo }, ['to']);
  return [
    route<undefined, { to: string }>({
      method: 'get',
      path: '/api/oidc/sign-in',
      id: 'beginSingleSignOn',
      tag: 'single sign-on',
      summary: 'Sends the browser to the OpenID provider',
      access: 'anyone',
      query,
      status: 302,
      errors: [],
      handle: (call) => begin(call, 'sign-in'),
    }),
    ...(['link', 'step-up'] as const).map((purpose) =>
      route<undefined, { to: string }>({
        method: 'get',
        path: `/api/oidc/${purpose}`,
        id: purpose === 'link' ? 'linkIdentity' : 'stepUpByProvider',
        tag: 'single sign-on',
        summary:
          purpose === 'link'
            ? 'Sends the browser to the OpenID provider, to tie its identity to the own account'
            : 'Sends the browser to the OpenID provider, to prove anew who one is',
        access: 'signed-in',
        query,
        status: 302,
        errors: [],
        handle: (call) => begin(call, purpose),
      }),
    ),
    route({
      method: 'get',
      path: '/api/oidc/callback',
      id: 'finishSingleSignOn',
      tag: 'single sign-on',
      summary: 'Where the OpenID provider sends the browser back to',
      access: 'anyone',
      status: 302,
      errors: [],
      async handle({ context, client }) {
        const cookie = context.cookies.get(FLOW_COOKIE);
        setCookie(context, FLOW_COOKIE, undefined, { sameSite: 'lax' });
        try {
          const returned = await oidc.finish(context.search, cookie, client);
          // Strict cookies may be set here; the page that follows then asks with them from this site.
          if (returned.opened !== undefined) signedIn(context, returned.opened);
          return returned.returnTo;
        } catch (error) {
          return failurePage(error, oidc.purposeOf(cookie));
        }
      },
    }),
  ];
}

function logoutRoutes(services: Services): Route[] {
  const { oidc, audit } = services;
  return [
    route({
      method: 'post',
      path: '/api/oidc/logout',
      id: 'logoutEverywhere',
      tag: 'single sign-on',
      summary: 'Sign out here, and say where the browser goes to be signed out at the provider too',
      access: 'signed-in',
      unfinished: true,
      status: 200,
      response: object({ url: nullable(text) }),
      errors: [],
      async handle(call) {
        const { actor, address } = call;
        const url = await oidc.endSessionUrl(call.signedIn.reference);
        await signOut(services, call);
        await audit.record({ action: 'logout', actor, address, details: { atProvider: url !== undefined } });
        return { url: url ?? null };
      },
    }),
    route<{ logout_token: string }>({
      method: 'post',
      path: '/api/oidc/backchannel-logout',
      id: 'backChannelLogout',
      tag: 'single sign-on',
      summary: 'OpenID Connect Back-Channel Logout 1.0: the provider says whom it has signed out',
      access: 'anyone',
      form: true,
      body: { ...object({ logout_token: { type: 'string', maxLength: 16_384 } }), additionalProperties: true },
      status: 200,
      response: object({}),
      errors: [],
      async handle({ body }) {
        await oidc.backChannelLogout(body.logout_token);
        return {};
      },
    }),
  ];
}

function identityRoutes({ identities, users, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/me/identities',
      id: 'listOwnIdentities',
      tag: 'single sign-on',
      summary: 'Which identities of an OpenID provider sign in to this account',
      access: 'signed-in',
      status: 200,
      response: array(object({ issuer: text, subject: text, linkedAt: time, lastSignInAt: nullable(time) })),
      errors: [],
      handle: ({ actor }) => identities.list(actor.id),
    }),
    route({
      method: 'delete',
      path: '/api/me/identities',
      id: 'unlinkOwnIdentities',
      tag: 'single sign-on',
      summary: 'Unties the account from the OpenID provider; only for whoever has a password here',
      access: 'signed-in',
      status: 204,
      errors: ['conflict'],
      async handle({ actor, address }) {
        const user = await users.find(actor.id);
        if (user === undefined) throw new GatewayError('not_found');
        if (!user.hasPassword) throw new GatewayError('conflict', 'nothing else would be left to sign in with');
        if (!(await identities.unlink(user))) return;
        await audit.record({ action: 'identity.unlinked', actor, address, subject: user.username });
      },
    }),
  ];
}

const claim = { type: 'string', minLength: 1, maxLength: 256 };
const settings = {
  enabled: flag,
  issuer: { type: 'string', maxLength: 500, pattern: '^(?:https?://\\S+)?$' },
  clientId: { type: 'string', maxLength: 256 },
  label: { type: 'string', minLength: 1, maxLength: 64, description: 'what the button says' },
  scopes: { ...array({ type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$', maxLength: 128 }), maxItems: 20 },
  usernameClaim: claim,
  groupsClaim: claim,
  mapping: {
    ...array(object({ claim, roles: userRoles, groups: { ...array(id), maxItems: 100 } })),
    maxItems: 200,
    description:
      'what membership in a group of the directory gives; roles and groups that no line names stay as set here',
  },
  defaultRoles: userRoles,
  createUsers: flag,
  linkBy: { enum: [...linkRules], description: 'how an existing user is found for somebody new' },
  trustsSecondFactor: { type: 'boolean', description: 'the provider asks for a second factor itself' },
  recheckMinutes: { type: 'integer', minimum: 1, maximum: 1440 },
} as const;

function settingRoutes({ oidcSettings, oidc, audit }: Services): Route[] {
  const view = object({ ...settings, hasSecret: flag, redirectUri: text });
  const shown = async () => ({ ...(await oidcSettings.read()), redirectUri: oidc.redirectUri });
  const names = Object.keys(settings);
  return [
    route({
      method: 'get',
      path: '/api/settings/single-sign-on',
      id: 'getSingleSignOn',
      tag: 'settings',
      summary: 'How people sign in through an OpenID provider',
      access: 'setting.manage',
      status: 200,
      response: view,
      errors: [],
      handle: shown,
    }),
    route<Partial<OidcSettings> & { clientSecret?: string | null }>({
      method: 'patch',
      path: '/api/settings/single-sign-on',
      id: 'changeSingleSignOn',
      tag: 'settings',
      summary: 'Change how people sign in through an OpenID provider',
      access: 'setting.manage',
      body: object({ ...settings, clientSecret: nullable({ type: 'string', maxLength: 1024, writeOnly: true }) }, [
        ...names,
        'clientSecret',
      ]),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const before = await oidcSettings.read();
        const next = { ...before, ...body };
        if (next.enabled && (next.issuer === '' || next.clientId === '')) {
          throw new GatewayError('conflict', 'issuer and client id come first');
        }
        if (before.hasSecret && body.clientSecret === undefined && next.issuer !== before.issuer) {
          throw new GatewayError('conflict', 'the client secret would go elsewhere: give it again');
        }
        await oidcSettings.change(body);
        const changes = changesOf(before, await oidcSettings.read());
        const details = { singleSignOn: Object.keys(body).join(' '), ...changes };
        await audit.record({ action: 'setting.changed', actor, address, details });
        return shown();
      },
    }),
    route({
      method: 'post',
      path: '/api/settings/single-sign-on/test',
      id: 'testSingleSignOn',
      tag: 'settings',
      summary: 'Asks the provider what it offers',
      access: 'setting.manage',
      status: 200,
      response: object({ issuer: text, logout: flag, backChannelLogout: flag, refresh: flag }),
      errors: ['directory_unavailable', 'directory_refused'],
      async handle({ actor, address }) {
        const { issuer } = await oidcSettings.read();
        return tested(audit, { actor, address }, { what: 'single-sign-on', subject: issuer }, () => oidc.test());
      },
    }),
  ];
}

/**
 * A page of a neighbour (another host of the same site) gets the Strict cookie to come along. It must not begin what ties an
 * identity to the account: the identity could be the neighbour's.
 */
function requireOwnPage(context: Context): void {
  const site = context.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') throw new GatewayError('origin_refused');
}

/** The page that says what went wrong; the code only, for what a provider says is not ours to repeat. */
function failurePage(error: unknown, purpose: Purpose): string {
  if (!(error instanceof GatewayError)) throw error;
  return `${purpose === 'sign-in' ? '/' : '/account'}?sign-in=${error.code}`;
}
