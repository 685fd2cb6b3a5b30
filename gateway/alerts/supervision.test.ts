import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { encodeClipboardText } from '#protocol/channels/cliprdr/text.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { partsOfText } from '#protocol/tunnel/messages.ts';
import type { TimeWindow } from '../access/time-windows.ts';
import { sessionClock } from '../clock.ts';
import { ADMIN_PASSWORD, type Harness, startHarness, type TunnelClient, until } from '../testing/harness.ts';
import type { AlertAction, AlertCondition } from './alert-rules.ts';

/** Freezing, messages, ends with a reason and alerts, through the API and the tunnel of a real gateway. */
let harness: Harness;
let admin: string;
let jane: string;
let place: { targetId: string; accountId: string };

before(async () => {
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  jane = await harness.userWith('user');
});
after(() => harness.stop());
beforeEach(async () => {
  place = await harness.target();
  for (const { id } of (await call('GET', '/api/alert-rules')).json) await call('DELETE', `/api/alert-rules/${id}`);
});

const call = (method: string, path: string, body?: unknown, token = admin) =>
  harness.call(method, path, body === undefined ? { token } : { token, body });
const key = (code: number, down = true): InputEvent => ({ kind: 'scancode', code, extended: false, down });
const facts = async (id: string) => (await call('GET', `/api/sessions/${id}`)).json;
const auditOf = async (action: string, id: string) =>
  (await call('GET', `/api/audit?action=${action}`)).json.filter(
    (entry: { sessionId: string }) => entry.sessionId === id,
  );
const eventsOf = (id: string, type: string) =>
  harness.pixels.sessions
    .filter(({ options }) => options.sessionId === id)
    .flatMap(({ events }) => events.filter((event) => event.type === type));

interface Open {
  readonly id: string;
  readonly owner: TunnelClient;
  readonly typed: () => InputEvent[];
  type(events: readonly InputEvent[]): Promise<void>;
}

/** A session of jane's whose desktop is there. */
async function open(): Promise<Open> {
  const { json } = await call('POST', '/api/sessions', { ...place, width: 800, height: 600 }, jane);
  const owner = harness.openTunnel();
  await owner.attach(json.ticket);
  await owner.next('hello');
  const connection = () => harness.driver.connections.find(({ options }) => options.sessionId === json.id);
  await until(() => connection() !== undefined);
  connection()?.events.connected();
  connection()?.events.graphics({ code: UpdateCode.desktopReset, data: Uint8Array.of(32, 3, 88, 2) });
  connection()?.events.settled();
  await owner.next('graphics');
  return {
    id: json.id,
    owner,
    typed: () => connection()?.typed ?? [],
    async type(events) {
      owner.send({ type: 'input', events });
      // What the gateway answers to afterwards, it has read before.
      owner.send({ type: 'ping', value: 1 });
      await owner.next('pong');
    },
  };
}

async function rule(condition: AlertCondition, action: AlertAction, tellUser = false): Promise<string> {
  const { status, json } = await call('POST', '/api/alert-rules', { name: 'The rule', condition, action, tellUser });
  assert.equal(status, 201);
  return json.id;
}

const tick = (wall: number, now = sessionClock()) => {
  const { alerts, sessions } = harness.gateway.services;
  alerts.tick(sessions.list(), wall, now);
};

