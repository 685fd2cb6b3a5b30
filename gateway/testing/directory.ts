import { createServer, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';

/** Somebody in the directory. */
export interface Person {
  readonly preferred_username?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  groups?: readonly string[];
}

/** An OpenID provider on loopback, with people that a test puts in and takes out. */
export interface Directory {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly people: Map<string, Person>;
  /** What the provider has seen of the gateway, such as `authorization.success`. */
  readonly seen: string[];
  stop(): Promise<void>;
}

const CLIENT_ID = 'oriel';
const CLIENT_SECRET = 'client-secret-of-the-test-only';

/** Starts `oidc-provider`, certified by the OpenID Foundation, with the gateway at `gatewayUrl` as its client. */
export async function startDirectory(
  gatewayUrl: string,
  authentication: 'client_secret_basic' | 'client_secret_post' = 'client_secret_basic',
): Promise<Directory> {
  const people = new Map<string, Person>();
  const seen: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Whatever goes wrong when a test ends, it does not hang by this.
  server.unref();
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, configuration(gatewayUrl, people, authentication));
  for (const event of ['authorization.success', 'backchannel.success', 'backchannel.error', 'end_session.success']) {
    provider.on(event as 'authorization.success', () => seen.push(event));
  }
  server.on('request', provider.callback());
  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    people,
    seen,
    stop: () => close(server),
  };
}

function configuration(
  gatewayUrl: string,
  people: ReadonlyMap<string, Person>,
  authentication: 'client_secret_basic' | 'client_secret_post',
): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${gatewayUrl}/api/oidc/callback`],
        post_logout_redirect_uris: [`${gatewayUrl}/`],
        backchannel_logout_uri: `${gatewayUrl}/api/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
        token_endpoint_auth_method: authentication,
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    claims: {
      openid: ['sub', 'sid'],
      profile: ['preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    clientAuthMethods: [authentication],
    cookies: { keys: ['only for the tests'] },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    findAccount: async (_context, id) => {
      const person = people.get(id);
      return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
    },
    // The gateway's certificate is its own.
    fetch: async (url, options) => {
      const { pathname } = new URL(url);
      const body = String((options as { body?: unknown }).body ?? '');
      const headers = Object.fromEntries(new Headers((options as RequestInit).headers));
      return pathname === '/api/oidc/backchannel-logout' ? post(new URL(url), headers, body) : fetch(url, options);
    },
  };
}

function post(url: URL, headers: Record<string, string>, body: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { method: 'POST', headers, rejectUnauthorized: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(new Response(null, { status: response.statusCode ?? 500 })));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
