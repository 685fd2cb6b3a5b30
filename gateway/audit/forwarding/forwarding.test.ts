import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GatewayError } from '../../errors.ts';
import { createLogger } from '../../log.ts';
import { openGatewayDatabase } from '../../testing/gateway-database.ts';
import { until } from '../../testing/harness.ts';
import { Vault } from '../../vault/vault.ts';
import { hashRow } from '../chain.ts';
import { parseHead } from '../signatures.ts';
import { makeTrail, removeTrail, type TrailWorld } from '../testing/world.ts';
import { ALERT_AFTER_MS, Forwarder } from './forwarder.ts';
import { type ReceiverFields, Receivers } from './receivers.ts';
import { makeRsyslog, numberOf, type Rsyslog } from './testing/rsyslog.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const step of cleanUp.reverse()) await step();
});

interface ForwardedTrail {
  readonly world: TrailWorld;
  readonly receivers: Receivers;
  readonly forwarder: Forwarder;
}

async function makeForwarded(): Promise<ForwardedTrail> {
  const world = await makeTrail();
  const receivers = new Receivers(world.store, new Vault(new Uint8Array(32)));
  const { trail, audit, clock, told } = world;
  const notifier = { publish: async (happening: (typeof told)[number]) => void told.push(happening) };
  const log = createLogger('silent');
  const now = () => clock.now;
  const forwarder = new Forwarder({ receivers, trail, audit, notifier, log, version: '1', now, firstRetryMs: 50 });
  await trail.start();
  await forwarder.start();
  cleanUp.push(async () => {
    await forwarder.stop();
    await world.close();
    await removeTrail(world);
  });
  return { world, receivers, forwarder };
}

async function makeServer(options: Parameters<typeof makeRsyslog>[0] = {}): Promise<Rsyslog> {
  const server = await makeRsyslog(options);
  cleanUp.push(() => server.remove());
  return server;
}

function fieldsOf(server: Rsyslog, more: Partial<ReceiverFields> = {}): ReceiverFields {
  const place = { host: '127.0.0.1', port: server.port, authorities: '', clientCertificate: '' };
  return { name: 'SIEM', enabled: true, format: 'rfc5424', transport: 'tcp', confirmation: 'close', ...place, ...more };
}

const numbers = async (server: Rsyslog) =>
  (await server.lines()).map(numberOf).filter((number) => number !== undefined);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test('rsyslog by TCP: every row once and in order, as it can be checked, with a head; and what it missed while it was away', async () => {
  const server = await makeServer();
  const { world, receivers, forwarder } = await makeForwarded();
  await server.start();
  const { id } = await receivers.create(fieldsOf(server), null, 0);
  await forwarder.reload();
  await world.write(20);
  await until(async () => (await receivers.get(id)).cursor === 21);
  assert.deepEqual(await numbers(server), upTo(21));
  const lines = await server.lines();
  for (const line of lines.filter((each) => numberOf(each) !== undefined)) {
    const { details, at, previous, hash, ...row } = JSON.parse(line.slice(line.indexOf('] {') + 2));
    assert.equal(hashRow(previous, { ...row, at: Date.parse(at), details: JSON.stringify(details) }), hash);
  }
  await server.stop();
  await world.write(300);
  await until(async () => (await receivers.get(id)).lastError !== '');
  const state = await forwarder.stateOf(await receivers.get(id));
  assert.deepEqual([state.behind, (await receivers.get(id)).cursor], [300, 21]);
  world.clock.now += ALERT_AFTER_MS;
  await forwarder.look();
  await forwarder.look();
  assert.deepEqual(
    world.told.map(({ kind }) => kind),
    ['trail.behind'],
    'told once',
  );
  await server.start();
  await until(async () => (await receivers.get(id)).cursor === 322);
  await forwarder.look();
  await until(async () => (await receivers.get(id)).cursor === 323);
  assert.deepEqual(await numbers(server), upTo(323), 'none lost, none twice');
  const actions = (await world.trail.search.list({ limit: 2 })).map(({ action }) => action);
  assert.deepEqual(actions, ['receiver.caught_up', 'receiver.behind']);
  assert.ok((await server.lines()).some((line) => line.includes(' trail.head - {') && parseHead(line) !== undefined));

  await forwarder.rewind(id, 320);
  await until(async () => (await receivers.get(id)).cursor >= 323);
  const again = (await server.lines()).filter((line) => line.includes('resent="yes"')).map(numberOf);
  assert.deepEqual(again, [320, 321, 322, 323], 'sent again, and it says so');
});

