import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Role } from '../access/can.ts';
import { ADMIN_PASSWORD, type Harness, startHarness, until } from '../testing/harness.ts';

let harness: Harness;
let admin: string;
let start: string;

before(async () => {
  start = new Date(Date.now() - 1).toISOString();
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
});
after(() => harness.stop());

const call = async (method: string, path: string, body?: unknown, token = admin) => {
  const answer = await harness.call(method, path, { token, ...(body === undefined ? {} : { body }) });
  assert.ok(answer.status < 300, `${path}: ${answer.text}`);
  return answer;
};
const now = () => new Date(Date.now() + 1).toISOString();
const report = async (kind: string, from = start, to = now(), more = '') =>
  (await call('GET', `/api/reports/${kind}?from=${from}&to=${to}${more}`)).json;
/** So that one moment is not the next one. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

test('who could reach what: as it was entitled then, also after it is all gone', async () => {
  const { accountId, targetId } = await harness.target();
  const { json: jane } = await call('POST', '/api/users', {
    username: 'jane',
    password: 'password of jane',
    roles: [Role.user],
  });
  const { json: group } = await call('POST', '/api/groups', { name: 'Operators', members: [jane.id] });
  const { json: policy } = await call('POST', '/api/policies', {
    name: 'With approval',
    approval: { needed: 1, group: 'Administrators' },
    emergency: true,
  });
  await tick();
  const before = now();
  await tick();
  const entitled = { group: group.id, policy: policy.id, accounts: [accountId] };
  const { json: entitlement } = await call('POST', '/api/entitlements', entitled);
  await tick();
  const between = new Date().toISOString();
  await tick();
  await call('DELETE', `/api/entitlements/${entitlement.id}`);
  await call('DELETE', `/api/users/${jane.id}`);
  await call('DELETE', `/api/targets/${targetId}`);
  await tick();
  const then = await report('access', between, new Date(Date.parse(between) + 1).toISOString(), '&person=JAN');
  assert.deepEqual(
    then.rows.map(({ from, to, ...row }: Record<string, unknown>) => row),
    [
      {
        person: 'jane',
        target: 'server',
        account: 'jane',
        group: 'Operators',
        policy: 'With approval',
        needs: 'approval',
        emergency: true,
      },
    ],
  );
  assert.ok(then.rows[0].from < between && then.rows[0].to > between);
  assert.deepEqual((await report('access', start, before, '&person=jane')).rows, []);
  assert.deepEqual((await report('access', now(), new Date(Date.now() + 9e6).toISOString(), '&person=jane')).rows, []);
  assert.ok(then.knownFrom >= start);
});

test('who did, what was recorded, what was reviewed and what waits', async () => {
  const { accountId, targetId } = await harness.target();
  const { json: opened } = await call('POST', '/api/sessions', { targetId, accountId, width: 800, height: 600 });
  const tunnel = harness.openTunnel();
  await tunnel.attach(opened.ticket);
  await until(() => harness.driver.connections.length > 0);
  harness.driver.last.events.connected?.();
  await call('DELETE', `/api/sessions/${opened.id}`);
  await until(async () => (await report('sessions')).rows[0]?.endedAt !== null);
  const [session] = (await report('sessions')).rows;
  assert.deepEqual(
    [session.person, session.target, session.account, session.sessionId],
    ['admin', 'server', 'jane', opened.id],
  );
  const [recording] = (await report('recordings')).rows;
  assert.deepEqual([recording.sessionId, recording.viewed, recording.downloaded], [opened.id, 0, 0]);
  assert.deepEqual((await report('reviews')).rows, []);
  const otto = await harness.userWith(Role.user);
  const loud = await call('POST', '/api/policies', {
    name: 'Loud',
    emergency: true,
    approval: { needed: 1, group: 'Administrators' },
  });
  const { json: groups } = await call('GET', '/api/groups');
  const { id: group } = groups.find(({ name }: { name: string }) => name === 'Administrators');
  const { json: under } = await call('POST', '/api/entitlements', {
    group,
    policy: loud.json.id,
    accounts: [accountId],
  });
  const request = { items: [{ accountId, entitlementId: under.id }], emergency: true, reason: 'fire' };
  const { json: asked } = await call('POST', '/api/requests', request, otto);
  const [waits] = (await report('reviews')).rows;
  assert.deepEqual(
    [waits.emergency, waits.accounts, waits.review, waits.reviewedBy],
    [true, 'jane on server', 'later', null],
  );
  await call('POST', `/api/requests/${asked.id}/check-in`, {}, otto);
  assert.deepEqual(
    (await report('reviews')).rows.map(({ review }: { review: string }) => review),
    ['due'],
  );
  await call('POST', `/api/requests/${asked.id}/review`, { comment: 'seen' });
  const [done] = (await report('reviews')).rows;
  assert.deepEqual([done.review, done.reviewedBy, done.comment, done.waitingSince], ['done', 'admin', 'seen', null]);
  const csv = await call('GET', `/api/reports/sessions?from=${start}&to=${now()}&format=csv`);
  const [columns = '', first = ''] = csv.text.split('\r\n');
  assert.match(columns, /^person,target,account,openedAt,/);
  assert.match(first, /^admin,server,jane,/);
  assert.equal((await report('sessions', start, now(), '&target=elsewhere')).rows.length, 0);
  const audited = (await call('GET', '/api/audit?action=report.made&limit=1')).json[0];
  assert.deepEqual([audited.subject, audited.details.target], ['sessions', 'elsewhere']);
});

test('a time that is none, or ends before it begins, is refused', async () => {
  for (const query of [
    'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    'from=x&to=y',
    'from=2026-99-99T00:00:00Z&to=2026-01-01T00:00:00Z',
    '',
  ]) {
    const { status, json } = await harness.call('GET', `/api/reports/access?${query}`, { token: admin });
    assert.deepEqual([status, json.error.code], [400, 'bad_request'], query);
  }
});