test('a frozen session takes no input, lets go of what is held, and says so to owner, viewer, log and audit', async () => {
  const { id, owner, typed, type } = await open();
  const watch = await call('POST', `/api/sessions/${id}/watch`);
  const viewer = harness.openTunnel();
  await viewer.attach(watch.json.ticket);
  await viewer.next('hello');
  await owner.next('notice'); // she is watched
  await type([key(0x1e)]);
  const { status, json } = await call('POST', `/api/sessions/${id}/freeze`, { reason: 'wrong server' });
  assert.equal(status, 200);
  assert.equal(json.frozen.by, 'admin');
  assert.equal(json.frozen.reason, 'wrong server');
  const told = { code: 'frozen', message: 'Keyboard and mouse are held back: wrong server', from: 'admin' };
  assert.deepEqual(await owner.next('notice'), { type: 'notice', ...told });
  assert.deepEqual(await viewer.next('notice'), { type: 'notice', ...told });
  assert.deepEqual(typed(), [key(0x1e), key(0x1e, false)]);
  await type([key(0x30), { kind: 'mouse-button', button: 1, down: true, x: 1, y: 1 }]);
  assert.equal(typed().length, 2);
  // A server that is lost and comes back changes nothing about it.
  const connection = harness.driver.connections.find(({ options }) => options.sessionId === id);
  connection?.events.phase('reconnecting');
  connection?.events.phase('connected');
  await type([key(0x30)]);
  assert.equal(typed().length, 2);
  assert.equal((await call('POST', `/api/sessions/${id}/unfreeze`)).json.frozen, null);
  assert.equal((await owner.next('notice')).code, 'unfrozen');
  assert.equal((await viewer.next('notice')).code, 'unfrozen');
  await type([key(0x30)]);
  assert.deepEqual(typed().at(-1), key(0x30));
  const by = { id: (await call('GET', '/api/me')).json.id, username: 'admin' };
  assert.deepEqual(eventsOf(id, 'frozen')[0]?.fields, { user: by, reason: 'wrong server' });
  assert.deepEqual(eventsOf(id, 'unfrozen')[0]?.fields, { user: by });
  const [entry] = await auditOf('session.frozen', id);
  assert.equal(entry.actor, 'admin');
  assert.equal(entry.details.reason, 'wrong server');
  assert.equal((await auditOf('session.unfrozen', id)).length, 1);
  await call('DELETE', `/api/sessions/${id}`);
});

test('nobody gets out of a freeze by closing the tab, or with another one beside it', async () => {
  const first = await open();
  await call('POST', `/api/sessions/${first.id}/freeze`, {});
  const beside = await open();
  assert.equal((await facts(beside.id)).frozen.by, 'admin');
  assert.deepEqual(eventsOf(beside.id, 'frozen').length, 1);
  for (const { owner } of [first, beside]) owner.send({ type: 'end-session' });
  await Promise.all([first.owner.closed, beside.owner.closed]);
  const next = await open();
  assert.equal((await next.owner.next('notice')).code, 'frozen');
  await next.type([key(0x1e)]);
  assert.deepEqual(next.typed(), []);
  await call('POST', `/api/sessions/${next.id}/unfreeze`);
  next.owner.send({ type: 'end-session' });
  await next.owner.closed;
  const free = await open();
  assert.equal((await facts(free.id)).frozen, null);
  await call('DELETE', `/api/sessions/${free.id}`);
});

test('a freeze is not lost with a session that never got so far, or ended by itself', async () => {
  const first = await open();
  await call('POST', `/api/sessions/${first.id}/freeze`, {});
  const { sessions } = harness.gateway.services;
  const codes = ['logon_failed', 'credential_not_given', 'logged_off', 'connection_lost', 'access_expired'] as const;
  let { id } = first;
  for (const code of codes) {
    sessions.get(id).end(code);
    ({ id } = (await call('POST', '/api/sessions', { ...place, width: 800, height: 600 }, jane)).json);
    assert.equal((await facts(id)).frozen.by, 'admin', code);
  }
  await call('DELETE', `/api/sessions/${id}`);
  const free = await open();
  assert.equal((await facts(free.id)).frozen, null, 'who ends it has decided');
  await call('DELETE', `/api/sessions/${free.id}`);
});

test('who is not told that she is watched, or of a rule that was fired, does not read it either', async () => {
  for (const told of [false, true]) {
    await call('PATCH', '/api/settings', { announceShadow: told });
    await rule({ kind: 'typed-text', pattern: 'a', matchCase: false }, 'alert', told);
    const { id, type } = await open();
    const viewer = harness.openTunnel();
    await viewer.attach((await call('POST', `/api/sessions/${id}/watch`)).json.ticket);
    await viewer.next('hello');
    await type([key(0x1e)]);
    const byAdmin = await facts(id);
    assert.deepEqual([byAdmin.viewers.length, byAdmin.alerts.length], [1, told ? 2 : 1]);
    const { json: one } = await call('GET', `/api/sessions/${id}`, undefined, jane);
    const { json: list } = await call('GET', '/api/sessions', undefined, jane);
    for (const shown of [one, list.find((session: { id: string }) => session.id === id)]) {
      assert.deepEqual([shown.viewers.length, shown.alerts.length], told ? [1, 1] : [0, 0]);
    }
    await call('DELETE', `/api/sessions/${id}`);
  }
});

