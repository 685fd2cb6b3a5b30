import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { SMTPServer } from 'smtp-server';
import { makeRsyslog, type Rsyslog } from '../../gateway/audit/forwarding/testing/rsyslog.ts';
import { notificationKinds } from '../../gateway/notifications/kinds.ts';
import { startAll, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { type LabSshd, startSshd } from '../lab/sshd.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ApiUser, callApi, startGateway, type TestGateway } from './gateway.ts';
import { findTraces, tracesOf } from './secrets.ts';
import { startTap, type Tap } from './tap.ts';

/** What is done with secrets of the vault, and every place where one could be left behind by it. */

const canary = () => `Canary-${randomBytes(9).toString('hex')}!`;
const PASSWORD = canary();
const MASTER = canary();
const USERNAME = 'canarybird';
const USER_PASSWORD = 'Jane-E2E-Pass-1!';

let server: LabServer;
let sshd: LabSshd;
let rsyslog: Rsyslog;
let gateway: TestGateway;
let browser: Browser;
let tap: Tap;
let hooks: Server;
let smtp: SMTPServer;
/** What webhooks and mails brought. */
const told: { readonly name: 'a webhook' | 'a mail'; readonly bytes: Buffer }[] = [];

before(async () => {
  [server, sshd, rsyslog, gateway, browser] = await startAll(
    startShadow({ username: USERNAME, password: PASSWORD }),
    startSshd(),
    makeRsyslog(),
    startGateway({ ORIEL_LOG_LEVEL: 'trace' }),
    launchBrowser(),
  );
  await rsyslog.start();
  tap = await startTap(gateway.url);
  hooks = createServer(async (request, response) => {
    told.push({ name: 'a webhook', bytes: await bytesOf(request) });
    response.writeHead(204).end();
  });
  hooks.listen(0, '127.0.0.1').unref();
  await once(hooks, 'listening');
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (mail, _session, done) => {
      void bytesOf(mail).then((bytes) => {
        told.push({ name: 'a mail', bytes });
        done();
      });
    },
  });
  smtp.listen(0, '127.0.0.1');
  smtp.server.unref();
  await once(smtp.server, 'listening');
});

after(async () => {
  await closeBrowser(browser);
  await tap?.stop();
  await Promise.all([gateway?.stop(), server?.stop(), sshd?.stop(), rsyslog?.remove()]);
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  hooks.close();
  hooks.closeAllConnections();
});

