import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, type FakeConnection, type Harness, startHarness, until } from '../testing/harness.ts';

/** Where passwords come from and what is done with them, by the API, with real HTTP servers as providers. */

const PASSWORD = 'cAnAry-vAult-€-1';
let harness: Harness;
let admin: string;
let jane: string;
let targetId: string;

before(async () => {
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  jane = await harness.userWith('user');
  const target = await harness.call('POST', '/api/targets', {
    token: admin,
    body: { name: 'Server', host: 'server.example' },
  });
  targetId = target.json.id;
});
after(() => harness.stop());

const call = (method: string, path: string, body?: unknown, token = admin) =>
  harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });

async function must(method: string, path: string, body?: unknown, token = admin) {
  const answer = await call(method, path, body, token);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

const account = async (fields: object): Promise<string> =>
  (await must('POST', `/api/targets/${targetId}/accounts`, fields)).id;

/** Opens a session and attaches to it. */
async function open(accountId: string, more: object = {}, token = jane) {
  const { id, ticket } = await must('POST', '/api/sessions', { accountId, width: 800, height: 600, ...more }, token);
  const tunnel = harness.openTunnel();
  await tunnel.attach(ticket);
  return { id, tunnel };
}

async function connected(count: number): Promise<FakeConnection> {
  await until(() => harness.driver.connections.length > count);
  return harness.driver.last;
}

const passwordOf = ({ options }: FakeConnection) => options.credentials.password.text();

/** Entitles the user to an account under rules, and asks for access. */
async function accessTo(accountId: string, rules: object): Promise<string> {
  const name = `p${randomBytes(6).toString('hex')}`;
  await must('POST', '/api/policies', { name, ...rules });
  const me = await must('GET', '/api/me', undefined, jane);
  await must('POST', '/api/groups', { name, members: [me.id ?? me.user.id] });
  const entitlement = await must('POST', '/api/entitlements', { group: name, policy: name, accounts: [accountId] });
  const request = { items: [{ accountId, entitlementId: entitlement.id }] };
  return (await must('POST', '/api/requests', request, jane)).id;
}

test('an account whose password its user brings: asked at connect, forgotten when connected, asked again when lost', async () => {
  const accountId = await account({ type: 'prompted' });
  const before = harness.driver.connections.length;
  const { id, tunnel } = await open(accountId);
  const notice = await tunnel.next('notice');
  assert.equal(notice.code, 'credential_needed');
  const asked = await must('GET', `/api/sessions/${id}`, undefined, jane);
  assert.deepEqual(asked.asks, { wants: ['username', 'password'], username: '', domain: '', again: null });
  assert.equal((await call('POST', `/api/sessions/${id}/credential`, { password: 'x' }, jane)).status, 400);
  const other = await harness.userWith('user');
  assert.equal((await call('POST', `/api/sessions/${id}/credential`, { password: 'x' }, other)).status, 404);
  await must('POST', `/api/sessions/${id}/credential`, { username: 'CORP\\joan', password: PASSWORD }, jane);
  const connection = await connected(before);
  const { username, domain } = connection.options.credentials;
  assert.deepEqual([username, domain, passwordOf(connection)], ['joan', 'CORP', PASSWORD]);
  connection.events.connected();
  // As the driver does when the connection is lost.
  const again = connection.options.readCredentials?.();
  assert.equal((await tunnel.next('notice')).code, 'credential_needed');
  const { asks } = await must('GET', `/api/sessions/${id}`, undefined, jane);
  assert.equal(asks.again, 'reconnect');
  await must('POST', `/api/sessions/${id}/credential`, { username: 'joan', password: 'another' }, jane);
  assert.equal((await again)?.password.text(), 'another');
  await must('DELETE', `/api/sessions/${id}`, {}, jane);
  const stored = await harness.gateway.services.credentials.readStored(accountId).catch((error: unknown) => error);
  assert.equal((stored as { code?: string }).code, 'nothing_stored');
});

test('what is asked for can be said when the session is opened', async () => {
  const accountId = await account({ type: 'prompted', username: 'fixed', domain: 'LAB' });
  const before = harness.driver.connections.length;
  await open(accountId, { credential: { password: PASSWORD } });
  const connection = await connected(before);
  assert.deepEqual([connection.options.credentials.username, passwordOf(connection)], ['fixed', PASSWORD]);
});

test("an account that is the user's own in her directory", async () => {
  const accountId = await account({ type: 'directory', domain: 'FALLBACK' });
  const before = harness.driver.connections.length;
  const me = await must('GET', '/api/me', undefined, jane);
  const userId = me.id ?? me.user.id;
  await open(accountId, { credential: { password: PASSWORD } });
  const first = await connected(before);
  assert.deepEqual([first.options.credentials.username, first.options.credentials.domain], [me.username, 'FALLBACK']);
  const { users } = harness.gateway.services;
  // As the directory says who she is.
  await users.change(userId, { directoryAccount: { username: 'jdoe', domain: 'CORP' } });
  await open(accountId, { credential: { password: PASSWORD } });
  const second = await connected(before + 1);
  assert.deepEqual([second.options.credentials.username, second.options.credentials.domain], ['jdoe', 'CORP']);
  await users.change(userId, { directoryAccount: null });
});

test('what an account needs for its type', async () => {
  const path = `/api/targets/${targetId}/accounts`;
  const cases: object[] = [
    { username: 'no password' },
    { type: 'prompted', password: 'kept all the same' },
    { type: 'provider', username: 'x' },
    { type: 'provider', username: 'x', providerId: 'nonexistent' },
    { type: 'directory', providerId: 'nonexistent' },
    { type: 'elsewhere', username: 'x' },
  ];
  for (const body of cases) assert.equal((await call('POST', path, body)).status, 400, JSON.stringify(body));
});

interface FakeProvider {
  readonly url: string;
  readonly asked: { readonly request: IncomingMessage; readonly body: unknown }[];
  answer: (request: IncomingMessage, response: ServerResponse, body: unknown) => void;
  stop(): void;
}

async function startProvider(tls?: object): Promise<FakeProvider> {
  const asked: FakeProvider['asked'] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      asked.push({ request, body });
      provider.answer(request, response, body);
    });
  };
  const server: Server = tls === undefined ? createHttpServer(handle) : createHttpsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const provider: FakeProvider = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    answer: (_request, response) => response.writeHead(500).end(),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return provider;
}