test('a frozen session is not idle, and is counted anew once it is released', async () => {
  const { id } = await open();
  await call('POST', `/api/sessions/${id}/freeze`);
  const session = harness.gateway.services.sessions.get(id);
  assert.equal(session.idleSince, undefined);
  const before = sessionClock();
  await call('POST', `/api/sessions/${id}/unfreeze`);
  assert.ok((session.idleSince ?? 0) >= Math.floor(before));
  await call('DELETE', `/api/sessions/${id}`);
});

test('how a recording is doing is told as the pixel host said last', async () => {
  const { id } = await open();
  assert.equal((await facts(id)).recordingHealth, null);
  const { options } = harness.pixels.sessions.find(({ options: { sessionId } }) => sessionId === id) ?? {};
  const begun = Date.now() - 5000;
  options?.health?.({ segments: 1, segmentStartedAt: begun, bytes: 10, behindMs: 99.6, savedAt: undefined });
  const { reportedAt, ...health } = (await facts(id)).recordingHealth;
  assert.deepEqual(health, {
    segments: 1,
    segmentStartedAt: new Date(begun).toISOString(),
    bytes: 10,
    behindMs: 100,
    savedAt: null,
  });
  assert.ok(Date.parse(reportedAt) >= begun);
  await call('DELETE', `/api/sessions/${id}`);
});

test('a message is shown to the owner, and written down', async () => {
  const { id, owner } = await open();
  assert.equal((await call('POST', `/api/sessions/${id}/message`, { text: 'Please save.\n<b>Now</b>' })).status, 204);
  const notice = { type: 'notice', code: 'message', message: 'Please save.\n<b>Now</b>', from: 'admin' };
  assert.deepEqual(await owner.next('notice'), notice);
  assert.equal(eventsOf(id, 'message')[0]?.fields.text, 'Please save.\n<b>Now</b>');
  assert.equal((await auditOf('session.messaged', id))[0].details.text, 'Please save.\n<b>Now</b>');
  for (const text of ['', '  ', 'x'.repeat(501), 'bell\u0007']) {
    assert.equal((await call('POST', `/api/sessions/${id}/message`, { text })).status, 400);
  }
  await call('DELETE', `/api/sessions/${id}`);
});

test('whoever ends a session says why, and its owner reads it', async () => {
  const { id, owner } = await open();
  assert.equal((await call('DELETE', `/api/sessions/${id}`, { reason: 'The server is restarted.' })).status, 204);
  const ended = await owner.next('ended');
  assert.equal(ended.code, 'ended_by_admin');
  assert.equal(ended.message, 'An administrator ended the session. The server is restarted.');
  assert.equal((await auditOf('session.terminated', id))[0].details.reason, 'The server is restarted.');
  assert.equal(eventsOf(id, 'ended')[0]?.fields.message, ended.message);
});

/** `rm -rf` on a US keyboard. */
const TYPED = [0x13, 0x32, 0x39, 0x0c, 0x13, 0x21].flatMap((code) => [key(code), key(code, false)]);
const typedText: AlertCondition = { kind: 'typed-text', pattern: 'rm -rf', matchCase: true };

