import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { generate } from 'selfsigned';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Role } from '../access/can.ts';
import { Users } from '../access/users.ts';
import { Audit } from '../audit/audit.ts';
import { createLogger } from '../log.ts';
import { openStore, type Store } from '../store/store.ts';
import { Vault } from '../vault/vault.ts';
import type { Happening } from './kinds.ts';
import type { MailBody } from './mail.ts';
import { createNotificationServices } from './notification-services.ts';
import { FIRST_RETRY_MS, MAX_ATTEMPTS, Outbox, type Parcel, Undeliverable } from './outbox.ts';

const log = createLogger('silent');
const vault = new Vault(new Uint8Array(32).fill(9));

async function setUp(t: TestContext, path = ':memory:') {
  const store = await openStore(path);
  t.after(() => store.destroy().catch(() => {}));
  const users = new Users(store);
  const audit = new Audit(store, log);
  const services = createNotificationServices({ store, vault, audit, log, publicUrl: () => 'https://oriel.example' });
  const make = (name: string, ...roles: Role[]) => users.create(name, undefined, roles, `${name}@example.com`);
  return { store, users, audit, ...services, make };
}

const asked = (change: Partial<Happening>): Happening => ({
  kind: 'request.submitted',
  title: 'jane asks for Administrator on Payroll',
  text: 'Ticket 4711',
  path: '/requests/abc',
  audience: {},
  facts: { request: 'abc' },
  ...change,
});

/** A real SMTP server; what it took, as it stood on the wire. */
async function mailServer(t: TestContext, options: SMTPServerOptions = {}) {
  const taken: { from: string; to: string[]; text: string; user: unknown }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (part) => {
        text += String(part);
      });
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        taken.push({ from, to: rcptTo.map(({ address }) => address), text, user: session.user });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { taken, port: (server.server.address() as AddressInfo).port };
}

