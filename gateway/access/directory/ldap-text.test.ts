import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { domainOfDn, escapeDnValue, fillBindName, fillFilter, firstName, normaliseDn } from './ldap-text.ts';
import { toPerson } from './people.ts';
import { problems } from './problems.ts';

test('what is typed stands in a filter as a value and no more', () => {
  const filter = (username: string) => fillFilter('(&(objectClass=person)(uid={username}))', { username });
  assert.equal(filter('jane'), '(&(objectClass=person)(uid=jane))');
  assert.equal(filter('*'), '(&(objectClass=person)(uid=\\2a))');
  assert.equal(filter('x)(|(uid=*'), '(&(objectClass=person)(uid=x\\29\\28|\\28uid=\\2a))');
  assert.equal(filter('a\\2a\u0000'), '(&(objectClass=person)(uid=a\\5c2a\\00))');
  assert.equal(filter('{dn}'), '(&(objectClass=person)(uid={dn}))', 'is not filled in a second time');
});

test('and in a DN, escaped as RFC 4514 has it', () => {
  assert.equal(escapeDnValue(' a,b+c"d\\e<f>g;h=i '), '\\ a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h\\=i\\ ');
  assert.equal(escapeDnValue('#x'), '\\#x');
  assert.equal(fillBindName('uid={username},ou=people', 'x,ou=admins'), 'uid=x\\,ou\\=admins,ou=people');
  assert.equal(fillBindName('{username}@example.com', 'jane.o'), 'jane.o@example.com');
});

test('two ways to write one DN are the same', () => {
  assert.equal(normaliseDn('CN=Sales , OU=Groups,DC=Example'), normaliseDn('cn=sales,ou=groups,dc=example'));
  assert.equal(normaliseDn('cn=a\\2cb,dc=x'), normaliseDn('cn=a\\,b,dc=x'));
  assert.equal(normaliseDn('cn=M\\c3\\bcller,dc=x'), normaliseDn('cn=Müller,dc=x'));
  assert.notEqual(normaliseDn('cn=a\\,dc=x'), normaliseDn('cn=a,dc=x'));
  assert.equal(firstName('cn=a\\,b,dc=x'), 'a,b');
  assert.equal(domainOfDn('cn=x,ou=y,dc=example, DC=com'), 'example.com');
});

test('how the directory has somebody, in the words of each kind of directory', () => {
  const settings = {
    ...{ userBase: '', userFilter: '', usernameAttributes: ['sAMAccountName', 'uid'], domain: '' },
    ...{ displayNameAttributes: ['displayName', 'cn'], mailAttributes: ['mail'] },
  };
  const now = Date.UTC(2026, 0, 1);
  const fileTime = (time: number) => String((BigInt(time) + 11_644_473_600_000n) * 10_000n);
  const state = (more: Record<string, string>) =>
    toPerson({ dn: 'uid=jane,dc=example,dc=org', uid: 'jane', entryUUID: 'u-1', ...more }, settings, now).state;
  assert.equal(state({}), 'active');
  assert.equal(state({ userAccountControl: '512' }), 'active');
  assert.equal(state({ userAccountControl: '514' }), 'disabled');
  assert.equal(state({ nsAccountLock: 'TRUE' }), 'disabled');
  assert.equal(state({ accountExpires: '0' }), 'active');
  assert.equal(state({ accountExpires: '9223372036854775807' }), 'active');
  assert.equal(state({ accountExpires: fileTime(now - 1) }), 'expired');
  assert.equal(state({ accountExpires: fileTime(now + 1000) }), 'active');
  assert.equal(state({ shadowExpire: '-1' }), 'active');
  assert.equal(state({ shadowExpire: '18000' }), 'expired');
  assert.equal(state({ pwdAccountLockedTime: '000001010000Z' }), 'locked');
  assert.equal(state({ pwdAccountLockedTime: '20260101000000Z' }), 'active', 'of wrong passwords; it ends by itself');

  const jane = toPerson(
    {
      dn: 'CN=Jane,DC=corp,DC=example',
      objectGUID: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
      ...{ SAMAccountName: 'jane', uid: 'other', userPrincipalName: 'jane@corp.example', mail: ['a@b.c', 'd@e.f'] },
    },
    settings,
    now,
  );
  assert.equal(jane.uniqueId, 'guid:00112233445566778899aabbccddeeff');
  assert.deepEqual([jane.username, jane.domain, jane.email], ['jane', 'corp.example', 'a@b.c']);
  assert.throws(() => toPerson({ dn: 'x', uid: 'jane' }, settings, now), { code: 'no_unique_id' });
  assert.throws(() => toPerson({ dn: 'x', entryUUID: 'u' }, settings, now), { code: 'no_username' });
});

test('docs/signing-in.md has every problem that trying it out can name, in their order', async () => {
  const page = await readFile(new URL('../../../docs/signing-in.md', import.meta.url), 'utf8');
  const documented = [...page.slice(page.indexOf('### Trying it')).matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  assert.deepEqual(
    documented.map(([, code, text]) => [code, text]),
    Object.entries(problems),
  );
});
