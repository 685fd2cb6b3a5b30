import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openGatewayDatabase } from '../../testing/gateway-database.ts';
import { ADMIN_PASSWORD, type Answer, type Harness, startHarness, until } from '../../testing/harness.ts';
import { PasskeyDevice } from '../../testing/passkey-device.ts';
import { READER, READER_PASSWORD, type Slapd, SUFFIX, startSlapd } from '../../testing/slapd.ts';
import { isGroup } from './memberships.ts';

/** Against Debian's slapd: certificates, filters, paging, password policy and memberOf are its own. */
const MANY = 1200;
const PASSWORD = 'Jane-Pass-1!';
let slapd: Slapd;
let harness: Harness;
let admin: string;

before(async () => {
  const crowd = Array.from({ length: MANY }, (_, i) => group(`crowd-${i}`, `uid=mary,ou=people,${SUFFIX}`));
  [slapd, harness] = await Promise.all([
    startSlapd({ ldif: [...crowd, expired()].join('\n') }),
    startHarness({}, 60_000),
  ]);
  await slapd.person('anna', PASSWORD, { displayName: 'Anna Adler', mail: 'anna@example.org' });
  await slapd.person('zoe', PASSWORD);
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  await set({
    enabled: true,
    servers: [slapd.ldap],
    certificateAuthorities: slapd.authority,
    bindDn: READER,
    bindPassword: READER_PASSWORD,
    userBase: `ou=people,${SUFFIX}`,
    groupBase: `ou=groups,${SUFFIX}`,
  });
});
after(async () => {
  await harness?.stop();
  await slapd?.stop();
});

const call = (method: string, path: string, body?: unknown, token = admin) =>
  harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });
const login = (username: string, password: string) =>
  harness.call('POST', '/api/login', { body: { username, password } });
const code = ({ json }: Answer) => json?.error?.code as string | undefined;

async function set(change: object): Promise<void> {
  const { status, text } = await call('PATCH', '/api/settings/directory', change);
  assert.equal(status, 200, text);
}

async function tried(who: object = {}) {
  const { status, json, text } = await call('POST', '/api/settings/directory/test', who);
  assert.equal(status, 200, text);
  return json as {
    steps: { step: string; code: string | null; server: string }[];
    person: { dn: string; groups: { name: string }[]; mapped: string[] } | null;
  };
}

/** What is wrong, of the settings with this change; they are as before afterwards. */
async function problemsWith(change: Record<string, unknown>, who: object = {}): Promise<string[]> {
  const before = (await call('GET', '/api/settings/directory')).json;
  await set({ bindPassword: READER_PASSWORD, ...change });
  const { steps } = await tried(who);
  const names = Object.keys(change).filter((name) => name !== 'bindPassword');
  await set({ ...Object.fromEntries(names.map((name) => [name, before[name]])), bindPassword: READER_PASSWORD });
  return steps.flatMap((step) => (step.code === null ? [] : [`${step.step} ${step.code}`]));
}

function group(name: string, ...members: string[]): string {
  const lines = members.map((member) => `member: ${member}`).join('\n');
  return `dn: cn=${name},ou=groups,${SUFFIX}\nobjectClass: groupOfNames\ncn: ${name}\n${lines}\n`;
}

/** Whose password is years old, in the eyes of the policy that she is under. */
function expired(): string {
  return `dn: uid=olga,ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: olga
cn: olga
sn: olga
userPassword: ${PASSWORD}
pwdPolicySubentry: cn=aging,${SUFFIX}
pwdChangedTime: 20200101000000Z
`;
}

