import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Role } from '../access/can.ts';
import { errorRow } from '../errors.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, CANARY, type Harness, startHarness, until } from '../testing/harness.ts';
import { openApiPath } from './openapi.ts';
import type { Route } from './route.ts';
import { allRoutes } from './routes/routes.ts';
import { newAjv } from './validation.ts';

let harness: Harness;
let admin: string;
/** Every answer of the API in this file is held against what the OpenAPI document says about it. */
const ajv = newAjv(false);
let routes: readonly Route[];

before(async () => {
  harness = await startHarness();
  routes = allRoutes(harness.gateway.services);
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
});
after(() => harness.stop());

/** Calls as admin unless told, and checks the answer against its route's declared schema. */
async function call(method: string, path: string, body?: unknown, token: string | null = admin) {
  const answer = await harness.call(method, path, {
    ...(token === null ? {} : { token }),
    ...(body === undefined ? {} : { body }),
  });
  const pathname = path.split('?')[0] ?? '';
  const route = routes.find(
    (candidate) =>
      candidate.method === method.toLowerCase() &&
      new RegExp(`^${candidate.path.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`).test(pathname),
  );
  if (route !== undefined && answer.status === route.status && route.response !== undefined) {
    const validate = ajv.compile(route.response);
    assert.ok(validate(answer.json), `${route.id}: ${JSON.stringify(validate.errors)} in ${answer.text}`);
  } else if (answer.status >= 400) {
    const validate = ajv.compile({ $ref: '#/components/schemas/Error' });
    assert.ok(validate(answer.json), `${path}: ${JSON.stringify(validate.errors)} in ${answer.text}`);
  }
  assert.equal(answer.text.includes(CANARY), false, 'a password came out');
  return answer;
}

test('every route is described, and every description is a route', async () => {
  const { json } = await call('GET', '/api/openapi.json', undefined, null);
  assert.equal(json.openapi, '3.1.0');
  const described = Object.entries(json.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const routed = routes.map((route) => `${route.method} ${openApiPath(route.path)}`);
  assert.deepEqual(described.sort(), routed.sort());

  // And the server itself knows each of them: none is answered as an address that does not exist.
  for (const [path, methods] of Object.entries(json.paths as Record<string, object>)) {
    for (const method of Object.keys(methods)) {
      const { status, json: answer } = await harness.call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x'));
      assert.notEqual(status, 405, `${method} ${path}`);
      if (status === 404) assert.fail(`${method} ${path} is described and not routed: ${JSON.stringify(answer)}`);
    }
  }
  const ids = routes.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'operationId is unique');
});

test('every reference in the document resolves', async () => {
  const { text, json } = await call('GET', '/api/openapi.json', undefined, null);
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(json.components.schemas[name ?? ''] !== undefined, name);
  }
});

test('signing in gives a cookie that scripts cannot read and a token, and either works until signing out', async () => {
  const { status, json, headers } = await call(
    'POST',
    '/api/login',
    { username: 'admin', password: ADMIN_PASSWORD },
    null,
  );
  assert.equal(status, 200);
  const [cookie = ''] = headers['set-cookie'] ?? [];
  assert.match(cookie, /^__Host-oriel=[\w-]{43}; path=\/; samesite=strict; secure; httponly$/);
  const byCookie = { headers: { Cookie: cookie.split(';')[0] ?? '' } };
  assert.equal((await harness.call('GET', '/api/me', byCookie)).json.username, 'admin');
  assert.equal((await call('GET', '/api/me', undefined, json.token)).json.username, 'admin');
  assert.equal((await call('GET', '/api/login', undefined, json.token)).json.user.username, 'admin');
  const nobody = { user: null, stage: null, method: null, factors: [], passkeyHost: 'localhost', singleSignOn: null };
  assert.deepEqual((await call('GET', '/api/login', undefined, null)).json, nobody);

  assert.equal((await harness.call('POST', '/api/logout', byCookie)).status, 204);
  assert.equal((await harness.call('GET', '/api/me', byCookie)).status, 401);
  assert.equal((await call('GET', '/api/me', undefined, json.token)).status, 401);
});