test('copied text that a rule freezes for does not pass, in either direction, and is not in what is told', async () => {
  const ruleId = await rule({ kind: 'clipboard-text', pattern: 'swordf[a-z]+', matchCase: false }, 'freeze');
  const { id, owner } = await open();
  const connection = harness.driver.connections.find(({ options }) => options.sessionId === id);
  assert.ok(connection);
  const { clipboardActions: actions, events, options } = connection;
  assert.equal(options.clipboard, true);
  const desktop = (output: ClipboardOutput) => events.clipboard?.(output);
  desktop({ kind: 'clipboard-ready', files: true, locks: true, hugeFiles: true });
  for (const part of partsOfText('the Swordfish')) owner.send({ type: 'clipboard-offer', ...part });
  await until(() => actions.some(({ kind }) => kind === 'offer'));
  desktop({ kind: 'clipboard-wanted', formatId: 13 });
  assert.deepEqual(actions.at(-1), { kind: 'respond', data: undefined });
  assert.equal((await facts(id)).frozen.by, 'rule “The rule”');
  await call('POST', `/api/sessions/${id}/unfreeze`);
  desktop({ kind: 'clipboard-offered', formats: [{ id: 13, name: '' }] });
  assert.deepEqual(actions.at(-1), { kind: 'request', formatId: 13 });
  desktop({ kind: 'clipboard-data', formatId: 13, data: encodeClipboardText('swordfight'), tooLarge: false });
  assert.equal((await facts(id)).frozen.by, 'rule “The rule”');
  assert.deepEqual(
    eventsOf(id, 'clipboard').map(({ fields }) => [fields.direction, fields.refused, fields.text]),
    [
      ['to-desktop', 'rule', undefined],
      ['from-desktop', 'rule', undefined],
    ],
  );
  await until(async () => (await auditOf('session.alert', id)).length === 2);
  const written = JSON.stringify([await auditOf('session.alert', id), eventsOf(id, 'alert'), harness.log]);
  assert.ok(!/swordf/i.test(written.replaceAll('swordf[a-z]+', '')));
  assert.ok(!owner.messages.some(({ type }) => type === 'clipboard-text'));
  await call('DELETE', `/api/sessions/${id}`);
  await call('DELETE', `/api/alert-rules/${ruleId}`);
});

test('typed text that freezes: the key that completes it does not get through, and is not in what is told', async () => {
  await rule(typedText, 'freeze', true);
  const { id, owner, typed, type } = await open();
  await type(TYPED);
  const downs = typed().filter((event) => event.kind === 'scancode' && event.down);
  assert.deepEqual(downs, TYPED.filter((event) => event.kind === 'scancode' && event.down).slice(0, -1));
  assert.equal((await owner.next('notice')).code, 'alert');
  const frozen = await owner.next('notice');
  assert.equal(frozen.message, 'Keyboard and mouse are held back: The rule');
  const { alerts } = await facts(id);
  assert.deepEqual([alerts.length, alerts[0].kind, alerts[0].action], [1, 'typed-text', 'freeze']);
  await until(async () => (await auditOf('session.alert', id)).length === 1);
  const told = async () => (await call('GET', '/api/notifications')).json.notifications;
  await until(async () => (await told()).some(({ kind }: { kind: string }) => kind === 'session.alert'));
  const written = JSON.stringify([
    await told(),
    await auditOf('session.alert', id),
    eventsOf(id, 'alert'),
    harness.log,
  ]);
  assert.ok(!written.includes('rm -rf'));
  await call('DELETE', `/api/sessions/${id}`);
});

test('the owner does not read which rule froze the session where the rule is not to be told, also in the next one', async () => {
  await rule(typedText, 'freeze');
  const first = await open();
  await first.type(TYPED);
  const told = { message: 'Keyboard and mouse are held back', from: 'a rule' };
  const { message, from } = await first.owner.next('notice');
  assert.deepEqual({ message, from }, told);
  const by = async (id: string, token = admin) =>
    (await call('GET', `/api/sessions/${id}`, undefined, token)).json.frozen.by;
  assert.deepEqual([await by(first.id), await by(first.id, jane)], ['rule “The rule”', 'a rule']);
  first.owner.socket.close();
  await until(async () => (await call('GET', `/api/sessions/${first.id}`)).status === 404);
  const next = await open();
  const again = await next.owner.next('notice');
  assert.deepEqual({ message: again.message, from: again.from }, told);
  assert.deepEqual([await by(next.id), await by(next.id, jane)], ['rule “The rule”', 'a rule']);
  await call('POST', `/api/sessions/${next.id}/unfreeze`);
  await call('DELETE', `/api/sessions/${next.id}`);
});

test('typed text that ends, and typed text that only alerts', async () => {
  const ending = await rule(typedText, 'end');
  const first = await open();
  first.owner.send({ type: 'input', events: TYPED });
  assert.equal((await first.owner.next('ended')).code, 'ended_by_rule');
  await call('PATCH', `/api/alert-rules/${ending}`, { action: 'alert' });
  const second = await open();
  await second.type(TYPED);
  assert.equal(second.typed().length, TYPED.length);
  await second.type(TYPED);
  const { alerts, frozen } = await facts(second.id);
  assert.equal(alerts.length, 2, 'it was typed twice');
  assert.equal(frozen, null);
  await call('DELETE', `/api/sessions/${second.id}`);
});