test('somebody from the directory signs in, and becomes a user with what the directory knows', async () => {
  const opened = await login('anna', PASSWORD);
  assert.equal(opened.status, 200, opened.text);
  const { user } = opened.json;
  assert.deepEqual(
    [user.username, user.displayName, user.email, user.hasPassword, user.directoryAccount],
    ['anna', 'Anna Adler', 'anna@example.org', false, { username: 'anna', domain: 'example.org' }],
  );
  assert.equal((await call('GET', '/api/me/sign-ins', undefined, opened.json.token)).json[0].method, 'ldap');
  assert.equal((await login('anna', PASSWORD)).json.user.id, user.id, 'the same at the next time');
  assert.equal((await login('CORP\\anna', PASSWORD)).json.user.id, user.id);
  assert.equal(code(await login('anna', 'wrong')), 'login_failed');
  const password = await call('PATCH', `/api/users/${user.id}`, { password: 'a password of the gateway' });
  assert.equal(code(password), 'conflict');
});

test('an empty password is no bind, and a name that is a filter finds nobody', async () => {
  await slapd.person('bert', PASSWORD);
  for (const [name, password] of [
    ['bert', ''],
    ['*', PASSWORD],
    ['ber*', PASSWORD],
    ['bert)(objectClass=*', PASSWORD],
    ['x)(|(uid=bert)', PASSWORD],
    ['nobody)(uid=*))(|(uid=*', PASSWORD],
    ['', PASSWORD],
    ['bert\u0000', PASSWORD],
  ] as const) {
    assert.equal(code(await login(name, password)), 'login_failed', JSON.stringify(name));
  }
  await set({ bindMode: 'template', bindTemplate: `uid={username},ou=people,${SUFFIX}` });
  assert.equal((await login('bert', PASSWORD)).status, 200);
  assert.equal(code(await login('bert', '')), 'login_failed');
  assert.equal(code(await login(`bert,ou=people`, PASSWORD)), 'login_failed');
  await set({ bindMode: 'search' });
  const bare = await call('PATCH', '/api/settings/directory', { bindTemplate: '{username}' });
  assert.equal(bare.status, 400, 'it could name a SASL mechanism');
});

test('a directory finds a name however it is written; guesses are counted for the one whom it means', async () => {
  await slapd.person('greta', PASSWORD);
  const ways = ['greta', 'CORP\\greta', ' greta', 'greta ', 'GRETA'];
  for (const way of ways) assert.equal((await login(way, PASSWORD)).json.user?.username, 'greta', JSON.stringify(way));
  for (const way of ways) assert.equal(code(await login(way, 'wrong')), 'login_failed', JSON.stringify(way));
  for (const way of [...ways, 'X\\greta']) assert.equal(code(await login(way, PASSWORD)), 'too_many_requests', way);
});

test('a passkey of somebody from the directory signs in while the directory lets her, and the bind proves who changes it', async () => {
  const dn = await slapd.person('petra', PASSWORD);
  const { token } = (await login('petra', PASSWORD)).json;
  const device = new PasskeyDevice({ origin: harness.gateway.url.replace(/\/$/, '') });
  const { options, state } = (await call('POST', '/api/me/passkeys/options', undefined, token)).json;
  const made = await call('POST', '/api/me/passkeys', { state, response: device.create(options), name: 'Key' }, token);
  assert.equal(made.status, 201, made.text);
  const signIn = async () => {
    const asked = (await harness.call('POST', '/api/login/passkey/options')).json;
    const body = { state: asked.state, response: device.get(asked.options) };
    return harness.call('POST', '/api/login/passkey', { body });
  };
  assert.equal((await signIn()).status, 200);
  assert.equal((await call('POST', '/api/step-up', { password: PASSWORD }, token)).status, 204);
  assert.equal(code(await call('POST', '/api/step-up', { password: 'wrong' }, token)), 'login_failed');
  await slapd.change(dn, 'set', 'userAccountControl', ['514']);
  past();
  assert.equal(code(await signIn()), 'directory_refused');
  assert.equal((await call('GET', '/api/me', undefined, token)).status, 401, 'and what was open is taken');
});

