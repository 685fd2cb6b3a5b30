import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Role } from '../access/can.ts';
import { referenceOf } from '../access/login-sessions.ts';
import { authenticator } from '../testing/authenticator.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, type Answer, type Harness, startHarness, until } from '../testing/harness.ts';

let harness: Harness;
let admin: string;
before(async () => {
  harness = await startHarness({ ORIEL_TRUSTED_PROXIES: 'loopback' });
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
});
after(() => harness.stop());

const call = (method: string, path: string, token?: string, body?: unknown, headers: Record<string, string> = {}) =>
  harness.call(method, path, {
    ...(token === undefined ? {} : { token }),
    ...(body === undefined ? {} : { body }),
    headers,
  });
/** What a load balancer in front would say of the client. */
const from = (address: string) => ({ 'X-Forwarded-For': address });
const login = (username: string, password: string, more: object = {}, headers: Record<string, string> = {}) =>
  call('POST', '/api/login', undefined, { username, password, ...more }, headers);

async function newUser(username: string, ...roles: Role[]): Promise<string> {
  const { status, json } = await call('POST', '/api/users', admin, {
    username,
    password: `password of ${username}`,
    roles: roles.length === 0 ? [Role.user] : roles,
  });
  assert.equal(status, 201);
  return json.id as string;
}

const audited = async (action: string) =>
  (await call('GET', `/api/audit?limit=50&action=${action}`, admin)).json as { actor: string; address: string }[];

function deviceCookie({ headers }: Answer): string {
  const cookie = headers['set-cookie']?.find((text) => text.startsWith('__Host-oriel-device='));
  return cookie?.split(';')[0] ?? '';
}

/** Sets up two-step sign-in through the API. Two more codes of the returned app are good: of this step and the next. */
async function enrol(token: string, password: string) {
  const begun = await call('POST', '/api/me/second-factor', token, { password });
  assert.equal(begun.status, 201, begun.text);
  const app = authenticator(begun.json.secret);
  const confirmed = await call('POST', '/api/me/second-factor/confirm', token, { code: await app() });
  assert.equal(confirmed.status, 200, confirmed.text);
  return { app, recoveryCodes: confirmed.json.recoveryCodes as string[] };
}

test('behind a trusted load balancer each client has its own address, in the audit and for the limits', async () => {
  await newUser('behind');
  for (let i = 0; i < 5; i++) assert.equal((await login('behind', 'wrong', {}, from('203.0.113.1'))).status, 401);
  const limited = await login('behind', 'password of behind', {}, from('203.0.113.1'));
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers['retry-after']) > 0 && Number(limited.headers['retry-after']) <= 30);
  assert.equal((await login('behind', 'password of behind', {}, from('203.0.113.2'))).status, 200);
  assert.equal((await audited('login.limited'))[0]?.address, '203.0.113.1');
  assert.equal((await audited('login.succeeded'))[0]?.address, '203.0.113.2');
});

test('who has signed in with a browser before is not locked out of it by others behind the same address', async () => {
  await newUser('office');
  const first = await login('office', 'password of office', {}, from('203.0.113.10'));
  const [session = '', device = ''] = first.headers['set-cookie'] ?? [];
  assert.match(session, /^__Host-oriel=/);
  assert.match(device, /^__Host-oriel-device=[\w-]{43}; path=\/; expires=[^;]+; samesite=strict; secure; httponly$/);
  for (let i = 0; i < 6; i++) await login('office', 'wrong', {}, from('203.0.113.10'));
  assert.equal((await login('office', 'password of office', {}, from('203.0.113.10'))).status, 429);
  const known = { ...from('203.0.113.10'), Cookie: deviceCookie(first) };
  assert.equal((await login('office', 'password of office', {}, known)).status, 200);
  assert.equal((await login('office', 'wrong', {}, known)).status, 401, 'it opens nothing by itself');
  assert.equal((await call('GET', '/api/me', undefined, undefined, { Cookie: deviceCookie(first) })).status, 401);
  assert.equal(
    (await login('behind', 'wrong', {}, { ...from('203.0.113.1'), Cookie: deviceCookie(first) })).status,
    429,
  );
});

test('the present password cannot be guessed many at a time either', async () => {
  await newUser('own');
  const token = await harness.signIn('own', 'password of own');
  const change = (current: string) =>
    call('POST', '/api/me/password', token, { current, password: 'a new password' }, from('203.0.113.20'));
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => change(`guess ${i}`)));
  assert.equal(answers.filter(({ status }) => status === 401).length, 5);
  assert.equal(answers.filter(({ status }) => status === 429).length, 7);
  assert.equal((await change('password of own')).status, 429);
});

