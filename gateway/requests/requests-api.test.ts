import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN_PASSWORD, type Harness, startHarness, until } from '../testing/harness.ts';

let harness: Harness;
let admin: string;
const tokens: Record<string, string> = {};
let accountId: string;
let targetId: string;

async function post(path: string, body: unknown = {}, who = 'admin') {
  return harness.call('POST', path, { token: tokens[who] ?? admin, body });
}
async function get(path: string, who = 'admin') {
  return harness.call('GET', path, { token: tokens[who] ?? admin });
}

before(async () => {
  harness = await startHarness();
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  for (const [username, roles] of [
    ['ute', ['user']],
    ['otto', ['user', 'approver']],
    ['anna', ['approver']],
    ['axel', ['auditor']],
    ['sam', ['session-admin']],
  ] as const) {
    const password = `password of ${username}`;
    assert.equal((await post('/api/users', { username, password, roles })).status, 201);
    tokens[username] = await harness.signIn(username, password);
  }
  ({ accountId, targetId } = await harness.target());
  assert.equal((await post('/api/groups', { name: 'operators', members: ['ute', 'otto'] })).status, 201);
  assert.equal((await post('/api/groups', { name: 'approvers', members: ['anna', 'otto'] })).status, 201);
});
after(() => harness.stop());

let policies = 0;
/** An entitlement of the operators to the account, under a policy with these rules, and nothing else. */
async function entitle(rules: Record<string, unknown>): Promise<void> {
  for (const { id, group } of (await get('/api/entitlements')).json) {
    if (group.name === 'operators') await harness.call('DELETE', `/api/entitlements/${id}`, { token: admin });
  }
  const policy = await post('/api/policies', { name: `policy ${++policies}`, ...rules });
  assert.equal(policy.status, 201, policy.text);
  const entitlement = await post('/api/entitlements', {
    group: 'operators',
    accounts: [accountId],
    policy: policy.json.id,
  });
  assert.equal(entitlement.status, 201, entitlement.text);
}

const open = (who: string, requestId?: string) =>
  post('/api/sessions', { accountId, width: 800, height: 600, ...(requestId === undefined ? {} : { requestId }) }, who);

test('asked for, approved, used, checked in', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' }, maxMinutes: 60 });
  assert.equal((await open('ute')).json.error.code, 'request_required');
  const made = await post('/api/requests', { items: [{ accountId }], minutes: 30, comment: 'patching' }, 'ute');
  assert.deepEqual([made.status, made.json.state], [201, 'pending'], made.text);
  const path = `/api/requests/${made.json.id}`;
  assert.equal((await open('ute', made.json.id)).json.error.code, 'request_not_available');
  assert.equal((await get('/api/request-counts', 'anna')).json.toDecide, 1);
  const approved = await post(`${path}/approve`, { comment: 'go on' }, 'anna');
  assert.deepEqual([approved.status, approved.json.state], [200, 'available'], approved.text);
  assert.equal((await post(`${path}/approve`, {}, 'otto')).json.error.code, 'conflict');
  const opened = await open('ute', made.json.id);
  assert.equal(opened.status, 201, opened.text);
  const details = (await get(path, 'ute')).json;
  assert.deepEqual(
    details.history.map(({ event }: { event: string }) => event),
    ['created', 'approved', 'granted', 'session-opened'],
  );
  assert.equal(details.sessions[0].id, opened.json.id);
  assert.equal((await get(`/api/sessions/${opened.json.id}`, 'ute')).json.requestId, made.json.id);
  assert.equal((await post(`${path}/check-in`, {}, 'ute')).json.state, 'completed');
  assert.equal((await get(`/api/sessions/${opened.json.id}`, 'ute')).status, 404, 'and the session is over');
  await until(async () => (await get(path, 'ute')).json.sessions[0].endCode === 'access_returned');
});

test('nobody decides on a request of their own, and nobody else sees it', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' } });
  const { id } = (await post('/api/requests', { items: [{ accountId }] }, 'otto')).json;
  assert.equal((await post(`/api/requests/${id}/approve`, {}, 'otto')).status, 403);
  assert.equal((await post(`/api/requests/${id}/deny`, {}, 'otto')).status, 403);
  assert.equal((await get(`/api/requests/${id}`, 'ute')).status, 404);
  assert.equal((await post(`/api/requests/${id}/check-in`, {}, 'ute')).status, 404);
  assert.equal((await post(`/api/requests/${id}/deny`, { comment: 'no' }, 'anna')).json.state, 'denied');
  assert.equal((await open('otto', id)).json.error.code, 'request_not_available');
});

