import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defaultRules } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import { createLogger } from '../log.ts';
import type { Freeze } from '../sessions/input-gate.ts';
import type { RecordingResult } from '../sessions/ports.ts';
import type { SessionFacts } from '../sessions/session-contract.ts';
import { termsOf } from '../sessions/session-terms.ts';
import { until } from '../testing/harness.ts';
import { Secret } from '../vault/secret.ts';
import type { SessionView } from './messages.ts';
import { WorkerPool, type WorkerPoolStart } from './worker-pool.ts';
import type { SessionPlace } from './worker-session.ts';

const FAKE = fileURLToPath(new URL('./testing/fake-worker.ts', import.meta.url));

let pool: WorkerPool;
let server: Server;

/** What the test's tickets are for: the session of that name, for its owner. */
const start: WorkerPoolStart = {
  folder: '/nonexistent',
  setup: {
    tls: { cert: '', key: '' },
    tlsTicketKeys: new Uint8Array(48),
    controlPath: '',
    origins: [],
    proxies: undefined,
    recordingsDirectory: '',
    ffmpegPath: '',
    signingKeyFile: '',
    graphics: [],
    hardwareId: new Uint8Array(16),
    encoders: undefined,
    workers: 2,
  },
  gate: { enter: async (sessionId) => ({ role: 'owner', sessionId }), left: () => {} },
  readTicket: async (sessionId) => ({
    ...{ sessionId, role: 'owner', user: { id: 'u', username: 'jane' } },
    ...{ signIn: '', signInEndsAt: 1e15 },
  }),
  tellAlert: async () => {},
};

async function startPool(count: number, watchEveryMs = 60_000): Promise<void> {
  pool = new WorkerPool({ count, log: createLogger('silent'), script: FAKE, watchEveryMs, recoverAgainMs: 10 });
  await pool.start(start);
}

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }, (socket) => pool.connection(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.close();
  await pool.stop();
});

/** Has the worker that gets the connection do something; what it answers. */
async function have(deed: string): Promise<{ worker: number; pid: number; result: string }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.setEncoding('utf8').write(`${deed}\n`);
  let answer = '';
  for await (const text of socket) answer += text;
  const [worker, pid, ...result] = answer.split(' ');
  return { worker: Number(worker), pid: Number(pid), result: result.join(' ') };
}

/** The same of a certain worker. */
async function haveOf(worker: number, deed: string): Promise<string> {
  for (;;) {
    const { result } = await have(`${worker} ${deed}`);
    if (result !== 'not me') return result;
  }
}

function beginSession(id: string) {
  const facts = {
    id,
    createdAt: 0,
    terms: termsOf(defaultRules, {
      ...{ requestId: 'r', entitlementId: 'e', policy: { id: 'p', name: 'Open' }, emergency: false },
      ...{ reason: '', ticket: '', endsAt: 1e15 },
    }),
  } as SessionFacts;
  const ends: string[] = [];
  const later: (RecordingResult | undefined)[] = [];
  const session = pool.begin(
    facts,
    {
      record: 'required',
      attachWithinMs: 60_000,
      createRecordingKey: async () => new Uint8Array(32),
      readCredentials: async () => ({ username: '', domain: '', password: new Secret('') }),
      trustCertificate: async () => true,
    },
    {
      connected: () => {},
      downgraded: () => {},
      ended: ({ code }) => ends.push(code),
      recordingFinishedLater: (result) => later.push(result),
    },
  );
  return { session, ends, later };
}

test('connections go to the worker with fewer sessions, and by turns where that is the same', async () => {
  await startPool(2);
  const first = await have('hello');
  const second = await have('hello');
  assert.deepEqual(new Set([first.worker, second.worker]), new Set([1, 2]));
  beginSession('one');
  const { worker: busy } = await have('enter one');
  for (let i = 0; i < 3; i++) assert.equal((await have('hello')).worker, 3 - busy);
  beginSession('two');
  await have('enter two');
  assert.deepEqual(new Set([(await have('hello')).worker, (await have('hello')).worker]), new Set([1, 2]));
  // A session has one owner, and a ticket for one that is over is none.
  assert.match((await have('enter one')).result, /^ticket_invalid/);
  assert.match((await have('enter nobody')).result, /^not_found/);
});