const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

test('an HTTP credential provider: asked for this user and this account each time, and every bad answer has its code', async (context) => {
  const provider = await startProvider();
  context.after(() => provider.stop());
  const made = await must('POST', '/api/vault/providers', {
    name: 'Company',
    kind: 'http',
    url: `${provider.url}/credentials`,
    timeoutMs: 30_000,
    token: 'provider token',
  });
  assert.equal(made.hasToken, true);
  assert.equal(JSON.stringify(made).includes('provider token'), false);
  const accountId = await account({
    type: 'provider',
    username: 'svc',
    providerId: made.id,
    lookup: { reference: 'srv/svc' },
  });
  provider.answer = (_request, response) =>
    json(response, { authorized: true, username: 'svc-7', domain: 'CORP', password: PASSWORD });
  for (const round of [1, 2]) {
    const before = harness.driver.connections.length;
    const { id } = await open(accountId);
    const connection = await connected(before);
    const { username, domain } = connection.options.credentials;
    assert.deepEqual([username, domain, passwordOf(connection)], ['svc-7', 'CORP', PASSWORD]);
    assert.equal(provider.asked.length, round, 'nothing is cached');
    await must('DELETE', `/api/sessions/${id}`, {}, jane);
  }
  const { request, body } = provider.asked[0] ?? {};
  assert.equal(request?.method, 'POST');
  assert.equal(request?.headers.authorization, 'Bearer provider token');
  assert.equal(request?.headers['cache-control'], 'no-store');
  const question = body as Record<string, Record<string, unknown>>;
  assert.equal(question.account?.reference, 'srv/svc');
  assert.equal(question.target?.name, 'Server');
  assert.match(String(question.user?.username), /user/);
  assert.equal(question.purpose, 'connect');

  const bad: [string, FakeProvider['answer'], string][] = [
    ['denies', (_q, r) => json(r, { authorized: false, message: 'not during lunch' }), 'provider_denied'],
    ['denies by status', (_q, r) => r.writeHead(403).end(), 'provider_denied'],
    ['is slow', () => {}, 'provider_timeout'],
    ['is slow in the middle', (_q, r) => r.writeHead(200).write('{"authorized":'), 'provider_timeout'],
    ['is broken', (_q, r) => r.writeHead(503).end(), 'provider_unavailable'],
    ['hangs up', (_q, r) => r.socket?.destroy(), 'provider_unavailable'],
    ['answers rubbish', (_q, r) => r.end('<html>'), 'provider_invalid'],
    ['answers another type', (_q, r) => json(r, { authorized: true, password: 7 }), 'provider_invalid'],
    ['does not say yes', (_q, r) => json(r, { password: PASSWORD }), 'provider_invalid'],
    ['answers too much', (_q, r) => json(r, { authorized: true, password: 'x'.repeat(100_000) }), 'provider_invalid'],
    ['sends elsewhere', (_q, r) => r.writeHead(302, { Location: provider.url }).end(), 'provider_invalid'],
    ['speaks no HTTP', (_q, r) => r.socket?.end('SSH-2.0-OpenSSH\r\n\r\n'), 'provider_invalid'],
  ];
  for (const [what, answer, code] of bad) {
    provider.answer = answer;
    const timeoutMs = code === 'provider_timeout' ? 300 : 30_000;
    await must('PATCH', `/api/vault/providers/${made.id}`, { timeoutMs });
    const { tunnel } = await open(accountId);
    const ended = await tunnel.next('ended');
    assert.equal(ended.code, code, what);
    const tried = await call('POST', `/api/vault/providers/${made.id}/try`, { lookup: { reference: 'x' } });
    assert.equal(tried.json.error.code, code, what);
    if (what === 'denies') assert.equal(tried.json.error.detail, 'not during lunch');
  }
  provider.stop();
  const { tunnel } = await open(accountId);
  assert.equal((await tunnel.next('ended')).code, 'provider_unavailable');
  const audit = await must('GET', '/api/audit?action=credential.refused');
  assert.ok(audit.length >= bad.length);
  assert.equal((await call('DELETE', `/api/vault/providers/${made.id}`)).status, 409);
  assert.equal(harness.log.join('').includes(PASSWORD), false);
});

