import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeGatewayMessage } from '#protocol/tunnel/messages.ts';
import { referenceOf } from '../access/login-sessions.ts';
import { errorRow, GatewayError } from '../errors.ts';
import { ADMIN_PASSWORD, CANARY, type Harness, startHarness, type TunnelClient, until } from '../testing/harness.ts';
import { HOLD_BYTES } from './owner-connection.ts';

let harness: Harness;
let admin: string;
let place: { targetId: string; accountId: string };

before(async () => {
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  place = await harness.target();
});
after(() => harness.stop());

const open = async () => {
  const body = { ...place, width: 800, height: 600 };
  const { json } = await harness.call('POST', '/api/sessions', { token: admin, body });
  return json as { id: string; ticket: string };
};
const live = async () => (await harness.call('GET', '/api/sessions', { token: admin })).json;

/** A session whose desktop is there. */
async function active(): Promise<{ id: string; owner: TunnelClient }> {
  const { id, ticket } = await open();
  const owner = harness.openTunnel();
  await owner.attach(ticket);
  await owner.next('hello');
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === id));
  harness.driver.last.events.connected();
  harness.driver.last.events.graphics({ code: UpdateCode.desktopReset, data: Uint8Array.of(32, 3, 88, 2) });
  harness.driver.last.events.settled();
  await owner.next('graphics');
  return { id, owner };
}

async function shadow(id: string): Promise<TunnelClient> {
  const { json } = await harness.call('POST', `/api/sessions/${id}/watch`, { token: admin });
  const viewer = harness.openTunnel();
  await viewer.attach(json.ticket);
  return viewer;
}

const end = (id: string) => harness.call('DELETE', `/api/sessions/${id}`, { token: admin });

test('a session, from ticket to end', async () => {
  const { id, ticket } = await open();
  assert.equal((await live())[0].state, 'pending');
  const owner = harness.openTunnel();
  await owner.attach(ticket);
  assert.deepEqual(await owner.next('hello'), { type: 'hello', version: 1, role: 'owner', mode: 'stream' });
  assert.equal((await owner.next('phase')).phase, 'starting');
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === id));
  // What licence servers know this gateway by.
  assert.equal(harness.driver.last.options.hardwareId?.length, 16);
  const driver = harness.driver.last;
  const { password, ...who } = driver.options.credentials;
  assert.deepEqual([who, password.text()], [{ username: 'jane', domain: '' }, CANARY]);
  assert.deepEqual([driver.options.width, driver.options.height, driver.options.nla], [800, 600, 'preferred']);
  driver.events.phase('negotiating');
  assert.equal((await owner.next('phase')).phase, 'negotiating');
  assert.equal((await live())[0].phase, 'negotiating');
  owner.send({ type: 'input', events: [{ kind: 'unicode', unit: 65, down: true }] });
  owner.send({ type: 'ping', value: 6 });
  assert.equal((await owner.next('pong')).value, 6);

  driver.events.connected();
  driver.events.bytes(100);
  const data = Uint8Array.of(1, 2, 3);
  driver.events.graphics({ code: UpdateCode.desktopReset, data: Uint8Array.of(32, 3, 88, 2) });
  driver.events.graphics({ code: UpdateCode.bitmap, data });
  data.fill(0); // the bytes were only good during the call
  driver.events.settled();
  const graphics = await owner.next('graphics');
  assert.equal(graphics.seq, 1);
  assert.deepEqual(
    graphics.updates.map((update) => [update.code, [...update.data]]),
    [
      [UpdateCode.desktopReset, [32, 3, 88, 2]],
      [UpdateCode.bitmap, [1, 2, 3]],
    ],
  );
  assert.deepEqual(
    harness.pixels.last.updates.map(({ data: bytes }) => [...bytes]),
    [
      [32, 3, 88, 2],
      [1, 2, 3],
    ],
  );

  owner.send({ type: 'ack', seq: 1 });
  owner.send({ type: 'input', events: [{ kind: 'mouse-move', x: 5, y: 6 }] });
  owner.send({ type: 'ping', value: 7 });
  assert.equal((await owner.next('pong')).value, 7);
  assert.deepEqual(driver.typed, [{ kind: 'mouse-move', x: 5, y: 6 }], 'and not what came before the desktop');
  assert.deepEqual(harness.pixels.last.pointers, [[5, 6]]);

  const [listed] = await live();
  assert.deepEqual(
    [listed.state, listed.recording, listed.bytesFromServer, listed.user.username],
    ['active', 'recording', 100, 'admin'],
  );
  assert.ok(listed.bytesToBrowser > 0);

  owner.send({ type: 'end-session' });
  const ended = await owner.next('ended');
  assert.equal(ended.code, 'ended_by_user');
  assert.deepEqual(await owner.closed, { code: errorRow('ended_by_user').close, reason: 'ended_by_user' });
  assert.equal(driver.closed, true);
  assert.equal(harness.pixels.last.end?.code, 'ended_by_user');
  assert.deepEqual(await live(), []);
  assert.equal(JSON.stringify(harness.log).includes(CANARY), false);
});