test('a wrong password and an unknown user look the same', async () => {
  const wrong = await call('POST', '/api/login', { username: 'admin', password: 'wrong' }, null);
  const unknown = await call('POST', '/api/login', { username: 'nobody', password: 'wrong' }, null);
  assert.equal(wrong.status, 401);
  assert.deepEqual(wrong.json, unknown.json);
  assert.equal(wrong.headers['set-cookie'], undefined);
});

test('the right password many times at once is as good as once', async () => {
  const { username, password } = { username: 'several', password: 'password of several' };
  assert.equal((await call('POST', '/api/users', { username, password, roles: ['user'] })).status, 201);
  const logins = Array.from({ length: 8 }, () => call('POST', '/api/login', { username, password }, null));
  assert.deepEqual(new Set((await Promise.all(logins)).map(({ status }) => status)), new Set([200]));
});

test('guessing is slowed down, and says for how long', async () => {
  for (let i = 0; i < 5; i++) await call('POST', '/api/login', { username: 'guessed', password: `${i}` }, null);
  const { status, headers, json } = await call('POST', '/api/login', { username: 'guessed', password: 'x' }, null);
  assert.equal(status, 429);
  assert.equal(json.error.code, 'too_many_requests');
  assert.ok(Number(headers['retry-after']) > 0);
  assert.equal((await call('POST', '/api/login', { username: 'admin', password: ADMIN_PASSWORD }, null)).status, 200);
});

test('a bad Bearer token is not rescued by a good cookie', async () => {
  const headers = { Authorization: 'Bearer nonsense', Cookie: `__Host-oriel=${admin}` };
  assert.equal((await harness.call('GET', '/api/me', { headers })).status, 401);
});

test('changes asked for by a page of another origin are refused', async () => {
  const { port } = harness.gateway;
  const cookie = { Cookie: `__Host-oriel=${admin}` };
  const create = (headers: Record<string, string>) =>
    harness.call('POST', '/api/targets', { body: { name: 'x', host: 'x' }, headers: { ...cookie, ...headers } });
  const origins = ['https://evil.example', `http://127.0.0.1:${port}`, `https://127.0.0.1:${port + 1}`, 'null', 'x'];
  for (const origin of origins) {
    const { status, json } = await create({ Origin: origin });
    assert.equal(status, 403, origin);
    assert.equal(json.error.code, 'origin_refused');
  }
  assert.equal((await create({ 'Sec-Fetch-Site': 'cross-site' })).status, 403);
  assert.equal((await create({ Origin: `https://127.0.0.1:${port}` })).status, 201);
  assert.equal((await create({})).status, 201, 'a program, not a browser');
  const login = { body: { username: 'admin', password: ADMIN_PASSWORD }, headers: { Origin: 'https://evil.example' } };
  assert.equal((await harness.call('POST', '/api/login', login)).status, 403);
});

test('targets and accounts: made, listed, changed, removed; a password never comes back', async () => {
  const created = await call('POST', '/api/targets', { name: 'Server', host: 'server.example' });
  assert.equal(created.status, 201);
  assert.equal(created.json.port, 3389);
  assert.equal(created.json.nla, 'preferred');
  const path = `/api/targets/${created.json.id}`;

  const account = await call('POST', `${path}/accounts`, { username: 'jane', password: CANARY, domain: 'CORP' });
  assert.equal(account.status, 201);
  assert.deepEqual(Object.keys(account.json).sort(), ['domain', 'id', 'masterPassword', 'type', 'username']);
  const accountPath = `${path}/accounts/${account.json.id}`;
  const credentials = async () => {
    const { password, ...names } = await harness.gateway.services.credentials.readStored(account.json.id);
    return { ...names, password: password.text() };
  };
  assert.deepEqual(await credentials(), { username: 'jane', domain: 'CORP', password: CANARY });

  await call('PATCH', accountPath, { username: 'joan' });
  assert.deepEqual(await credentials(), { username: 'joan', domain: 'CORP', password: CANARY });
  await call('PATCH', accountPath, { password: 'other' });
  assert.equal((await credentials()).password, 'other');

  const list = await call('GET', '/api/targets');
  const listed = list.json.find(({ id }: { id: string }) => id === created.json.id);
  assert.deepEqual(listed.accounts, [{ ...account.json, username: 'joan' }]);

  await harness.gateway.services.targets.checkCertificate(created.json.id, certificate('a'.repeat(64)));
  const same = await call('PATCH', path, { name: 'Renamed', host: 'server.example' });
  assert.equal(same.json.certificate.trusted, 'a'.repeat(64));
  const moved = await call('PATCH', path, { port: 3390 });
  assert.equal(moved.json.certificate.trusted, null, 'another server is not trusted yet');

  const other = await call('POST', '/api/targets', { name: 'Other', host: 'other.example' });
  assert.equal((await call('DELETE', `/api/targets/${other.json.id}/accounts/${account.json.id}`)).status, 404);
  assert.equal((await call('DELETE', accountPath)).status, 204);
  assert.equal((await call('DELETE', accountPath)).status, 404);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('GET', path)).status, 404);
});

