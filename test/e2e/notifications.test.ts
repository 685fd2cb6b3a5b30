import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { SMTPServer } from 'smtp-server';
import { freePort, startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const PASSWORD = 'Jane-E2E-Pass-1!';
let gateway: TestGateway;
let browser: Browser;
let smtp: SMTPServer;
let hooks: Server;
const mails: string[] = [];
const events: { type: string; signature: string }[] = [];

function collect(stream: Readable, _session: unknown, done: () => void): void {
  let text = '';
  stream.on('data', (part) => {
    text += String(part);
  });
  stream.on('end', () => {
    mails.push(text);
    done();
  });
}

before(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: collect,
  });
  hooks = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += String(part);
    });
    request.on('end', () => {
      events.push({ type: JSON.parse(body).type, signature: String(request.headers['webhook-signature']) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  // Whatever goes wrong when the tests end, they do not hang by these.
  for (const server of [smtp.server, hooks]) server.unref();
  [gateway, browser] = await startAll(startGateway(), launchBrowser());
  const jane = { username: 'jane', password: PASSWORD, roles: ['user'], email: 'jane@example.com' };
  await gateway.admin.must('POST', '/api/users', jane);
});
after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  hooks.close();
  hooks.closeAllConnections();
});

test('mail and a webhook are set up in the pages; what happens is told by both, and under the bell', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = admin;
  await admin.go('/admin/settings/notifications');
  const mail = page.getByTestId('mail');
  await mail.locator('input[name=mail-enabled]').check();
  await mail.locator('input[name=mail-host]').fill('127.0.0.1');
  await mail.locator('input[name=mail-port]').fill(String((smtp.server.address() as AddressInfo).port));
  await mail.locator('select[name=mail-security]').selectOption('none');
  await mail.locator('input[name=mail-from]').fill('Oriel <oriel@example.com>');
  await mail.getByRole('button', { name: 'Save', exact: true }).click();
  await mail.getByText('Saved', { exact: true }).waitFor();
  await mail.getByTestId('test-mail').click();
  await page.locator('input[name=test-to]').fill('admin@example.com');
  await page.getByTestId('send-test').click();
  await waitFor('the test mail', () => mails.some((text) => text.includes('To: admin@example.com')));

  await page.getByTestId('add-webhook').click();
  await page.locator('input[name=webhook-name]').fill('Ticket system');
  await page.locator('input[name=webhook-url]').fill(`http://127.0.0.1:${(hooks.address() as AddressInfo).port}/`);
  await page.getByTestId('save-webhook').click();
  assert.match(await page.getByTestId('webhook-secret').innerText(), /^whsec_/);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByTestId('webhook-row').getByRole('button', { name: 'Test' }).click();
  await page.getByText('Ticket system has taken the test.').waitFor();
  assert.equal(events[0]?.type, 'test');

  const jane = await openPerson(browser, gateway, 'jane', PASSWORD);
  await jane.go('/notifications');
  await jane.page.getByTestId('empty').waitFor();
  await assertLooksRight(jane.page, 'notifications-empty');
  await jane.go('/account');
  await jane.page.locator('input[name=current-password]').fill(PASSWORD);
  await jane.page.locator('input[name=new-password]').fill('Another-E2E-Pass-1!');
  await jane.page.locator('input[name=new-password-again]').fill('Another-E2E-Pass-1!');
  await jane.page.getByTestId('change-password').click();
  await jane.signIn('jane', 'Another-E2E-Pass-1!');
  await waitFor('the mail', () => mails.some((text) => /To: jane@example\.com.*Your password was changed/s.test(text)));
  await waitFor('the webhook', () => events.some(({ type }) => type === 'account.changed'));
  assert.ok(events.every(({ signature }) => /^v1,[A-Za-z0-9+/]{43}=$/.test(signature)));
  await jane.page.locator('.side-bar').getByTestId('unread').getByText('1').waitFor();
  await jane.page.locator('.side-bar').getByTestId('bell').click();
  await jane.page.getByTestId('notification').getByText('Your password was changed').waitFor();
  await assertLooksRight(jane.page, 'notifications');
  await jane.page.getByTestId('read-all').click();
  await jane.page.getByTestId('unread').first().waitFor({ state: 'detached' });
  await jane.go('/account');
  const declined = jane.page.getByTestId('mails');
  await declined.getByText('A request is approved').click();
  await declined.getByRole('button', { name: 'Save', exact: true }).click();
  await declined.getByText('Saved', { exact: true }).waitFor();
  await assertLooksRight(jane.page, 'account-mails');
  await jane.page.reload();
  await jane.page.locator('[name="mail request.denied"]:checked').waitFor();
  assert.equal(await jane.page.locator('[name="mail request.approved"]').isChecked(), false);

  await admin.go('/admin/settings/notifications');
  await page.getByTestId('deliveries').getByText('Mail to jane@example.com').first().waitFor();
  await assertLooksRight(admin.page, 'notification-settings');
  const rule = page.locator('select[name="account.changed requester"]');
  await rule.selectOption('');
  const rules = page.getByTestId('rules');
  await rules.getByRole('button', { name: 'Save', exact: true }).click();
  await rules.getByText('Saved', { exact: true }).waitFor();
  const saved = await gateway.admin.must<Record<string, { requester: string[] }>>('GET', '/api/settings/notifications');
  assert.deepEqual(saved['account.changed']?.requester, []);
  assert.deepEqual([...admin.complaints, ...jane.complaints], []);
  await admin.close();
  await jane.close();
});