test('two-step sign-in: set up with the password, asked for from then on, each code good once', async () => {
  await newUser('jane');
  const password = 'password of jane';
  const token = await harness.signIn('jane', password);
  assert.equal((await call('POST', '/api/me/second-factor', token, {})).json.error.code, 'login_failed');
  const begun = await call('POST', '/api/me/second-factor', token, { password });
  assert.match(begun.json.svg, /^<svg /);
  const wrong = await call('POST', '/api/me/second-factor/confirm', token, { code: '000000' });
  assert.equal(wrong.json.error.code, 'code_wrong');
  assert.equal((await login('jane', password)).status, 200, 'not before it is confirmed');
  const { app, recoveryCodes } = await enrol(token, password);

  const owed = await login('jane', password);
  assert.deepEqual([owed.status, owed.json.error.code], [401, 'second_factor_required']);
  assert.equal(owed.headers['set-cookie'], undefined);
  const steps = async () => (await audited('login.first_step')).filter(({ actor }) => actor === 'jane').length;
  assert.equal(await steps(), 1, 'somebody has the password, whatever comes of it');
  assert.equal((await login('jane', password, { twoSteps: true })).json.stage, 'code');
  assert.equal(await steps(), 2);
  assert.equal((await login('jane', 'wrong', { code: await app() })).json.error.code, 'login_failed');
  const code = await app();
  assert.equal((await login('jane', password, { code })).status, 200);
  assert.equal((await login('jane', password, { code })).json.error.code, 'code_wrong', 'once more');
  const recovered = await login('jane', password, { code: recoveryCodes[0] });
  assert.equal(recovered.status, 200);
  assert.equal((await login('jane', password, { code: recoveryCodes[0] })).json.error.code, 'code_wrong');
  const { json } = await call('GET', '/api/me/second-factor', recovered.json.token);
  assert.deepEqual([json.enrolled, json.recoveryCodesLeft, json.required], [true, 9, false]);
  assert.equal((await audited('second_factor.recovery_used'))[0]?.actor, 'jane');

  const off = (body: object) => call('POST', '/api/me/second-factor/remove', token, body);
  assert.equal((await off({})).json.error.code, 'login_failed');
  assert.equal((await off({ password })).status, 204);
  assert.equal((await login('jane', password)).status, 200);
});

test('codes are not to be guessed, and a lost telephone is for an administrator', async () => {
  const id = await newUser('lost');
  const password = 'password of lost';
  const token = await harness.signIn('lost', password);
  await enrol(token, password);
  const guess = (code: string) => login('lost', password, { code }, from('203.0.113.30'));
  for (let i = 0; i < 5; i++) assert.equal((await guess('000000')).json.error.code, 'code_wrong');
  assert.equal((await guess('000001')).status, 429);
  assert.equal((await audited('second_factor.failed')).length > 0, true);

  assert.equal(
    (await call('GET', '/api/users', admin)).json.find((user: { id: string }) => user.id === id).secondFactor,
    true,
  );
  assert.equal((await call('DELETE', `/api/users/${id}/second-factor`, admin)).status, 204);
  assert.equal((await call('GET', '/api/me', token)).status, 401, 'signed out');
  assert.equal((await login('lost', password, {}, from('203.0.113.31'))).status, 200);
  assert.equal((await call('DELETE', `/api/users/${id}/second-factor`, admin)).status, 404);
});

test('where a role needs it, a sign-in can do nothing but set it up', async () => {
  assert.equal((await call('PATCH', '/api/settings/sign-in', admin, { secondFactorRoles: ['auditor'] })).status, 200);
  await newUser('audrey', Role.auditor);
  const password = 'password of audrey';
  const opened = await login('audrey', password);
  assert.deepEqual([opened.status, opened.json.stage], [200, 'enrol']);
  const { token } = opened.json;
  for (const path of ['/api/me', '/api/recordings', '/api/me/sign-ins', '/api/notifications']) {
    assert.equal((await call('GET', path, token)).json.error.code, 'second_factor_missing', path);
  }
  assert.equal((await call('GET', '/api/login', token)).json.stage, 'enrol');
  await enrol(token, password);
  assert.equal((await call('GET', '/api/recordings', token)).status, 200);
  assert.equal((await call('GET', '/api/me/second-factor', token)).json.required, true);
  const off = await call('POST', '/api/me/second-factor/remove', token, { password });
  assert.equal(off.json.error.code, 'conflict');
  assert.equal((await call('PATCH', '/api/settings/sign-in', admin, { secondFactorRoles: [] })).status, 200);
});

