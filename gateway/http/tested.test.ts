import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ADMIN_PASSWORD, startHarness } from '../testing/harness.ts';

test('whoever tries out mail, a webhook, single sign-on or the directory is in the audit log, with what came of it', async (context) => {
  const harness = await startHarness();
  context.after(() => harness.stop());
  const receiver = createServer((request, response) => request.resume().on('end', () => response.end()));
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  context.after(() => receiver.close());
  const token = await harness.signIn('admin', ADMIN_PASSWORD);
  const post = (path: string, body?: unknown) =>
    harness.call('POST', path, { token, ...(body === undefined ? {} : { body }) });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const { json: hook } = await post('/api/webhooks', { name: 'chat', url, kinds: [] });
  const statuses = [
    await post('/api/settings/mail/test', { to: 'somebody@example.com' }),
    await post(`/api/webhooks/${hook.id}/test`),
    await post('/api/settings/single-sign-on/test'),
    await post('/api/settings/directory/test', { username: 'jane', password: 'a password of hers' }),
  ].map(({ status }) => status);
  assert.deepEqual(statuses, [502, 204, 502, 200]);
  const { json: rows } = await harness.call('GET', '/api/audit?action=setting.tested', { token });
  assert.deepEqual(
    rows
      .map((row: { actor: string; subject: string; details: Record<string, string> }) => [
        ...[row.actor, row.subject, row.details.what, row.details.code],
      ])
      .reverse(),
    [
      ['admin', 'somebody@example.com', 'mail', 'delivery_failed'],
      ['admin', 'chat', 'webhook', 'ok'],
      ['admin', '', 'single-sign-on', 'directory_unavailable'],
      ['admin', 'jane', 'directory', 'no_servers'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(rows), /a password of hers/);
});