test('an approver decides by the link of a mail, without signing in, once', async () => {
  const { admin } = gateway;
  const { port } = smtp.server.address() as AddressInfo;
  const server = { enabled: true, host: '127.0.0.1', port, security: 'none', from: 'Oriel <oriel@example.com>' };
  await admin.must('PATCH', '/api/settings/mail', server);
  const nowhere = { host: '127.0.0.1', port: 1, username: 'operator', password: 'Nowhere-Pass-1!' };
  const { accountId } = await admin.addTarget('Payroll', nowhere);
  const user = (username: string, role: string) => ({
    username,
    password: PASSWORD,
    roles: [role],
    email: `${username}@example.com`,
  });
  await admin.must('POST', '/api/users', user('rita', 'user'));
  await admin.must('POST', '/api/users', user('alice', 'approver'));
  const { id: askers } = await admin.must<{ id: string }>('POST', '/api/groups', { name: 'Askers', members: ['rita'] });
  const { id: deciders } = await admin.must<{ id: string }>('POST', '/api/groups', {
    name: 'Deciders',
    members: ['alice'],
  });
  const approval = { needed: 1, group: deciders };
  const { id: policy } = await admin.must<{ id: string }>('POST', '/api/policies', { name: 'Asked', approval });
  await admin.must('POST', '/api/entitlements', { group: askers, accounts: [accountId], policy });
  const rita = await gateway.login('rita', PASSWORD);
  const { id } = await rita.must<{ id: string }>('POST', '/api/requests', {
    items: [{ accountId }],
    minutes: 30,
    comment: 'the month has to be closed',
  });
  const text = await waitFor('the mail to the approver', () =>
    mails
      .find((one) => /^To: alice@example\.com/m.test(one))
      ?.replaceAll('=\r\n', '')
      .replaceAll('=3D', '='),
  );
  const [approve] = /https:\S+\/decide#\S+/.exec(text) ?? [];
  assert.ok(approve, text);

  const alice = await Person.open(browser, gateway.url);
  const { page } = alice;
  await page.goto(approve.replace(/^https:\/\/[^/]+/, gateway.url.origin));
  await page.getByRole('heading', { level: 1, name: 'Approve access?' }).waitFor();
  await page.getByText('operator on Payroll, 30 minutes').waitFor();
  await page.getByText('the month has to be closed').waitFor();
  await assertLooksRight(page, 'decide');
  assert.equal(
    (await rita.must<{ state: string }>('GET', `/api/requests/${id}`)).state,
    'pending',
    'looking decides nothing',
  );
  await page.locator('input[name=comment]').fill('go ahead');
  await page.getByTestId('decide-now').click();
  await page.getByTestId('decided').getByText('Approved.').waitFor();
  assert.equal((await rita.must<{ state: string }>('GET', `/api/requests/${id}`)).state, 'available');
  await waitFor('the mail to whoever asked', () => mails.some((one) => /^To: rita@example\.com/m.test(one)));
  // In the same tab, where only what is behind the `#` changes.
  await page.goto(approve.replace(/^https:\/\/[^/]+/, gateway.url.origin));
  await page.getByText('This link was used already').waitFor();
  await page.getByTestId('error-code').filter({ hasText: 'ticket_invalid' }).waitFor();
  assert.deepEqual(alice.complaints, []);
  await alice.close();
});

test('a mail that could not be sent survives the death of the gateway', async () => {
  const later = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], onData: collect });
  const port = await freePort();
  const first = await startGateway();
  let second: TestGateway | undefined;
  try {
    const server = { enabled: true, host: '127.0.0.1', port, security: 'none', from: 'oriel@example.com' };
    await first.admin.must('PATCH', '/api/settings/mail', server);
    const user = { username: 'nora', password: PASSWORD, roles: ['user'], email: 'nora@example.com' };
    await first.admin.must('POST', '/api/users', user);
    const nora = await first.login('nora', PASSWORD);
    await nora.must('POST', '/api/me/password', { current: PASSWORD, password: 'Another-E2E-Pass-1!' });
    type Deliveries = { id: string; state: string; attempts: number }[];
    const tried = await waitFor('the first try', async () => {
      const [delivery] = await first.admin.must<Deliveries>('GET', '/api/deliveries');
      return delivery !== undefined && delivery.attempts > 0 ? delivery : undefined;
    });
    process.kill(first.pid, 'SIGKILL');
    await waitFor('the gateway to be dead', () => !first.running());

    await new Promise<void>((resolve) => later.listen(port, '127.0.0.1', resolve));
    second = await startGateway({ ORIEL_DATA: first.data });
    // By itself it would be tried again in a while.
    await second.admin.must('POST', `/api/deliveries/${tried.id}/retry`);
    const mail = await waitFor('the mail', () => mails.find((text) => text.includes('To: nora@example.com')));
    assert.ok(mail.includes(`Message-ID: <${tried.id}@example.com>`));
  } finally {
    await second?.stop();
    await first.stop();
    await new Promise<void>((resolve) => later.close(() => resolve()));
  }
});
