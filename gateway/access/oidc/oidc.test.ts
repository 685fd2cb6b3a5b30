import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after, before, beforeEach, test } from 'node:test';
import { type Directory, startDirectory } from '../../testing/directory.ts';
import { ADMIN_PASSWORD, type Harness, startHarness } from '../../testing/harness.ts';
import { Role } from '../can.ts';

let harness: Harness;
let directory: Directory;
let admin: string;
let gatewayUrl: string;

before(async () => {
  harness = await startHarness();
  gatewayUrl = `https://localhost:${harness.gateway.port}`;
  directory = await startDirectory(gatewayUrl);
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
});
after(async () => {
  await harness.stop();
  await directory.stop();
});

const call = (method: string, path: string, body?: unknown, token = admin) =>
  harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });

async function configure(change: object = {}): Promise<void> {
  const { status, text } = await call('PATCH', '/api/settings/single-sign-on', {
    enabled: true,
    issuer: directory.issuer,
    clientId: directory.clientId,
    clientSecret: directory.clientSecret,
    createUsers: true,
    linkBy: 'none',
    trustsSecondFactor: false,
    mapping: [],
    defaultRoles: ['user'],
    ...change,
  });
  assert.equal(status, 200, text);
}
beforeEach(() => configure());

/** A browser as far as redirects, cookies and the provider's forms go. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  cookie(name: string): string | undefined {
    return this.#cookies.get(new URL(gatewayUrl).host)?.get(name);
  }

  /** Puts a cookie of the gateway here: `name=value`. */
  put(cookie: string): void {
    const { host } = new URL(gatewayUrl);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    const [name = '', value = ''] = cookie.split('=');
    this.#cookies.set(host, jar.set(name, value));
  }

  /** Asks once; no redirect is followed. */
  ask(url: URL, form?: Record<string, string>) {
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const headers = {
      ...(jar.size === 0 ? {} : { Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
    };
    const options = { method: body === undefined ? 'GET' : 'POST', headers, rejectUnauthorized: false };
    return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const outgoing = send(url, options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          for (const line of response.headers['set-cookie'] ?? []) {
            const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
            if (value === '') jar.delete(name);
            else jar.set(name, value);
          }
          const text = Buffer.concat(parts).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Follows redirects and fills in the provider's forms as `login`, until it is back on a page of the gateway. */
  async goThrough(start: string, login: string): Promise<string> {
    let url = new URL(start, gatewayUrl);
    let answer = await this.ask(url);
    for (let i = 0; i < 20; i++) {
      const { location } = answer.headers;
      if (location !== undefined) {
        url = new URL(location, url);
        if (url.origin === gatewayUrl && !url.pathname.startsWith('/api/')) return `${url.pathname}${url.search}`;
        answer = await this.ask(url);
        continue;
      }
      const action = /<form[^>]* action="([^"]+)"/.exec(answer.text)?.[1];
      assert.ok(action !== undefined, `${url} answers ${answer.status}: ${answer.text.slice(0, 500)}`);
      const fields = [...answer.text.matchAll(/<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"/g)];
      url = new URL(action, url);
      const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
      answer = await this.ask(url, { ...form, ...(form.prompt === 'login' ? { login, password: 'any' } : {}) });
    }
    throw new Error(`no end of redirects at ${url}`);
  }

  /** The token that the gateway left here. */
  get token(): string {
    return this.cookie('__Host-oriel') ?? '';
  }
}

async function signIn(login: string): Promise<{ browser: Browser; page: string }> {
  const browser = new Browser();
  return { browser, page: await browser.goThrough('/api/oidc/sign-in', login) };
}

const me = async (token: string) => harness.call('GET', '/api/me', { token });
const audited = async (action: string) => (await call('GET', `/api/audit?limit=20&action=${action}`)).json;

test('somebody from the directory is a user from the first sign-in on, and the same one at the next', async () => {
  directory.people.set('sub-1', { preferred_username: 'dora', email: 'dora@example.com', email_verified: true });
  const { browser, page } = await signIn('sub-1');
  assert.equal(page, '/');
  assert.equal(browser.cookie('__Host-oriel-oidc'), undefined, 'the flow is over');
  const { json } = await me(browser.token);
  assert.deepEqual(
    [json.username, json.roles, json.email, json.hasPassword],
    ['dora', ['user'], 'dora@example.com', false],
  );
  const again = await signIn('sub-1');
  assert.equal((await me(again.browser.token)).json.id, json.id);
  assert.equal((await audited('login.succeeded'))[0].details.method, 'oidc');
  const [signInEntry] = (await call('GET', '/api/me/sign-ins', undefined, browser.token)).json;
  assert.equal(signInEntry.method, 'oidc');
  assert.equal((await harness.call('POST', '/api/login', { body: { username: 'dora', password: '' } })).status, 401);
});

test('the way there has PKCE, state and nonce, and its cookie comes along on the way back', async () => {
  const browser = new Browser();
  const answer = await browser.ask(new URL('/api/oidc/sign-in?to=/recordings', gatewayUrl));
  assert.equal(answer.status, 302);
  const sent = new URL(answer.headers.location ?? '').searchParams;
  assert.equal(sent.get('code_challenge_method'), 'S256');
  for (const name of ['state', 'nonce', 'code_challenge']) assert.ok((sent.get(name)?.length ?? 0) >= 43, name);
  assert.match(
    answer.headers['set-cookie']?.[0] ?? '',
    /^__Host-oriel-oidc=[\w-]+; path=\/; expires=[^;]+; samesite=lax; secure; httponly$/,
  );
  assert.match(answer.headers['content-security-policy'] as string, /default-src 'none'/);
  const cookie = browser.cookie('__Host-oriel-oidc') ?? '';
  assert.equal(Buffer.from(cookie, 'base64url').includes(sent.get('state') ?? ''), false, 'sealed');
});

test('it goes on where it was asked to, on this gateway and nowhere else', async () => {
  directory.people.set('sub-1', { preferred_username: 'dora' });
  assert.equal(
    await new Browser().goThrough('/api/oidc/sign-in?to=/recordings%3Fuser=x', 'sub-1'),
    '/recordings?user=x',
  );
  for (const elsewhere of ['//evil.example/', 'https://evil.example/', '/\\evil.example', 'evil']) {
    const to = encodeURIComponent(elsewhere);
    assert.equal(await new Browser().goThrough(`/api/oidc/sign-in?to=${to}`, 'sub-1'), '/');
  }
});

test('a callback that began elsewhere, is forged, or is replayed signs nobody in', async () => {
  directory.people.set('sub-1', { preferred_username: 'dora' });
  const refused = '/?sign-in=directory_refused';
  const victim = new Browser();
  const forged = new URL('/api/oidc/callback?code=x&state=y', gatewayUrl);
  assert.equal((await victim.ask(forged)).headers.location, refused, 'without a flow');
  await victim.ask(new URL('/api/oidc/sign-in', gatewayUrl));
  assert.equal((await victim.ask(forged)).headers.location, refused, 'another state');
  assert.equal(victim.token, '');

  // The attacker stops before the gateway's callback, and hands that address to somebody else.
  const attacker = new Browser();
  let url = new URL('/api/oidc/sign-in', gatewayUrl);
  let answer = await attacker.ask(url);
  while (!url.href.startsWith(`${gatewayUrl}/api/oidc/callback`)) {
    if (answer.headers.location !== undefined) {
      url = new URL(answer.headers.location, url);
      if (url.pathname !== '/api/oidc/callback') answer = await attacker.ask(url);
    } else {
      const action = /<form[^>]* action="([^"]+)"/.exec(answer.text)?.[1] ?? '';
      const prompt = /name="prompt" value="([^"]*)"/.exec(answer.text)?.[1] ?? '';
      url = new URL(action, url);
      answer = await attacker.ask(url, { prompt, login: 'sub-1', password: 'any' });
    }
  }
  await victim.ask(new URL('/api/oidc/sign-in', gatewayUrl));
  assert.equal((await victim.ask(url)).headers.location, refused);
  assert.equal((await attacker.ask(url)).headers.location, '/', 'who began it gets in');
  assert.equal((await attacker.ask(url)).headers.location, refused, 'once');
});

