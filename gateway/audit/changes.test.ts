import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Role } from '../access/can.ts';
import { ADMIN_PASSWORD, startHarness } from '../testing/harness.ts';
import { changesOf } from './changes.ts';

const harness = await startHarness();
after(() => harness.stop());

test('what differs, as it was and as it is', () => {
  const before = { a: 1, b: 'x', c: ['u'], d: null, e: true };
  assert.deepEqual(changesOf(before, { a: 2, b: 'x', c: ['u', 'v'], d: 'y', e: false }), {
    ...{ a: 2, aBefore: 1, c: '["u","v"]', cBefore: '["u"]', d: 'y', dBefore: null, e: false, eBefore: true },
  });
});

test('changed settings and what was refused are in the trail, by person, and no secret with them', async () => {
  const admin = await harness.signIn('admin', ADMIN_PASSWORD);
  const call = (method: string, path: string, body?: unknown, token = admin) =>
    harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });
  const last = async () => (await call('GET', '/api/audit?limit=1')).json[0];
  await call('PATCH', '/api/settings/mail', { host: 'mail.example', password: 'a secret of the mail server' });
  const { action, actor, details } = await last();
  assert.deepEqual([action, actor], ['setting.changed', 'admin']);
  assert.deepEqual([details.host, details.hostBefore, details.hasPassword], ['mail.example', '', true]);
  assert.equal(JSON.stringify(details).includes('a secret'), false);
  for (const elsewhere of [{ host: 'elsewhere.example' }, { port: 2525 }, { security: 'none' }]) {
    assert.equal((await call('PATCH', '/api/settings/mail', elsewhere)).status, 409, 'it was given for another server');
  }
  await call('PATCH', '/api/settings', { announceShadow: false });
  assert.deepEqual((await last()).details, { announceShadow: false, announceShadowBefore: true });
  const user = await harness.userWith(Role.user);
  assert.equal((await call('GET', '/api/users', undefined, user)).status, 403);
  const refused = await last();
  assert.deepEqual(
    [refused.action, refused.outcome, refused.actor, refused.subject, refused.details.code],
    ['action.refused', 'refused', 'user1', 'listUsers', 'forbidden'],
  );
});
