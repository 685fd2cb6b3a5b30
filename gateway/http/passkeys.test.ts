import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Role } from '../access/can.ts';
import { CHALLENGE_LIFE_MS, Challenges } from '../access/passkeys/challenges.ts';
import { relyingParty } from '../access/passkeys/relying-party.ts';
import { allowedFactors, signInDefaults } from '../access/sign-in-policy.ts';
import { authenticator } from '../testing/authenticator.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, type Answer, type Harness, startHarness } from '../testing/harness.ts';
import { PasskeyDevice } from '../testing/passkey-device.ts';

const ORIGIN = 'https://desktops.example.com';
let harness: Harness;
let admin: string;
before(async () => {
  harness = await startHarness({
    ORIEL_TRUSTED_PROXIES: 'loopback',
    ORIEL_PUBLIC_URL: ORIGIN,
    ORIEL_ORIGINS: 'https://eu.desktops.example.com,https://elsewhere.example.org',
  });
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
});
after(() => harness.stop());

const call = (method: string, path: string, token?: string, body?: unknown, headers: Record<string, string> = {}) =>
  harness.call(method, path, {
    ...(token === undefined ? {} : { token }),
    ...(body === undefined ? {} : { body }),
    headers: { 'X-Forwarded-For': `192.0.2.${++calls % 250}`, ...headers },
  });
let calls = 0;
const code = ({ json }: Answer) => json?.error?.code as string | undefined;

async function newUser(username: string, role: Role = 'user'): Promise<{ id: string; token: string }> {
  const password = `password of ${username}`;
  const { json } = await call('POST', '/api/users', admin, { username, password, roles: [role] });
  const login = await call('POST', '/api/login', undefined, { username, password });
  return { id: json.id, token: login.json.token };
}

/** Registers a passkey through the API. */
async function register(token: string, device = new PasskeyDevice({ origin: ORIGIN }), name = 'Laptop') {
  const asked = await call('POST', '/api/me/passkeys/options', token);
  assert.equal(asked.status, 200, asked.text);
  const { options, state } = asked.json;
  const added = await call('POST', '/api/me/passkeys', token, { state, response: device.create(options), name });
  return { device, added, options };
}

/** Signs in with the passkey alone. */
async function signInWith(device: PasskeyDevice, origin = ORIGIN): Promise<Answer> {
  const { json } = await call('POST', '/api/login/passkey/options');
  return call('POST', '/api/login/passkey', undefined, {
    state: json.state,
    response: device.get(json.options, origin),
  });
}

async function stepUp(token: string, device: PasskeyDevice): Promise<Answer> {
  const { json } = await call('POST', '/api/step-up/options', token);
  return call('POST', '/api/step-up', token, { passkey: { state: json.state, response: device.get(json.options) } });
}

/** What no API does: time passes, a password is lost. */
function sql(statement: string, ...values: string[]): void {
  const database = openGatewayDatabase(harness.dataDirectory);
  database.prepare(statement).run(...values);
  database.close();
}

const audited = async (action: string) =>
  (await call('GET', `/api/audit?limit=50&action=${action}`, admin)).json as { subject: string; actor: string }[];

test('a passkey is registered, signs in by itself, and is told of', async () => {
  const { token } = await newUser('anna');
  const { device, added, options } = await register(token);
  assert.equal(added.status, 201, added.text);
  assert.equal(added.json.recoveryCodes.length, 10, 'with the first factor');
  assert.equal(options.rp.id, 'desktops.example.com');
  assert.deepEqual(options.authenticatorSelection.residentKey, 'required');
  const opened = await signInWith(device);
  assert.equal(opened.status, 200, opened.text);
  assert.equal(opened.json.user.username, 'anna');
  assert.equal(opened.json.user.secondFactor, true);
  const [listed] = (await call('GET', '/api/me/passkeys', opened.json.token)).json;
  assert.equal(listed.name, 'Laptop');
  assert.notEqual(listed.lastUsedAt, null);
  const second = await register(opened.json.token, new PasskeyDevice({ origin: ORIGIN }), 'Telephone');
  assert.deepEqual(second.added.json.recoveryCodes, [], 'they stay as they are');
  assert.deepEqual(
    second.options.excludeCredentials.map(({ id }: { id: string }) => id),
    [device.id.toString('base64url')],
  );
  const renamed = await call('PATCH', `/api/me/passkeys/${listed.id}`, token, { name: 'Old laptop' });
  assert.equal(renamed.json.name, 'Old laptop');
  assert.equal((await call('GET', '/api/me/sign-ins', opened.json.token)).json[0].method, 'passkey');
  assert.equal((await audited('passkey.registered')).length, 2);
  assert.equal((await audited('passkey.renamed'))[0]?.subject, 'anna');
});