test('guessing is slowed as it is for own users', async () => {
  await slapd.person('clara', PASSWORD);
  for (let i = 0; i < 5; i++) assert.equal(code(await login('clara', 'wrong')), 'login_failed');
  assert.equal(code(await login('clara', PASSWORD)), 'too_many_requests');
});

test('a user who has a password here is nobody from the directory', async () => {
  const impostor = await slapd.person('admin', 'Impostor-Pass-1!');
  assert.equal(code(await login('admin', 'Impostor-Pass-1!')), 'login_failed');
  await slapd.remove(impostor);
  const { json: made } = await call('POST', '/api/users', { username: 'dora', roles: ['user'] });
  await slapd.person('dora', PASSWORD);
  assert.equal(code(await login('dora', PASSWORD)), 'directory_refused');
  await set({ linkByName: true });
  assert.equal((await login('dora', PASSWORD)).json.user.id, made.id);
  await set({ linkByName: false });
});

test('who is disabled, expired or locked there is refused, and told so only with the right password', async () => {
  await slapd.person('emil', PASSWORD, { userAccountControl: '514' });
  assert.equal(code(await login('emil', 'wrong')), 'login_failed');
  const refused = await login('emil', PASSWORD);
  assert.equal(code(refused), 'directory_refused');
  assert.match(refused.json.error.detail, /disabled/);
  const aging = `cn=aging,${SUFFIX}`;
  const old = await slapd.person('otto', PASSWORD, { pwdPolicySubentry: aging });
  await slapd.change(old, 'set', 'pwdReset', ['TRUE']);
  assert.equal(code(await login('otto', PASSWORD)), 'password_expired', 'it must be changed first');
  assert.equal(code(await login('olga', PASSWORD)), 'password_expired');
  assert.equal(code(await login('olga', 'wrong')), 'login_failed');
});

test('groups within groups, in a loop, thousands of them, give what the mapping says', async () => {
  const mary = await slapd.person('mary', PASSWORD);
  const inner = await slapd.group('inner', [mary]);
  const middle = await slapd.group('middle', [inner]);
  const outer = await slapd.group('outer', [middle]);
  await slapd.change(inner, 'add', 'member', [outer]);
  const { json: here } = await call('POST', '/api/groups', { name: 'Operators' });
  await set({
    mapping: [
      { group: outer.toUpperCase(), roles: ['auditor'], groups: [] },
      { group: `crowd-${MANY - 1}`, roles: [], groups: [here.id] },
      { group: 'elsewhere', roles: ['admin'], groups: [] },
    ],
  });
  for (const nesting of ['auto', 'search'] as const) {
    await set({ nesting });
    const { person } = await tried({ username: 'mary' });
    assert.equal(person?.mapped.length, 2, nesting);
  }
  await set({ nesting: 'none' });
  assert.deepEqual((await tried({ username: 'mary' })).person?.mapped, [`crowd-${MANY - 1}`]);
  await set({ nesting: 'memberOf' });
  assert.deepEqual(
    (await tried({ username: 'mary' })).person?.groups.map(({ name }) => name).sort(),
    ['inner', 'middle', 'outer'],
    'those that were put in while the overlay looked on',
  );
  await set({ nesting: 'auto' });
  const { user } = (await login('mary', PASSWORD)).json;
  assert.deepEqual(user.roles, ['user', 'auditor']);
  const { members } = (await call('GET', `/api/groups/${here.id}`)).json;
  assert.deepEqual(members, [{ id: user.id, username: 'mary' }]);
  await slapd.change(outer, 'set', 'member', [`cn=nobody,${SUFFIX}`]);
  assert.deepEqual((await login('mary', PASSWORD)).json.user.roles, ['user'], 'and it is taken again');
  await set({ mapping: [{ group: 'inner', roles: ['user'], groups: [] }], onlyMapped: true });
  assert.equal((await login('mary', PASSWORD)).status, 200);
  assert.equal(code(await login('anna', PASSWORD)), 'directory_refused');
  await set({ mapping: [], onlyMapped: false });
});

