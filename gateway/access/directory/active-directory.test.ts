import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeActiveDirectory, JANE, startActiveDirectory } from '../../testing/active-directory.ts';
import { ADMIN_PASSWORD, type Harness, startHarness } from '../../testing/harness.ts';
import { primaryGroupOf } from './people.ts';

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
  assert.ok(transitive.some((search) => search.includes(JANE)));
  const refreshed = directory.searches.length;
  await harness.gateway.services.directory.refresh();
  assert.ok(directory.searches.length > refreshed, 'found again by its objectGUID');
  assert.equal((await harness.call('GET', '/api/me', { token: json.token })).status, 200);
});

test('the primary group, which lists no members, and what it is in, count like other groups', async () => {
  const mapping = [
    { group: 'Clerks', roles: ['approver'], groups: [] },
    { group: 'Staff', roles: ['auditor'], groups: [] },
  ];
  assert.equal(
    (await harness.call('PATCH', '/api/settings/directory', { token: admin, body: { mapping } })).status,
    200,
  );
  const { json } = await login('192.0.2.2');
  assert.deepEqual(json.user.roles, ['user', 'approver', 'auditor']);
});

test('what is no SID, or no RID, makes no group', () => {
  const sid = Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 33, 2, 0, 0);
  assert.deepEqual(primaryGroupOf(sid, '513'), Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 1, 2, 0, 0));
  assert.equal(primaryGroupOf(sid.subarray(0, 15), '513'), undefined);
  assert.equal(primaryGroupOf(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 5), '513'), undefined);
  assert.equal(primaryGroupOf(undefined, '513'), undefined);
  for (const rid of [undefined, '', '-1', '5e2', '4294967296']) assert.equal(primaryGroupOf(sid, rid), undefined, rid);
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