/** A receiver of webhooks; answers with the next of these statuses, and then with 204. */
async function receiver(t: TestContext, statuses: number[] = []) {
  const taken: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += String(part);
    });
    request.on('end', () => {
      taken.push({ headers: request.headers, body });
      const status = statuses.shift() ?? 204;
      response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

test('each person is told once, by the channels of her audiences, and not of what she did', async (t) => {
  const { notifications, notificationRules, make, outbox, mail } = await setUp(t);
  const jane = await make('jane', Role.user);
  const alice = await make('alice', Role.user, Role.approver);
  const bob = await make('bob', Role.approver, Role.admin);
  const sam = await make('sam', Role.sessionAdmin);
  await mail.change({ enabled: true, host: '127.0.0.1', from: 'oriel@example.com' });
  await notificationRules.change({
    'request.emergency': { approvers: ['page'], requester: [], reviewers: [], admins: ['page', 'mail'] },
  });
  const audience = { approvers: [alice.id, bob.id], requester: [jane.id], reviewers: [] };
  await notifications.publish(asked({ kind: 'request.emergency', audience, byUserId: jane.id }));
  const told = async (id: string) => (await notifications.list(id, { limit: 10 })).length;
  assert.deepEqual([await told(jane.id), await told(alice.id), await told(bob.id), await told(sam.id)], [0, 1, 1, 1]);
  assert.deepEqual((await outbox.list(10)).map(({ recipient }) => recipient).sort(), [
    ...['bob@example.com', 'sam@example.com'],
  ]);
  await notifications.publish(asked({ audience: { approvers: [alice.id] }, byUserId: alice.id }));
  assert.equal(await told(alice.id), 1, 'not of her own doing');
});

test('whoever declines mails of a kind has it under the bell only; emergencies and the own account are not to be declined', async (t) => {
  const { notifications, mailPreferences, make, outbox, mail } = await setUp(t);
  const alice = await make('alice', Role.approver);
  const bob = await make('bob', Role.approver);
  assert.deepEqual(await mailPreferences.of(alice), [], 'no mail is sent at all');
  await mail.change({ enabled: true, host: '127.0.0.1', from: 'oriel@example.com' });
  assert.deepEqual(await mailPreferences.of(alice), [{ kind: 'request.submitted', mail: true }]);
  await mailPreferences.change(alice.id, { 'request.submitted': false, 'request.emergency': false });
  await mailPreferences.change(alice.id, { 'request.submitted': false });
  assert.deepEqual(await mailPreferences.of(alice), [{ kind: 'request.submitted', mail: false }]);
  const audience = { approvers: [alice.id, bob.id] };
  await notifications.publish(asked({ audience }));
  assert.equal((await notifications.list(alice.id, { limit: 10 })).length, 1);
  const mailed = async () => (await outbox.list(10)).map(({ kind, recipient }) => `${kind} ${recipient}`).sort();
  assert.deepEqual(await mailed(), ['request.submitted bob@example.com']);
  await notifications.publish(asked({ kind: 'request.emergency', audience }));
  assert.ok((await mailed()).includes('request.emergency alice@example.com'));
  await mailPreferences.change(alice.id, { 'request.submitted': true });
  await notifications.publish(asked({ audience }));
  assert.ok((await mailed()).includes('request.submitted alice@example.com'));
});

test('a list goes on from where it was left, and is read in part or whole', async (t) => {
  const { notifications, make } = await setUp(t);
  const jane = await make('jane', Role.user);
  for (let i = 0; i < 5; i++) {
    await notifications.publish(asked({ kind: 'request.approved', title: `${i}`, audience: { requester: [jane.id] } }));
  }
  const first = await notifications.list(jane.id, { limit: 3 });
  const rest = await notifications.list(jane.id, { limit: 3, before: first[2]?.id ?? '' });
  assert.deepEqual(new Set([...first, ...rest].map(({ title }) => title)).size, 5);
  assert.equal(await notifications.unread(jane.id), 5);
  await notifications.read('somebody else');
  await notifications.read(jane.id, [first[0]?.id ?? '']);
  assert.equal(await notifications.unread(jane.id), 4);
  assert.equal((await notifications.list(jane.id, { limit: 10, unread: true })).length, 4);
  await notifications.read(jane.id);
  assert.equal(await notifications.unread(jane.id), 0);
});

test('what did not happen is told to nobody', async (t) => {
  const { store, notifications, outbox, mail, make } = await setUp(t);
  const jane = await make('jane', Role.user);
  await mail.change({ enabled: true, host: '127.0.0.1', from: 'oriel@example.com' });
  const happening = asked({ kind: 'request.approved', audience: { requester: [jane.id] } });
  await assert.rejects(
    store.transaction().execute(async (transaction) => {
      await notifications.publish(happening, transaction);
      throw new Error('the approval failed');
    }),
  );
  assert.deepEqual([await notifications.unread(jane.id), (await outbox.list(10)).length], [0, 0]);
  await store.transaction().execute((transaction) => notifications.publish(happening, transaction));
  assert.deepEqual([await notifications.unread(jane.id), (await outbox.list(10)).length], [1, 1]);
});

test('mail arrives at a real server, with the links of its recipient only', async (t) => {
  const server = await mailServer(t);
  const { notifications, outbox, mail, make } = await setUp(t);
  const [alice, bob] = [await make('alice', Role.approver), await make('bob', Role.approver)];
  await mail.change({
    enabled: true,
    host: '127.0.0.1',
    port: server.port,
    security: 'none',
    from: 'Oriel <o@example.com>',
  });
  await notifications.publish(
    asked({
      title: 'jäne asks\r\nBcc: evil@example.com',
      audience: { approvers: [alice.id, bob.id] },
      links: (id) => [{ label: 'Approve', path: `/decide/token-of-${id}` }],
    }),
  );
  await outbox.deliverDue();
  assert.equal(server.taken.length, 2);
  const toAlice = server.taken.find(({ to }) => to[0] === 'alice@example.com');
  assert.deepEqual(toAlice?.to, ['alice@example.com']);
  assert.equal(toAlice?.from, 'o@example.com');
  const text = toAlice?.text.replaceAll('=\r\n', '') ?? '';
  assert.match(text, new RegExp(`https://oriel\\.example/decide/token-of-${alice.id}`));
  assert.equal(text.includes(bob.id), false);
  assert.match(text, /https:\/\/oriel\.example\/requests\/abc/);
  assert.doesNotMatch(text.split('\r\n\r\n')[0] ?? '', /^Bcc:/m);
  const [one] = await outbox.list(1);
  assert.ok(server.taken.some((mailed) => mailed.text.includes(`Message-ID: <${one?.id}@example.com>`)));
  assert.deepEqual(
    (await outbox.list(9)).map(({ state }) => state),
    ['sent', 'sent'],
  );
});

test('mail signs in where the server asks for it, and never over a line that is not secure unless told', async (t) => {
  const server = await mailServer(t, {
    authOptional: false,
    authMethods: ['PLAIN'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'oriel' && password === 'smtp-secret-€' ? done(null, { user: username }) : done(new Error('no')),
  });
  const { store, mail } = await setUp(t);
  const base = { enabled: true, host: '127.0.0.1', port: server.port, from: 'oriel@example.com', username: 'oriel' };
  const body: MailBody = { subject: 's', text: 't' };
  const send = () => mail.send({ id: 'x', recipient: 'jane@example.com', kind: 'test' }, body);
  const view = await mail.change({ ...base, security: 'none', password: 'smtp-secret-€' });
  assert.equal(JSON.stringify(view).includes('smtp-secret'), false);
  assert.equal(view.hasPassword, true);
  await send();
  assert.equal(server.taken[0]?.user, 'oriel');
  await mail.change({ password: 'wrong' });
  await assert.rejects(send(), (error) => !(error instanceof Undeliverable));
  await mail.change({ security: 'starttls', password: 'smtp-secret-€' });
  await assert.rejects(send(), 'the server has no STARTTLS');
  assert.equal(server.taken.length, 1);
  const { value_json: stored } = await store
    .selectFrom('settings')
    .selectAll()
    .where('name', '=', 'mail')
    .executeTakeFirstOrThrow();
  assert.equal(stored.includes('smtp-secret'), false);
});

test('a mail server whose certificate nobody vouches for gets nothing', async (t) => {
  const made = await generate([{ name: 'commonName', value: 'mail.example' }], { keyType: 'ec' });
  const server = await mailServer(t, { disabledCommands: [], cert: made.cert, key: made.private });
  const { mail } = await setUp(t);
  await mail.change({ enabled: true, host: '127.0.0.1', port: server.port, from: 'oriel@example.com' });
  const send = mail.send({ id: 'x', recipient: 'jane@example.com', kind: 'test' }, { subject: 's', text: 't' });
  await assert.rejects(send, /self-signed|certificate/);
  assert.equal(server.taken.length, 0);
});

test('STARTTLS with a certificate that the machine trusts carries mail, encrypted', async (t) => {
  const made = await generate([{ name: 'commonName', value: 'mail.example' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const trusted = getCACertificates();
  setDefaultCACertificates([...trusted, made.cert]);
  t.after(() => setDefaultCACertificates(trusted));
  const secure: boolean[] = [];
  const server = await mailServer(t, {
    disabledCommands: [],
    cert: made.cert,
    key: made.private,
    onMailFrom: (_address, session, done) => {
      secure.push(session.secure);
      done();
    },
  });
  const { mail } = await setUp(t);
  await mail.change({ enabled: true, host: '127.0.0.1', port: server.port, from: 'oriel@example.com' });
  await mail.send({ id: 'x', recipient: 'jane@example.com', kind: 'test' }, { subject: 's', text: 't' });
  assert.deepEqual(secure, [true]);
  assert.equal(server.taken.length, 1);
});

test('a recipient whom the server will never take is given up at once, and that is written down', async (t) => {
  const server = await mailServer(t, {
    onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
  });
  const { notifications, outbox, mail, audit, make } = await setUp(t);
  const jane = await make('jane', Role.user);
  await mail.change({
    enabled: true,
    host: '127.0.0.1',
    port: server.port,
    security: 'none',
    from: 'oriel@example.com',
  });
  await notifications.publish(asked({ kind: 'request.denied', audience: { requester: [jane.id] } }));
  await outbox.deliverDue();
  const [delivery] = await outbox.list(1);
  assert.deepEqual([delivery?.state, delivery?.attempts], ['failed', 1]);
  assert.match(delivery?.lastError ?? '', /no such user/);
  assert.equal((await audit.list({ limit: 1 }))[0]?.action, 'delivery.failed');
});

test('a webhook is signed as Standard Webhooks has it, and tried again with the same id', async (t) => {
  const hook = await receiver(t, [500, 302]);
  const { store, notifications, webhooks } = await setUp(t);
  const made = await webhooks.create({ name: 'SIEM', url: hook.url, kinds: ['request.submitted'], enabled: true });
  assert.match(made.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal('secret' in (await webhooks.get(made.id)), false);
  const clock = { now: Date.now() };
  const box = outboxOf(store, { webhook: (parcel) => webhooks.send(parcel) }, () => clock.now);
  await notifications.publish(asked({ kind: 'request.denied' }));
  await notifications.publish(asked({}));
  clock.now = Date.now();
  await box.deliverDue();
  assert.equal(hook.taken.length, 1, 'only what it asked for');
  await box.deliverDue();
  assert.equal(hook.taken.length, 1, 'not before its time');
  clock.now += FIRST_RETRY_MS;
  await box.deliverDue();
  clock.now += 2 * FIRST_RETRY_MS;
  await box.deliverDue();
  await box.deliverDue();
  assert.equal(hook.taken.length, 3, 'a redirect is no success, and is not followed');
  assert.equal((await box.list(1))[0]?.state, 'sent');
  const ids = new Set<unknown>();
  for (const { headers, body } of hook.taken) {
    ids.add(headers['webhook-id']);
    const { 'webhook-id': id, 'webhook-timestamp': timestamp } = headers;
    const key = Buffer.from(made.secret.slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${expected}`);
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
    const { type, data } = JSON.parse(body);
    assert.deepEqual(
      [type, data.request, data.url],
      ['request.submitted', 'abc', 'https://oriel.example/requests/abc'],
    );
  }
  assert.equal(ids.size, 1);
});

test('a webhook that is gone gets no more; one that is off waits', async (t) => {
  const hook = await receiver(t, [410]);
  const { notifications, webhooks, outbox } = await setUp(t);
  const fields = { url: hook.url, kinds: ['request.submitted'] as const, enabled: true };
  const gone = await webhooks.create({ ...fields, name: 'gone' });
  await notifications.publish(asked({}));
  await outbox.deliverDue();
  assert.deepEqual(
    (await outbox.list(1)).map(({ state }) => state),
    ['failed'],
  );
  await notifications.publish(asked({}));
  await webhooks.change(gone.id, { enabled: false });
  await outbox.deliverDue();
  assert.equal((await outbox.list(9)).find(({ state }) => state === 'waiting')?.attempts, 1);
  await webhooks.change(gone.id, { enabled: true });
  for (const { id, state } of await outbox.list(9)) if (state === 'waiting') await outbox.retry(id);
  await outbox.deliverDue();
  assert.equal(hook.taken.length, 2);
  await webhooks.remove(gone.id);
  await notifications.publish(asked({}));
  assert.equal((await outbox.list(9)).length, 2);
});

test('two who change what is told of different things at once undo nothing of each other', async (t) => {
  const { notificationRules } = await setUp(t);
  await Promise.all([
    notificationRules.change({ 'vault.alert': { admins: ['page'] } }),
    notificationRules.change({ 'trail.broken': { admins: [] } }),
  ]);
  const { 'vault.alert': vaultRule, 'trail.broken': trailRule } = await notificationRules.read();
  assert.deepEqual([vaultRule.admins, trailRule.admins], [['page'], []]);
});

test('waits grow, and in the end it is given up', async (t) => {
  const { store, audit } = await setUp(t);
  const clock = { now: 1_000_000 };
  const fails = async () => {
    throw new Error('away');
  };
  const box = outboxOf(store, { mail: fails }, () => clock.now);
  await box.add(store, [{ channel: 'mail', recipient: 'jane@example.com', kind: 'test', body: {} }]);
  const waits: number[] = [];
  for (let i = 0; i < MAX_ATTEMPTS; i++) {
    await box.deliverDue();
    const [{ nextAt } = { nextAt: null }] = await box.list(1);
    if (nextAt === null) break;
    waits.push(Date.parse(nextAt) - clock.now);
    clock.now = Date.parse(nextAt);
  }
  assert.deepEqual(waits.slice(0, 4), [15_000, 30_000, 60_000, 120_000]);
  assert.equal(waits.at(-1), 4 * 3_600_000);
  assert.ok(waits.reduce((sum, wait) => sum + wait) > 40 * 3_600_000, 'a weekend, nearly');
  assert.deepEqual(
    (await box.list(1)).map(({ state, attempts }) => [state, attempts]),
    [['failed', MAX_ATTEMPTS]],
  );
  assert.equal((await audit.list({ limit: 1 }))[0]?.action, 'delivery.failed');
});

test('nothing is lost when the gateway dies: what was being sent is sent after the next start, with the same id', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-outbox-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'oriel.sqlite');
  const first = await openStore(path);
  const taken: string[] = [];
  const clock = { now: 1_000_000 };
  const never = ({ id }: Parcel) => {
    taken.push(id);
    return new Promise<void>(() => {});
  };
  const dies = outboxOf(first, { mail: never }, () => clock.now);
  await dies.add(first, [{ channel: 'mail', recipient: 'jane@example.com', kind: 'test', body: { n: 1 } }]);
  void dies.deliverDue().catch(() => {});
  while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await first.destroy();

  const second = await openStore(path);
  t.after(() => second.destroy());
  const parcels: Parcel[] = [];
  const lives = outboxOf(second, { mail: async (parcel) => void parcels.push(parcel) }, () => clock.now);
  await lives.deliverDue();
  assert.equal(parcels.length, 0, 'it may still be on its way');
  clock.now += 3 * 60_000;
  await lives.deliverDue();
  await lives.deliverDue();
  assert.deepEqual(
    parcels.map(({ id, body }) => [id, body]),
    [[taken[0], { n: 1 }]],
  );
});

test('a started outbox sends by itself, also what comes while it is busy; a stopped one no more', async (t) => {
  const { store } = await setUp(t);
  const sent: string[] = [];
  const busy = Promise.withResolvers<void>();
  const carrier = async ({ recipient }: Parcel) => {
    if (recipient === 'first') await busy.promise;
    sent.push(recipient);
  };
  const box = outboxOf(store, { mail: carrier }, Date.now);
  const add = (recipient: string) => box.add(store, [{ channel: 'mail', recipient, kind: 'test', body: {} }]);
  await add('first');
  box.start();
  while ((await box.list(1))[0]?.attempts === 0) await new Promise((resolve) => setImmediate(resolve));
  await add('second');
  busy.resolve();
  while (sent.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(sent, ['first', 'second']);
  await box.stop();
  await add('third');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(sent.length, 2);
});

test('a webhook that takes its time keeps neither mail waiting nor other webhooks, and four of its own are tried at a time', async (t) => {
  const { store } = await setUp(t);
  const sent: string[] = [];
  const slow = Promise.withResolvers<void>();
  let tried = 0;
  const webhook = async ({ recipient }: Parcel) => {
    if (recipient === 'slow' && ++tried < 20) await slow.promise;
    sent.push(recipient);
  };
  const box = outboxOf(store, { mail: async ({ recipient }) => void sent.push(recipient), webhook }, Date.now);
  const parcel = (channel: 'mail' | 'webhook', recipient: string) => ({ channel, recipient, kind: 'test', body: {} });
  await box.add(
    store,
    Array.from({ length: 20 }, () => parcel('webhook', 'slow')),
  );
  await box.add(store, [parcel('mail', 'jane@example.com'), parcel('webhook', 'quick')]);
  const rounds = [box.deliverDue(), box.deliverDue()];
  while (sent.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...sent].sort(), ['jane@example.com', 'quick']);
  assert.equal(tried, 4);
  await box.add(store, [parcel('mail', 'otto@example.com')]);
  await box.deliverDue();
  assert.equal(sent.at(-1), 'otto@example.com');
  slow.resolve();
  await Promise.all(rounds);
  assert.equal(sent.length, 23);
});

test('a stop waits for what is on its way, and for nothing that is behind it', async (t) => {
  const { store } = await setUp(t);
  const slow = Promise.withResolvers<void>();
  let tried = 0;
  const mail = async () => {
    tried++;
    await slow.promise;
  };
  const box = outboxOf(store, { mail }, Date.now);
  const mails = Array.from(
    { length: 9 },
    () => ({ channel: 'mail', recipient: 'jane@example.com', kind: 'test', body: {} }) as const,
  );
  await box.add(store, mails);
  box.start();
  while (tried < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  const stopped = box.stop();
  slow.resolve();
  await stopped;
  assert.equal(tried, 4);
  assert.equal((await box.list(9)).filter(({ state, attempts }) => state === 'waiting' && attempts === 0).length, 5);
});

test('what waits is sealed: the links of a mail are not in the database', async (t) => {
  const { store, notifications, mail, make } = await setUp(t);
  const alice = await make('alice', Role.approver);
  await mail.change({ enabled: true, host: '127.0.0.1', from: 'oriel@example.com' });
  const links = () => [{ label: 'Approve', path: '/decide/secret-token' }];
  await notifications.publish(asked({ audience: { approvers: [alice.id] }, links }));
  const [row] = await store.selectFrom('outbox').selectAll().execute();
  assert.ok(row);
  assert.equal(Buffer.from(row.body).includes('secret-token'), false);
});

function outboxOf(
  store: Store,
  carriers: Partial<Record<'mail' | 'webhook', (parcel: Parcel) => Promise<void>>>,
  now: () => number,
): Outbox {
  const unexpected = async () => assert.fail('nothing goes that way');
  const audit = new Audit(store, log);
  return new Outbox({
    store,
    vault,
    audit,
    log,
    now,
    carriers: { mail: unexpected, webhook: unexpected, ...carriers },
  });
}