test('what is open ends when the directory says so, with the reason', async () => {
  const { accountId } = await harness.target();
  const people = await Promise.all(['nina', 'olaf', 'paul', 'rita'].map((uid) => slapd.person(uid, PASSWORD)));
  const [nina = '', olaf = '', paul = '', rita = ''] = people;
  const operators = await slapd.group('operators', people);
  const { json: here } = await call('POST', '/api/groups', { name: 'Desktop users' });
  const { json: policy } = await call('POST', '/api/policies', { name: 'Open to them' });
  await call('POST', '/api/entitlements', { group: here.id, accounts: [accountId], policy: policy.id });
  await set({ mapping: [{ group: operators, roles: [], groups: [here.id] }] });
  const tokens = new Map<string, string>();
  const open = (name: string) =>
    call('POST', '/api/sessions', { accountId, width: 800, height: 600 }, tokens.get(name) ?? '');
  const ids = new Map<string, string>();
  for (const name of ['nina', 'olaf', 'paul', 'rita']) {
    tokens.set(name, (await login(name, PASSWORD)).json.token);
    const opened = await open(name);
    assert.equal(opened.status, 201, opened.text);
    ids.set(name, opened.json.id);
  }
  const { directory, sessions } = harness.gateway.services;
  const ended = (name: string) => !sessions.list().some(({ id }) => id === ids.get(name));
  const endOf = async (name: string) => {
    await until(() => ended(name));
    const events = (await call('GET', `/api/audit?limit=50&sessionId=${ids.get(name)}&action=session.ended`)).json;
    return events[0]?.details?.code ?? events[0]?.details;
  };

  await slapd.change(operators, 'delete', 'member', [nina]);
  await slapd.change(olaf, 'set', 'userAccountControl', ['514']);
  await slapd.remove(paul);
  await directory.refresh();
  assert.equal(await endOf('nina'), 'access_revoked', 'no longer in the group');
  assert.equal(await endOf('olaf'), 'directory_withdrawn', 'disabled');
  assert.equal(await endOf('paul'), 'directory_withdrawn', 'deleted');
  assert.equal(ended('rita'), false);
  assert.equal((await call('GET', '/api/me', undefined, tokens.get('nina'))).status, 200, 'may be here still');
  for (const name of ['olaf', 'paul']) {
    assert.equal((await call('GET', '/api/me', undefined, tokens.get(name))).status, 401, name);
  }
  assert.equal(code(await login('paul', PASSWORD)), 'login_failed');
  assert.equal(code(await login('olaf', PASSWORD)), 'directory_refused');
  await slapd.change(olaf, 'set', 'userAccountControl', ['512']);
  assert.equal((await login('olaf', PASSWORD)).status, 200);

  // The directory is away: what goes on is kept, and nothing new is opened, or as the settings have it.
  await slapd.kill();
  await directory.refresh();
  assert.equal(ended('rita'), false);
  past();
  assert.equal(code(await open('rita')), 'directory_unavailable');
  assert.equal(code(await login('rita', PASSWORD)), 'directory_unavailable');
  assert.equal((await login('admin', ADMIN_PASSWORD)).status, 200, 'the own administrator always gets in');
  await set({ whenUnreachable: 'trust' });
  assert.equal((await open('rita')).status, 201);
  await set({ whenUnreachable: 'keep' });
  await slapd.start();
  directory.settingsChanged();
  assert.equal((await open('rita')).status, 201);
  await slapd.change(rita, 'set', 'userAccountControl', ['514']);
  past();
  assert.equal(code(await open('rita')), 'directory_refused', 'at the decision, before any interval');
  await until(() => ended('rita'));
  await set({ mapping: [] });
});

