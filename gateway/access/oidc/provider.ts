import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, errors as joseErrors, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { GatewayError } from '../../errors.ts';

/** What the provider says of somebody: the ID token's claims, and those of its userinfo endpoint beside them. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

export interface ProviderTokens {
  readonly claims: Claims;
  readonly idToken: string;
  readonly refreshToken: string | undefined;
}

/** What is kept between leaving for the provider and coming back, by the browser that left. */
export interface Checks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The user had to prove anew who it is. */
  readonly fresh: boolean;
}

export interface ProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

/** Who somebody was that a provider has signed out. */
export interface LoggedOut {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
}

/** The provider is asked by somebody who waits. */
const TIMEOUT_SECONDS = 10;
/** [OpenID Connect Back-Channel Logout 1.0] 2.4 */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Signatures of logout tokens: asymmetric ones only. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CODE_GRANT = 'code grant';
/** openid-client's codes for what does not belong to the sign-in that began here: state, issuer, nonce, time. */
const FOREIGN = [
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
] as readonly string[];
/** A logout token older than this is not news. */
const LOGOUT_TOKEN_AGE = '10 minutes';

/**
 * One OpenID provider, as openid-client knows it: authorization code with PKCE, state and nonce, refresh, logout. Errors
 * are `directory_unavailable` (does not answer as it should) or `directory_refused` (said no).
 */
export class OidcProvider {
  readonly #options: ProviderOptions;
  readonly #configuration: openid.Configuration;
  readonly #keys: JWTVerifyGetKey | undefined;

  private constructor(options: ProviderOptions, configuration: openid.Configuration) {
    this.#options = options;
    this.#configuration = configuration;
    const { jwks_uri: keys } = configuration.serverMetadata();
    this.#keys = keys === undefined ? undefined : createRemoteJWKSet(new URL(keys));
  }

  static async discover(options: ProviderOptions): Promise<OidcProvider> {
    const issuer = URL.parse(options.issuer);
    if (issuer === null) throw new GatewayError('directory_unavailable', 'the issuer is no URL');
    const configuration = await failing('discovery', () =>
      openid.discovery(issuer, options.clientId, undefined, clientAuthentication(options.clientSecret), {
        timeout: TIMEOUT_SECONDS,
        execute: isLoopback(issuer) ? [openid.allowInsecureRequests] : [],
      }),
    );
    return new OidcProvider(options, configuration);
  }

  /** What discovery found, for the settings page. */
  get facts(): { issuer: string; logout: boolean; backChannelLogout: boolean; refresh: boolean } {
    const metadata = this.#configuration.serverMetadata();
    return {
      issuer: metadata.issuer,
      logout: metadata.end_session_endpoint !== undefined,
      backChannelLogout: metadata.backchannel_logout_supported === true,
      refresh: metadata.grant_types_supported?.includes('refresh_token') ?? false,
    };
  }

  /** Where to send the browser. @param fresh have the user prove anew who it is */
  async begin(fresh: boolean): Promise<{ readonly url: string; readonly checks: Checks }> {
    const verifier = openid.randomPKCECodeVerifier();
    const checks = { state: openid.randomState(), nonce: openid.randomNonce(), verifier, fresh };
    const url = openid.buildAuthorizationUrl(this.#configuration, {
      redirect_uri: this.#options.redirectUri,
      scope: ['openid', ...this.#options.scopes].join(' '),
      response_type: 'code',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: checks.state,
      nonce: checks.nonce,
      ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
    });
    return { url: url.href, checks };
  }