/** Today and tomorrow: the gateway holds sessions against its rules as well, every second and by its own clock. */
const today = new Date().getUTCDay() || 7;
const office: TimeWindow = { days: [today, (today % 7) + 1], from: '00:00', to: '00:00' };
const inThreeDays = () => Date.now() + 3 * 86_400_000;
const later = (minutes: number) => sessionClock() + minutes * 60_000;
const conditions: readonly [AlertCondition, wall: () => number, now: () => number][] = [
  [{ kind: 'too-long', minutes: 30 }, Date.now, () => later(31)],
  [{ kind: 'odd-hour', windows: [office], timeZone: 'UTC' }, inThreeDays, () => sessionClock()],
  [{ kind: 'idle', minutes: 5 }, Date.now, () => later(6)],
];

for (const [condition, wall, now] of conditions) {
  for (const action of ['alert', 'freeze', 'end'] as const) {
    test(`${condition.kind} with ${action}`, async () => {
      const { id, owner } = await open();
      await rule(condition, action);
      tick(Date.now());
      assert.equal((await facts(id)).alerts.length, 0, 'not yet');
      tick(wall(), now());
      tick(wall(), now());
      if (action === 'end') {
        assert.equal((await owner.next('ended')).code, 'ended_by_rule');
      } else {
        const { alerts, frozen } = await facts(id);
        assert.equal(alerts.length, 1, 'once, while it lasts');
        assert.equal(frozen !== null, action === 'freeze');
        await call('DELETE', `/api/sessions/${id}`);
      }
      await until(async () => (await auditOf('session.alert', id)).length === 1);
      assert.equal((await auditOf('session.alert', id))[0].details.kind, condition.kind);
      assert.equal(eventsOf(id, 'alert').length, 1);
    });
  }
}

for (const per of ['user', 'target', 'account'] as const) {
  test(`too many sessions of one ${per}: the last ones are ended`, async () => {
    const first = await open();
    const second = await open();
    await rule({ kind: 'too-many', sessions: 1, per }, 'end');
    tick(Date.now());
    assert.equal((await second.owner.next('ended')).code, 'ended_by_rule');
    assert.deepEqual((await facts(first.id)).alerts, []);
    await call('DELETE', `/api/sessions/${first.id}`);
  });
}

test('rules that make no sense are refused', async () => {
  const bad: unknown[] = [
    { kind: 'typed-text', pattern: '(', matchCase: true },
    { kind: 'typed-text', pattern: 'x*', matchCase: true },
    { kind: 'odd-hour', windows: [office], timeZone: 'Moon/Sea' },
    { kind: 'odd-hour', windows: [], timeZone: 'UTC' },
    { kind: 'idle', minutes: 0 },
    { kind: 'too-many', sessions: 1, per: 'planet' },
    { kind: 'unheard' },
  ];
  for (const condition of bad) {
    const { status } = await call('POST', '/api/alert-rules', { name: 'bad', condition });
    assert.equal(status, 400, JSON.stringify(condition));
  }
});

test('a rule is kept, changed and removed, each written down', async () => {
  const id = await rule({ kind: 'idle', minutes: 5 }, 'alert');
  const changed = await call('PATCH', `/api/alert-rules/${id}`, { enabled: false, name: 'Quiet' });
  assert.deepEqual(changed.json, (await call('GET', `/api/alert-rules/${id}`)).json);
  assert.equal(changed.json.name, 'Quiet');
  assert.deepEqual(changed.json.condition, { kind: 'idle', minutes: 5 });
  assert.equal((await call('DELETE', `/api/alert-rules/${id}`)).status, 204);
  assert.equal((await call('GET', `/api/alert-rules/${id}`)).status, 404);
  const actions = (await call('GET', '/api/audit')).json.map(({ action }: { action: string }) => action);
  for (const what of ['created', 'changed', 'deleted']) assert.ok(actions.includes(`alert_rule.${what}`), what);
});