test('a ticket is good once, for its own session, and for this gateway only', async () => {
  const { id, ticket } = await open();
  const owner = harness.openTunnel();
  await owner.attach(ticket);
  await owner.next('hello');
  const [head, body, signature = ''] = ticket.split('.');
  const forged = Buffer.from(body ?? '', 'base64url')
    .toString()
    .replace('owner', 'shadow');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
  const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  const bad = [
    ticket,
    'nonsense',
    '',
    unsigned,
    `${head}.${Buffer.from(forged).toString('base64url')}.${signature}`,
    `${head}.${body}.${other}`,
  ];
  for (const attempt of bad) {
    const second = harness.openTunnel();
    await second.attach(attempt);
    assert.equal((await second.next('ended')).code, 'ticket_invalid', attempt);
    assert.equal((await second.closed).code, errorRow('ticket_invalid').close);
  }
  assert.equal((await live()).length, 1, 'the session itself goes on');
  await end(id);
});

test('a page of another origin gets no tunnel, whatever its ticket', async () => {
  for (const origin of ['https://evil.example', 'http://127.0.0.1', 'null']) {
    await assert.rejects(harness.openTunnel({ origin }).opened, /403/, origin);
  }
  await assert.rejects(harness.openTunnel({ protocols: ['oriel.v2'] }).opened, /400/);
  await assert.rejects(harness.openTunnel({ path: '/elsewhere' }).opened, /404/);
});

test('hostile messages end that tunnel, and the session of nobody else', async () => {
  const { id, owner } = await active();
  const hostile: [string, (tunnel: TunnelClient) => void][] = [
    ['empty', (tunnel) => tunnel.socket.send(Buffer.alloc(0))],
    ['unknown type', (tunnel) => tunnel.socket.send(Buffer.from([0x7f]))],
    ['a message of the gateway', (tunnel) => tunnel.socket.send(encodeGatewayMessage({ type: 'pong', value: 1 }))],
    ['text', (tunnel) => tunnel.socket.send('attach')],
    ['input before attach', (tunnel) => tunnel.send({ type: 'input', events: [] })],
    ['attach that is not JSON', (tunnel) => tunnel.socket.send(Buffer.from([0x81, 0x7b]))],
    ['attach with a number', (tunnel) => tunnel.socket.send(Buffer.from('\u0081{"ticket":1,"version":1}', 'latin1'))],
    ['another version', (tunnel) => tunnel.send({ type: 'attach', ticket: 'x', version: 2 })],
  ];
  for (const [name, attack] of hostile) {
    const tunnel = harness.openTunnel();
    await tunnel.opened;
    attack(tunnel);
    assert.equal((await tunnel.next('ended')).code, 'bad_message', name);
    assert.equal((await tunnel.closed).code, errorRow('bad_message').close, name);
  }
  const large = harness.openTunnel();
  await large.opened;
  large.socket.send(Buffer.alloc(70_000, 0x82));
  assert.equal((await large.closed).code, 1009);

  owner.send({ type: 'ping', value: 3 });
  assert.equal((await owner.next('pong')).value, 3, 'the session there was goes on');
  await end(id);
});