test('only what a user is entitled to is visible to her', async () => {
  await entitle({});
  const other = await harness.target();
  assert.deepEqual(
    (await get('/api/targets', 'ute')).json.map(({ id }: { id: string }) => id),
    [targetId],
  );
  assert.equal((await get(`/api/targets/${other.targetId}`, 'ute')).status, 404);
  const refused = await post('/api/sessions', { ...other, width: 800, height: 600 }, 'ute');
  const unknown = await post('/api/sessions', { accountId: 'bcdfghjkmnpqrs', width: 800, height: 600 }, 'ute');
  assert.equal(refused.json.error.code, 'not_entitled');
  assert.deepEqual(refused.json, unknown.json);
  const asked = await post('/api/requests', { items: [{ accountId: other.accountId }] }, 'ute');
  assert.equal(asked.json.error.code, 'not_entitled');
  assert.equal((await get('/api/my/access', 'ute')).json.length, 1);
});

test('a policy that asks nothing lets a session be opened at once, with a request behind it', async () => {
  await entitle({});
  const opened = await open('ute');
  assert.equal(opened.status, 201, opened.text);
  const { requestId } = (await get(`/api/sessions/${opened.json.id}`, 'ute')).json;
  const request = (await get(`/api/requests/${requestId}`, 'ute')).json;
  assert.deepEqual([request.automatic, request.state], [true, 'available']);
  await harness.call('DELETE', `/api/sessions/${opened.json.id}`, { token: tokens.ute ?? '' });
  await until(async () => (await get(`/api/requests/${requestId}`, 'ute')).json.state === 'completed');
});

test('revoking ends the session, whoever loses the group loses it too', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' } });
  const make = async () => {
    const { id } = (await post('/api/requests', { items: [{ accountId }] }, 'ute')).json;
    await post(`/api/requests/${id}/approve`, {}, 'anna');
    return { id, session: (await open('ute', id)).json.id as string };
  };
  const first = await make();
  assert.equal((await post(`/api/requests/${first.id}/revoke`, { comment: 'stop' }, 'sam')).json.state, 'revoked');
  assert.equal((await get(`/api/sessions/${first.session}`, 'ute')).status, 404);
  const second = await make();
  const group = (await get('/api/groups')).json.find(({ name }: { name: string }) => name === 'operators');
  const change = (members: string[]) =>
    harness.call('PATCH', `/api/groups/${group.id}`, { token: admin, body: { members } });
  await change(['otto']);
  assert.equal((await get(`/api/sessions/${second.session}`, 'ute')).status, 404);
  assert.equal((await get(`/api/requests/${second.id}`, 'ute')).json.state, 'revoked');
  await change(['ute', 'otto']);
});

test('the switch stops every new session', async () => {
  await entitle({});
  const { ticket } = (await open('ute')).json;
  assert.equal((await post('/api/session-switch', { stopped: true, reason: 'incident' }, 'ute')).status, 403);
  assert.equal((await post('/api/session-switch', { stopped: true, reason: 'incident' }, 'sam')).status, 200);
  assert.equal((await open('ute')).json.error.code, 'sessions_stopped');
  const tunnel = harness.openTunnel();
  await tunnel.attach(ticket);
  assert.equal((await tunnel.closed).reason, 'sessions_stopped', 'also one that was let in and not begun');
  assert.equal((await get('/api/session-switch', 'ute')).json.reason, 'incident');
  await post('/api/session-switch', { stopped: false }, 'sam');
  assert.equal((await open('ute')).status, 201);
});

test('an emergency needs no approval, and a review afterwards', async () => {
  await entitle({ approval: { needed: 2, group: 'approvers' }, emergency: true, reasonRequired: true });
  assert.equal(
    (await post('/api/requests', { items: [{ accountId }], emergency: true }, 'ute')).json.error.code,
    'policy_refused',
  );
  const { id, state } = (
    await post('/api/requests', { items: [{ accountId }], emergency: true, reason: 'outage' }, 'ute')
  ).json;
  assert.equal(state, 'available');
  assert.equal((await open('ute', id)).status, 201);
  assert.equal((await post(`/api/requests/${id}/review`, {}, 'axel')).json.error.code, 'conflict', 'not over yet');
  await post(`/api/requests/${id}/check-in`, {}, 'ute');
  const queue = (await get('/api/requests?scope=to-review', 'axel')).json;
  assert.deepEqual(
    queue.map((request: { id: string }) => request.id),
    [id],
  );
  assert.equal((await post(`/api/requests/${id}/review`, { comment: 'seen' }, 'axel')).status, 200);
  assert.equal((await get(`/api/requests/${id}`, 'axel')).json.review, 'done');
});