test('nobody takes over a user by having the same name in the directory, unless the rule says so', async () => {
  await call('POST', '/api/users', { username: 'erik', password: 'password of erik', roles: ['admin'] });
  directory.people.set('sub-erik', { preferred_username: 'erik' });
  const { page, browser } = await signIn('sub-erik');
  assert.equal(page, '/?sign-in=directory_refused');
  assert.equal(browser.token, '');
  assert.match((await audited('identity.refused'))[0].details.why, /not linked/);
  await configure({ linkBy: 'username' });
  assert.deepEqual((await me((await signIn('sub-erik')).browser.token)).json.roles, ['admin']);
  await configure();
  assert.equal((await me((await signIn('sub-erik')).browser.token)).json.username, 'erik', 'linked from then on');
});

test('by mail address only when the directory has verified it, and it is one user only', async () => {
  await configure({ linkBy: 'verified_email', createUsers: false });
  const user = { password: 'password of anybody', roles: ['user'] };
  await call('POST', '/api/users', { ...user, username: 'fay', email: 'fay@example.com' });
  directory.people.set('sub-fay', { preferred_username: 'whoever', email: 'Fay@example.com', email_verified: false });
  assert.equal((await signIn('sub-fay')).page, '/?sign-in=directory_refused');
  directory.people.set('sub-fay', { preferred_username: 'whoever', email: 'Fay@example.com', email_verified: true });
  assert.equal((await me((await signIn('sub-fay')).browser.token)).json.username, 'fay');
  await call('POST', '/api/users', { ...user, username: 'fay2', email: 'fay@example.com' });
  directory.people.set('sub-fay2', { email: 'fay@example.com', email_verified: true });
  assert.equal((await signIn('sub-fay2')).page, '/?sign-in=directory_refused');
});