/** As the driver describes one that no authority vouches for. */
function certificate(fingerprint: string) {
  return { fingerprint, chainProblem: 'DEPTH_ZERO_SELF_SIGNED_CERT', nameMatches: false };
}

test('a changed certificate is refused until an administrator accepts it', async () => {
  const { targets } = harness.gateway.services;
  const { json } = await call('POST', '/api/targets', { name: 'Pinned', host: 'pinned.example' });
  const [first, second] = ['1'.repeat(64), '2'.repeat(64)] as const;
  const judge = (fingerprint: string) => targets.checkCertificate(json.id, certificate(fingerprint));
  assert.deepEqual(await judge(first), { trusted: true, first: true }, 'trust on first use');
  assert.deepEqual(await judge(first), { trusted: true, first: false });
  assert.equal((await judge(second)).trusted, false);
  const shown = await call('GET', `/api/targets/${json.id}`);
  assert.deepEqual(shown.json.certificate, { trusted: first, offered: second });
  const trusted = await call('POST', `/api/targets/${json.id}/trust`, {});
  assert.deepEqual(trusted.json.certificate, { trusted: second, offered: null });
  assert.equal((await judge(first)).trusted, false);
});

test('what is not as described is refused, and the answer does not repeat it', async () => {
  const bad: [string, unknown][] = [
    ['/api/targets', { name: 'x' }],
    ['/api/targets', { name: 'x', host: 'a b' }],
    ['/api/targets', { name: 'x', host: 'x', port: '3389' }],
    ['/api/targets', { name: 'x', host: 'x', port: 0 }],
    ['/api/targets', { name: 'x', host: 'x', extra: 1 }],
    ['/api/targets', { name: 'x\u0000', host: 'x' }],
    ['/api/targets', []],
    ['/api/users', { username: 'x', password: CANARY, roles: ['root'] }],
    ['/api/users', { username: 'x', password: 'short', roles: [] }],
    ['/api/sessions', { targetId: 'x', accountId: 'x', width: 800, height: 600 }],
    ['/api/login', { username: { $ne: '' }, password: CANARY }],
  ];
  for (const [path, body] of bad) {
    const { status, json } = await call('POST', path, body);
    assert.equal(status, 400, `${path} ${JSON.stringify(body)}`);
    assert.equal(json.error.code, 'bad_request');
  }
  const notJson = await harness.call('POST', '/api/targets', {
    token: admin,
    body: 'just text',
    headers: { 'Content-Type': 'text/plain' },
  });
  assert.equal(notJson.status, 400);
  const broken = await harness.call('GET', '/api/targets/%E0%A4%A', { token: admin });
  assert.equal(broken.status, 404);
  assert.equal((await call('GET', '/api/audit?limit=0')).status, 400);
  assert.equal((await call('GET', '/api/audit?nonsense=1')).status, 400);
});

test('a body too large is refused', async () => {
  const { status, json } = await call('POST', '/api/targets', { name: 'x', host: 'y'.repeat(100_000) });
  assert.equal(status, 413);
  assert.equal(json.error.code, 'too_large');
});

test('a connection stays open for longer than browsers and proxies keep one, so that it is they who close it', async () => {
  const { headers } = await harness.call('GET', '/', { headers: { Connection: 'keep-alive' } });
  assert.equal(headers['keep-alive'], 'timeout=310');
});