/** A session of hers, attached and with its desktop there. */
async function connected(who: string, requestId?: string) {
  const { id, ticket } = (await open(who, requestId)).json;
  const tunnel = harness.openTunnel();
  await tunnel.attach(ticket);
  await tunnel.next('hello');
  await until(() => harness.driver.connections.some(({ options }) => options.sessionId === id));
  harness.driver.last.events.connected();
  await until(async () => (await get(`/api/sessions/${id}`, who)).json?.state === 'active');
  return { id: id as string, tunnel, driver: harness.driver.last };
}

async function approvedRequest(minutes = 60): Promise<string> {
  const { id } = (await post('/api/requests', { items: [{ accountId }], minutes }, 'ute')).json;
  assert.equal((await post(`/api/requests/${id}/approve`, {}, 'anna')).json.state, 'available');
  return id;
}

test('revoking closes the tunnel and the connection, and says why', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' } });
  const id = await approvedRequest();
  const { tunnel, driver } = await connected('ute', id);
  await post(`/api/requests/${id}/revoke`, {}, 'anna');
  assert.equal((await tunnel.next('ended')).code, 'access_revoked');
  assert.deepEqual(await tunnel.closed, { code: 4005, reason: 'access_revoked' });
  assert.equal(driver.closed, true);
});

test('revoked while connecting: the desktop is never there', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' } });
  const id = await approvedRequest();
  const { ticket, id: session } = (await open('ute', id)).json;
  const tunnel = harness.openTunnel();
  await tunnel.attach(ticket);
  await tunnel.next('phase');
  await post(`/api/requests/${id}/revoke`, {}, 'anna');
  assert.equal((await tunnel.closed).reason, 'access_revoked');
  for (const { options, events, closed } of harness.driver.connections) {
    if (options.sessionId !== session) continue;
    assert.equal(closed, true);
    events.connected();
  }
  assert.equal((await get(`/api/sessions/${session}`, 'ute')).status, 404);

  const later = await approvedRequest();
  const unused = (await open('ute', later)).json.ticket;
  await post(`/api/requests/${later}/revoke`, {}, 'anna');
  const late = harness.openTunnel();
  await late.attach(unused);
  assert.equal((await late.closed).reason, 'not_found', 'a ticket that was given out before opens nothing');
});

test('expiry is warned of in the session, and then ends it', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' }, idleMinutes: 0 });
  const id = await approvedRequest(60);
  const { tunnel } = await connected('ute', id);
  const { endsAt } = (await get(`/api/requests/${id}`, 'ute')).json;
  const { sessions } = harness.gateway.services;
  sessions.tick(Date.parse(endsAt) - 5 * 60_000);
  const notice = await tunnel.next('notice');
  assert.deepEqual(
    [notice.code, notice.message],
    ['session_ending', 'This session ends in 5 minutes: its time is up then.'],
  );
  sessions.tick(Date.parse(endsAt) - 1);
  assert.equal((await tunnel.next('notice')).code, 'session_ending');
  sessions.tick(Date.parse(endsAt));
  assert.equal((await tunnel.closed).reason, 'access_expired');
});

test('a policy says what is recorded, and whether others may watch', async () => {
  await entitle({ recording: 'off', liveView: false, inputLog: 'full' });
  const { id } = await connected('ute');
  assert.equal(harness.pixels.last.options.record, false);
  assert.equal((await post(`/api/sessions/${id}/watch`, {}, 'sam')).status, 403);
  await harness.call('DELETE', `/api/sessions/${id}`, { token: tokens.ute ?? '' });
  await entitle({ recording: 'required', inputLog: 'off' });
  const second = await connected('ute');
  assert.equal(harness.pixels.last.options.record, true);
  const asked = harness.pixels.last.events.find(({ type }) => type === 'request');
  assert.equal(asked?.fields.inputLog, 'off');
  assert.equal((await post(`/api/sessions/${second.id}/watch`, {}, 'sam')).status, 201);
  await harness.call('DELETE', `/api/sessions/${second.id}`, { token: tokens.ute ?? '' });
});

