import { GatewayError } from '../../errors.ts';
import { keySources, MIN_PASSPHRASE } from '../../vault/master-key.ts';
import type { AccountLookup } from '../../vault/providers/provider.ts';
import { providerKinds } from '../../vault/providers/provider.ts';
import type { NewProvider, ProviderFields } from '../../vault/providers/providers.ts';
import type { NewKey } from '../../vault/rewrap.ts';
import { type JsonSchema, type Route, route } from '../route.ts';
import { array, count, domain, id, name, nullable, object, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { accountLookup } from './targets.ts';
import { vaultAccountRoutes } from './vault-accounts.ts';

/** What vault administrators set up. */
export function vaultRoutes(services: Services): Route[] {
  return [...vaultAccountRoutes(services), ...keyRoutes(services), ...providerRoutes(services)];
}

const keyId: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-f]{16}$',
  description: 'names a key, and tells nothing of it',
};
const source: JsonSchema = { enum: [...keySources] };

function keyRoutes({ rewrap, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/vault/key',
      id: 'getMasterKey',
      tag: 'vault',
      summary: 'Which master key secrets are sealed with, and whether they are moving to another',
      access: 'key.manage',
      status: 200,
      response: object({
        id: keyId,
        source,
        since: time,
        secrets: count,
        moving: nullable(object({ to: keyId, source, left: count })),
        lastError: nullable(text),
      }),
      errors: [],
      handle: () => rewrap.state(),
    }),
    route<{ source: NewKey['source']; key?: string; passphrase?: string }>({
      method: 'post',
      path: '/api/vault/key/rewrap',
      id: 'rewrap',
      tag: 'vault',
      summary: 'Move every secret to a new master key while the gateway goes on',
      access: 'key.manage',
      body: object(
        {
          source: { ...source, description: '`file`: a new key, in the place of the one in the key file' },
          key: { ...text, maxLength: 100, writeOnly: true, description: 'of `environment`: 32 bytes in base64' },
          passphrase: { ...text, minLength: MIN_PASSPHRASE, maxLength: 1024, writeOnly: true },
        },
        ['key', 'passphrase'],
      ),
      status: 200,
      response: object({ to: keyId }),
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const to = await rewrap.begin(newKeyOf(body));
        await audit.record({ action: 'vault.rewrap_begun', actor, address, details: { to, source: body.source } });
        return { to };
      },
    }),
  ];
}

function newKeyOf({
  source,
  key,
  passphrase,
}: {
  source: NewKey['source'];
  key?: string;
  passphrase?: string;
}): NewKey {
  if (source === 'environment' && key !== undefined) return { source, key };
  if (source === 'passphrase' && passphrase !== undefined) return { source, passphrase };
  if (source === 'file') return { source };
  throw new GatewayError('bad_request', 'the new key is not in it');
}

const pem = { type: 'string', maxLength: 64 * 1024 } as const;
const shortText = { type: 'string', maxLength: 512, pattern: '^[^\\u0000-\\u001f\\u007f]*$' } as const;
const hidden = nullable({ type: 'string', maxLength: 8192, writeOnly: true });
const settings = {
  url: { type: 'string', maxLength: 2000, description: 'https, or http on this machine' },
  timeoutMs: { type: 'integer', minimum: 100, maximum: 60_000 },
  ca: { ...pem, description: 'PEM of who vouches for it; empty: the authorities that this machine knows' },
  clientCertificate: { ...pem, description: 'PEM of the certificate that the gateway shows; empty: none' },
  namespace: shortText,
  mount: { ...shortText, minLength: 1 },
  version: { enum: [1, 2] },
  auth: { enum: ['token', 'approle'] },
  authMount: { ...shortText, minLength: 1 },
  roleId: shortText,
} as const;
const secrets = { token: hidden, secretId: hidden, clientKey: nullable({ ...pem, writeOnly: true }) };
const fields = { ...settings, ...secrets };

