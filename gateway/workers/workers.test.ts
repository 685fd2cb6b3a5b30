import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TunnelClient, until } from '../testing/harness.ts';
import { openDemo, type RunningGateway, startProcess } from '../testing/running-gateway.ts';

/** A gateway with two workers, as a user starts it: real TLS, real pixel hosts, recordings and the demo desktop. */
let folder: string;
let gateway: RunningGateway;
const PASSWORD = 'correct horse';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oriel-workers-'));
  gateway = await startProcess(folder, { ORIEL_WORKERS: '2', ORIEL_ADMIN_PASSWORD: PASSWORD });
});
after(async () => {
  if (gateway?.child.exitCode === null && gateway.child.signalCode === null) gateway.child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** What the gateway has logged with these words. A process that is killed may leave half a line, and Node says things of its own. */
function logged(words: string): Record<string, string | number>[] {
  const lines = gateway.log().split('\n').slice(0, -1);
  return lines.filter((line) => line.endsWith(`,"msg":"${words}"}`)).map((line) => JSON.parse(line));
}

const workerOf = (session: string) => logged('session starts').find((line) => line.session === session)?.worker;
const pidOf = (worker: number) => Number(logged('worker started').findLast((line) => line.worker === worker)?.pid);

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** A pixel host that is killed leaves what its encoder had written, which on a slow machine is nothing for a while. */
async function isOnDisk(session: string): Promise<boolean> {
  const recording = join(folder, 'data', 'recordings', session);
  const segments = (await readdir(recording)).filter((name) => name.startsWith('0000.mp4'));
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(recording, name))).size));
  return sizes.some((size) => size > 4000);
}

