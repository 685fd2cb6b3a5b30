import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { findTraces, tracesOf } from './secrets.ts';
import { startTap, type Tap } from './tap.ts';

/** Of each kind of logon one: NLA (CredSSP) and TLS with the password in the Client Info PDU. */
const PASSWORDS = [1, 2].map(() => `Canary-${randomBytes(9).toString('hex')}!`);
const USERNAME = 'canarybird';
const DATABASE = 'oriel.sqlite';

let servers: LabServer[];
let gateway: TestGateway;
let tap: Tap;
let browser: Browser;

before(async () => {
  const [nla, tls, ...rest] = await startAll(
    startShadow({ username: USERNAME, password: PASSWORDS[0]! }),
    startXrdp({ username: USERNAME, password: PASSWORDS[1]! }),
    startGateway({ ORIEL_LOG_LEVEL: 'trace' }),
    launchBrowser(),
  );
  servers = [nla, tls];
  [gateway, browser] = rest;
  tap = await startTap(gateway.url);
});

after(async () => {
  await closeBrowser(browser);
  await tap?.stop();
  await Promise.all([gateway?.stop(), ...(servers ?? []).map((server) => server.stop())]);
});

test("an account's password is in no byte sent to a browser, no log line, no recording, and not in the clear in the data folder", async () => {
  const admin = await Person.open(browser, tap.url);
  await admin.signIn('admin', ADMIN_PASSWORD);
  for (const [index, server] of servers.entries()) {
    const { targetId, accountId } = await gateway.admin.addTarget(`Server ${index}`, server);
    await admin.go(`/desktop/${targetId}`);
    await admin.state('active');
    const [session] = await gateway.admin.sessions();
    const watcher = await Person.open(browser, tap.url);
    await watcher.signIn('admin', ADMIN_PASSWORD);
    await watcher.go(`/sessions/${session?.id}/watch`);
    await watcher.state('active');
    await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
    await admin.state('ended');
    await gateway.admin.recordingReady(session?.id ?? '');
    await watcher.go(`/recordings/${session?.id}`);
    await watcher.page.locator('video').waitFor();
    // A wrong password fails the logon: what is said then must not quote it either.
    await gateway.admin.must('PATCH', `/api/targets/${targetId}/accounts/${accountId}`, {
      password: `${PASSWORDS[index]}x`,
    });
    await watcher.close();
    if (index > 0) continue;
    await useOtherSources(admin, targetId, server);
    await admin.go(`/desktop/${targetId}?account=${accountId}`);
    await admin.state('failed');
  }
  for (const page of ['/targets', '/sessions', '/recordings', '/admin/vault', '/admin/vault/providers'])
    await admin.go(page);
  for (const path of [
    '/api/targets',
    '/api/vault/accounts',
    '/api/vault/providers',
    '/api/audit',
    '/api/recordings',
    '/api/openapi.json',
  ]) {
    await admin.page.evaluate(async (url) => {
      const { fetch } = globalThis as unknown as { fetch(url: string): Promise<{ text(): Promise<string> }> };
      await (await fetch(url)).text();
    }, path);
  }

  const sent = tap.bytes();
  // What is compressed could hide it: then this test would prove nothing.
  assert.doesNotMatch(sent.toString('latin1'), /^(?:content-encoding: (?!identity)|sec-websocket-extensions:)/im);
  // On the disk a recording is encrypted, which would hide the password too: what it holds is looked at in the clear.
  const recorded: { name: string; bytes: Buffer }[] = [];
  for (const { id } of await gateway.admin.recordings()) {
    for (const part of ['video.mp4', 'events', 'thumbnail.jpg']) {
      const { status, bytes } = await gateway.admin.call('GET', `/api/recordings/${id}/${part}`);
      assert.equal(status, 200, `${part} of ${id}`);
      recorded.push({ name: part, bytes });
    }
  }
  await gateway.end();
  const places = [
    { name: 'what the browser was sent', bytes: sent },
    ...recorded,
    { name: 'the log', bytes: Buffer.from(gateway.log()) },
    ...gateway.files().map((file) => ({ name: basename(file), bytes: readFileSync(file) })),
  ];
  const names = places.map(({ name }) => name);
  assert.ok(names.includes('video.mp4') && names.includes('video.mp4.sealed') && names.includes(DATABASE), `${names}`);
  for (const place of ['what the browser was sent', DATABASE]) {
    // The account's name is no secret: that it is found shows that the search works on these bytes.
    const bytes = places.find(({ name }) => name === place)?.bytes ?? Buffer.alloc(0);
    assert.deepEqual(findTraces(bytes, tracesOf(USERNAME)).includes('UTF-8'), true, `${place} should name the account`);
  }
  for (const password of PASSWORDS) {
    const traces = tracesOf(password);
    for (const { name, bytes } of places) assert.deepEqual(findTraces(bytes, traces), [], `in ${name}`);
  }
});

/** The same password, brought by whoever connects (first a wrong one) and from a provider. */
async function useOtherSources(admin: Person, targetId: string, server: LabServer): Promise<void> {
  const { page } = admin;
  const accountOf = async (fields: object) =>
    (await gateway.admin.must<{ id: string }>('POST', `/api/targets/${targetId}/accounts`, fields)).id;
  const prompted = await accountOf({ type: 'prompted', username: server.username });
  await admin.go(`/desktop/${targetId}?account=${prompted}`);
  for (const [password, state] of [
    [`${server.password}x`, 'failed'],
    [server.password, 'active'],
  ] as const) {
    await page.locator('input[name=credential-password]').fill(password);
    await page.getByTestId('supply-credential').click();
    await admin.state(state);
    if (state === 'failed') await page.getByTestId('try-again').click();
  }
  await endSession(admin);

  const provider = createServer((_request, response) => {
    response.end(JSON.stringify({ authorized: true, password: server.password }));
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const { port } = provider.address() as AddressInfo;
  const fields = { name: 'Canary', kind: 'http', url: `http://127.0.0.1:${port}` };
  const { id } = await gateway.admin.must<{ id: string }>('POST', '/api/vault/providers', fields);
  await gateway.admin.must('POST', `/api/vault/providers/${id}/try`, {});
  const provided = await accountOf({ type: 'provider', username: server.username, providerId: id });
  await admin.go(`/desktop/${targetId}?account=${provided}`);
  await admin.state('active');
  await endSession(admin);
  provider.close();
}

async function endSession(person: Person): Promise<void> {
  const [session] = await gateway.admin.sessions();
  await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
  await person.state('ended');
  await gateway.admin.recordingReady(session?.id ?? '');
}