test('it is the second step after the password, and a recovery code still is', async () => {
  const { token } = await newUser('berta');
  const { device, added } = await register(token);
  const fields = { username: 'berta', password: 'password of berta' };
  assert.equal(code(await call('POST', '/api/login', undefined, fields)), 'second_factor_required');
  const half = await call('POST', '/api/login', undefined, { ...fields, twoSteps: true });
  assert.equal(half.json.stage, 'code');
  assert.equal((await call('GET', '/api/me', half.json.token)).status, 401);
  assert.deepEqual((await call('GET', '/api/login', half.json.token)).json.factors, ['passkey']);
  const wrong = new PasskeyDevice({ origin: ORIGIN });
  const { json } = await call('POST', '/api/step-up/options', half.json.token);
  const show = (from: PasskeyDevice) =>
    call('POST', '/api/login/code', half.json.token, {
      passkey: { state: json.state, response: from.get(json.options) },
    });
  assert.equal(code(await show(wrong)), 'passkey_refused');
  const right = await show(device);
  assert.equal(right.status, 200, right.text);
  assert.equal((await call('GET', '/api/me', half.json.token)).status, 200);
  const recovered = await call('POST', '/api/login', undefined, { ...fields, code: added.json.recoveryCodes[0] });
  assert.equal(recovered.json.stage, 'full', recovered.text);
});

test('a step-up by passkey counts, and what was answered once is not taken twice', async () => {
  const { token } = await newUser('carla');
  const { device } = await register(token);
  const asked = (await call('POST', '/api/step-up/options', token)).json;
  const answer = { passkey: { state: asked.state, response: device.get(asked.options) } };
  assert.equal((await call('POST', '/api/step-up', token, answer)).status, 204);
  assert.equal(code(await call('POST', '/api/step-up', token, answer)), 'challenge_expired');
  const signIn = (await call('POST', '/api/login/passkey/options')).json;
  const elsewhere = { passkey: { state: signIn.state, response: device.get(signIn.options) } };
  assert.equal(code(await call('POST', '/api/step-up', token, elsewhere)), 'challenge_expired', 'asked for sign-in');
  const { token: other } = await newUser('carlo');
  await register(other);
  const ofOther = (await call('POST', '/api/step-up/options', other)).json;
  const foreign = { passkey: { state: ofOther.state, response: device.get(ofOther.options) } };
  assert.equal(code(await call('POST', '/api/step-up', token, foreign)), 'challenge_expired', 'of another sign-in');
  assert.equal(code(await call('POST', '/api/step-up', other, foreign)), 'passkey_refused', 'of another user');
});

test('a copied passkey is found out by its counter, refused from then on, and told of', async () => {
  const { token, id } = await newUser('dina');
  const { device } = await register(token);
  assert.equal((await signInWith(device)).status, 200);
  device.counter -= 1;
  assert.equal(code(await signInWith(device)), 'passkey_cloned');
  device.counter += 100;
  assert.equal(code(await signInWith(device)), 'passkey_cloned', 'nor the other of the two');
  assert.equal((await audited('passkey.cloned'))[0]?.subject, 'dina');
  const [kept] = (await call('GET', `/api/users/${id}/passkeys`, admin)).json;
  assert.equal(kept.cloned, true);
  const login = await call('POST', '/api/login', undefined, { username: 'dina', password: 'password of dina' });
  assert.equal(code(login), 'second_factor_required', 'the password alone is no way around it');
  assert.equal((await call('DELETE', `/api/users/${id}/passkeys/${kept.id}`, admin)).status, 204);
  assert.equal(code(await signInWith(device)), 'passkey_refused');
});