test('sessions are spread over workers; one is watched from another, and a worker takes only its own along', async () => {
  const { json: signedIn, headers } = await gateway.call('POST', '/api/login', {
    body: { username: 'admin', password: PASSWORD },
    headers: { Connection: 'keep-alive' },
  });
  assert.equal(headers['keep-alive'], 'timeout=310');
  const token = signedIn.token as string;
  const open = async () => {
    const session = await openDemo(gateway, token);
    await session.draws(() => session.drawn() >= 2);
    return session;
  };
  const first = await open();
  const second = await open();
  const third = await open();
  assert.deepEqual(new Set([workerOf(first.id), workerOf(second.id)]), new Set([1, 2]));
  const crowded = Number(workerOf(third.id));
  const other = 3 - crowded;
  const [mate, alone] = workerOf(first.id) === crowded ? [first, second] : [second, first];

  // A connection comes to the worker with fewer sessions, and this one's is the other.
  const { json: watch } = await gateway.call('POST', `/api/sessions/${mate.id}/watch`, { token });
  const viewer = new TunnelClient(gateway.port, {});
  await viewer.attach(watch.ticket);
  assert.equal((await viewer.next('hello')).role, 'shadow');
  assert.ok((await viewer.next('regions')).regions.length > 0);
  assert.deepEqual(
    [logged('live view is relayed').at(-1)?.worker, logged('live view is relayed').at(-1)?.from],
    [other, crowded],
  );
  assert.equal((await mate.owner.next('notice')).code, 'shadow_started');
  const shown = async () => (await gateway.call('GET', `/api/sessions/${mate.id}`, { token })).json;
  await until(async () => (await shown()).viewers.length === 1 && (await shown()).state === 'active');
  // What supervisors do gets to the worker: frozen, told, and ended in the API's words.
  assert.equal(
    (await gateway.call('POST', `/api/sessions/${mate.id}/freeze`, { token, body: { reason: 'why' } })).status,
    200,
  );
  assert.equal((await viewer.next('notice')).code, 'frozen');
  assert.equal(
    (await gateway.call('DELETE', `/api/sessions/${mate.id}`, { token, body: { reason: 'enough' } })).status,
    204,
  );
  assert.equal((await mate.owner.next('ended')).code, 'ended_by_user');
  assert.equal((await viewer.next('ended')).code, 'ended_by_user');
  assert.equal((await gateway.call('GET', `/api/sessions/${mate.id}`, { token })).status, 404);

  // A file that was copied in the desktop, from its worker by control and the worker that is asked for it.
  const keys = (down: boolean, ...codes: number[]) =>
    codes.map((code) => ({ kind: 'scancode', code, extended: false, down }) as const);
  const [CTRL, SHIFT, C] = [0x1d, 0x2a, 0x2e];
  third.owner.send({
    type: 'input',
    events: [{ kind: 'unicode', unit: 65, down: true }, ...keys(true, CTRL, SHIFT, C)],
  });
  third.owner.send({ type: 'input', events: keys(false, C, SHIFT, CTRL) });
  const { list } = await third.owner.next('clipboard-files');
  const file = await gateway.call('GET', `/api/sessions/${third.id}/files/${list}/0`, { token });
  assert.deepEqual([file.status, file.text], [200, 'A']);
  assert.match(String(file.headers['content-disposition']), /notes\.txt/);
  assert.equal((await gateway.call('GET', `/api/sessions/${third.id}/files/${list}/9`, { token })).status, 404);

  // A worker is killed: its pixel host finishes the recording. One goes with its pixel host: another worker's does.
  process.kill(pidOf(other), 'SIGKILL');
  assert.equal((await alone.owner.closed).code, 1006);
  // What its page asks then.
  const end = async () => (await gateway.call('GET', `/api/sessions/${alone.id}/end`, { token })).json.end;
  await until(async () => (await end()) !== null);
  assert.equal((await end()).code, 'worker_lost');
  const drawn = third.drawn();
  third.owner.send({ type: 'input', events: [{ kind: 'unicode', unit: 66, down: true }] });
  await third.draws(() => third.drawn() > drawn);
  const recording = async (id: string) => (await gateway.call('GET', `/api/recordings/${id}`, { token })).json;
  await until(() => logged('worker started').filter(({ worker }) => worker === other).length === 2);
  const after = await open();
  assert.equal(workerOf(after.id), other, 'it was replaced');
  await until(() => isOnDisk(third.id));
  const pids = [pidOf(crowded), ...(await childrenOf(pidOf(crowded)))];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  assert.equal((await third.owner.closed).code, 1006);

  for (const { id } of [mate, alone, third]) {
    await until(async () => !['recording', 'finishing'].includes((await recording(id)).state));
    const { state, endCode } = await recording(id);
    assert.deepEqual([state, endCode], ['ready', id === mate.id ? 'ended_by_user' : 'worker_lost']);
    const checked = await gateway.call('POST', `/api/recordings/${id}/verification`, { token });
    assert.equal(checked.json.verdict, 'whole', checked.text);
    const range = { token, headers: { Range: 'bytes=4-7' } };
    assert.equal((await gateway.call('GET', `/api/recordings/${id}/video.mp4`, range)).text, 'ftyp');
  }
  const sessions = (await gateway.call('GET', '/api/sessions', { token })).json as { id: string }[];
  assert.deepEqual(
    sessions.map(({ id }) => id),
    [after.id],
  );

  const stopped = gateway.stop();
  assert.equal((await after.owner.next('ended')).code, 'gateway_stopping');
  assert.equal(await stopped, 0);
});

test('when the control process is killed, workers end their sessions and leave', async () => {
  const again = await startProcess(folder, { ORIEL_WORKERS: '2' });
  const { json } = await again.call('POST', '/api/login', { body: { username: 'admin', password: PASSWORD } });
  const { owner, draws, drawn } = await openDemo(again, json.token);
  await draws(() => drawn() > 0);
  const workers = again
    .log()
    .split('\n')
    .flatMap((line) => (line.includes('worker started') ? [Number(JSON.parse(line).pid)] : []));
  assert.equal(workers.length, 2);
  await again.stop('SIGKILL');
  assert.equal((await owner.next('ended')).code, 'gateway_stopping');
  await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)));
});