test('a link in a mail decides once, as its approver, and only while she may', async () => {
  await entitle({ approval: { needed: 1, group: 'approvers' } });
  const { decisionLinks, users } = harness.gateway.services;
  const anna = (await users.list()).find(({ username }) => username === 'anna')?.id ?? '';
  const ask = async () => {
    const { id } = (await post('/api/requests', { items: [{ accountId }] }, 'ute')).json;
    const links = await decisionLinks.issue(id, anna);
    return { id: id as string, links };
  };
  const call = (verb: string, token: string) =>
    harness.call('POST', `/api/decision-links/${verb}`, { body: { token } });

  const { id, links } = await ask();
  const looked = await call('look', links.approve);
  assert.deepEqual([looked.json.decision, looked.json.approver, looked.json.request.id], ['approve', 'anna', id]);
  const both = await Promise.all([call('use', links.approve), call('use', links.approve)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401], 'once');
  assert.equal((await get(`/api/requests/${id}`, 'ute')).json.votes[0].approver.username, 'anna');
  assert.equal((await call('use', links.deny)).json.error.code, 'conflict', 'it is decided');
  assert.equal((await call('look', `${links.deny}x`)).json.error.code, 'ticket_invalid');

  const second = await ask();
  const group = (await get('/api/groups')).json.find(({ name }: { name: string }) => name === 'approvers');
  const members = (names: string[]) =>
    harness.call('PATCH', `/api/groups/${group.id}`, { token: admin, body: { members: names } });
  await members(['otto']);
  assert.equal((await call('use', second.links.approve)).status, 404, 'no longer an approver of it');
  await members(['anna', 'otto']);
  await harness.call('PATCH', `/api/users/${anna}`, { token: admin, body: { roles: ['user'] } });
  assert.equal((await call('use', second.links.approve)).json.error.code, 'ticket_invalid');
  await harness.call('PATCH', `/api/users/${anna}`, { token: admin, body: { roles: ['approver'] } });
  assert.equal((await call('use', second.links.approve)).json.state, 'available');
});

test('a favourite shows only what its owner may still use', async () => {
  await entitle({});
  const favourite = { name: 'Patch day', color: '#3366cc', request: { items: [{ accountId }], minutes: 30 } };
  const made = await post('/api/request-favourites', favourite, 'ute');
  assert.equal(made.status, 201, made.text);
  const list = async (who: string) => (await get('/api/request-favourites', who)).json;
  assert.deepEqual((await list('ute'))[0].request, favourite.request);
  assert.deepEqual(await list('otto'), []);
  const path = `/api/request-favourites/${made.json.id}`;
  assert.equal((await harness.call('DELETE', path, { token: tokens.otto ?? '' })).status, 404);
  const [entitlement] = (await get('/api/entitlements')).json.filter(
    ({ group }: { group: { name: string } }) => group.name === 'operators',
  );
  await harness.call('DELETE', `/api/entitlements/${entitlement.id}`, { token: admin });
  assert.deepEqual(await list('ute'), []);
});

test('nobody gives themselves roles', async () => {
  const password = 'password of sys';
  const { id } = (await post('/api/users', { username: 'sys', password, roles: ['system-admin'] })).json;
  tokens.sys = await harness.signIn('sys', password);
  const change = (body: unknown) => harness.call('PATCH', `/api/users/${id}`, { token: tokens.sys ?? '', body });
  assert.equal((await change({ roles: ['system-admin', 'auditor'] })).status, 403);
  assert.equal((await change({ roles: ['admin'] })).status, 403);
  assert.equal((await change({ roles: ['system-admin'] })).status, 200);
});

