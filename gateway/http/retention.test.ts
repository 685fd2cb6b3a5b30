import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import type { RecordingEvent } from '../evidence/evidence.ts';
import { DAY_MS } from '../retention/policy.ts';
import { RetentionSettings } from '../retention/retention-settings.ts';
import { openStore } from '../store/store.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, startHarness, until } from '../testing/harness.ts';

const harness = await startHarness();
after(() => harness.stop());
const { services } = harness.gateway;
const admin = await harness.signIn('admin', ADMIN_PASSWORD);
const auditor = await harness.userWith('auditor');
const user = await harness.userWith('user');
const NONE = { maxAgeDays: null, maxBytes: null };

afterEach(async () => {
  harness.storage.room = { free: 100e9, total: 200e9 };
  harness.storage.refusal = undefined;
  harness.live.found = undefined;
  await must('PATCH', '/api/retention', { default: NONE, watermarks: { warnFreeBytes: 5e9, stopFreeBytes: 1e9 } });
  await services.retention.sweep();
});

async function must(method: string, path: string, body?: unknown, token = admin) {
  const answer = await harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

const { targetId, accountId } = await harness.target();

async function begin() {
  const { json } = await harness.call('POST', '/api/sessions', {
    token: admin,
    body: { targetId, accountId, width: 800, height: 600 },
  });
  const before = harness.driver.connections.length;
  await harness.openTunnel().attach(json.ticket);
  await until(() => harness.driver.connections.length > before);
  harness.driver.last.events.connected();
  await until(async () => (await harness.call('GET', `/api/recordings/${json.id}`, { token: admin })).status === 200);
  return json.id as string;
}

/** A finished recording, which ended that many days ago. */
async function recorded(days = 0, bytes = 5678, durationMs = 60_000): Promise<string> {
  const id = await begin();
  harness.pixels.last.result = { durationMs, bytes };
  await must('DELETE', `/api/sessions/${id}`);
  await until(async () => (await must('GET', `/api/recordings/${id}`)).state === 'ready');
  // What is asynchronous after that has looked at the rules, too.
  await services.retention.sweep();
  await age(id, days);
  return id;
}

async function age(id: string, days: number): Promise<void> {
  const database = openGatewayDatabase(harness.dataDirectory);
  database.prepare('update sessions set ended_at = ended_at - ? where id = ?').run(Math.round(days * DAY_MS), id);
  database.close();
}

const actions = async (id: string) =>
  ((await must('GET', `/api/audit?sessionId=${id}`)) as { action: string; details: Record<string, unknown> }[]).filter(
    ({ action }) => /^recording\.(deleted|held|hold_lifted|viewed)$/.test(action),
  );

test('what is too old goes with all that is known of it; what is held stays, and goes once the hold is lifted', async () => {
  harness.evidence.found = [
    { n: 0, at: 0, t: 5, type: 'request', prev: '', user: { username: 'findme' } } as RecordingEvent,
  ];
  const [old, held, young] = [await recorded(31), await recorded(31), await recorded(29)];
  await must('POST', `/api/recordings/${old}/verification`);
  const hold = await must('POST', `/api/recordings/${held}/hold`, { reason: ' case 7 ' }, auditor);
  assert.deepEqual([hold.by, hold.reason], ['auditor1', 'case 7']);
  const again = await harness.call('POST', `/api/recordings/${held}/hold`, { token: admin, body: { reason: 'x' } });
  assert.equal(again.json.error.code, 'conflict');
  const search = async () =>
    ((await must('GET', '/api/recordings?search=findme')) as { id: string }[]).map(({ id }) => id);
  assert.deepEqual(new Set(await search()), new Set([old, held, young]));

  await must('PATCH', '/api/retention', { default: { maxAgeDays: 30, maxBytes: null } });
  await until(async () => (await must('GET', `/api/recordings/${old}`)).state === 'deleted');
  await services.retention.sweep();
  assert.deepEqual(harness.storage.destroyed, [old]);
  const gone = await must('GET', `/api/recordings/${old}`);
  assert.deepEqual([gone.deletedBy, typeof gone.deletedAt], ['age', 'string']);
  for (const part of ['video.mp4', 'thumbnail.jpg', 'evidence.zip']) {
    const answer = await harness.call('GET', `/api/recordings/${old}/${part}`, { token: admin });
    assert.equal(answer.status, 404, `${part}: ${answer.text}`);
  }
  assert.equal((await harness.call('GET', `/api/recordings/${old}/verification`, { token: admin })).json, null);
  assert.deepEqual(new Set(await search()), new Set([held, young]));
  const listed = (query: string) => must('GET', `/api/recordings?${query}`) as Promise<{ id: string; held: boolean }[]>;
  assert.ok(!(await listed('')).some(({ id }) => id === old), 'a deleted one is not in the library');
  assert.deepEqual(
    (await listed('state=deleted')).map(({ id }) => id),
    [old],
  );
  assert.deepEqual(
    (await listed('held=true')).map(({ id }) => id),
    [held],
  );
  const [deleted] = await actions(old);
  assert.deepEqual(deleted?.details, { owner: 'admin', reason: 'age', maxAgeDays: 30, bytes: 5678 });
  // What is gone cannot be held any more.
  const late = await harness.call('POST', `/api/recordings/${old}/hold`, { token: admin, body: { reason: 'x' } });
  assert.equal(late.status, 404);

  const kept = await must('GET', `/api/recordings/${young}/retention`, undefined, auditor);
  const left = (Date.parse(kept.keptUntil) - Date.now()) / DAY_MS;
  assert.ok(Math.abs(left - 1) < 0.01, `${left} days left`);
  const heldSays = await must('GET', `/api/recordings/${held}/retention`, undefined, auditor);
  assert.deepEqual([heldSays.keptUntil, heldSays.hold.reason], [null, 'case 7']);

  await must('DELETE', `/api/recordings/${held}/hold`, undefined, auditor);
  await until(async () => (await must('GET', `/api/recordings/${held}`)).state === 'deleted');
  assert.deepEqual(
    (await actions(held)).map(({ action }) => action),
    ['recording.deleted', 'recording.hold_lifted', 'recording.held'],
  );
});

test('by size, target by target; a deletion that fails is tried again and claims nothing meanwhile', async () => {
  const [older, newer] = [await recorded(2, 600_000), await recorded(1, 600_000)];
  harness.storage.refusal = new Error('the disk is read-only');
  const answer = await must('PATCH', `/api/retention/targets/${targetId}`, { maxAgeDays: null, maxBytes: 1_000_000 });
  assert.deepEqual(answer.targets, [
    { target: { id: targetId, name: 'server' }, rule: { maxAgeDays: null, maxBytes: 1_000_000 } },
  ]);
  await until(async () => (await must('GET', `/api/recordings/${older}`)).state === 'deleted');
  await services.retention.sweep();
  assert.equal((await must('GET', `/api/recordings/${older}`)).deletedAt, null);
  assert.ok(!harness.storage.destroyed.includes(older));
  harness.storage.refusal = undefined;
  await services.retention.sweep();
  assert.ok(harness.storage.destroyed.includes(older));
  assert.notEqual((await must('GET', `/api/recordings/${older}`)).deletedAt, null);
  assert.equal((await must('GET', `/api/recordings/${newer}`)).state, 'ready');

  await must('DELETE', `/api/retention/targets/${targetId}`);
  assert.deepEqual((await must('GET', '/api/retention')).targets, []);
  const none = await harness.call('DELETE', `/api/retention/targets/${targetId}`, { token: admin });
  assert.equal(none.status, 404);
});

test('no session that must be recorded begins on a full disk; low and full are written down once', async () => {
  const open = () =>
    harness.call('POST', '/api/sessions', { token: admin, body: { targetId, accountId, width: 800, height: 600 } });
  harness.storage.room = { free: 0.9e9, total: 200e9 };
  const refused = await open();
  assert.equal(refused.status, 507);
  assert.equal(refused.json.error.code, 'storage_full');
  assert.equal(refused.json.error.detail, '900 MB are free, and 1000 MB are kept for sessions that go on');
  await services.retention.sweep();
  await services.retention.sweep();
  harness.storage.room = { free: 2e9, total: 200e9 };
  const allowed = await open();
  assert.equal(allowed.status, 201);
  await must('DELETE', `/api/sessions/${allowed.json.id}`);
  await services.retention.sweep();
  harness.storage.room = { free: 20e9, total: 200e9 };
  await services.retention.sweep();
  const audit = (await must('GET', '/api/audit?limit=1000')) as { action: string }[];
  assert.deepEqual(
    audit.map(({ action }) => action).filter((action) => action.startsWith('storage.')),
    ['storage.recovered', 'storage.low', 'storage.full'],
  );
  const told = (await must('GET', '/api/notifications')) as unknown;
  const titles = JSON.stringify(told).match(/The disk for recordings is \w+|There is room for recordings again/g);
  assert.deepEqual(
    new Set(titles),
    new Set([
      'The disk for recordings is full',
      'The disk for recordings is low',
      'There is room for recordings again',
    ]),
  );
  // The marks are the administrator's own.
  await must('PATCH', '/api/retention', { watermarks: { warnFreeBytes: 50e9, stopFreeBytes: 30e9 } });
  assert.equal((await open()).json.error.code, 'storage_full');
  const odd = { watermarks: { warnFreeBytes: 1, stopFreeBytes: 2 } };
  assert.equal((await harness.call('PATCH', '/api/retention', { token: admin, body: odd })).status, 400);
  // Where nothing is known of the disk, nothing is forbidden because of it.
  harness.storage.room = undefined;
  const unknown = await open();
  assert.equal(unknown.status, 201);
  await must('DELETE', `/api/sessions/${unknown.json.id}`);
});

test('the storage report: what there is, how it grows, how long it lasts', async () => {
  const { minutes: before = 0 } = (await must('GET', '/api/storage')).targets[0] ?? {};
  await recorded(0, 2_000_000, 32_400);
  const report = await must('GET', '/api/storage');
  const [row] = report.targets;
  assert.equal(row.minutes.toFixed(2), (before + 0.54).toFixed(2), 'parts of a minute count');
  assert.deepEqual([report.state, report.freeBytes, row.target.name], ['ok', 100e9, 'server']);
  assert.equal(row.bytes, report.bytes);
  assert.ok(row.bytesPerDay >= 2_000_000, `${row.bytesPerDay} bytes a day`);
  assert.equal(report.daysLeft, Math.floor(99e9 / row.bytesPerDay));
  assert.ok(row.kbPerMinute > 0);
  await must('PATCH', '/api/retention', { default: { maxAgeDays: 7, maxBytes: null } });
  const ends = await must('GET', '/api/storage');
  assert.equal(ends.daysLeft, null, 'the rule ends the growth before the disk is full');
  assert.equal(ends.targets[0].bytesInTheEnd, row.bytesPerDay * 7);
  // A target of which there is nothing yet is in the plan, so that it can have a rule.
  const { targetId: unused } = await harness.target();
  const planned = (await must('GET', '/api/storage')).targets as { target: { id: string }; kbPerMinute: null }[];
  assert.equal(planned.find(({ target }) => target.id === unused)?.kbPerMinute, null);
});

test('in the storage report a target is called what it is called now', async () => {
  const report = await must('GET', '/api/storage');
  const { id, name } = report.targets[0].target;
  await must('PATCH', `/api/targets/${id}`, { name: 'archive' });
  assert.equal((await must('GET', '/api/storage')).targets[0].target.name, 'archive');
  await must('PATCH', `/api/targets/${id}`, { name });
});

test('a recording that goes on is there piece by piece, and watching it is one viewing', async (context) => {
  const id = await begin();
  const waiting = await harness.call('GET', `/api/recordings/${id}/live`, { token: auditor });
  assert.equal(waiting.json.error.code, 'not_ready');
  harness.live.found = {
    startedAt: Date.now() - 5000,
    segments: [{ startMs: 0, width: 800, height: 600, ended: false }],
  };
  harness.live.bytes = new TextEncoder().encode('segment');
  // A clock that somebody sets back does not bend it.
  const wall = Date.now;
  context.mock.method(Date, 'now', () => wall() - 10_000);
  const list = await must('GET', `/api/recordings/${id}/live`, undefined, auditor);
  context.mock.restoreAll();
  assert.deepEqual(list.segments, harness.live.found.segments);
  assert.ok(list.now >= 5000);
  assert.equal(harness.pixels.last.timesWatched, 2, 'the recorder is told, so that it is not far behind');
  const piece = await harness.call('GET', `/api/recordings/${id}/live/0?from=3`, { token: auditor });
  assert.deepEqual([piece.text, piece.headers['content-type']], ['ment', 'video/mp4']);
  const empty = await harness.call('GET', `/api/recordings/${id}/live/0?from=7`, { token: auditor });
  assert.deepEqual([empty.status, empty.text], [200, '']);
  for (const path of ['live/1', 'live/x', 'live/99999999999']) {
    assert.equal((await harness.call('GET', `/api/recordings/${id}/${path}`, { token: auditor })).status, 404, path);
  }
  for (const path of ['live', 'live/0']) {
    assert.equal((await harness.call('GET', `/api/recordings/${id}/${path}`, { token: user })).status, 403, path);
  }
  assert.deepEqual(
    (await actions(id)).map(({ action, details }) => [action, details.live]),
    [['recording.viewed', true]],
  );
  // Whoever reads the events meanwhile sees the same, in the same viewing.
  assert.ok((await harness.call('GET', `/api/recordings/${id}/events`, { token: auditor })).json.length > 0);
  assert.equal((await actions(id)).length, 1);
  // Whoever sees it with a few seconds of delay sees it: in the session's events, and announced to its owner.
  const watched = harness.pixels.last.events.filter(({ type }) => type === 'shadow-started');
  assert.deepEqual(
    watched.map(({ fields }) => [(fields.user as { username: string }).username, fields.announced]),
    [['auditor1', true]],
  );
  const owner = (await must('GET', `/api/sessions/${id}`)) as { viewers: { username: string }[] };
  assert.deepEqual(
    owner.viewers.map(({ username }) => username),
    ['auditor1'],
  );
  // What the policy says of live views is said of this, too.
  const { terms } = services.sessions.get(id).facts as { terms: { liveView: boolean } };
  terms.liveView = false;
  for (const path of ['live', 'live/0', 'events']) {
    const refused = await harness.call('GET', `/api/recordings/${id}/${path}`, { token: auditor });
    assert.equal(refused.json.error.code, 'forbidden', path);
  }
  await must('DELETE', `/api/sessions/${id}`);
  await until(async () => (await must('GET', `/api/recordings/${id}`)).state === 'ready');
  assert.equal(
    (await harness.call('GET', `/api/recordings/${id}/live`, { token: auditor })).json.error.code,
    'not_ready',
  );
});

test('whoever reads the events of a session that goes on watches it, and its owner is told', async () => {
  const id = await begin();
  const before = harness.pixels.last.events.length;
  for (let i = 0; i < 2; i++) await harness.call('GET', `/api/recordings/${id}/events`, { token: auditor });
  assert.deepEqual(
    (await actions(id)).map(({ action, details }) => [action, details.live, details.announced]),
    [['recording.viewed', true, true]],
  );
  const told = harness.pixels.last.events.slice(before);
  assert.deepEqual(
    told.map(({ type, fields }) => [type, fields.announced]),
    [['shadow-started', true]],
  );
  await must('DELETE', `/api/sessions/${id}`);
});

test('a gateway that may have been started by a wrong clock says so, until somebody says that it is right', async (context) => {
  const data = await mkdtemp(join(tmpdir(), 'oriel-clock-'));
  context.after(() => rm(data, { recursive: true, force: true }));
  const store = await openStore(join(data, 'oriel.sqlite'));
  const lastSeen = Date.now() - 30 * DAY_MS;
  await new RetentionSettings(store).setClock({ seenAt: lastSeen });
  await store.destroy();
  const started = await startHarness({ ORIEL_DATA: data });
  context.after(() => started.stop());
  const token = await started.signIn('admin', ADMIN_PASSWORD);
  const get = async (path: string) => (await started.call('GET', path, { token })).json;
  await until(async () => (await get('/api/storage')).lastSweep !== null);
  const { clockDoubt } = await get('/api/storage');
  assert.equal(clockDoubt.lastSeen, new Date(lastSeen).toISOString());
  assert.equal(Date.parse(clockDoubt.until) - Date.parse(clockDoubt.since), 7 * DAY_MS);
  assert.deepEqual((await get('/api/audit?action=retention.paused'))[0].details, clockDoubt);
  const notices = (await get('/api/notifications')) as { notifications: { kind: string }[] };
  assert.ok(JSON.stringify(notices).includes('storage.clock'));
  for (let i = 0; i < 2; i++) {
    assert.equal((await started.call('POST', '/api/retention/clock', { token })).status, 204);
    assert.equal((await get('/api/storage')).clockDoubt, null);
  }
  const resumed = await get('/api/audit?action=retention.resumed');
  assert.deepEqual(
    resumed.map(({ actor }: { actor: string }) => actor),
    ['admin'],
    'once',
  );
});