test('a provider over TLS: own authority, client certificate, and none that is not vouched for', async (context) => {
  const pems = await generate([{ name: 'commonName', value: 'provider' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const client = await generate([{ name: 'commonName', value: 'oriel' }], { algorithm: 'sha256' });
  const provider = await startProvider({
    cert: pems.cert,
    key: pems.private,
    ca: client.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  context.after(() => provider.stop());
  provider.answer = (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    json(response, { authorized: subject.CN === 'oriel', password: PASSWORD });
  };
  const made = await must('POST', '/api/vault/providers', { name: 'TLS', kind: 'http', url: provider.url });
  const attempt = async () => (await call('POST', `/api/vault/providers/${made.id}/try`, {})).json;
  const path = `/api/vault/providers/${made.id}`;
  assert.equal((await attempt()).error.code, 'provider_unavailable', 'nobody vouches for it');
  await must('PATCH', path, { ca: pems.cert });
  assert.equal((await attempt()).error.code, 'provider_unavailable', 'it wants a certificate');
  assert.equal((await call('PATCH', path, { clientCertificate: client.cert })).status, 400, 'without its key');
  assert.equal((await call('PATCH', path, { clientCertificate: client.cert, clientKey: pems.private })).status, 400);
  await must('PATCH', path, { clientCertificate: client.cert, clientKey: client.private });
  assert.equal(typeof (await attempt()).milliseconds, 'number');
  assert.equal((await call('PATCH', path, { url: 'http://elsewhere.example' })).status, 400, 'in the clear');
  await must('DELETE', path);
});

test("HashiCorp Vault's key-value engine: versions 1 and 2, token and AppRole, namespace", async (context) => {
  const server = await startProvider();
  context.after(() => server.stop());
  // As its public documentation describes the API.
  server.answer = (request, response, body) => {
    const { url = '', method, headers } = request;
    if (headers['x-vault-request'] !== 'true') return json(response, { errors: ['no header'] }, 400);
    if (headers['x-vault-namespace'] !== 'team/ops') return json(response, { errors: ['no such namespace'] }, 404);
    if (method === 'POST' && url === '/v1/auth/approle/login') {
      const { role_id, secret_id } = body as Record<string, string>;
      if (role_id !== 'role' || secret_id !== 'right') return json(response, { errors: ['invalid role'] }, 400);
      return json(response, { auth: { client_token: 'from approle', lease_duration: 60 } });
    }
    const token = headers['x-vault-token'];
    if (token !== 'root token' && token !== 'from approle') {
      return json(response, { errors: ['permission denied'] }, 403);
    }
    if (method === 'POST' && url === '/v1/auth/token/revoke-self') return response.writeHead(204).end();
    const secret = { password: PASSWORD, user: 'svc', other: 7 };
    if (url === '/v1/kv/servers/one') return json(response, { data: secret });
    if (url === '/v1/secret/data/servers/one')
      return json(response, { data: { data: secret, metadata: { version: 3 } } });
    return json(response, { errors: [] }, 404);
  };
  const made = await must('POST', '/api/vault/providers', {
    name: 'HashiCorp',
    kind: 'hashicorp',
    url: server.url,
    namespace: 'team/ops',
    token: 'root token',
  });
  const path = `/api/vault/providers/${made.id}`;
  const attempt = async (lookup: object) => (await call('POST', `${path}/try`, { lookup })).json;
  const lookup = { path: 'servers/one', usernameField: 'user' };
  assert.equal((await attempt(lookup)).username, 'svc');
  assert.equal((await attempt({ ...lookup, passwordField: 'other' })).error.code, 'provider_invalid');
  assert.equal((await attempt({ path: 'servers/none' })).error.code, 'provider_invalid');
  assert.equal((await attempt({})).error.code, 'provider_invalid');
  await must('PATCH', path, { version: 1, mount: 'kv' });
  assert.equal((await attempt(lookup)).username, 'svc');
  // What was given for this server is sent to no other that somebody writes in its place.
  for (const elsewhere of [
    { url: 'https://elsewhere.example' },
    { ca: (await generate([{ name: 'commonName', value: 'other' }])).cert },
  ]) {
    assert.equal((await call('PATCH', path, elsewhere)).json.error.code, 'conflict');
  }
  await must('PATCH', path, { url: `${server.url}/`, token: 'root token' });
  await must('PATCH', path, { token: 'wrong' });
  assert.equal((await attempt(lookup)).error.code, 'provider_denied');
  await must('PATCH', path, { auth: 'approle', roleId: 'role', secretId: 'wrong', token: null });
  assert.equal((await attempt(lookup)).error.code, 'provider_denied');
  await must('PATCH', path, { secretId: 'right' });
  assert.equal((await attempt(lookup)).username, 'svc');
  assert.deepEqual(
    server.asked.slice(-3).map(({ request }) => `${request.method} ${request.url}`),
    ['POST /v1/auth/approle/login', 'GET /v1/kv/servers/one', 'POST /v1/auth/token/revoke-self'],
  );
  server.answer = (_request, response) => json(response, { errors: ['Vault is sealed'] }, 503);
  assert.equal((await attempt(lookup)).error.code, 'provider_unavailable');

  server.answer = (_request, response) => json(response, { auth: { client_token: 't' }, data: { password: PASSWORD } });
  const accountId = await account({ type: 'provider', username: 'svc', providerId: made.id, lookup });
  await must('PATCH', `/api/targets/${targetId}/accounts/${accountId}`, { lookup: { path: 'servers/one' } });
  const before = harness.driver.connections.length;
  await open(accountId);
  assert.equal(passwordOf(await connected(before)), PASSWORD);
});

test('a password is shown where a policy permits, to whoever has access, and that is written down', async () => {
  const accountId = await account({ username: 'shown', password: PASSWORD });
  const closed = await accessTo(accountId, {});
  assert.equal((await call('POST', `/api/requests/${closed}/reveal`, { accountId }, jane)).status, 403);
  const requestId = await accessTo(accountId, { reveal: true });
  const path = `/api/requests/${requestId}/reveal`;
  const other = await harness.userWith('user');
  assert.equal((await call('POST', path, { accountId }, other)).status, 404);
  const shown = await call('POST', path, { accountId }, jane);
  assert.deepEqual(shown.json, { username: 'shown', domain: '', password: PASSWORD, hideAfterSeconds: 30 });
  assert.equal(shown.headers['cache-control'], 'no-store');
  const details = await must('GET', `/api/requests/${requestId}`, undefined, jane);
  assert.ok(details.history.some(({ event }: { event: string }) => event === 'secret-revealed'));
  assert.equal(details.items[0].reveal, true);
  assert.notEqual(details.items[0].checkedOutAt, null);
  const told = await must('GET', '/api/notifications');
  assert.ok(told.notifications.some(({ kind }: { kind: string }) => kind === 'secret.revealed'));
  await must('POST', `/api/requests/${requestId}/check-in`, {}, jane);
  assert.equal((await call('POST', path, { accountId }, jane)).status, 409);
});

test('a password is typed into a session by the gateway, past everything that looks at what is typed', async () => {
  const accountId = await account({ username: 'typed', password: PASSWORD });
  const requestId = await accessTo(accountId, { typeSecret: true, inputLog: 'full' });
  const before = harness.driver.connections.length;
  const { id } = await open(accountId, { requestId });
  const path = `/api/sessions/${id}/type-secret`;
  const connection = await connected(before);
  assert.equal((await call('POST', path, {}, jane)).json.error.code, 'not_ready');
  connection.events.connected();
  const other = await harness.userWith('user');
  assert.equal((await call('POST', path, {}, other)).status, 404);
  assert.equal((await must('GET', `/api/sessions/${id}`, undefined, jane)).typesSecret, true);
  await must('POST', path, { enter: true }, jane);
  const units = connection.typed.filter((event): event is InputEvent & { kind: 'unicode' } => event.kind === 'unicode');
  assert.equal(String.fromCharCode(...units.filter(({ down }) => down).map(({ unit }) => unit)), PASSWORD);
  assert.deepEqual(connection.typed.at(-1), { kind: 'scancode', code: 0x1c, extended: false, down: false });
  await must('DELETE', `/api/sessions/${id}`, {}, jane);
  const { events } = harness.pixels.last;
  assert.ok(events.some(({ type }) => type === 'secret-typed'));
  assert.deepEqual(
    events.filter(({ type }) => type === 'input'),
    [],
    'the event log has no key of it',
  );
});

test('an account that asks for a master password: wrapped by it while checked out, lost when it is given up', async () => {
  const accountId = await account({ username: 'master', password: PASSWORD, masterPassword: true });
  const requestId = await accessTo(accountId, { reveal: true });
  const path = `/api/requests/${requestId}/reveal`;
  const reveal = (masterPassword?: string) =>
    call('POST', path, { accountId, ...(masterPassword === undefined ? {} : { masterPassword }) }, jane);
  assert.equal((await reveal()).json.error.code, 'master_password_required');
  assert.equal((await reveal('never set')).json.error.code, 'master_password_missing');
  await must('POST', '/api/me/master-password', { masterPassword: 'only jane knows' }, jane);
  assert.equal((await call('POST', '/api/me/master-password', { masterPassword: 'another one' }, jane)).status, 409);
  assert.equal((await reveal('wrong one')).json.error.code, 'master_password_wrong');
  assert.equal((await reveal('only jane knows')).json.password, PASSWORD);
  assert.equal((await must('GET', '/api/me/master-password', undefined, jane)).checkedOut, 1);

  const before = harness.driver.connections.length;
  const { id, tunnel } = await open(accountId, { requestId });
  await tunnel.next('notice');
  await must('POST', `/api/sessions/${id}/credential`, { masterPassword: 'not it' }, jane);
  await tunnel.next('notice');
  const { asks } = await must('GET', `/api/sessions/${id}`, undefined, jane);
  assert.equal(asks.again, 'master_password_wrong');
  await must('POST', `/api/sessions/${id}/credential`, { masterPassword: 'only jane knows' }, jane);
  assert.equal(passwordOf(await connected(before)), PASSWORD);

  const change = { present: 'only jane knows', masterPassword: 'jane knows better' };
  await must('PATCH', '/api/me/master-password', change, jane);
  assert.equal((await reveal('jane knows better')).json.password, PASSWORD, 'what is checked out stays');
  for (let i = 0; i < 5; i++) assert.equal((await reveal('guess')).json.error.code, 'master_password_wrong');
  assert.equal((await reveal('jane knows better')).json.error.code, 'master_password_locked');
  const userName = (await must('GET', '/api/me', undefined, jane)).username;
  assert.equal((await call('DELETE', '/api/me/master-password', { password: 'no' }, jane)).status, 401);
  const gone = await must('DELETE', '/api/me/master-password', { password: passwordOfUser(userName) }, jane);
  assert.deepEqual(gone, { lost: 1 });
  await must('POST', '/api/me/master-password', { masterPassword: 'a new beginning' }, jane);
  assert.equal((await reveal('a new beginning')).json.password, PASSWORD, 'checked out anew');
  await must('POST', `/api/requests/${requestId}/check-in`, {}, jane);
  assert.equal((await must('GET', '/api/me/master-password', undefined, jane)).checkedOut, 0);
});

test('a stored password that was altered or moved is found out, told and written down', async () => {
  const accountId = await account({ username: 'altered', password: PASSWORD });
  const otherId = await account({ username: 'other', password: 'another' });
  const database = openGatewayDatabase(harness.dataDirectory);
  database
    .prepare('update accounts set secret = (select secret from accounts where id = ?) where id = ?')
    .run(otherId, accountId);
  database.close();
  const { tunnel } = await open(accountId);
  assert.equal((await tunnel.next('ended')).code, 'secret_altered');
  const audit = await must('GET', '/api/audit?action=vault.tampered');
  assert.equal(audit.length, 1);
  const told = await must('GET', '/api/notifications');
  assert.ok(told.notifications.some(({ kind }: { kind: string }) => kind === 'vault.alert'));
});

test('secrets move to a new master key by the API, and everything goes on', async () => {
  const accountId = await account({ username: 'moved', password: PASSWORD });
  const first = await must('GET', '/api/vault/key');
  assert.deepEqual([first.source, first.moving], ['file', null]);
  assert.equal((await call('POST', '/api/vault/key/rewrap', { source: 'environment', key: 'c2hvcnQ=' })).status, 400);
  assert.equal(
    (await call('POST', '/api/vault/key/rewrap', { source: 'passphrase', passphrase: 'short' })).status,
    400,
  );
  const { to } = await must('POST', '/api/vault/key/rewrap', { source: 'file' });
  assert.equal((await call('POST', '/api/vault/key/rewrap', { source: 'file' })).status, 409);
  const before = harness.driver.connections.length;
  await open(accountId);
  assert.equal(passwordOf(await connected(before)), PASSWORD, 'while it goes on');
  await harness.gateway.services.rewrap.settled();
  const after = await must('GET', '/api/vault/key');
  assert.deepEqual([after.id, after.moving, after.lastError], [to, null, null]);
  await open(accountId);
  assert.equal(passwordOf(await connected(before + 1)), PASSWORD);
});

test('nothing of any secret is in the log', () => {
  const log = harness.log.join('');
  for (const secret of [PASSWORD, 'only jane knows', 'jane knows better', 'provider token', 'root token']) {
    assert.equal(log.includes(secret), false, secret);
  }
});

function passwordOfUser(username: string): string {
  return `password of ${username}`;
}