test("an owner's hostile input ends its session alone", async () => {
  const first = await active();
  const second = await active();
  const driver = harness.driver.last;
  second.owner.socket.send(Buffer.from([0x82, 0x01, 0xff, 0x00]));
  assert.equal((await second.owner.next('ended')).code, 'bad_message');
  await until(() => driver.closed);
  assert.equal(harness.pixels.last.end?.code, 'bad_message', 'and who reads of it later knows');
  const { json } = await harness.call('GET', `/api/sessions/${second.id}/end`, { token: admin });
  assert.equal(json.end?.code, 'bad_message');
  assert.deepEqual(
    (await live()).map(({ id }: { id: string }) => id),
    [first.id],
  );
  await end(first.id);
});

test('an owner whose message is too large, or breaks the WebSocket itself, ends its session with bad_message', async () => {
  const attacks: ((owner: TunnelClient) => void)[] = [
    ({ socket }) => socket.send(Buffer.alloc(70_000, 0x82)),
    // A frame of the last fragment, of no message; its sender is asked nothing.
    ({ socket }) => (socket as unknown as { _socket: Duplex })._socket.write(Buffer.from([0x80, 0x80, 0, 0, 0, 0])),
  ];
  for (const attack of attacks) {
    const { owner } = await active();
    const driver = harness.driver.last;
    attack(owner);
    await until(() => driver.closed);
    assert.equal(harness.pixels.last.end?.code, 'bad_message');
  }
});

test('the browser going away ends the session', async () => {
  const { owner } = await active();
  const driver = harness.driver.last;
  owner.socket.terminate();
  await until(() => driver.closed);
  assert.deepEqual(await live(), []);
  assert.equal(harness.pixels.last.end?.code, 'browser_gone');
});

test('an owner that falls behind holds the server back, and only it', async () => {
  const { id, owner } = await active();
  const driver = harness.driver.last;
  const viewer = await shadow(id);
  await viewer.next('hello');
  const chunk = new Uint8Array(HOLD_BYTES / 4);
  let seq = 1;
  while (!driver.paused) {
    driver.events.graphics({ code: UpdateCode.bitmap, data: chunk });
    driver.events.settled();
    seq = (await owner.next('graphics')).seq;
    assert.ok(seq < 10);
  }
  viewer.send({ type: 'ack', seq });
  owner.send({ type: 'ack', seq: seq + 1000 }); // never sent: says nothing
  owner.send({ type: 'ping', value: 1 });
  await owner.next('pong');
  assert.equal(driver.paused, true);
  owner.send({ type: 'ack', seq });
  await until(() => !driver.paused);
  await end(id);
});

test('a live view: announced, view-only, logged, and ended with the session', async () => {
  const { id, owner } = await active();
  const viewer = await shadow(id);
  assert.deepEqual(await viewer.next('hello'), { type: 'hello', version: 1, role: 'shadow', mode: 'regions' });
  const notice = await owner.next('notice');
  assert.deepEqual([notice.code, notice.viewers], ['shadow_started', 1]);
  assert.match(notice.message, /admin/);
  const host = harness.pixels.last;
  host.viewers[0]?.send(encodeGatewayMessage({ type: 'desktop-size', width: 800, height: 600 }), 0);
  assert.equal((await viewer.next('desktop-size')).width, 800);
  viewer.send({ type: 'ack', seq: 9 });
  await until(() => host.acknowledged.includes(9));
  assert.deepEqual(
    (await live())[0].viewers.map(({ username }: { username: string }) => username),
    ['admin'],
  );

  const typing = await shadow(id);
  await typing.next('hello');
  assert.equal((await owner.next('notice')).viewers, 2);
  const typed = harness.driver.last.typed.length;
  typing.send({ type: 'input', events: [{ kind: 'unicode', unit: 65, down: true }] });
  assert.equal((await typing.next('ended')).code, 'forbidden');
  const left = await owner.next('notice');
  assert.deepEqual([left.code, left.viewers], ['shadow_ended', 1]);
  assert.equal(harness.driver.last.typed.length, typed);

  await end(id);
  assert.equal((await owner.next('ended')).code, 'ended_by_user');
  assert.equal((await viewer.next('ended')).code, 'ended_by_user');
  const { json } = await harness.call('GET', `/api/audit?sessionId=${id}`, { token: admin });
  const actions = json.map(({ action }: { action: string }) => action);
  for (const action of ['session.requested', 'session.connected', 'session.watched', 'session.ended']) {
    assert.ok(actions.includes(action), action);
  }
});