test('unknown addresses and methods', async () => {
  assert.equal((await call('GET', '/api/nothing')).status, 404);
  const put = await call('PUT', '/api/targets', {});
  assert.deepEqual([put.status, put.json.error.code], [405, 'method_not_allowed']);
  assert.deepEqual(String(put.headers.allow).split(', ').sort(), ['GET', 'HEAD', 'POST']);
  assert.equal((await call('POST', '/recordings', {})).status, 405);
  assert.equal((await harness.call('HEAD', '/healthz')).status, 200);
});

test('users: a disabled one is out at once, and the last administrator stays', async () => {
  const made = await call('POST', '/api/users', { username: 'temp', password: 'password of temp', roles: ['user'] });
  assert.equal(made.status, 201);
  const again = await call('POST', '/api/users', { username: 'TEMP', password: 'password of temp', roles: [] });
  assert.equal(again.json.error.code, 'conflict');
  const token = await harness.signIn('temp', 'password of temp');
  const changed = await call('PATCH', `/api/users/${made.json.id}`, { disabled: true });
  assert.equal(changed.json.disabled, true);
  assert.equal((await call('GET', '/api/me', undefined, token)).status, 401);
  assert.equal((await call('DELETE', `/api/users/${made.json.id}`)).status, 204);
  assert.equal((await call('DELETE', `/api/users/${made.json.id}`)).status, 404);
});

test('a user changes the own password with the old one', async () => {
  const token = await harness.userWith(Role.user);
  const { username } = (await call('GET', '/api/me', undefined, token)).json;
  const change = (current: string) => call('POST', '/api/me/password', { current, password: 'a new password' }, token);
  assert.equal((await change('wrong')).status, 401);
  assert.equal((await change(`password of ${username}`)).status, 204);
  assert.equal((await call('GET', '/api/me', undefined, token)).status, 401);
  await harness.signIn(username, 'a new password');
});

test('settings', async () => {
  assert.deepEqual((await call('GET', '/api/settings')).json, { announceShadow: true });
  assert.deepEqual((await call('PATCH', '/api/settings', { announceShadow: false })).json, { announceShadow: false });
  assert.deepEqual((await call('GET', '/api/settings')).json, { announceShadow: false });
  assert.equal((await call('PATCH', '/api/settings', { announceShadow: 'no' })).status, 400);
});

test('audit: what was done, by whom, from where; the table cannot be rewritten', async () => {
  await call('POST', '/api/targets', { name: 'Audited', host: 'audited.example' });
  const { json } = await call('GET', '/api/audit?action=target.created&limit=1');
  assert.equal(json[0].actor, 'admin');
  assert.equal(json[0].subject, 'Audited');
  assert.equal(json[0].address, '127.0.0.1');
  const older = await call('GET', `/api/audit?before=${json[0].id}&limit=1`);
  assert.ok(older.json[0].id < json[0].id);
  const database = openGatewayDatabase(harness.dataDirectory);
  assert.throws(() => database.exec('delete from audit'), /append-only/);
  assert.throws(() => database.exec("update audit set actor = 'x'"), /append-only/);
  database.close();
});

