import { GatewayError } from '../../errors.ts';
import { Secret } from '../secret.ts';
import { callJson, fieldOf } from './json-call.ts';
import type {
  CredentialProvider,
  CredentialQuestion,
  HttpSettings,
  ProvidedCredential,
  ProviderSecrets,
} from './provider.ts';

/** [MS-RDPBCGR] 2.2.1.11.1.1: what a password may have at most, and the same for the names. */
export const MAX_TEXT = 256;

/**
 * A credential provider of a company's own, asked by `POST` for this user and this account; it says whether she may,
 * and if so with what. docs/vault.md describes question and answer.
 */
export class HttpProvider implements CredentialProvider {
  readonly #settings: HttpSettings;
  readonly #secrets: ProviderSecrets;

  constructor(settings: HttpSettings, secrets: ProviderSecrets) {
    this.#settings = settings;
    this.#secrets = secrets;
  }

  async fetch({ user, account, target, requestId, purpose, lookup }: CredentialQuestion): Promise<ProvidedCredential> {
    const { url, timeoutMs, ca, clientCertificate } = this.#settings;
    const { token, clientKey = '' } = this.#secrets;
    const { status, body } = await callJson({
      method: 'POST',
      url: new URL(url),
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      body: {
        version: 1,
        purpose,
        user,
        account: { ...account, reference: lookup.reference ?? '' },
        target,
        requestId,
      },
      timeoutMs,
      ca,
      clientCertificate,
      clientKey,
    });
    const denied = fieldOf(body, 'authorized') === false;
    if (status === 401 || status === 403 || (status === 200 && denied)) {
      throw new GatewayError('provider_denied', denied ? reasonOf(body) : `it answered with status ${status}`);
    }
    if (status >= 500 || status === 429) {
      throw new GatewayError('provider_unavailable', `it answered with status ${status}`);
    }
    if (status !== 200) throw new GatewayError('provider_invalid', `it answered with status ${status}`);
    if (fieldOf(body, 'authorized') !== true) {
      throw new GatewayError('provider_invalid', 'its answer does not say whether the user is authorized');
    }
    const username = optionalText(body, 'username');
    const domain = optionalText(body, 'domain');
    return {
      ...(username === undefined ? {} : { username }),
      ...(domain === undefined ? {} : { domain }),
      password: new Secret(requiredText(body, 'password')),
    };
  }
}

/** A text of an answer that a server could take. Throws `provider_invalid` and names the field, not what is in it. */
export function requiredText(body: unknown, field: string): string {
  const value = fieldOf(body, field);
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT || value.includes('\0')) {
    throw new GatewayError('provider_invalid', `its answer has no usable field "${field}"`);
  }
  return value;
}

function optionalText(body: unknown, field: string): string | undefined {
  const value = fieldOf(body, field);
  return value === undefined || value === null || value === '' ? undefined : requiredText(body, field);
}

/** What it says to a user whom it denies: for her to read, so short and plain. */
function reasonOf(body: unknown): string | undefined {
  const reason = fieldOf(body, 'message');
  if (typeof reason !== 'string' || reason === '') return undefined;
  return [...reason.slice(0, 200)].filter((character) => character >= ' ').join('');
}