test('a live view is silent when the setting says so', async () => {
  await harness.gateway.services.settings.change({ announceShadow: false });
  const { id, owner } = await active();
  const viewer = await shadow(id);
  await viewer.next('hello');
  owner.send({ type: 'ping', value: 1 });
  await owner.next('pong');
  assert.equal(
    owner.messages.some(({ type }) => type === 'notice'),
    false,
  );
  await end(id);
  await harness.gateway.services.settings.change({ announceShadow: true });
});

test('an administrator ends the session of another, who is told', async () => {
  const token = await harness.userWith('user');
  const body = { ...place, width: 800, height: 600 };
  const { json } = await harness.call('POST', '/api/sessions', { token, body });
  const owner = harness.openTunnel();
  await owner.attach(json.ticket);
  await owner.next('hello');
  const stranger = await harness.userWith('user');
  const foreign = await harness.call('DELETE', `/api/sessions/${json.id}`, { token: stranger });
  assert.equal(foreign.status, 403);
  assert.deepEqual((await harness.call('GET', '/api/sessions', { token: stranger })).json, []);
  assert.equal((await harness.call('GET', `/api/sessions/${json.id}`, { token: stranger })).status, 404);
  assert.equal((await harness.call('POST', `/api/sessions/${json.id}/watch`, { token })).status, 403);
  assert.equal((await end(json.id)).status, 204);
  assert.equal((await owner.next('ended')).code, 'ended_by_admin');
});

test('a disabled user loses the running session', async () => {
  const token = await harness.userWith('user');
  const me = (await harness.call('GET', '/api/me', { token })).json;
  const body = { ...place, width: 800, height: 600 };
  const { json } = await harness.call('POST', '/api/sessions', { token, body });
  const owner = harness.openTunnel();
  await owner.attach(json.ticket);
  await owner.next('hello');
  await harness.call('PATCH', `/api/users/${me.id}`, { token: admin, body: { disabled: true } });
  assert.equal((await owner.next('ended')).code, 'ended_by_admin');
});

test('an administrator who is one no longer loses the live view, and the ticket for one', async () => {
  const { id, owner } = await active();
  const { users, tickets } = harness.gateway.services;
  const second = await users.create('deputy', 'password of deputy', ['admin']);
  const deputy = await harness.signIn('deputy', 'password of deputy');
  const { json } = await harness.call('POST', `/api/sessions/${id}/watch`, { token: deputy });
  const viewer = harness.openTunnel();
  await viewer.attach(json.ticket);
  await viewer.next('hello');
  const signIn = referenceOf(deputy);
  const unused = await tickets.issue({ sessionId: id, role: 'shadow', user: second, signIn, signInEndsAt: 1e15 });
  await harness.call('PATCH', `/api/users/${second.id}`, { token: admin, body: { roles: ['user'] } });
  assert.equal((await viewer.next('ended')).code, 'forbidden');
  const late = harness.openTunnel();
  await late.attach(unused);
  assert.equal((await late.next('ended')).code, 'forbidden');
  owner.send({ type: 'ping', value: 5 });
  await owner.next('pong');
  await end(id);
});