test('shown to another origin, to another relying party, without a PIN or of somebody unknown, it is refused', async () => {
  const { token } = await newUser('emma');
  const { device } = await register(token);
  const phished = await signInWith(device, 'https://desktops.example.com.evil.example');
  assert.equal(code(phished), 'passkey_refused');
  assert.match(phished.json.error.detail, /evil\.example/);
  assert.equal(code(await signInWith(device, 'https://elsewhere.example.org')), 'passkey_refused');
  assert.equal((await signInWith(device, 'https://eu.desktops.example.com')).status, 200, 'of the same host name');
  const { json } = await call('POST', '/api/login/passkey/options');
  const wrongParty = device.get({ ...json.options, rpId: 'elsewhere.example.org' });
  const answer = await call('POST', '/api/login/passkey', undefined, { state: json.state, response: wrongParty });
  assert.equal(code(answer), 'passkey_refused');
  assert.equal(code(await signInWith(new PasskeyDevice({ origin: ORIGIN }))), 'passkey_refused');

  const careless = await newUser('emil');
  const unverified = new PasskeyDevice({ origin: ORIGIN, verifiesUser: false });
  const { added } = await register(careless.token, unverified);
  assert.equal(code(added), 'passkey_refused');
});

test('a page of another address is told where passkeys work', async () => {
  const asked = await call('POST', '/api/login/passkey/options', undefined, undefined, {
    Origin: 'https://elsewhere.example.org',
  });
  assert.equal(asked.status, 409);
  assert.equal(code(asked), 'passkeys_unavailable');
  assert.match(asked.json.error.detail, /open https:\/\/desktops\.example\.com/);
});

test('removing needs a fresh proof, and never takes what is required or the last way in', async () => {
  const { token, id } = await newUser('fritz');
  const { device } = await register(token);
  const [{ id: passkey }] = (await call('GET', '/api/me/passkeys', token)).json;
  sql('update login_sessions set confirmed_at = 0, created_at = 0, proven_at = 0');
  const remove = () => call('DELETE', `/api/me/passkeys/${passkey}`, token);
  assert.equal(code(await remove()), 'step_up_required');
  assert.equal(code(await call('POST', '/api/me/passkeys/options', token)), 'step_up_required');
  assert.equal((await stepUp(token, device)).status, 204);
  await call('PATCH', '/api/settings/sign-in', admin, { secondFactorRoles: ['user'] });
  assert.equal(code(await remove()), 'conflict');
  await call('PATCH', '/api/settings/sign-in', admin, { secondFactorRoles: [] });
  sql("update users set password_hash = '' where id = ?", id);
  const last = await remove();
  assert.match(last.json.error.detail, /nothing else would be left/);
  sql("update users set password_hash = 'x' where id = ?", id);
  assert.equal((await remove()).status, 204);
  assert.equal(code(await signInWith(device)), 'passkey_refused');
  assert.equal((await call('GET', '/api/me/second-factor', token)).json.recoveryCodesLeft, 0);
});

test('whoever signed in a while ago and has no second factor proves it by the password', async () => {
  const { token } = await newUser('gerd');
  sql('update login_sessions set created_at = 0');
  const ask = () => call('POST', '/api/me/passkeys/options', token);
  assert.equal(code(await ask()), 'recent_sign_in_required');
  assert.equal(code(await call('POST', '/api/step-up', token, { password: 'wrong' })), 'login_failed');
  assert.equal((await call('POST', '/api/step-up', token, { password: 'password of gerd' })).status, 204);
  assert.equal((await ask()).status, 200);
});