function providerRoutes({ providers, audit }: Services): Route[] {
  const kind: JsonSchema = { enum: [...providerKinds] };
  const own = ['namespace', 'mount', 'version', 'auth', 'authMount', 'roleId'];
  const view = object(
    {
      id,
      name,
      kind,
      ...settings,
      hasToken: { type: 'boolean' },
      hasSecretId: { type: 'boolean' },
      hasClientKey: { type: 'boolean' },
      accounts: { ...count, description: 'that come from it' },
      createdAt: time,
    },
    own,
  );
  return [
    route({
      method: 'get',
      path: '/api/vault/providers',
      id: 'listProviders',
      tag: 'vault',
      summary: 'Where credentials come from that are not kept here',
      access: 'vault.manage',
      status: 200,
      response: array(view),
      errors: [],
      handle: () => providers.list(),
    }),
    route<NewProvider>({
      method: 'post',
      path: '/api/vault/providers',
      id: 'createProvider',
      tag: 'vault',
      summary: 'Add a credential provider; its secrets are not shown again',
      access: 'vault.manage',
      body: object(
        { name, kind, ...fields },
        Object.keys(fields).filter((field) => field !== 'url'),
      ),
      status: 201,
      response: view,
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const made = await providers.create(body);
        const details = { providerId: made.id, kind: made.kind };
        await audit.record({ action: 'provider.created', actor, address, subject: made.name, details });
        return made;
      },
    }),
    route<ProviderFields & { name?: string }>({
      method: 'patch',
      path: '/api/vault/providers/:id',
      id: 'changeProvider',
      tag: 'vault',
      summary: 'Change a credential provider; secrets that are not named stay',
      access: 'vault.manage',
      body: object({ name, ...fields }, ['name', ...Object.keys(fields)]),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        const changed = await providers.change(parameter('id'), body);
        const details = { providerId: changed.id, changed: Object.keys(body).join(' ') };
        await audit.record({ action: 'provider.changed', actor, address, subject: changed.name, details });
        return changed;
      },
    }),
    route({
      method: 'delete',
      path: '/api/vault/providers/:id',
      id: 'deleteProvider',
      tag: 'vault',
      summary: 'Remove a credential provider that no account comes from',
      access: 'vault.manage',
      status: 204,
      errors: ['conflict'],
      async handle({ parameter, actor, address }) {
        const removed = await providers.remove(parameter('id'));
        const details = { providerId: removed.id };
        await audit.record({ action: 'provider.deleted', actor, address, subject: removed.name, details });
      },
    }),
    route<{ username?: string; domain?: string; lookup?: AccountLookup }>({
      method: 'post',
      path: '/api/vault/providers/:id/try',
      id: 'tryProvider',
      tag: 'vault',
      summary: 'Ask a provider for a credential now, and throw it away; says what came of it, never what it was',
      access: 'vault.manage',
      body: object({ username: domain, domain, lookup: accountLookup }, ['username', 'domain', 'lookup']),
      status: 200,
      response: object({ username: nullable(text), milliseconds: count }),
      errors: ['provider_denied', 'provider_unavailable', 'provider_timeout', 'provider_invalid'],
      async handle({ parameter, body, actor, address }) {
        const provider = await providers.get(parameter('id'));
        const begun = performance.now();
        const outcome = async () => {
          const opened = await providers.open(provider.id);
          const found = await opened.fetch({
            user: { id: actor.id, username: actor.username },
            account: { id: '', username: body.username ?? '', domain: body.domain ?? '' },
            target: { id: '', name: '', host: '', port: 0 },
            requestId: null,
            purpose: 'test',
            lookup: body.lookup ?? {},
          });
          found.password.wipe();
          return { username: found.username ?? null, milliseconds: Math.round(performance.now() - begun) };
        };
        const event = { action: 'provider.tried', actor, address, subject: provider.name } as const;
        try {
          const found = await outcome();
          await audit.record({ ...event, details: { providerId: provider.id, code: 'ok' } });
          return found;
        } catch (error) {
          const code = error instanceof GatewayError ? error.code : 'internal_error';
          await audit.record({ ...event, details: { providerId: provider.id, code } });
          throw error;
        }
      },
    }),
  ];
}