test('a worker that is killed ends its own sessions; its recording is finished by another, and tried again', async () => {
  await startPool(2);
  const one = beginSession('one');
  const two = beginSession('two');
  const { worker, pid } = await have('enter one');
  const { worker: other } = await have('enter two');
  assert.notEqual(worker, other);
  // Only of its own sessions has a worker a say.
  assert.equal(await haveOf(worker, 'key one'), 'done');
  assert.match(await haveOf(worker, 'key two'), /^not_found/);
  await haveOf(worker, 'end two');
  assert.deepEqual([one.ends, two.ends], [[], []]);

  process.kill(pid, 'SIGKILL');
  await until(() => one.ends.length > 0);
  assert.deepEqual([one.ends, two.ends], [['worker_lost'], []]);
  assert.equal(one.session.state.name, 'ended');
  assert.equal(await one.session.recordingFinished, 'left');
  await until(() => one.later.length > 0);
  assert.deepEqual(one.later, [{ durationMs: 1000, bytes: 10 }]);
  // Another takes its place, with its number.
  let replaced = await have('hello');
  while (replaced.worker !== worker) replaced = await have('hello');
  assert.notEqual(replaced.pid, pid);
  // One that never ran ends here, whatever becomes of workers.
  const waiting = beginSession('three');
  waiting.session.end('ended_by_admin');
  assert.deepEqual(waiting.ends, ['ended_by_admin']);
  assert.equal(await waiting.session.recordingFinished, undefined);
});

test('a connection that a worker died with before it took it comes to another', async () => {
  await startPool(2);
  const stuck = await have('hello');
  process.kill(stuck.pid, 'SIGSTOP');
  const answers = [have('hello'), have('hello')];
  const other = await Promise.race(answers);
  assert.notEqual(other.pid, stuck.pid);
  process.kill(stuck.pid, 'SIGKILL');
  for (const { pid } of await Promise.all(answers)) assert.notEqual(pid, stuck.pid);
});

test('a worker that says what is not understood is killed and replaced', async () => {
  await startPool(1);
  const { session, ends } = beginSession('one');
  const first = await have('enter one');
  await have('garble').catch(() => {});
  await until(() => ends.length > 0);
  assert.deepEqual([ends, session.state.name], [['worker_lost'], 'ended']);
  const { session: next, ends: nextEnds } = beginSession('two');
  const second = await have('enter two');
  assert.deepEqual([second.worker, second.pid === first.pid], [1, false]);
  await have('blur two').catch(() => {});
  await until(() => nextEnds.length > 0);
  assert.equal(next.state.name, 'ended');
});

test('a worker that says nothing any more is killed and replaced', async () => {
  await startPool(1, 100);
  const { pid } = await have('hello');
  process.kill(pid, 'SIGSTOP');
  assert.notEqual((await have('hello')).pid, pid);
});

test('a worker that cannot start is said so', async () => {
  pool = new WorkerPool({ count: 1, log: createLogger('silent'), script: '/nonexistent/worker.ts' });
  await assert.rejects(pool.start(start), /a worker did not start: exit code 1/);
});

test('what a session is told before its owner has come', async () => {
  await startPool(1);
  const { session } = beginSession('one');
  const jane = { id: 'j', username: 'jane' };
  assert.throws(() => session.message(jane, 'hello'), { code: 'not_ready' });
  assert.throws(() => session.typeSecret(new Uint8Array(2), false), { code: 'not_ready' });
  assert.equal(session.freeze(jane, 'why', 7), true);
  assert.equal(session.freeze(jane, 'again', 8), false);
  assert.deepEqual(session.frozen, { by: 'jane', reason: 'why', since: 7 });
  await assert.rejects(session.download(1, 1), GatewayError);
  const place = { command: () => {}, download: () => Promise.reject(new Error()) };
  assert.deepEqual(session.start(place).freeze, { by: 'jane', reason: 'why', since: 7 });
  assert.throws(() => session.start(place), { code: 'ticket_invalid' });
});

test('what its worker said before it heard of a freeze, or of a release, undoes neither', async () => {
  await startPool(1);
  const { session } = beginSession('one');
  const jane = { id: 'j', username: 'jane' };
  const orders: number[] = [];
  const command: SessionPlace['command'] = (_, told) => {
    if (told.kind === 'freeze' || told.kind === 'unfreeze') orders.push(told.order);
  };
  const { facts } = session.start({ command, download: () => Promise.reject(new Error()) });
  const view = (obeyed: number, frozen?: Freeze) =>
    ({
      state: { name: 'active' },
      endsAt: facts.terms.endsAt,
      alerts: [],
      viewers: [],
      obeyed,
      frozen,
    }) as unknown as SessionView;
  const freeze = { by: 'jane', reason: 'why', since: 7 };
  session.freeze(jane, 'why', 7);
  session.connected(view(0));
  session.seen(view(0));
  assert.deepEqual(session.frozen, freeze);
  session.seen(view(1, freeze));
  assert.equal(session.unfreeze(jane, ''), true);
  session.seen(view(1, freeze));
  assert.equal(session.frozen, undefined);
  // A rule that is fired there afterwards is heard of.
  const byRule = { by: 'rule', reason: '', since: 9 };
  session.seen(view(2, byRule));
  assert.deepEqual(session.frozen, byRule);
  assert.deepEqual(orders, [1, 2]);
});