test('recordings: whole, in parts, for a player and for saving', async () => {
  const { targetId, accountId } = await harness.target();
  const { id, ticket } = (await call('POST', '/api/sessions', { targetId, accountId, width: 800, height: 600 })).json;
  const tunnel = harness.openTunnel();
  await tunnel.attach(ticket);
  await tunnel.next('hello');
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === id));
  harness.driver.last.events.connected();
  await until(async () => (await call('GET', `/api/recordings/${id}`)).status === 200);
  const path = `/api/recordings/${id}/video.mp4`;
  assert.equal((await call('GET', path)).json.error.code, 'not_ready');
  await call('DELETE', `/api/sessions/${id}`);
  await until(async () => (await call('GET', `/api/recordings/${id}`)).json.state === 'ready');
  const recording = (await call('GET', '/api/recordings')).json[0];
  assert.equal(recording.id, id);
  assert.deepEqual([recording.durationMs, recording.bytes, recording.endCode], [1234, 5678, 'ended_by_user']);

  const ids = async (query: string) =>
    (await call('GET', `/api/recordings?${query}`)).json.map((found: { id: string }) => found.id);
  assert.deepEqual(await ids(`after=${id}`), []);
  assert.deepEqual(await ids(`state=ready&minSeconds=1&maxSeconds=2&to=${new Date(Date.now() + 1000).toISOString()}`), [
    id,
  ]);
  assert.deepEqual(await ids('user=no-such-user'), []);
  for (const query of ['minSeconds=-1', 'state=none', 'from=yesterday', 'after=x', 'user=', 'sort=size']) {
    assert.equal((await call('GET', `/api/recordings?${query}`)).json.error.code, 'bad_request', query);
  }

  assert.equal((await call('GET', path)).status, 404, 'the file is not there');
  const folder = join(harness.dataDirectory, 'recordings', id);
  await mkdir(folder, { recursive: true });
  const video = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
  await writeFile(join(folder, 'video.mp4'), video);
  const get = (headers: Record<string, string> = {}, method = 'GET', query = '') =>
    harness.call(method, path + query, { token: admin, headers });

  const whole = await get();
  assert.equal(whole.status, 200);
  assert.equal(whole.text, video);
  assert.equal(whole.headers['content-type'], 'video/mp4');
  assert.equal(whole.headers['accept-ranges'], 'bytes');
  assert.equal(whole.headers['content-disposition'], undefined);
  const etag = String(whole.headers.etag);
  const head = await get({}, 'HEAD');
  assert.deepEqual([head.status, head.headers['content-length'], head.text], [200, '1000', '']);

  const part = await get({ Range: 'bytes=10-19' });
  assert.deepEqual(
    [part.status, part.text, part.headers['content-range']],
    [206, video.slice(10, 20), 'bytes 10-19/1000'],
  );
  assert.equal((await get({ Range: 'bytes=990-' })).text, video.slice(990));
  assert.equal((await get({ Range: 'bytes=-5' })).text, video.slice(-5));
  assert.equal((await get({ Range: 'bytes=0-9999' })).text, video);
  const beyond = await get({ Range: 'bytes=1000-' });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */1000']);
  assert.equal((await get({ Range: 'bytes=5-1' })).status, 200, 'nonsense is as if not said');
  assert.equal((await get({ 'If-None-Match': etag })).status, 304);
  assert.equal((await get({ Range: 'bytes=0-1', 'If-Range': '"another"' })).status, 200);
  assert.equal((await get({ Range: 'bytes=0-1', 'If-Range': etag })).status, 206);

  const download = await get({}, 'GET', '?download=1');
  assert.match(
    download.headers['content-disposition'] ?? '',
    /^attachment; filename="oriel-[\w.-]+-server-admin\.mp4"$/,
  );
  const audited = (await call('GET', `/api/audit?sessionId=${id}`)).json.map(
    ({ action }: { action: string }) => action,
  );
  assert.ok(audited.includes('recording.viewed') && audited.includes('recording.downloaded'));

  // However it is asked for: whoever was not seen to begin is written down with the first part, and once.
  const views = async () =>
    (await call('GET', `/api/audit?sessionId=${id}&action=recording.viewed`)).json.map(
      ({ actor }: { actor: string }) => actor,
    );
  for (const range of ['bytes=1-', 'bytes=-1000', 'bytes=00-', 'bytes=1-1,2-', 'all', 'bytes=500-']) {
    const before = await views();
    const auditor = await harness.userWith('auditor');
    // A player's first byte may come after another part, as our own page asks for it.
    for (const headers of [{ Range: range }, { Range: 'bytes=900-' }, { Range: 'bytes=0-' }]) {
      assert.ok((await harness.call('GET', path, { token: auditor, headers })).text.length >= 100, range);
    }
    const { username } = (await harness.call('GET', '/api/me', { token: auditor })).json;
    assert.deepEqual(await views(), [username, ...before], range);
    // To save it is no part of a viewing, however soon it comes after one has begun.
    const other = await harness.userWith('auditor');
    const saved = async () => (await call('GET', `/api/audit?sessionId=${id}&action=recording.downloaded`)).json.length;
    const downloads = await saved();
    await harness.call('GET', path, { token: other, headers: { Range: range } });
    await harness.call('GET', `${path}?download=1`, { token: other });
    assert.equal(await saved(), downloads + 1, range);
  }
});

