import { GatewayError } from '../../errors.ts';
import { Secret } from '../secret.ts';
import { requiredText } from './http-provider.ts';
import { callJson, fieldOf, type JsonAnswer } from './json-call.ts';
import type {
  CredentialProvider,
  CredentialQuestion,
  HashiCorpSettings,
  ProvidedCredential,
  ProviderSecrets,
} from './provider.ts';

/**
 * The key-value engine of HashiCorp Vault, version 1 (`GET /v1/<mount>/<path>`) or 2 (`GET /v1/<mount>/data/<path>`),
 * with a token or by AppRole (`POST /v1/auth/<mount>/login`). Each use signs in anew and gives its token back. It knows
 * the gateway, not the user: who may have what is for the gateway's own policies.
 */
export class HashiCorpProvider implements CredentialProvider {
  readonly #settings: HashiCorpSettings;
  readonly #secrets: ProviderSecrets;

  constructor(settings: HashiCorpSettings, secrets: ProviderSecrets) {
    this.#settings = settings;
    this.#secrets = secrets;
  }

  async fetch({ lookup }: CredentialQuestion): Promise<ProvidedCredential> {
    const { auth, mount, version } = this.#settings;
    if (lookup.path === undefined || lookup.path === '') {
      throw new GatewayError('provider_invalid', 'the account names no path');
    }
    const token = auth === 'approle' ? await this.#signIn() : (this.#secrets.token ?? '');
    try {
      const path = version === 2 ? [mount, 'data', lookup.path] : [mount, lookup.path];
      const answer = await this.#call('GET', path, { token });
      if (answer.status === 404) throw new GatewayError('provider_invalid', 'there is no secret at that path');
      requireSuccess(answer);
      const data = fieldOf(answer.body, 'data');
      const secret = version === 2 ? fieldOf(data, 'data') : data;
      const { usernameField } = lookup;
      return {
        ...(usernameField === undefined ? {} : { username: requiredText(secret, usernameField) }),
        password: new Secret(requiredText(secret, lookup.passwordField ?? 'password')),
      };
    } finally {
      // Nobody waits for it, and it ends by itself where this does not arrive.
      if (auth === 'approle') {
        await this.#call('POST', ['auth', 'token', 'revoke-self'], { token }).catch(() => undefined);
      }
    }
  }

  async #signIn(): Promise<string> {
    const { authMount, roleId } = this.#settings;
    const body = { role_id: roleId, secret_id: this.#secrets.secretId ?? '' };
    const answer = await this.#call('POST', ['auth', authMount, 'login'], { body });
    // So it answers to a role or secret id that it does not know.
    if (answer.status === 400) throw new GatewayError('provider_denied', 'AppRole does not let the gateway in');
    requireSuccess(answer);
    const token = fieldOf(fieldOf(answer.body, 'auth'), 'client_token');
    if (typeof token !== 'string' || token === '') {
      throw new GatewayError('provider_invalid', 'AppRole answered without a token');
    }
    return token;
  }

  #call(method: 'GET' | 'POST', path: readonly string[], { token, body }: { token?: string; body?: unknown }) {
    const { url, namespace, timeoutMs, ca, clientCertificate } = this.#settings;
    const parts = path.flatMap((part) => part.split('/')).filter((part) => part !== '');
    const base = url.endsWith('/') ? url : `${url}/`;
    return callJson({
      method,
      url: new URL(`v1/${parts.map(encodeURIComponent).join('/')}`, base),
      headers: {
        'X-Vault-Request': 'true',
        ...(namespace === '' ? {} : { 'X-Vault-Namespace': namespace }),
        ...(token === undefined ? {} : { 'X-Vault-Token': token }),
      },
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      ca,
      clientCertificate,
      clientKey: this.#secrets.clientKey ?? '',
    });
  }
}

function requireSuccess({ status }: JsonAnswer): void {
  if (status >= 200 && status < 300) return;
  if (status === 403) throw new GatewayError('provider_denied', 'it does not let the gateway read that');
  if (status === 503) throw new GatewayError('provider_unavailable', 'it is sealed, or in maintenance');
  if (status >= 500 || status === 429 || status === 412 || status === 472 || status === 473) {
    throw new GatewayError('provider_unavailable', `it answered with status ${status}`);
  }
  throw new GatewayError('provider_invalid', `it answered with status ${status}`);
}