test('step-up: a code shown within the last minutes, in this very sign-in', async () => {
  await newUser('steps');
  const password = 'password of steps';
  const token = await harness.signIn('steps', password);
  const { signIn, logins } = harness.gateway.services;
  const require = async (of: string) => {
    const signedIn = await logins.find(of);
    assert.ok(signedIn);
    return signIn.requireStepUp(signedIn, 5);
  };
  await assert.rejects(require(token), { code: 'second_factor_missing' });
  assert.equal(
    (await call('POST', '/api/step-up', token, { code: '123456' })).json.error.code,
    'second_factor_missing',
  );
  const { app } = await enrol(token, password);
  await require(token);
  const other = (await login('steps', password, { code: await app() })).json.token;
  await require(other);

  await age(6 * 60_000);
  await assert.rejects(require(other), { code: 'step_up_required' });
  assert.equal((await call('POST', '/api/step-up', other, { code: '000000' })).json.error.code, 'code_wrong');
  assert.equal((await call('POST', '/api/step-up', other, { code: await app() })).status, 204);
  await require(other);
  await assert.rejects(require(token), { code: 'step_up_required' }, 'the other sign-in is another');

  /** As if every factor had been shown longer ago. */
  async function age(milliseconds: number): Promise<void> {
    const database = openGatewayDatabase(harness.dataDirectory);
    database.prepare('update login_sessions set confirmed_at = confirmed_at - ?').run(milliseconds);
    database.close();
  }
});

test('sign-ins are listed and ended, and what was opened in them ends at once', async () => {
  const id = await newUser('several');
  const password = 'password of several';
  const laptop = (await login('several', password, {}, { ...from('203.0.113.40'), 'User-Agent': 'Laptop/1' })).json
    .token;
  const phone = (await login('several', password, {}, { ...from('203.0.113.41'), 'User-Agent': 'Phone/2' })).json.token;
  const list = async (token: string) =>
    (await call('GET', '/api/me/sign-ins', token)).json as { id: string; userAgent: string; current: boolean }[];
  const listed = await list(laptop);
  assert.deepEqual(listed.map(({ userAgent, current }) => [userAgent, current]).sort(), [
    ['Laptop/1', true],
    ['Phone/2', false],
  ]);
  const phoneId = listed.find(({ current }) => !current)?.id;
  assert.equal((await call('DELETE', `/api/me/sign-ins/${phoneId}`, admin)).status, 404, "somebody else's");
  assert.equal((await call('DELETE', `/api/me/sign-ins/${phoneId}`, laptop)).status, 204);
  assert.equal((await call('GET', '/api/me', phone)).status, 401);
  assert.equal((await list(laptop)).length, 1);

  const again = (await login('several', password)).json.token;
  assert.equal((await call('DELETE', '/api/me/sign-ins', laptop)).status, 204);
  assert.equal((await call('GET', '/api/me', again)).status, 401);
  assert.equal((await call('GET', '/api/me', laptop)).status, 200);

  assert.equal((await call('GET', `/api/users/${id}/sign-ins`, admin)).json.length, 1);
  assert.equal((await call('DELETE', `/api/users/${id}/sign-ins`, admin)).status, 204);
  assert.equal((await call('GET', '/api/me', laptop)).status, 401);
  assert.equal((await audited('sign_in.revoked')).length, 3);
});

test('a sign-in from a new place is told to its user, and a changed password', async () => {
  const id = await newUser('told');
  const password = 'password of told';
  await login('told', password, {}, { ...from('203.0.113.50'), 'User-Agent': 'Laptop/1' });
  await login('told', password, {}, { ...from('203.0.113.50'), 'User-Agent': 'Laptop/1' });
  const token = (await login('told', password, {}, { ...from('198.51.100.1'), 'User-Agent': 'Other/1' })).json.token;
  const { json } = await call('GET', '/api/notifications', token);
  assert.equal(json.unread, 1);
  assert.deepEqual([json.notifications[0].kind, json.notifications[0].read], ['sign_in.new_device', false]);
  assert.equal((await call('POST', '/api/notifications/read', token, { ids: [json.notifications[0].id] })).status, 204);
  assert.equal((await call('GET', '/api/notifications', token)).json.unread, 0);
  await call('POST', '/api/me/password', token, { current: password, password: 'a new password' });
  const { notifications } = harness.gateway.services;
  assert.equal((await notifications.list(id, { limit: 5 }))[0]?.kind, 'account.changed');
});