test('who is signed in can tie the own account to the directory, and untie it', async () => {
  await configure({ createUsers: false });
  await call('POST', '/api/users', { username: 'gina', password: 'password of gina', roles: ['user'] });
  directory.people.set('sub-gina', { preferred_username: 'g.i.na' });
  assert.equal((await signIn('sub-gina')).page, '/?sign-in=directory_refused');

  const browser = new Browser();
  assert.equal((await browser.ask(new URL('/api/oidc/link', gatewayUrl))).status, 401);
  const token = await harness.signIn('gina', 'password of gina');
  const begun = await harness.call('GET', '/api/oidc/link?to=/account', { token });
  // As a browser that has the session cookie: it gets the flow's cookie and goes to the provider.
  const flow = begun.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  browser.put(flow);
  assert.equal(await browser.goThrough(begun.headers.location ?? '', 'sub-gina'), '/account');
  const [identity] = (await call('GET', '/api/me/identities', undefined, token)).json;
  assert.deepEqual([identity.issuer, identity.subject], [directory.issuer, 'sub-gina']);
  assert.equal((await me((await signIn('sub-gina')).browser.token)).json.username, 'gina');

  const other = await harness.userWith(Role.user);
  const second = new Browser();
  const answer = await harness.call('GET', '/api/oidc/link?to=/account', { token: other });
  second.put(answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '');
  const refused = await second.goThrough(answer.headers.location ?? '', 'sub-gina');
  assert.equal(refused, '/account?sign-in=directory_refused', 'that identity is somebody else');
  const neighbour = { token: other, headers: { 'Sec-Fetch-Site': 'same-site' } };
  const lured = await harness.call('GET', '/api/oidc/link', neighbour);
  assert.equal(lured.headers.location, '/account?sign-in=origin_refused');
  assert.equal(lured.headers['set-cookie'], undefined);

  assert.equal((await call('DELETE', '/api/me/identities', undefined, token)).status, 204);
  assert.equal((await signIn('sub-gina')).page, '/?sign-in=directory_refused');
});

test('groups of the directory give and take what the mapping ties to them, and nothing else', async () => {
  const group = (await call('POST', '/api/groups', { name: 'Payroll operators', members: [] })).json;
  assert.ok(group.id, JSON.stringify(group));
  const mapping = [
    { claim: 'auditors', roles: ['auditor'], groups: [] },
    { claim: 'payroll', roles: [], groups: [group.id] },
  ];
  await configure({ mapping });
  const members = async () => (await call('GET', `/api/groups/${group.id}`)).json.members as { username: string }[];
  directory.people.set('sub-hal', { preferred_username: 'hal', groups: ['auditors', 'payroll', 'others'] });
  const first = await signIn('sub-hal');
  const { json } = await me(first.browser.token);
  assert.deepEqual([...json.roles].sort(), ['auditor', 'user']);
  assert.deepEqual(
    (await members()).map(({ username }) => username),
    ['hal'],
  );

  await call('PATCH', `/api/users/${json.id}`, { roles: ['user', 'auditor', 'approver'] });
  directory.people.set('sub-hal', { preferred_username: 'hal', groups: [] });
  const second = await signIn('sub-hal');
  assert.deepEqual([...(await me(second.browser.token)).json.roles].sort(), ['approver', 'user']);
  assert.deepEqual(await members(), []);
});