test('a secret that is shown, typed, wrapped by a master password and changed over SSH stands in the answer to who asked, and nowhere else', async () => {
  const { admin } = gateway;
  await tellEverybody();
  const { targetId } = await admin.addTarget('Server', server);
  const accountOf = async (target: string, fields: object) =>
    (await admin.must<{ id: string }>('POST', `/api/targets/${target}/accounts`, fields)).id;
  const guarded = await accountOf(targetId, { username: USERNAME, password: PASSWORD, masterPassword: true });
  const linux = await admin.must<{ id: string }>('POST', '/api/targets', { name: 'Linux', host: sshd.host });
  const changed = await accountOf(linux.id, { username: sshd.username, password: sshd.password });
  const jane = { username: 'jane', password: USER_PASSWORD, roles: ['user'], email: 'jane@example.com' };
  const { id: janeId } = await admin.must<{ id: string }>('POST', '/api/users', jane);
  await admin.must('POST', '/api/policies', { name: 'Shown', reveal: true, typeSecret: true });
  await admin.must('POST', '/api/groups', { name: 'only jane', members: ['jane'] });
  const { id: entitlementId } = await admin.must<{ id: string }>('POST', '/api/entitlements', {
    group: 'only jane',
    accounts: [guarded, changed],
    policy: 'Shown',
  });

  // Her calls go through the tap; only answers that may carry a secret do not.
  const signedIn = await callApi<{ token: string }>(tap.url, 'POST', '/api/login', LOGIN);
  const user = new ApiUser(tap.url, signedIn.body.token);
  const direct = new ApiUser(gateway.url, signedIn.body.token);
  const refused = async (method: string, path: string, body: object, code: string) => {
    const answer = await user.call<{ error: { code: string } }>(method, path, body);
    assert.equal(answer.body.error.code, code, `${method} ${path}`);
  };
  const { id: requestId } = await user.must<{ id: string }>('POST', '/api/requests', {
    items: [guarded, changed].map((accountId) => ({ accountId, entitlementId })),
  });
  const revealed = async (accountId: string, more: object = {}) => {
    const answer = await direct.call<{ password: string }>('POST', `/api/requests/${requestId}/reveal`, {
      accountId,
      ...more,
    });
    assert.equal(answer.status, 200, answer.bytes.toString());
    assert.equal(answer.headers['cache-control'], 'no-store');
    return answer.body.password;
  };

  await user.must('POST', '/api/me/master-password', { masterPassword: MASTER });
  const reveal = `/api/requests/${requestId}/reveal`;
  await refused('POST', reveal, { accountId: guarded }, 'master_password_required');
  await refused('POST', reveal, { accountId: guarded, masterPassword: `${MASTER}x` }, 'master_password_wrong');
  await refused('POST', reveal, { accountId: guarded, masterPassword: [MASTER] }, 'bad_request');
  assert.equal(await revealed(guarded, { masterPassword: MASTER }), PASSWORD);

  const person = await Person.open(browser, tap.url);
  await person.signIn('jane', USER_PASSWORD);
  await person.go(`/desktop/${targetId}?account=${guarded}&request=${requestId}`);
  await person.page.locator('input[name=credential-master]').fill(MASTER);
  await person.page.getByTestId('supply-credential').click();
  await person.state('active');
  const [session] = await admin.sessions();
  const typed = `/api/sessions/${session?.id}/type-secret`;
  await refused('POST', typed, { masterPassword: `${MASTER}x` }, 'master_password_wrong');
  await user.must('POST', typed, { masterPassword: MASTER, enter: true });
  await person.page.getByTestId('end-session').click();
  await person.page.getByTestId('confirm-end').click();
  await person.state('ended');
  await admin.recordingReady(session?.id ?? '');

  await admin.must('PATCH', `/api/vault/accounts/${changed}/rotation`, { port: sshd.port });
  sshd.setMinimumDays(30);
  const failed = await callAdmin('POST', `/api/vault/accounts/${changed}/rotate`);
  assert.equal(failed.status >= 400, true);
  sshd.setMinimumDays(0);
  await admin.must('POST', `/api/vault/accounts/${changed}/rotate`);
  const next = await revealed(changed);
  assert.notEqual(next, sshd.password);
  await admin.must('POST', '/api/vault/key/rewrap', { source: 'file' });

  const asked = await readEverything({
    ...{ sessions: session?.id, recordings: session?.id, requests: requestId, accounts: changed },
    ...{ targets: targetId, users: janeId, entitlements: entitlementId },
  });
  assert.ok(asked > 50, `${asked} answers`);
  for (const page of ['/requests', `/requests/${requestId}`, '/account', '/notifications']) await person.go(page);
  const last = (await admin.must<{ id: number }[]>('GET', '/api/audit?limit=1'))[0]?.id ?? 0;
  await waitFor('all of the trail at the receiver', async () =>
    (await rsyslog.lines()).some((line) => line.includes(`number="${last}"`)),
  );
  await waitFor('mails and webhooks', () =>
    ['secret.revealed', 'secret.typed', 'vault.alert'].every((kind) =>
      told.some(({ name, bytes }) => name === 'a webhook' && bytes.includes(kind)),
    ),
  );
  await gateway.end();

  const places = [
    ...told,
    ...answers,
    { name: 'what the browser was sent', bytes: tap.bytes() },
    { name: 'the forwarded trail', bytes: Buffer.from((await rsyslog.lines()).join('\n')) },
    { name: 'the log', bytes: Buffer.from(gateway.log()) },
    ...gateway.files().map((file) => ({ name: basename(file), bytes: readFileSync(file) })),
  ];
  // The account's name is no secret: that it is found shows that the search works on these bytes.
  for (const name of ['a webhook', 'a mail', 'what the browser was sent', 'the forwarded trail', 'oriel.sqlite']) {
    const whole = Buffer.concat(places.filter((place) => place.name === name).map(({ bytes }) => bytes));
    assert.ok(findTraces(whole, tracesOf(USERNAME)).includes('UTF-8'), `${name} should name the account`);
  }
  for (const [what, secret] of Object.entries({ PASSWORD, MASTER, old: sshd.password, next })) {
    const traces = tracesOf(secret);
    for (const { name, bytes } of places) assert.deepEqual(findTraces(bytes, traces), [], `${what} in ${name}`);
  }
});

const LOGIN = { username: 'jane', password: USER_PASSWORD };
/** What was answered to the administrator. */
const answers: { readonly name: string; readonly bytes: Buffer }[] = [];

async function callAdmin(method: string, path: string) {
  const answer = await gateway.admin.call(method, path);
  answers.push({ name: `${method} ${path}`, bytes: answer.bytes });
  return answer;
}

/** Everything that the API shows, of these things where it takes one. Returns how many answers there were. */
async function readEverything(ids: Readonly<Record<string, string | undefined>>): Promise<number> {
  const { paths } = await gateway.admin.must<{ paths: Record<string, object> }>('GET', '/api/openapi.json');
  let count = 0;
  for (const path of Object.keys(paths).filter((one) => 'get' in (paths[one] ?? {}) && !one.includes('/oidc/'))) {
    const filled = path.replace(/([^/]+)\/\{id\}/g, (all, kind) => (ids[kind] ? `${kind}/${ids[kind]}` : all));
    if (filled.includes('{')) continue;
    if ((await callAdmin('GET', filled)).status === 200) count += 1;
  }
  return count;
}

/** Mail, a webhook and syslog are told whatever there is to tell. */
async function tellEverybody(): Promise<void> {
  const { admin } = gateway;
  const { port } = smtp.server.address() as AddressInfo;
  const mail = { enabled: true, host: '127.0.0.1', port, security: 'none', from: 'oriel@example.com' };
  await admin.must('PATCH', '/api/settings/mail', mail);
  const url = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/`;
  await admin.must('POST', '/api/webhooks', { name: 'All', url, kinds: notificationKinds });
  const rules = await admin.must<Record<string, Record<string, string[]>>>('GET', '/api/settings/notifications');
  for (const rule of Object.values(rules)) for (const audience of Object.keys(rule)) rule[audience] = ['page', 'mail'];
  await admin.must('PATCH', '/api/settings/notifications', rules);
  const receiver = { name: 'SIEM', host: '127.0.0.1', port: rsyslog.port, format: 'rfc5424', transport: 'tcp' };
  await admin.must('POST', '/api/audit/receivers', receiver);
  const [me] = (await admin.must<{ id: string; username: string }[]>('GET', '/api/users')).filter(
    ({ username }) => username === 'admin',
  );
  await admin.must('PATCH', `/api/users/${me?.id}`, { email: 'admin@example.com' });
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