test('somebody who guesses from many places locks nobody out, and administrators are told', async () => {
  await newUser('wanted');
  for (let i = 0; i < 20; i++) await login('wanted', `guess ${i}`, {}, from(`198.51.100.${100 + i}`));
  assert.equal((await login('wanted', 'password of wanted', {}, from('203.0.113.60'))).status, 200);
  await until(async () => (await audited('login.guessing')).length > 0);
  const told = async () => (await call('GET', '/api/notifications', admin)).json.notifications as { kind: string }[];
  await until(async () => (await told()).some(({ kind }) => kind === 'sign_in.guessing'));
});

test('an office that mistypes a lot is slowed, not shut out', async () => {
  await newUser('colleague');
  for (let i = 0; i < 30; i++) await login(`nobody${i}`, 'wrong', {}, from('203.0.113.70'));
  assert.equal((await login('colleague', 'password of colleague', {}, from('203.0.113.70'))).status, 200);
});

/** A session of this sign-in whose owner's browser is attached. */
async function attached(token: string) {
  const place = await harness.target();
  const opened = await call('POST', '/api/sessions', token, { ...place, width: 800, height: 600 });
  assert.equal(opened.status, 201, opened.text);
  const tunnel = harness.openTunnel();
  await tunnel.attach(opened.json.ticket);
  await tunnel.next('hello');
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === opened.json.id));
  harness.driver.last.events.connected();
  return { id: opened.json.id as string, tunnel };
}

test('what was opened in a sign-in ends with it at once, and nothing else does', async () => {
  const token = await harness.userWith(Role.user);
  const { username } = (await call('GET', '/api/me', token)).json;
  const other = await harness.signIn(username, `password of ${username}`);
  const [ends, stays] = [await attached(token), await attached(other)];
  const place = await harness.target();
  const late = await call('POST', '/api/sessions', token, { ...place, width: 800, height: 600 });
  const [mine] = (await call('GET', '/api/me/sign-ins', token)).json.filter((one: { current: boolean }) => one.current);
  assert.equal((await call('DELETE', `/api/me/sign-ins/${mine.id}`, other)).status, 204);
  const { code } = await ends.tunnel.closed;
  assert.equal(code, 4001);
  const refused = harness.openTunnel();
  await refused.attach(late.json.ticket);
  await refused.closed;
  const live = (await call('GET', '/api/sessions', admin)).json as { id: string }[];
  assert.deepEqual(
    [ends.id, stays.id, late.json.id].map((id) => live.some((session) => session.id === id)),
    [false, true, false],
  );

  const id = (await call('GET', '/api/me', other)).json.id;
  assert.equal((await call('PATCH', `/api/users/${id}`, admin, { disabled: true })).status, 200);
  await stays.tunnel.closed;
});

test('a live view ends with the sign-in that it was opened in, and its ticket is no longer good', async () => {
  const owner = await attached(await harness.userWith(Role.user));
  const watching = await harness.userWith(Role.sessionAdmin);
  const ticket = async () => (await call('POST', `/api/sessions/${owner.id}/watch`, watching)).json.ticket as string;
  const viewer = harness.openTunnel();
  await viewer.attach(await ticket());
  await viewer.next('hello');
  const unused = await ticket();
  const { id } = (await call('GET', '/api/me', watching)).json;
  assert.equal((await call('DELETE', `/api/users/${id}/sign-ins`, admin)).status, 204);
  assert.equal((await viewer.closed).code, 4401);
  const late = harness.openTunnel();
  await late.attach(unused);
  assert.equal((await late.closed).code, 4403);
});

