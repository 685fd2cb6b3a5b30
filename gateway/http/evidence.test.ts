import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ADMIN_PASSWORD, startHarness, until } from '../testing/harness.ts';

const harness = await startHarness();
after(() => harness.stop());
const admin = await harness.signIn('admin', ADMIN_PASSWORD);
const auditor = await harness.userWith('auditor');
const user = await harness.userWith('user');

/** A session that was used and is over; its recording is ready. */
async function usedSession(inputLog?: 'full' | 'off') {
  const { targetId, accountId } = await harness.target();
  if (inputLog !== undefined) {
    const changed = await harness.call('PATCH', `/api/targets/${targetId}`, { token: admin, body: { inputLog } });
    assert.equal(changed.json.inputLog, inputLog);
  }
  const body = { targetId, accountId, width: 800, height: 600 };
  const { json } = await harness.call('POST', '/api/sessions', { token: admin, body });
  const owner = harness.openTunnel();
  const before = harness.driver.connections.length;
  await owner.attach(json.ticket);
  await until(() => harness.driver.connections.length > before);
  const { events } = harness.driver.last;
  const pixels = harness.pixels.last;
  events.secured?.({
    protocol: 'hybrid',
    credSsp: 6,
    tls: '1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    certificate: 'c'.repeat(64),
  });
  events.connected();
  await until(() => pixels.events.some(({ type }) => type === 'connected'));
  const typed = [
    { kind: 'scancode', code: 0x1e, extended: false, down: true },
    { kind: 'scancode', code: 0x1e, extended: false, down: false },
  ] as const;
  owner.send({ type: 'input', events: typed });
  await until(() => harness.driver.last.typed.length === 2);
  const watch = await harness.call('POST', `/api/sessions/${json.id}/watch`, { token: admin });
  const shadow = harness.openTunnel();
  await shadow.attach(watch.json.ticket);
  await until(() => pixels.events.some(({ type }) => type === 'shadow-started'));
  shadow.socket.close();
  await until(() => pixels.events.some(({ type }) => type === 'shadow-ended'));
  await harness.call('DELETE', `/api/sessions/${json.id}`, { token: admin });
  await until(async () => {
    const answer = await harness.call('GET', `/api/recordings/${json.id}`, { token: admin });
    return answer.json.state === 'ready';
  });
  return { id: json.id as string, events: pixels.events };
}

test('a session tells its recording who, what, how and why', async () => {
  const { events } = await usedSession();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['sign-in', 'request', 'secured', 'connected', 'shadow-started', 'shadow-ended', 'input', 'ended'],
  );
  const fields = Object.fromEntries(events.map((event) => [event.type, event.fields])) as Record<string, object>;
  const { user: who, target, account, inputLog } = fields.request as Record<string, Record<string, unknown>>;
  assert.equal(who?.username, 'admin');
  assert.equal(target?.host, '192.0.2.10');
  assert.equal(account?.username, 'jane');
  assert.equal(inputLog, 'counts');
  assert.deepEqual(fields.secured, {
    protocol: 'hybrid',
    credSsp: 6,
    tls: '1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    certificate: 'c'.repeat(64),
  });
  const { ms: _, ...input } = fields.input as Record<string, unknown>;
  assert.deepEqual(input, { keys: 1 });
  assert.equal((fields.ended as { code: string }).code, 'ended_by_user');

  // The sign-in is named as the audit log names it, and by nothing of its token.
  const reference = (fields['sign-in'] as { reference: string }).reference;
  const audit = await harness.call('GET', '/api/audit?action=login.succeeded', { token: admin });
  const logins = audit.json as { details: { reference: string }; actor: string }[];
  assert.equal(logins.find(({ details }) => details.reference === reference)?.actor, 'admin');
  assert.ok(!JSON.stringify(events).includes(admin), 'a token is in the events');
});

test('what was typed is in the events only where the target says so', async () => {
  const full = await usedSession('full');
  const input = full.events.find(({ type }) => type === 'input')?.fields as { typed: unknown[][] };
  assert.deepEqual(
    input.typed.map(([, key, down]) => [key, down]),
    [
      ['1e', 1],
      ['1e', 0],
    ],
  );
  const off = await usedSession('off');
  assert.ok(!off.events.some(({ type }) => type === 'input'));
});

test('whoever reads events of a recording has looked at it, with its video or without', async () => {
  const { id } = await usedSession();
  const seenBy = async (token: string) => {
    const { username } = (await harness.call('GET', '/api/me', { token })).json;
    const rows = (await harness.call('GET', `/api/audit?sessionId=${id}`, { token: admin })).json;
    return (rows as { action: string; actor: string }[])
      .filter(({ actor }) => actor === username)
      .map(({ action }) => action);
  };
  const reader = await harness.userWith('auditor');
  for (let i = 0; i < 3; i++) await harness.call('GET', `/api/recordings/${id}/events`, { token: reader });
  assert.deepEqual(await seenBy(reader), ['recording.viewed']);
  // Our own page asks for both, in whichever order.
  await harness.call('GET', `/api/recordings/${id}/video.mp4`, { token: reader, headers: { Range: 'bytes=0-' } });
  assert.deepEqual(await seenBy(reader), ['recording.viewed']);
  const other = await harness.userWith('auditor');
  await harness.call('GET', `/api/recordings/${id}/video.mp4`, { token: other });
  await harness.call('GET', `/api/recordings/${id}/events`, { token: other });
  assert.deepEqual(await seenBy(other), ['recording.viewed']);
});