test('rsyslog by TLS: its certificate is checked, and it checks ours; CEF goes as well', async () => {
  const server = await makeServer({ tls: true, clientCertificate: true });
  const { authority, stranger, clientCertificate, clientKey } = server.certificates;
  const { world, receivers, forwarder } = await makeForwarded();
  await server.start();
  const right = { transport: 'tls', authorities: authority, clientCertificate, format: 'cef' } as const;
  const { id } = await receivers.create(fieldsOf(server, right), clientKey, 0);
  await forwarder.test(id, 'anna');
  const refused = async (change: Parameters<Receivers['change']>[1]) => {
    await receivers.change(id, change);
    const error = await forwarder.test(id, 'anna').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof GatewayError && error.code === 'delivery_failed', String(error));
    await receivers.change(id, { ...right, clientKey });
    return error.detail ?? '';
  };
  assert.match(await refused({ authorities: stranger }), /certificate/);
  assert.match(await refused({ authorities: '' }), /certificate/, 'no authority of this machine vouches for it');
  assert.match(await refused({ host: 'localhost.localdomain' }), /.+/);
  await receivers.change(id, { host: '127.0.0.1' });
  assert.match(await refused({ clientCertificate: '', clientKey: '' }), /certificate|reset|closed/i);
  await assert.rejects(
    receivers.change(id, { clientKey: 'no key' }),
    (error) => error instanceof GatewayError && error.code === 'conflict',
  );
  await forwarder.reload();
  await world.write(40);
  await until(async () => (await receivers.get(id)).cursor === 41);
  const lines = await server.lines();
  assert.deepEqual(
    lines.map(numberOf).filter((number) => number !== undefined),
    upTo(41),
  );
  assert.match(lines.at(-1) ?? '', /\] CEF:0\|Oriel\|Oriel\|1\|target\.changed\|target changed\|3\|rt=/);
});

test('rsyslog and the gateway are killed at random while it is written to: none lost, and what came twice says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-forward-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const server = await makeServer();
  const program = fileURLToPath(new URL('testing/forward-process.ts', import.meta.url));
  const begin = async (pause: number) => {
    const words = [program, folder, String(server.port), String(pause)];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return child;
  };
  const end = async (child: ChildProcess) => {
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  const rest = (longest: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  await server.start();
  let gateway = await begin(3);
  for (let round = 0; round < 8; round++) {
    await rest(400);
    if (round % 2 === 0) {
      await (round % 4 === 0 ? server.kill() : server.stop());
      await rest(300);
      await server.start();
    } else {
      await end(gateway);
      await rest(100);
      gateway = await begin(3);
    }
  }
  const database = openGatewayDatabase(folder, { readOnly: true });
  const rows = () => database.prepare('select id, hash from audit order by id').all();
  // However slowly this machine writes.
  await until(() => rows().length > 100);
  await rest(300);
  await end(gateway);
  gateway = await begin(0);
  const cursor = () => Number(database.prepare('select cursor from audit_receivers').get()?.cursor);
  const last = () => Number(rows().at(-1)?.id);
  await until(() => cursor() === last());
  await until(async () => (await server.lines()).some((line) => numberOf(line) === last()));
  await end(gateway);

  const lines = (await server.lines()).filter((line) => numberOf(line) !== undefined);
  const hashes = new Map(rows().map(({ id, hash }) => [Number(id), String(hash)]));
  const seen = new Set<number>();
  for (const line of lines) {
    const number = numberOf(line) ?? 0;
    assert.ok(line.includes(`hash="${hashes.get(number)}"`), line);
    if (seen.has(number)) {
      assert.ok(line.includes('resent="yes"'), `row ${number} came twice, and does not say so`);
    }
    seen.add(number);
  }
  assert.deepEqual(
    [...hashes.keys()].filter((number) => !seen.has(number)),
    [],
    'lost',
  );
  assert.equal(seen.size, hashes.size);
  database.close();
});