test("what ends at the server ends at the browser, in the server's words where it has some", async () => {
  const first = await active();
  harness.driver.last.events.closed('logon_failed', 'detail for the log');
  const ended = await first.owner.next('ended');
  assert.deepEqual(
    [ended.code, ended.message, ended.hint],
    ['logon_failed', errorRow('logon_failed').message, errorRow('logon_failed').hint],
  );
  assert.equal((await first.owner.closed).code, errorRow('logon_failed').close);
  const second = await active();
  harness.driver.last.events.closed('disconnected_by_server', '', { message: 'Another user signed in.' });
  assert.equal((await second.owner.next('ended')).message, 'Another user signed in.');
});

test('no recording, no session; and a recording that fails ends it', async () => {
  harness.pixels.refusal = new GatewayError('recorder_unavailable', 'no ffmpeg');
  const { ticket } = await open();
  const connections = harness.driver.connections.length;
  const owner = harness.openTunnel();
  await owner.attach(ticket);
  assert.equal((await owner.next('ended')).code, 'recorder_unavailable');
  assert.equal(harness.driver.connections.length, connections, 'the target was not even reached');
  harness.pixels.refusal = undefined;

  const { owner: second } = await active();
  harness.pixels.last.options.failed('disk full', 'recording_failed');
  assert.equal((await second.next('ended')).code, 'recording_failed');
});

test('pictures of every size come whole, and in order with what is said between them', async () => {
  const { id, owner } = await active();
  const { events } = harness.driver.last;
  // Around the sizes at which the length of a WebSocket's message is written another way; ten bytes of them are heads.
  const sizes = [0, 115, 116, 65_525, 65_526, 200_000];
  for (const [i, size] of sizes.entries()) {
    const data = Uint8Array.from({ length: size }, (_, at) => (at * 7 + i) & 0xff);
    events.graphics({ code: UpdateCode.surfaceCommands, data });
    events.notice({ code: `after_${i}`, message: 'x' });
    assert.equal((await owner.next('notice')).code, `after_${i}`);
    assert.ok(owner.messages.some(({ type }) => type === 'graphics'));
    const { updates } = await owner.next('graphics');
    assert.equal(updates.length, 1);
    assert.deepEqual(Uint8Array.from(updates[0]!.data), data);
  }
  await end(id);
});

test('a session that nobody attaches to is over in time', async () => {
  const impatient = await startHarness({}, 50);
  const token = await impatient.signIn('admin', ADMIN_PASSWORD);
  const body = { ...(await impatient.target()), width: 800, height: 600 };
  const { json } = await impatient.call('POST', '/api/sessions', { token, body });
  await until(async () => (await impatient.call('GET', '/api/sessions', { token })).json.length === 0);
  const late = impatient.openTunnel();
  await late.attach(json.ticket);
  assert.equal((await late.next('ended')).code, 'not_found');
  const silent = impatient.openTunnel();
  await silent.opened;
  assert.equal((await silent.next('ended')).code, 'ticket_invalid');
  await impatient.stop();
});

test('stopping the gateway ends sessions with a reason and keeps their recordings', async () => {
  const stopping = await startHarness();
  const token = await stopping.signIn('admin', ADMIN_PASSWORD);
  const body = { ...(await stopping.target()), width: 800, height: 600 };
  const { json } = await stopping.call('POST', '/api/sessions', { token, body });
  const owner = stopping.openTunnel();
  await owner.attach(json.ticket);
  await owner.next('hello');
  await until(() => stopping.driver.connections.length === 1);
  stopping.driver.last.events.connected();
  const { history } = stopping.gateway.services;
  await until(() =>
    history.recording(json.id).then(
      () => true,
      () => false,
    ),
  );
  const stopped = stopping.gateway.stop();
  assert.equal((await owner.next('ended')).code, 'gateway_stopping');
  await stopped;
  await rm(stopping.dataDirectory, { recursive: true });
  assert.equal(stopping.driver.last.closed, true);
});