test('which factors count is up to the policy, by role', async () => {
  const { token } = await newUser('heidi', 'auditor');
  const begun = await call('POST', '/api/me/second-factor', token, { password: 'password of heidi' });
  const app = authenticator(begun.json.secret);
  await call('POST', '/api/me/second-factor/confirm', token, { code: await app() });
  const changed = await call('PATCH', '/api/settings/sign-in', admin, {
    secondFactorRoles: ['auditor'],
    allowedFactors: { auditor: ['passkey'] },
  });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(changed.json.passkeys, { host: 'desktops.example.com', origin: ORIGIN, problem: null });
  const login = await call('POST', '/api/login', undefined, {
    ...{ username: 'heidi', password: 'password of heidi', code: await app() },
  });
  assert.equal(login.json.stage, 'enrol', 'the old code lets in as far as setting up what counts');
  assert.deepEqual((await call('GET', '/api/login', login.json.token)).json.factors, ['passkey']);
  assert.equal(code(await call('POST', '/api/me/second-factor', login.json.token, {})), 'factor_not_allowed');
  const { device } = await register(login.json.token);
  assert.equal((await call('GET', '/api/me', login.json.token)).status, 200);
  assert.equal(code(await call('POST', '/api/step-up', login.json.token, { code: await app() })), 'factor_not_allowed');
  assert.equal((await signInWith(device)).status, 200);
  await call('PATCH', '/api/settings/sign-in', admin, { passwordless: false });
  assert.equal(code(await signInWith(device)), 'factor_not_allowed');
  await call('PATCH', '/api/settings/sign-in', admin, { ...signInDefaults });
});

test('guessing with passkeys is slowed as guessing with passwords is', async () => {
  const { token } = await newUser('ida');
  const { device } = await register(token);
  const from = { 'X-Forwarded-For': '198.51.100.7' };
  const attempt = async (origin?: string) => {
    const { json } = await call('POST', '/api/login/passkey/options');
    const body = { state: json.state, response: device.get(json.options, origin) };
    return call('POST', '/api/login/passkey', undefined, body, from);
  };
  for (let i = 0; i < 5; i++) assert.equal(code(await attempt('https://evil.example')), 'passkey_refused');
  const limited = await attempt();
  assert.equal(code(limited), 'too_many_requests');
  assert.ok(Number(limited.headers['retry-after']) > 0);
  assert.equal((await signInWith(device)).status, 200, 'nobody waits elsewhere');
});

test('a challenge is good for a few minutes, and for this gateway alone', () => {
  let now = 1_000_000;
  const challenges = new Challenges(() => now);
  const { state } = challenges.issue('register', 'ref');
  now += CHALLENGE_LIFE_MS - 1;
  assert.equal(challenges.read(state, 'register', 'ref').purpose, 'register');
  now += 1;
  assert.throws(() => challenges.read(state, 'register', 'ref'), { code: 'challenge_expired' });
  const fresh = challenges.issue('sign-in', null).state;
  assert.throws(() => new Challenges(() => now).read(fresh, 'sign-in', null), { code: 'challenge_expired' });
  for (const broken of ['', '.', 'a.b', `${fresh}x`, `x${fresh}`]) {
    assert.throws(() => challenges.read(broken, 'sign-in', null), { code: 'challenge_expired' }, broken);
  }
});

test('passkeys belong to a host name under https', () => {
  assert.deepEqual(relyingParty('https://localhost:8443', []), {
    id: 'localhost',
    origins: ['https://localhost:8443'],
  });
  for (const [url, why] of [
    ['https://10.1.2.3', /host name/],
    ['https://[::1]:8443', /host name/],
    ['http://desktops.example.com', /https/],
  ] as const) {
    assert.throws(
      () => relyingParty(url, []),
      (error: { code: string; detail: string }) => error.code === 'passkeys_unavailable' && why.test(error.detail),
    );
  }
});

test('what counts for several roles is what all of them allow, and otherwise a passkey', () => {
  const policy = { ...signInDefaults, allowedFactors: { admin: ['passkey'], user: ['code'] } as const };
  assert.deepEqual(allowedFactors(policy, ['auditor']), ['code', 'passkey']);
  assert.deepEqual(allowedFactors(policy, ['user', 'auditor']), ['code']);
  assert.deepEqual(allowedFactors(policy, ['user', 'admin']), ['passkey']);
});