test('a desktop and a live view end with the time of the sign-ins that they were opened in', async () => {
  const typing = await harness.userWith(Role.user);
  const watching = await harness.userWith(Role.sessionAdmin);
  const minutes = (count: number) => Date.now() + count * 60_000;
  const [ofOwner, ofViewer] = [minutes(30), minutes(20)];
  const database = openGatewayDatabase(harness.dataDirectory);
  const set = database.prepare('update login_sessions set expires_at = ? where reference = ?');
  set.run(ofOwner, referenceOf(typing));
  set.run(ofViewer, referenceOf(watching));
  database.close();
  const owner = await attached(typing);
  const viewer = await watched(watching, owner.id);
  const session = harness.gateway.services.sessions.get(owner.id);
  assert.equal(session.endsAt, ofOwner);
  session.tick(ofViewer - 1);
  assert.equal(session.viewers.length, 1);
  session.tick(ofViewer);
  assert.equal((await viewer.closed).code, 4014);
  session.tick(ofOwner);
  assert.equal((await owner.tunnel.closed).code, 4014);
});

test('a new password ends what others have open who knew the old one', async () => {
  const token = await harness.userWith(Role.user);
  const { id, username } = (await call('GET', '/api/me', token)).json;
  const thief = await attached(await harness.signIn(username, `password of ${username}`));
  const own = await attached(token);
  const change = { current: `password of ${username}`, password: 'a new password' };
  assert.equal((await call('POST', '/api/me/password', token, change)).status, 204);
  await thief.tunnel.closed;
  const live = async () => ((await call('GET', '/api/sessions', admin)).json as { id: string }[]).map((one) => one.id);
  assert.ok((await live()).includes(own.id), 'what she has open herself stays');
  const again = await attached(await harness.signIn(username, 'a new password'));
  assert.equal((await call('PATCH', `/api/users/${id}`, admin, { password: 'set by an administrator' })).status, 200);
  await again.tunnel.closed;
});

/** Opens the live view of a session. */
async function watched(token: string, id: string) {
  const viewer = harness.openTunnel();
  await viewer.attach((await call('POST', `/api/sessions/${id}/watch`, token)).json.ticket);
  await viewer.next('hello');
  return viewer;
}

test('whoever signs out leaves no desktop and no live view open, but those of other sign-ins', async () => {
  for (const path of ['/api/logout', '/api/oidc/logout']) {
    const token = await harness.userWith(Role.admin);
    const { username } = (await call('GET', '/api/me', token)).json;
    const other = await harness.signIn(username, `password of ${username}`);
    const [ends, stays] = [await attached(token), await attached(other)];
    const [left, kept] = [await watched(token, stays.id), await watched(other, stays.id)];
    assert.ok((await call('POST', path, token)).status < 300);
    assert.equal((await ends.tunnel.closed).code, 4000, path);
    assert.equal((await left.closed).code, 4401, path);
    const live = (await call('GET', '/api/sessions', admin)).json as { id: string; viewers: unknown[] }[];
    assert.equal(live.find(({ id }) => id === stays.id)?.viewers.length, 1, path);
    assert.ok(!live.some(({ id }) => id === ends.id), path);
    await call('DELETE', `/api/sessions/${stays.id}`, admin);
    await kept.closed;
  }
});

test('a new password also ends what was opened in sign-ins that are over', async () => {
  const ways = [
    (_id: string, token: string, password: string) =>
      call('POST', '/api/me/password', token, { current: password, password: 'a new password' }),
    (id: string) => call('PATCH', `/api/users/${id}`, admin, { password: 'set by an administrator' }),
    (id: string) => call('DELETE', `/api/users/${id}/sign-ins`, admin),
  ];
  for (const [index, change] of ways.entries()) {
    const token = await harness.userWith(Role.user);
    const { id, username } = (await call('GET', '/api/me', token)).json;
    const password = `password of ${username}`;
    const thief = await harness.signIn(username, password);
    const { id: stolen, tunnel } = await attached(thief);
    // Nobody has asked for anything in it for longer than it lasts, and the next sign-in clears it away.
    const database = openGatewayDatabase(harness.dataDirectory);
    const reference = (await call('GET', '/api/me/sign-ins', thief)).json.find(
      (one: { current: boolean }) => one.current,
    );
    const past = database.prepare('update login_sessions set last_seen_at = 0, expires_at = ? where reference = ?');
    past.run(index === 0 ? Date.now() + 1e9 : 1, reference.id);
    database.close();
    await harness.signIn('admin', ADMIN_PASSWORD);
    assert.equal((await call('GET', '/api/me', thief)).status, 401);
    assert.equal((await change(id, token, password)).status < 300, true);
    await tunnel.closed;
    assert.equal((await call('GET', `/api/sessions/${stolen}`, admin)).status, 404, `way ${index}`);
  }
});