  /** @param url the address that the browser came back to, with its query */
  async finish(url: URL, checks: Checks): Promise<ProviderTokens> {
    const tokens = await failing(CODE_GRANT, () =>
      openid.authorizationCodeGrant(this.#configuration, url, {
        pkceCodeVerifier: checks.verifier,
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        idTokenExpected: true,
        ...(checks.fresh ? { maxAge: 60 } : {}),
      }),
    );
    return this.#tokens(tokens, undefined);
  }

  /** Asks whether somebody may still be signed in, and what the directory says of that person now. */
  async refresh(refreshToken: string, subject: string): Promise<ProviderTokens> {
    const tokens = await failing('refresh', () => openid.refreshTokenGrant(this.#configuration, refreshToken));
    const refreshed = await this.#tokens(tokens, subject);
    return { ...refreshed, refreshToken: refreshed.refreshToken ?? refreshToken };
  }

  /** Where to send the browser so that the user is signed out there too; nothing where the provider has no such page. */
  endSessionUrl(idToken: string, returnTo: string): string | undefined {
    if (this.#configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return openid.buildEndSessionUrl(this.#configuration, {
      id_token_hint: idToken,
      post_logout_redirect_uri: returnTo,
    }).href;
  }

  /** [OpenID Connect Back-Channel Logout 1.0] 2.6. Throws `bad_request` for what is no logout token of this provider. */
  async readLogoutToken(token: string): Promise<LoggedOut> {
    const { issuer } = this.#configuration.serverMetadata();
    if (this.#keys === undefined) throw new GatewayError('bad_request', 'the provider publishes no keys');
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience: this.#options.clientId,
        algorithms: ALGORITHMS,
        requiredClaims: ['iat', 'jti'],
        maxTokenAge: LOGOUT_TOKEN_AGE,
      }));
    } catch (cause) {
      if (!(cause instanceof joseErrors.JOSEError)) throw cause;
      throw new GatewayError('bad_request', 'no logout token of this provider', { cause });
    }
    const events = payload.events as Record<string, unknown> | undefined;
    const { sub, sid, nonce } = payload;
    const isLogout = typeof events === 'object' && events !== null && typeof events[LOGOUT_EVENT] === 'object';
    // One with a nonce is an ID token that somebody passes off as this.
    if (!isLogout || nonce !== undefined || (sub === undefined && typeof sid !== 'string')) {
      throw new GatewayError('bad_request', 'no logout token');
    }
    return { issuer, subject: sub, sid: typeof sid === 'string' ? sid : undefined };
  }

  async #tokens(
    tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
    expectedSubject: string | undefined,
  ): Promise<ProviderTokens> {
    const inToken = tokens.claims();
    const subject = inToken?.sub ?? expectedSubject;
    if (subject === undefined || (expectedSubject !== undefined && subject !== expectedSubject)) {
      throw new GatewayError('directory_refused', 'the provider speaks of somebody else');
    }
    const hasUserInfo = this.#configuration.serverMetadata().userinfo_endpoint !== undefined;
    const more = hasUserInfo
      ? await failing('userinfo', () => openid.fetchUserInfo(this.#configuration, tokens.access_token, subject))
      : {};
    return {
      claims: { ...more, ...inToken, sub: subject },
      idToken: tokens.id_token ?? '',
      refreshToken: tokens.refresh_token,
    };
  }
}

/** [RFC 6749] 2.3.1: the secret as HTTP Basic, or in the body where the provider takes it only there. */
function clientAuthentication(secret: string | undefined): openid.ClientAuth {
  if (secret === undefined) return openid.None();
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)];
  return (server, ...rest) => {
    // Where a provider says nothing, it takes Basic ([OpenID Connect Discovery] 3).
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

async function failing<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const refused =
      (what === CODE_GRANT && cause instanceof openid.ClientError && FOREIGN.includes(cause.code ?? '')) ||
      cause instanceof openid.AuthorizationResponseError ||
      (cause instanceof openid.ResponseBodyError && cause.error !== 'server_error');
    throw new GatewayError(refused ? 'directory_refused' : 'directory_unavailable', reasonOf(what, cause), { cause });
  }
}

function reasonOf(what: string, cause: unknown): string {
  const { error, message } = cause as { error?: unknown; message?: unknown };
  return `${what}: ${String(typeof error === 'string' ? error : message).slice(0, 200)}`;
}

/** A provider on this machine needs no TLS: for trying things out. */
function isLoopback(url: URL): boolean {
  return url.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}