test('the last administrator stays one, whatever the directory says', async () => {
  const { users, identities } = harness.gateway.services;
  await configure({ mapping: [{ claim: 'admins', roles: ['admin'], groups: [] }] });
  const only = (await users.list()).filter(({ roles }) => roles.includes(Role.admin));
  for (const user of only) if (user.username !== 'admin') await call('DELETE', `/api/users/${user.id}`);
  const administrator = await users.findByName('admin');
  assert.ok(administrator);
  const settings = await harness.gateway.services.oidcSettings.read();
  await identities.apply(administrator, directory.issuer, { sub: 'x', groups: [] }, settings);
  assert.deepEqual((await users.findByName('admin'))?.roles, ['admin']);
});

test('whoever is taken out of the directory is out here too', async () => {
  await configure({ recheckMinutes: 1 });
  directory.people.set('sub-ida', { preferred_username: 'ida', groups: [] });
  const { browser } = await signIn('sub-ida');
  const { oidc } = harness.gateway.services;
  const later = () => Date.now() + 2 * 60_000;
  await oidc.recheck(later());
  assert.equal((await me(browser.token)).status, 200, 'still there');
  await oidc.recheck(later() + 2 * 60_000);
  assert.equal((await me(browser.token)).status, 200, 'the refresh token was replaced, and the new one kept');
  directory.people.delete('sub-ida');
  await oidc.recheck(later() + 4 * 60_000);
  assert.equal((await me(browser.token)).status, 401);
  assert.equal((await audited('identity.ended'))[0].subject, 'ida');
});

test('a provider that is away throws nobody out, and is said to be away', async () => {
  directory.people.set('sub-jo', { preferred_username: 'jo' });
  const { browser } = await signIn('sub-jo');
  const away = await startDirectory(gatewayUrl);
  await away.stop();
  await configure({ issuer: away.issuer });
  await harness.gateway.services.oidc.recheck(Date.now() + 3_600_000);
  assert.equal((await me(browser.token)).status, 200);
  const answer = await new Browser().ask(new URL('/api/oidc/sign-in', gatewayUrl));
  assert.equal(answer.headers.location, '/?sign-in=directory_unavailable');
  assert.equal((await call('POST', '/api/settings/single-sign-on/test')).json.error.code, 'directory_unavailable');
});

test('signing out here leads to the provider, which signs out every sign-in of that browser by the back channel', async () => {
  directory.people.set('sub-kim', { preferred_username: 'kim' });
  const { browser } = await signIn('sub-kim');
  const first = browser.token;
  assert.equal(await browser.goThrough('/api/oidc/sign-in', 'sub-kim'), '/', 'a second sign-in of the same session');
  const second = browser.token;
  assert.notEqual(first, second);
  const { status, json } = await harness.call('POST', '/api/oidc/logout', { token: second });
  assert.equal(status, 200);
  assert.equal((await me(second)).status, 401);
  assert.equal((await me(first)).status, 200);
  const url = new URL(json.url);
  assert.equal(url.origin, directory.issuer);
  assert.equal(await browser.goThrough(json.url, 'sub-kim'), '/');
  assert.ok(directory.seen.includes('backchannel.success'), directory.seen.join(' '));
  assert.equal((await me(first)).status, 401, 'by the back channel');
});

test('a logout token that is none is refused', async () => {
  const browser = new Browser();
  const post = (token: string) =>
    browser.ask(new URL('/api/oidc/backchannel-logout', gatewayUrl), { logout_token: token });
  directory.people.set('sub-leo', { preferred_username: 'leo' });
  const { browser: leo } = await signIn('sub-leo');
  const idToken = new URL((await harness.call('POST', '/api/oidc/logout', { token: leo.token })).json.url).searchParams;
  const again = await signIn('sub-leo');
  for (const token of ['', 'x', 'eyJhbGciOiJub25lIn0.e30.', idToken.get('id_token_hint') ?? '']) {
    const { status, text } = await post(token);
    assert.equal(status, 400, text);
  }
  assert.equal((await me(again.browser.token)).status, 200);
});

test("the gateway's own second step is asked for where the provider has seen none, unless it is trusted with that", async () => {
  directory.people.set('sub-mia', { preferred_username: 'mia' });
  await call('PATCH', '/api/settings/sign-in', { secondFactorRoles: ['user'] });
  const { browser } = await signIn('sub-mia');
  assert.equal((await harness.call('GET', '/api/login', { token: browser.token })).json.stage, 'enrol');
  await configure({ trustsSecondFactor: true });
  const trusted = await signIn('sub-mia');
  assert.equal((await me(trusted.browser.token)).status, 200);
  await call('PATCH', '/api/settings/sign-in', { secondFactorRoles: [] });
});

