import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TunnelClient, until } from './testing/harness.ts';
import { openDemo, type RunningGateway, startProcess } from './testing/running-gateway.ts';

/** The gateway as a user starts it: a process with a real driver, pixel host, recorder and demo desktop. */
let folder: string;
const started: RunningGateway[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oriel-main-'));
});
after(async () => {
  for (const { child } of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

async function start(environment: Record<string, string> = {}): Promise<RunningGateway> {
  const running = await startProcess(folder, environment);
  started.push(running);
  return running;
}

let password: string;
let recorded: string;

async function signIn(gateway: RunningGateway): Promise<string> {
  const { json } = await gateway.call('POST', '/api/login', { body: { username: 'admin', password } });
  return json.token as string;
}

/** Two requests for the demo desktop by somebody who has to ask: one undecided, one approved. */
async function askForDemo(gateway: RunningGateway, token: string) {
  const post = async (path: string, body: unknown, by = token) => {
    const answer = await gateway.call('POST', path, { token: by, body });
    assert.ok(answer.status < 300, answer.text);
    return answer.json;
  };
  const tokens: Record<string, string> = {};
  for (const [username, role] of Object.entries({ ute: 'user', anna: 'approver' })) {
    const person = { username, password: `password of ${username}` };
    await post('/api/users', { ...person, roles: [role] });
    await post('/api/groups', { name: `group of ${username}`, members: [username] });
    tokens[username] = (await post('/api/login', person)).token;
  }
  await post('/api/policies', { name: 'Ask first', approval: { needed: 1, group: 'group of anna' } });
  await post('/api/entitlements', { group: 'group of ute', accounts: 'all', policy: 'Ask first' });
  const [target] = (await gateway.call('GET', '/api/targets', { token })).json;
  const request = { items: [{ accountId: target.accounts[0].id }], minutes: 60 };
  const pending = (await post('/api/requests', request, tokens.ute)).id as string;
  const available = (await post('/api/requests', request, tokens.ute)).id as string;
  await post(`/api/requests/${available}/approve`, {}, tokens.anna);
  return { pending, available };
}

test('first start: a password printed once, the address last, a demo desktop to open', async () => {
  const gateway = await start();
  password = /password {3}(\S+)/.exec(gateway.printed)?.[1] ?? '';
  assert.equal(password.length, 20);
  assert.match(gateway.printed, /https:\/\/localhost:\d+\/\n$/);
  const token = await signIn(gateway);

  const { id, owner, screen, draws, drawn } = await openDemo(gateway, token);
  await draws(() => drawn() >= 5);
  assert.deepEqual([screen.width, screen.height], [800, 600]);
  assert.equal(screen.skipped, 0);
  const colours = new Set(new Uint32Array(screen.pixels.buffer));
  assert.ok(colours.size > 10, 'a desktop, not a blank');

  // What is typed comes back as a changed picture.
  const before = Buffer.from(screen.pixels);
  for (const unit of 'Oriel') {
    for (const down of [true, false]) {
      owner.send({ type: 'input', events: [{ kind: 'unicode', unit: unit.charCodeAt(0), down }] });
    }
  }
  await draws(() => !before.equals(Buffer.from(screen.pixels)));

  // A live view begins with the whole desktop.
  const { json } = await gateway.call('POST', `/api/sessions/${id}/watch`, { token });
  const viewer = new TunnelClient(gateway.port, {});
  await viewer.attach(json.ticket);
  assert.equal((await viewer.next('hello')).mode, 'regions');
  assert.deepEqual(await viewer.next('desktop-size'), { type: 'desktop-size', width: 800, height: 600 });
  let covered = 0;
  while (covered < 800 * 600) {
    const { seq, regions } = await viewer.next('regions');
    for (const { width, height } of regions) covered += width * height;
    viewer.send({ type: 'ack', seq });
  }

  assert.equal((await gateway.call('DELETE', `/api/sessions/${id}`, { token })).status, 204);
  assert.equal((await owner.next('ended')).code, 'ended_by_user');
  assert.equal((await viewer.next('ended')).code, 'ended_by_user');
  const recording = async () => (await gateway.call('GET', `/api/recordings/${id}`, { token })).json;
  await until(async () => (await recording()).state !== 'finishing');
  assert.equal((await recording()).state, 'ready');
  const video = await gateway.call('GET', `/api/recordings/${id}/video.mp4`, {
    token,
    headers: { Range: 'bytes=4-7' },
  });
  assert.deepEqual([video.status, video.text], [206, 'ftyp']);
  assert.equal((await gateway.call('GET', `/api/recordings/${id}/thumbnail.jpg`, { token })).status, 200);
  recorded = id;

  // It proves itself: by the gateway's own check, and by the events in it.
  const checked = await gateway.call('POST', `/api/recordings/${id}/verification`, { token });
  assert.equal(checked.json.verdict, 'whole', checked.text);
  assert.equal(checked.json.report.recording.state, 'complete');
  const events = (await gateway.call('GET', `/api/recordings/${id}/events`, { token })).json as { type: string }[];
  const types = events.map(({ type }) => type);
  for (const type of ['sign-in', 'request', 'secured', 'connected', 'desktop', 'input', 'shadow-started', 'ended']) {
    assert.ok(types.includes(type), `no event ${type} in ${types}`);
  }
  assert.equal(types.at(-1), 'finished');
  assert.ok(!JSON.stringify(events).includes('U+004F'), 'what was typed is not in the events');
  const key = await gateway.call('GET', '/api/evidence/public-key');
  assert.equal(key.json.id, checked.json.report.key.id);
  const bundle = await gateway.call('GET', `/api/recordings/${id}/evidence.zip`, { token });
  assert.equal(bundle.status, 200);
  assert.match(bundle.text, /^PK/);

  await assert.rejects(start(), /another gateway uses this data folder/);
  assert.equal(gateway.log().includes(password), false);
  assert.equal(await gateway.stop(), 0);
});

test('killed in mid-session: the next start knows everything, and finishes the recording', async () => {
  const gateway = await start();
  assert.equal(gateway.printed.includes('password'), false, 'the password was shown once');
  const before = await signIn(gateway);
  const asked = await askForDemo(gateway, before);
  const { id, owner, draws, drawn } = await openDemo(gateway, before);
  await draws(() => drawn() >= 8);
  await gateway.stop('SIGKILL');
  await owner.closed;

  const again = await start();
  const token = await signIn(again);
  const list = async () => (await again.call('GET', '/api/recordings', { token })).json;
  await until(async () => (await list()).every(({ state }: { state: string }) => state !== 'finishing'));
  assert.deepEqual(
    (await list()).map((row: { id: string; state: string; endCode: string }) => [row.id, row.state, row.endCode]),
    [
      [id, 'ready', 'gateway_stopping'],
      [recorded, 'ready', 'ended_by_user'],
    ],
  );
  const checked = await again.call('POST', `/api/recordings/${id}/verification`, { token });
  assert.equal(checked.json.verdict, 'whole', checked.text);
  const events = (await again.call('GET', `/api/recordings/${id}/events`, { token })).json as { type: string }[];
  assert.ok(
    events.some(({ type }) => type === 'request'),
    'events outlive a kill',
  );

  // What was asked for is as it was; what stood for the session that is gone is over with it.
  const stateOf = async (request: string) =>
    (await again.call('GET', `/api/requests/${request}`, { token })).json.state;
  assert.deepEqual([await stateOf(asked.pending), await stateOf(asked.available)], ['pending', 'available']);
  const automatic = (await again.call('GET', '/api/requests?automatic=true', { token })).json as { state: string }[];
  assert.deepEqual(new Set(automatic.map(({ state }) => state)), new Set(['completed']));

  // And it stops in good form with a session open.
  const session = await openDemo(again, token);
  await session.draws(() => session.drawn() > 0);
  const stopped = again.stop('SIGINT');
  assert.equal((await session.owner.next('ended')).code, 'gateway_stopping');
  assert.equal(await stopped, 0);
});

test('without ffmpeg no session starts, and the gateway goes on', async () => {
  const gateway = await start({ ORIEL_FFMPEG: '/nonexistent/ffmpeg' });
  const token = await signIn(gateway);
  const { owner } = await openDemo(gateway, token);
  assert.equal((await owner.next('ended')).code, 'recorder_unavailable');
  assert.equal((await gateway.call('GET', '/healthz')).status, 200);
  assert.equal(await gateway.stop(), 0);
});

test('a setting that cannot be used is named', async () => {
  await assert.rejects(start({ ORIEL_PORT: 'x' }), /Oriel cannot start: ORIEL_PORT: "x" is not a port number/);
  await assert.rejects(
    start({ ORIEL_HOST: '192.0.2.1' }),
    /Oriel cannot start: ORIEL_HOST: "192\.0\.2\.1" is no address of/,
  );
});
