import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeActiveDirectory, JANE, startActiveDirectory } from '../../testing/active-directory.ts';
import { ADMIN_PASSWORD, type Harness, startHarness } from '../../testing/harness.ts';

let directory: FakeActiveDirectory;
let harness: Harness;
let admin: string;

before(async () => {
  [directory, harness] = await Promise.all([
    startActiveDirectory(),
    startHarness({ ORIEL_TRUSTED_PROXIES: 'loopback' }),
  ]);
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  const { status, text } = await harness.call('PATCH', '/api/settings/directory', {
    token: admin,
    body: {
      enabled: true,
      servers: [directory.url],
      plain: true,
      bindDn: 'CN=reader,DC=corp,DC=example',
      bindPassword: 'any',
      userBase: 'DC=corp,DC=example',
      mapping: [{ group: 'Everybody', roles: ['auditor'], groups: [] }],
    },
  });
  assert.equal(status, 200, text);
});
after(async () => {
  await harness?.stop();
  await directory?.stop();
});

const login = (address = '192.0.2.1', username = 'jane') =>
  harness.call('POST', '/api/login', {
    body: { username, password: 'Jane-Pass-1!' },
    headers: { 'X-Forwarded-For': address },
  });

test('Active Directory is asked by its own rule for groups within groups, with the DN escaped', async () => {
  const { status, text, json } = await login();
  assert.equal(status, 200, text);
  assert.deepEqual(json.user.roles, ['user', 'auditor']);
  assert.deepEqual(json.user.directoryAccount, { username: 'jane', domain: 'corp.example' });
  const transitive = directory.searches.filter((search) => search.includes('1.2.840.113556.1.4.1941'));
  assert.ok(transitive.length > 0 && transitive.every((search) => search.includes(JANE)));
  const refreshed = directory.searches.length;
  await harness.gateway.services.directory.refresh();
  assert.ok(directory.searches.length > refreshed, 'found again by its objectGUID');
  assert.equal((await harness.call('GET', '/api/me', { token: json.token })).status, 200);
});

test('why Active Directory lets somebody not in is told by its sub-code', async () => {
  const expected: readonly (readonly [string, string, RegExp])[] = [
    ['52e', 'login_failed', /^$/],
    ['532', 'password_expired', /^$/],
    ['773', 'password_expired', /^$/],
    ['533', 'directory_refused', /disabled/],
    ['701', 'directory_refused', /expired/],
    ['775', 'directory_refused', /locked/],
  ];
  for (const [index, [refusal, code, detail]] of expected.entries()) {
    directory.refusal = refusal;
    const { json } = await login(`192.0.2.${10 + index}`);
    assert.equal(json.error.code, code, refusal);
    assert.match(json.error.detail ?? '', detail);
  }
  directory.refusal = undefined;
});
