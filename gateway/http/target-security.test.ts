import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { generate } from 'selfsigned';
import { startDemoServer } from '../demo/server.ts';
import type { ConnectionSecurity } from '../rdp/security.ts';
import { legacySecurityNow } from '../targets/targets.ts';
import { ADMIN_PASSWORD, CANARY, type Harness, startHarness, until } from '../testing/harness.ts';
import { allRoutes } from './routes/routes.ts';
import { newAjv } from './validation.ts';

/** What a target asks of its connections, and the connection doctor, over the API. */

let harness: Harness;
let admin: string;
let demoPort = 0;
let closeDemo = async (): Promise<void> => {};
before(async () => {
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048, algorithm: 'sha256' });
  const demo = await startDemoServer({
    credentials: { username: 'jane', password: CANARY },
    tls: { cert: made.cert, key: made.private },
    nla: 'required',
  });
  demoPort = demo.port;
  closeDemo = () => demo.close();
});
after(async () => {
  await closeDemo();
  await harness.stop();
});

const call = (method: string, path: string, body?: unknown, token = admin) =>
  harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });

/** The steps that did not go well, and what was found in them. */
interface ReportJson {
  readonly verdict: string;
  readonly steps: readonly { name: string; status: string; diagnoses: readonly { code: string }[] }[];
}
const codesOf = (report: ReportJson) => report.steps.flatMap((step) => step.diagnoses.map(({ code }) => code));

test('a target is safe from the start, and says what it allows', async () => {
  const { json } = await call('POST', '/api/targets', { name: 'Safe', host: 'safe.example' });
  const { nla, certificateTrust, minimumTls, restrictedAdmin, legacySecurity, oldestCredSsp } = json;
  assert.deepEqual(
    { nla, certificateTrust, minimumTls, restrictedAdmin, legacySecurity, oldestCredSsp },
    {
      nla: 'preferred',
      certificateTrust: 'first_use',
      minimumTls: '1.2',
      restrictedAdmin: false,
      legacySecurity: 'refused',
      oldestCredSsp: 2,
    },
  );
  const change = {
    nla: 'required',
    minimumTls: '1.3',
    restrictedAdmin: true,
    legacySecurity: 'accepted',
    oldestCredSsp: 6,
  };
  const changed = await call('PATCH', `/api/targets/${json.id}`, change);
  assert.equal(changed.status, 200);
  assert.deepEqual({ ...changed.json, ...change }, changed.json);
  assert.equal((await call('PATCH', `/api/targets/${json.id}`, { minimumTls: '0.9' })).status, 400);
});

test('Restricted Admin mode without NLA is no setting', async () => {
  const target = { name: 'Odd', host: 'odd.example', nla: 'never', restrictedAdmin: true };
  assert.equal((await call('POST', '/api/targets', target)).json.error.code, 'conflict');
  const { json } = await call('POST', '/api/targets', { ...target, nla: 'required' });
  assert.equal((await call('PATCH', `/api/targets/${json.id}`, { nla: 'never' })).json.error.code, 'conflict');
});

test('standard RDP security is not a way around the certificate', async () => {
  const { targets } = harness.gateway.services;
  const target = { name: 'Old', host: 'old.example', legacySecurity: 'accepted' };
  for (const certificateTrust of ['pinned', 'system']) {
    assert.equal((await call('POST', '/api/targets', { ...target, certificateTrust })).json.error.code, 'conflict');
  }
  const { json } = await call('POST', '/api/targets', target);
  assert.equal(legacySecurityNow(await targets.get(json.id)), 'accepted');
  assert.equal((await call('PATCH', `/api/targets/${json.id}`, { certificateTrust: 'system' })).status, 409);
  await targets.checkCertificate(json.id, { fingerprint: '5'.repeat(64), chainProblem: 'x', nameMatches: true });
  assert.equal(legacySecurityNow(await targets.get(json.id)), 'refused', 'it had TLS once');
});

test('each rule of trust decides as it says', async () => {
  const { targets } = harness.gateway.services;
  const own = { fingerprint: '1'.repeat(64), chainProblem: 'DEPTH_ZERO_SELF_SIGNED_CERT', nameMatches: true };
  const vouched = { fingerprint: '2'.repeat(64), chainProblem: undefined, nameMatches: true };
  const make = async (certificateTrust: string) =>
    (await call('POST', '/api/targets', { name: certificateTrust, host: 'x', certificateTrust })).json.id as string;
  const codeOf = async (id: string, certificate: Parameters<typeof targets.checkCertificate>[1]) => {
    const decision = await targets.checkCertificate(id, certificate);
    return decision.trusted ? 'trusted' : decision.code;
  };

  const pinned = await make('pinned');
  assert.equal(await codeOf(pinned, own), 'certificate_untrusted');
  assert.equal((await targets.get(pinned)).certificate.offered, own.fingerprint);
  await call('POST', `/api/targets/${pinned}/trust`, {});
  assert.equal(await codeOf(pinned, own), 'trusted');
  assert.equal(await codeOf(pinned, vouched), 'certificate_changed');

  const system = await make('system');
  assert.equal(await codeOf(system, own), 'certificate_untrusted');
  assert.equal(await codeOf(system, vouched), 'trusted');
  assert.equal(await codeOf(system, { ...vouched, nameMatches: false }), 'certificate_untrusted');
  assert.deepEqual((await targets.get(system)).certificate, { trusted: null, offered: null });

  const first = await make('first_use');
  const both = await Promise.all([own, vouched].map((certificate) => codeOf(first, certificate)));
  assert.deepEqual(both.sort(), ['certificate_changed', 'trusted'], 'two at once: one is the first');
});