test('whatever access stands on is taken away, its session ends at once', async () => {
  const del = (path: string) => harness.call('DELETE', path, { token: admin });
  const patch = (path: string, body: unknown) => harness.call('PATCH', path, { token: admin, body });
  interface Ids {
    readonly user: string;
    readonly group: string;
    readonly entitlement: string;
    readonly target: string;
    readonly account: string;
  }
  const ways: Record<string, (ids: Ids) => Promise<{ status: number }>> = {
    'the entitlement is removed': ({ entitlement }) => del(`/api/entitlements/${entitlement}`),
    'the entitlement is for another account': ({ entitlement }) =>
      patch(`/api/entitlements/${entitlement}`, { accounts: [accountId], targets: [] }),
    'the group is removed': ({ group }) => del(`/api/groups/${group}`),
    'the user leaves the group': ({ group }) => patch(`/api/groups/${group}`, { members: [] }),
    'the account is removed': ({ target, account }) => del(`/api/targets/${target}/accounts/${account}`),
    'the target is removed': ({ target }) => del(`/api/targets/${target}`),
    'the user is disabled': ({ user }) => patch(`/api/users/${user}`, { disabled: true }),
    'the user loses the role': ({ user }) => patch(`/api/users/${user}`, { roles: ['auditor'] }),
    'the user is removed': ({ user }) => del(`/api/users/${user}`),
  };
  for (const [i, [what, take]] of Object.entries(ways).entries()) {
    const username = `pat${i}`;
    const password = `password of ${username}`;
    const user = (await post('/api/users', { username, password, roles: ['user'] })).json.id;
    const group = (await post('/api/groups', { name: `group of ${username}`, members: [user] })).json.id;
    const made = await harness.target();
    const scope = i % 2 === 0 ? { accounts: [made.accountId] } : { targets: [made.targetId] };
    const entitlement = (await post('/api/entitlements', { group, policy: 'Open', ...scope })).json.id;
    tokens[username] = await harness.signIn(username, password);
    const body = { accountId: made.accountId, width: 800, height: 600 };
    const { ticket } = (await post('/api/sessions', body, username)).json;
    const tunnel = harness.openTunnel();
    await tunnel.attach(ticket);
    await tunnel.next('hello');
    const ids = { user, group, entitlement, target: made.targetId, account: made.accountId };
    const answer = await take(ids);
    assert.ok(answer.status < 300, what);
    const { reason } = await tunnel.closed;
    assert.ok(['access_revoked', 'ended_by_admin'].includes(reason), `${what}: ${reason}`);
  }
});

test('what is not as described is refused', async () => {
  await entitle({});
  const items = [{ accountId }];
  const bad: [string, unknown][] = [
    ['/api/requests', {}],
    ['/api/requests', { items: [] }],
    ['/api/requests', { items: [...items, ...items] }],
    ['/api/requests', { items: Array.from({ length: 51 }, (_, i) => ({ accountId: `account ${i}` })) }],
    ['/api/requests', { items, minutes: 0 }],
    ['/api/requests', { items, minutes: 1.5 }],
    ['/api/requests', { items, comment: 'x'.repeat(256) }],
    ['/api/requests', { items, start: '2026-13-01T00:00:00Z' }],
    ['/api/requests', { items, start: '2020-01-01T00:00:00Z' }],
    ['/api/requests', { items, start: '2099-01-01T00:00:00' }],
    ['/api/requests', { items, timeZone: 'Mars/Olympus' }],
    ['/api/requests', { items, extra: 1 }],
  ];
  for (const [path, body] of bad) {
    const { status, json } = await post(path, body, 'ute');
    assert.equal(status, 400, JSON.stringify(body));
    assert.equal(json.error.code, 'bad_request');
  }
  const administration: [string, unknown][] = [
    ['/api/groups', { name: '' }],
    ['/api/groups', { name: 'x', members: ['no such user'] }],
    ['/api/policies', { name: 'x', approval: { needed: 1, group: 'no such group' } }],
    ['/api/policies', { name: 'x', ticketPattern: '(' }],
    ['/api/policies', { name: 'x', ticketWebhook: 'file:///etc/passwd' }],
    ['/api/policies', { name: 'x', timeZone: 'Mars/Olympus' }],
    ['/api/policies', { name: 'x', windows: [{ days: [8], from: '08:00', to: '18:00' }] }],
    ['/api/policies', { name: 'x', defaultMinutes: 100, maxMinutes: 50 }],
    ['/api/policies', { name: 'x', unknownRule: true }],
    ['/api/entitlements', { group: 'operators', policy: 'no such policy', accounts: 'all' }],
    ['/api/entitlements', { group: 'operators', policy: 'Open', accounts: ['no such account'] }],
    ['/api/entitlements', { group: 'operators', policy: 'Open', accounts: ['jane'] }],
  ];
  for (const [path, body] of administration) {
    const { status } = await post(path, body);
    assert.equal(status, 400, JSON.stringify(body));
  }
  assert.equal((await post('/api/groups', { name: 'Operators' })).json.error.code, 'conflict', 'whatever its case');
  assert.equal((await post('/api/policies', { name: 'needs them', reviewGroup: 'approvers' })).status, 201);
  const group = (await get('/api/groups')).json.find(({ name }: { name: string }) => name === 'approvers');
  const removed = await harness.call('DELETE', `/api/groups/${group.id}`, { token: admin });
  assert.equal(removed.json.error.code, 'conflict', 'a policy needs it');
});