test('a link in a mail decides nothing once the directory has let go of its approver, signed in or not', async () => {
  const { accountId } = await harness.target();
  const vera = await slapd.person('vera', PASSWORD);
  const { user, token } = (await login('vera', PASSWORD)).json;
  assert.equal((await call('PATCH', `/api/users/${user.id}`, { roles: ['approver'] })).status, 200);
  const rules = { name: 'Asks', approval: { needed: 1 } };
  assert.equal((await call('POST', '/api/policies', rules)).status, 201);
  const asking = await harness.userWith('user');
  const { id: member } = (await call('GET', '/api/me', undefined, asking)).json;
  await call('POST', '/api/groups', { name: 'Askers', members: [member] });
  await call('POST', '/api/entitlements', { group: 'Askers', accounts: [accountId], policy: 'Asks' });
  const [entitlement] = (await call('GET', '/api/my/access', undefined, asking)).json.filter(
    (grant: { account: { id: string }; policy: { name: string } }) =>
      grant.account.id === accountId && grant.policy.name === 'Asks',
  );
  const items = [{ accountId, entitlementId: entitlement.entitlementId }];
  const { id } = (await call('POST', '/api/requests', { items }, asking)).json;
  const { decisionLinks } = harness.gateway.services;
  const { approve } = await decisionLinks.issue(id, user.id);
  assert.equal((await harness.call('POST', '/api/logout', { token })).status, 204);
  await slapd.change(vera, 'set', 'userAccountControl', ['514']);
  past();
  const use = () => harness.call('POST', '/api/decision-links/use', { body: { token: approve } });
  assert.equal(code(await use()), 'ticket_invalid');
  assert.equal((await call('GET', `/api/requests/${id}`)).json.state, 'pending');
  await slapd.change(vera, 'set', 'userAccountControl', ['512']);
  assert.equal((await use()).json.state, 'available', 'nothing is used up by it');
});

test('an entry that cannot be read keeps nobody else from being looked up', async () => {
  const before = (await call('GET', '/api/settings/directory')).json;
  await slapd.person('aron', PASSWORD);
  const second = await slapd.person('bill', PASSWORD, { mail: 'bill@example.org' });
  const aron = (await login('aron', PASSWORD)).json.token;
  const bill = (await login('bill', PASSWORD)).json.token;
  await set({ usernameAttributes: ['mail'], userFilter: '(|(uid={username})(mail={username}))' });
  await slapd.change(second, 'set', 'userAccountControl', ['514']);
  await harness.gateway.services.directory.refresh();
  assert.equal((await call('GET', '/api/me', undefined, aron)).status, 200, 'has no mail address, so no name now');
  assert.equal((await call('GET', '/api/me', undefined, bill)).status, 401);
  await set({ usernameAttributes: before.usernameAttributes, userFilter: before.userFilter });
});

/** So long that somebody is looked up again. */
function past(): void {
  const database = openGatewayDatabase(harness.dataDirectory);
  database.exec('update directory_identities set checked_at = 0');
  database.close();
}

test('LDAPS and StartTLS, with the certificate checked; another server where one is away', async () => {
  assert.deepEqual(await problemsWith({ servers: [slapd.ldaps] }), []);
  assert.deepEqual(await problemsWith({ servers: [slapd.ldap] }), []);
  assert.deepEqual(await problemsWith({ certificateAuthorities: '' }), ['connect tls_not_trusted']);
  assert.deepEqual(await problemsWith({ servers: [slapd.ldaps], certificateAuthorities: '' }), [
    'connect tls_not_trusted',
  ]);
  const byAddress = (url: string) => url.replace('localhost', '127.0.0.1');
  for (const server of [slapd.ldap, slapd.ldaps]) {
    assert.deepEqual(await problemsWith({ servers: [byAddress(server)] }), ['connect tls_name_mismatch']);
  }
  assert.deepEqual(await problemsWith({ servers: [byAddress(slapd.ldap)], plain: true }), []);
  const plain = await startSlapd({ tls: false });
  try {
    assert.deepEqual(await problemsWith({ servers: [plain.ldap] }), ['connect starttls_refused']);
    assert.deepEqual(await problemsWith({ servers: [plain.ldap], plain: true }), []);
  } finally {
    await plain.stop();
  }
  const dead = 'ldap://localhost:1';
  const before = (await call('GET', '/api/settings/directory')).json.servers;
  await set({ servers: [dead, slapd.ldaps], bindPassword: READER_PASSWORD });
  assert.equal((await login('anna', PASSWORD)).status, 200, 'by the second');
  const { steps } = await tried();
  assert.deepEqual(
    steps.filter((step) => step.code !== null).map((step) => [step.server, step.code]),
    [[dead, 'connection_refused']],
  );
  await set({ servers: before, bindPassword: READER_PASSWORD });
});