test('a session passes on what its target asks for, and tells what it came to', async () => {
  const { targetId, accountId } = await harness.target();
  await call('PATCH', `/api/targets/${targetId}`, { minimumTls: '1.3', certificateTrust: 'system', nla: 'required' });
  const opened = await call('POST', '/api/sessions', { targetId, accountId, width: 800, height: 600 });
  const { id, ticket } = opened.json;
  const owner = harness.openTunnel();
  await owner.attach(ticket);
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === id));
  const { options, events } = harness.driver.last;
  assert.equal(options.nla, 'required');
  assert.deepEqual(options.security, {
    minimumTls: '1.3',
    restrictedAdmin: false,
    legacySecurity: 'refused',
    oldestCredSsp: 2,
    verifyChain: true,
  });

  const offered = { fingerprint: '3'.repeat(64), chainProblem: 'CERT_HAS_EXPIRED', nameMatches: true };
  const decision = await options.trustCertificate(offered);
  assert.deepEqual(decision, { trusted: false, code: 'certificate_untrusted', problem: 'CERT_HAS_EXPIRED' });
  const auditOf = async (action: string) => {
    const { json } = await call('GET', `/api/audit?action=${action}&sessionId=${id}`);
    return (Array.isArray(json) ? json : json.entries)[0]?.details;
  };
  const refused = { targetId, fingerprint: offered.fingerprint, code: 'certificate_untrusted' };
  assert.deepEqual(await auditOf('target.certificate_refused'), refused);

  const security: ConnectionSecurity = {
    protocol: 'hybrid_ex',
    credSsp: 6,
    tls: '1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    certificate: '4'.repeat(64),
  };
  events.secured?.(security);
  events.connected();
  await until(async () => (await auditOf('session.connected')) !== undefined);
  const told = await auditOf('session.connected');
  assert.deepEqual({ ...told, ...security }, told);
  const { json: live } = await call('GET', '/api/sessions');
  assert.deepEqual(live.find((session: { id: string }) => session.id === id).security, security);
  events.secured?.({ ...security, tls: '1.1' });
  await until(async () => (await auditOf('session.downgraded')) !== undefined);
  assert.equal((await auditOf('session.downgraded')).downgrades, 'tls_outdated');
  await call('DELETE', `/api/sessions/${id}`);
});

test('the doctor tests a saved target with its account; what it found is in the audit, the password nowhere', async () => {
  const { json: target } = await call('POST', '/api/targets', { name: 'Demo', host: '127.0.0.1', port: demoPort });
  const { json: account } = await call('POST', `/api/targets/${target.id}/accounts`, {
    username: 'jane',
    password: CANARY,
  });
  const answer = await call('POST', `/api/targets/${target.id}/test`, { accountId: account.id });
  assert.equal(answer.status, 200);
  const route = allRoutes(harness.gateway.services).find(({ id }) => id === 'testTarget');
  const validate = newAjv(false).compile(route?.response ?? {});
  const valid: boolean = validate(answer.json);
  assert.ok(valid, JSON.stringify(validate.errors));
  assert.equal(answer.json.verdict, 'ok');
  assert.ok(!answer.text.includes(CANARY));
  assert.equal(
    (await harness.gateway.services.targets.get(target.id)).certificate.trusted,
    null,
    'a test pins nothing',
  );

  const { json: audit } = await call('GET', '/api/audit?action=target.tested');
  const [entry] = Array.isArray(audit) ? audit : audit.entries;
  assert.equal(entry.subject, 'Demo');
  assert.equal(entry.details.verdict, 'ok');
  assert.ok(!JSON.stringify(audit).includes(CANARY));
});

test('the doctor holds to the rule of the target: a changed certificate gets no password', async () => {
  const { json: target } = await call('POST', '/api/targets', { name: 'Moved', host: '127.0.0.1', port: demoPort });
  await call('POST', `/api/targets/${target.id}/trust`, { fingerprint: 'f'.repeat(64) });
  const { json: account } = await call('POST', `/api/targets/${target.id}/accounts`, {
    username: 'jane',
    password: 'x',
  });
  const { json } = await call('POST', `/api/targets/${target.id}/test`, { accountId: account.id });
  assert.ok(codesOf(json).includes('certificate_changed'));
  assert.equal(json.steps.find(({ name }: { name: string }) => name === 'logon').status, 'skipped');
});

test('the doctor tests what is not saved yet', async () => {
  const body = { host: 'localhost', port: demoPort, username: 'jane', password: 'not this one' };
  const { json } = await call('POST', '/api/targets/test', body);
  assert.equal(json.verdict, 'failed');
  assert.ok(codesOf(json).includes('logon_failed'));
  const stopped = await call('POST', '/api/targets/test', { ...body, password: CANARY, until: 'logon' });
  assert.equal(stopped.json.verdict, 'ok');
});

test('only administrators may test, and only so many at once', async () => {
  const user = await harness.userWith('user');
  assert.equal((await call('POST', '/api/targets/test', { host: 'localhost' }, user)).status, 403);
  // A host that takes connections and says nothing keeps a test busy.
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  try {
    let refused = 0;
    const tests = Array.from({ length: 6 }, async () => {
      const { status } = await call('POST', '/api/targets/test', { host: '127.0.0.1', port });
      if (status === 429) refused++;
      // Those that run are let go once the others were turned away.
      if (refused === 2) for (const socket of sockets) socket.destroy();
      return status;
    });
    const statuses = (await Promise.all(tests)).sort();
    assert.deepEqual(statuses, [200, 200, 200, 200, 429, 429]);
  } finally {
    silent.close();
  }
});