test('a session whose tunnel broke off: its owner learns how it ended, and nobody else does', async () => {
  const { targetId, accountId } = await harness.target();
  const owner = await harness.userWith('user');
  const body = { targetId, accountId, width: 800, height: 600 };
  const { id } = (await harness.call('POST', '/api/sessions', { token: owner, body })).json;
  const end = (token: string) => call('GET', `/api/sessions/${id}/end`, undefined, token);
  assert.deepEqual((await end(owner)).json, { end: null }, 'it goes on');
  harness.gateway.services.sessions.get(id).end('worker_lost', 'killed');
  await until(async () => (await end(owner)).json.end !== null);
  const { at, ...words } = (await end(owner)).json.end;
  const { message, hint } = errorRow('worker_lost');
  assert.deepEqual(words, { code: 'worker_lost', message, hint });
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  assert.equal((await end(await harness.userWith('session-admin'))).json.end.code, 'worker_lost');
  assert.equal((await end(await harness.userWith('user'))).status, 404);
  assert.equal((await harness.call('GET', '/api/sessions/bcdfghjkmnpqrs/end', { token: owner })).status, 404);
});

test('pages: index.html for the router, assets for a year, nothing outside', async () => {
  const web = join(harness.dataDirectory, 'web');
  assert.equal((await harness.call('GET', '/')).json.error.code, 'not_ready', 'not built yet');
  await mkdir(join(web, 'assets'), { recursive: true });
  await writeFile(join(web, 'index.html'), '<title>Oriel</title>');
  await writeFile(join(web, 'assets', 'app-1a2b3c.js'), 'console.log(1)');
  // Those that the router in the browser knows.
  const router = await readFile(join(import.meta.dirname, '../../web-client/console/app.tsx'), 'utf8');
  const paths = [...router.matchAll(/<Route path="([^"]+)"/g)].map(([, path]) => path?.replaceAll(/:\w+/g, 'x') ?? '');
  assert.ok(paths.includes('/sessions/alerts') && paths.length > 20, `${paths}`);
  for (const path of [...paths, '/decide']) {
    const { status, text, headers } = await harness.call('GET', path);
    assert.deepEqual([status, text], [200, '<title>Oriel</title>'], path);
    assert.equal(headers['cache-control'], 'no-cache');
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self';/);
    assert.ok(policy.includes(`wss://127.0.0.1:${harness.gateway.port}`));
    assert.equal(policy.includes('unsafe'), false);
    assert.equal(headers['x-frame-options'], 'DENY');
  }
  const asset = await harness.call('GET', '/assets/app-1a2b3c.js');
  assert.equal(asset.headers['cache-control'], 'max-age=31536000,immutable');
  assert.match(asset.headers['content-type'] ?? '', /javascript/);
  const lost = await harness.call('GET', '/nothing', { headers: { accept: 'text/html,*/*' } });
  assert.deepEqual([lost.status, lost.text], [404, '<title>Oriel</title>'], 'a person reads it in a page');
  assert.equal(String(asset.headers['content-security-policy']).includes('unsafe'), false);
  const worker = await harness.call('GET', '/assets/worker-1a2B_3-c.js');
  assert.match(String(worker.headers['content-security-policy']), /script-src 'self' 'wasm-unsafe-eval';/);
  for (const path of [
    '/nothing',
    '/assets/none.js',
    '/assets/../../oriel.sqlite',
    '/..%2foriel.sqlite',
    '/%2e%2e/oriel.sqlite',
  ]) {
    const { status } = await harness.call('GET', path);
    assert.ok(status === 404 || status === 400 || status === 403, `${path}: ${status}`);
  }
});

test('a forged Host header does not get into the policy', async () => {
  const { headers } = await harness.call('GET', '/healthz', { headers: { Host: "x;script-src 'unsafe-inline'" } });
  assert.equal(headers['content-security-policy']?.includes('unsafe-inline'), false);
});

test('no password is in the log or, in the clear, in the database', async () => {
  assert.equal(harness.log.join('').includes(CANARY), false);
  assert.equal(harness.log.join('').includes(ADMIN_PASSWORD), false);
  for (const suffix of ['', '-wal']) {
    const bytes = await readFile(join(harness.dataDirectory, `oriel.sqlite${suffix}`)).catch(() => Buffer.alloc(0));
    assert.equal(bytes.includes(CANARY), false);
    assert.equal(bytes.includes(ADMIN_PASSWORD), false);
    assert.equal(bytes.includes(admin), false, 'nor a token');
  }
});