test('what is wrong is said step by step, with a code', async () => {
  assert.deepEqual(await problemsWith({ enabled: false, servers: [] }), ['connect no_servers']);
  assert.deepEqual(await problemsWith({ servers: ['ldap://no-such-host.invalid'] }), ['connect name_not_resolved']);
  assert.deepEqual(await problemsWith({ bindPassword: 'wrong' }), ['bind bind_refused']);
  assert.deepEqual(await problemsWith({ userBase: 'no DN at all' }), ['users base_not_found']);
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.deepEqual(await problemsWith({ certificateAuthorities: pem }), ['connect tls_not_trusted']);
  for (const server of ['ldap://', 'ldap://:389', 'ldap://host:99999', 'http://host', 'ldap://a b', 'ldap://host/x']) {
    assert.equal((await call('PATCH', '/api/settings/directory', { servers: [server] })).status, 400, server);
  }
  assert.deepEqual(await problemsWith({ userBase: `ou=nowhere,${SUFFIX}` }), ['users base_not_found']);
  assert.deepEqual(await problemsWith({ groupBase: `ou=nowhere,${SUFFIX}` }), ['groups group_base_not_found']);
  assert.deepEqual(await problemsWith({ userFilter: '(uid{username})' }, { username: 'anna' }), [
    'person filter_invalid',
  ]);
  assert.deepEqual(await problemsWith({}, { username: 'nobody' }), ['person user_not_found']);
  assert.deepEqual(await problemsWith({ userFilter: '(|(uid={username})(uid=*))' }, { username: 'anna' }), [
    'person user_ambiguous',
  ]);
  assert.deepEqual(await problemsWith({}, { username: 'anna', password: 'wrong' }), ['password password_wrong']);
  assert.deepEqual(await problemsWith({ onlyMapped: true }, { username: 'anna' }), ['mapping not_mapped']);
  const { steps, person } = await tried({ username: 'anna', password: PASSWORD });
  assert.ok(steps.every((step) => step.code === null));
  assert.equal(person?.dn, `uid=anna,ou=people,${SUFFIX}`);
});

test('the password of the service account stays where it was given for, and is never told', async () => {
  const { json, text } = await call('GET', '/api/settings/directory');
  assert.equal(json.hasBindPassword, true);
  assert.ok(!text.includes(READER_PASSWORD));
  const moved = await call('PATCH', '/api/settings/directory', { servers: ['ldaps://elsewhere.example'] });
  assert.equal(code(moved), 'conflict');
  assert.ok(!harness.log.join('').includes(READER_PASSWORD));
  assert.ok(!harness.log.join('').includes(PASSWORD));
});

test('a group is named by its DN, however that is written, or by its name', () => {
  const sales = { dn: 'cn=Sales,ou=Groups,dc=example', name: 'Sales' };
  assert.ok(isGroup(sales, 'CN=sales, OU=groups, DC=example'));
  assert.ok(isGroup(sales, 'sales'));
  assert.ok(!isGroup(sales, 'cn=Sales,ou=Elsewhere,dc=example'));
  assert.ok(!isGroup(sales, 'sale'));
});