test('auditors read events, check and take the bundle away; users do not; all of it is audited', async () => {
  const { id } = await usedSession();
  const path = `/api/recordings/${id}`;
  for (const [method, part] of [
    ['GET', 'events'],
    ['GET', 'verification'],
    ['POST', 'verification'],
    ['GET', 'evidence.zip'],
  ] as const) {
    assert.equal((await harness.call(method, `${path}/${part}`, { token: user })).status, 403);
    assert.equal((await harness.call(method, `${path}/${part}`)).status, 401);
  }
  const events = await harness.call('GET', `${path}/events`, { token: auditor });
  assert.equal(events.json[0].type, 'log');
  assert.equal((await harness.call('GET', `${path}/verification`, { token: auditor })).json, null);
  harness.evidence.verdict = 'altered';
  const checked = await harness.call('POST', `${path}/verification`, { token: auditor });
  assert.equal(checked.status, 200);
  assert.deepEqual([checked.json.verdict, checked.json.text, checked.json.by], ['altered', 'words', 'auditor1']);
  assert.deepEqual((await harness.call('GET', `${path}/verification`, { token: admin })).json, checked.json);
  const bundle = await harness.call('GET', `${path}/evidence.zip`, { token: auditor });
  assert.equal(bundle.status, 200);
  assert.equal(bundle.headers['content-type'], 'application/zip');
  assert.match(String(bundle.headers['content-disposition']), /^attachment; filename="oriel-evidence-[\w.-]+\.zip"$/);
  assert.equal(bundle.text, 'PK');
  const audit = await harness.call('GET', `/api/audit?sessionId=${id}`, { token: admin });
  const rows = (audit.json as { action: string; actor: string; details: { verdict?: string } }[])
    .filter(({ actor }) => actor === 'auditor1')
    .map(({ action, details }) => [action, details.verdict]);
  assert.deepEqual(rows, [
    ['evidence.downloaded', 'altered'],
    ['recording.verified', 'altered'],
    ['recording.viewed', undefined],
  ]);
  harness.evidence.found = undefined;
  const none = await harness.call('GET', `${path}/evidence.zip`, { token: auditor });
  assert.deepEqual([none.status, none.headers['content-disposition']], [404, undefined]);
  assert.deepEqual((await harness.call('GET', `${path}/events`, { token: auditor })).json, []);
  assert.equal((await harness.call('POST', '/api/recordings/none/verification', { token: auditor })).status, 404);
});

test('no more than a few bundles are made at once, for each of which a whole video is checked', async () => {
  const { id } = await usedSession();
  const ask = () => harness.call('GET', `/api/recordings/${id}/evidence.zip`, { token: auditor });
  const { promise, resolve } = Promise.withResolvers<void>();
  harness.evidence.checked = promise;
  harness.evidence.found = [];
  const answered: Awaited<ReturnType<typeof ask>>[] = [];
  const asked = Array.from({ length: 6 }, async () => answered.push(await ask()));
  await until(() => answered.length === 2);
  for (const refused of answered) {
    assert.deepEqual([refused.status, refused.headers['content-disposition']], [429, undefined]);
  }
  resolve();
  await Promise.all(asked);
  assert.deepEqual(
    answered.slice(2).map(({ status }) => status),
    [200, 200, 200, 200],
  );
});

test('a file that was handed on is checked as it is, and that is audited', async () => {
  const call = (token: string, bytes: string) => harness.call('POST', '/api/evidence/check', { token, body: bytes });
  assert.equal((await call(user, 'bytes')).status, 403);
  harness.evidence.verdict = 'cut-short';
  const { status, json } = await call(auditor, 'bytes');
  assert.deepEqual([status, json], [200, { verdict: 'cut-short', text: 'words', report: { verdict: 'cut-short' } }]);
  assert.equal(harness.evidence.received, '"bytes"');
  const rows = (await harness.call('GET', '/api/audit?action=recording.verified', { token: admin })).json;
  assert.deepEqual([rows[0].actor, rows[0].subject, rows[0].details.verdict], ['auditor1', 'a file', 'cut-short']);
});

test('the public key is for everybody', async () => {
  const answer = await harness.call('GET', '/api/evidence/public-key');
  assert.deepEqual(answer.json, { algorithm: 'Ed25519', id: 'a'.repeat(64), pem: 'PEM' });
});