test('a step-up has the provider ask anew, and counts for that sign-in', async () => {
  await configure({ trustsSecondFactor: true });
  directory.people.set('sub-nia', { preferred_username: 'nia' });
  const { browser } = await signIn('sub-nia');
  const { signIn: service, logins } = harness.gateway.services;
  const require = async () => {
    const signedIn = await logins.find(browser.token);
    assert.ok(signedIn);
    await service.requireStepUp(signedIn, 5);
  };
  await assert.rejects(require(), { code: 'step_up_required' });
  assert.equal(await browser.goThrough('/api/oidc/step-up?to=/account', 'sub-nia'), '/account');
  await require();
});

test('the settings show no secret, and what changed is in the audit', async () => {
  const { text, json } = await call('GET', '/api/settings/single-sign-on');
  assert.equal(text.includes(directory.clientSecret), false);
  assert.equal(json.hasSecret, true);
  assert.equal(json.redirectUri, `${gatewayUrl}/api/oidc/callback`);
  const { json: facts } = await call('POST', '/api/settings/single-sign-on/test');
  assert.deepEqual(facts, { issuer: directory.issuer, logout: true, backChannelLogout: true, refresh: true });
  const moved = await call('PATCH', '/api/settings/single-sign-on', { issuer: 'https://elsewhere.example' });
  assert.deepEqual([moved.status, moved.json.error.code], [409, 'conflict'], 'the secret was given for another');
  assert.equal((await call('PATCH', '/api/settings/single-sign-on', { issuer: 'ftp://x' })).status, 400);
  assert.equal((await call('PATCH', '/api/settings/single-sign-on', { issuer: '', enabled: true })).status, 409);
});

test('who loses a group in the directory loses the live session that it gave; who is taken out of it, every one', async () => {
  const group = (await call('POST', '/api/groups', { name: 'Operators', members: [] })).json;
  const place = await harness.target();
  const policy = (await call('POST', '/api/policies', { name: 'Nothing asked' })).json;
  const entitled = await call('POST', '/api/entitlements', {
    group: group.id,
    accounts: [place.accountId],
    policy: policy.id,
  });
  assert.equal(entitled.status, 201, entitled.text);
  await configure({ mapping: [{ claim: 'operators', roles: [], groups: [group.id] }], recheckMinutes: 1 });
  directory.people.set('sub-ole', { preferred_username: 'ole', groups: ['operators'] });
  const { browser } = await signIn('sub-ole');
  const open = async () => {
    const body = { ...place, width: 800, height: 600 };
    const opened = await call('POST', '/api/sessions', body, browser.token);
    assert.equal(opened.status, 201, opened.text);
    const tunnel = harness.openTunnel();
    await tunnel.attach(opened.json.ticket);
    await tunnel.next('hello');
    return tunnel;
  };
  const first = await open();
  directory.people.set('sub-ole', { preferred_username: 'ole', groups: [] });
  const { oidc } = harness.gateway.services;
  await oidc.recheck(Date.now() + 2 * 60_000);
  await first.closed;
  assert.equal((await me(browser.token)).status, 200, 'still a user');

  directory.people.set('sub-ole', { preferred_username: 'ole', groups: ['operators'] });
  await oidc.recheck(Date.now() + 4 * 60_000);
  const second = await open();
  directory.people.delete('sub-ole');
  await oidc.recheck(Date.now() + 6 * 60_000);
  await second.closed;
  assert.equal((await me(browser.token)).status, 401);
});

test('a provider that takes the secret in the body only gets it there; the mail address follows the directory', async () => {
  const other = await startDirectory(gatewayUrl, 'client_secret_post');
  try {
    await configure({ issuer: other.issuer });
    other.people.set('sub-pia', { preferred_username: 'pia', email: 'pia@old.example', email_verified: true });
    assert.equal((await me((await signIn('sub-pia')).browser.token)).json.email, 'pia@old.example');
    other.people.set('sub-pia', { preferred_username: 'pia', email: 'pia@new.example', email_verified: true });
    assert.equal((await me((await signIn('sub-pia')).browser.token)).json.email, 'pia@new.example');
  } finally {
    await other.stop();
  }
});
