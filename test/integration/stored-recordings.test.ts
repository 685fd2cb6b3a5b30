import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../gateway/testing/harness.ts';
import { openDemo, startProcess } from '../../gateway/testing/running-gateway.ts';
import { startS3Server } from '../../recorder/testing/s3-server.ts';

const PASSWORD = 'Admin-Stored-Pass-1!';

/** The whole gateway with an object store behind it: recorded, moved there, played from there. */
test('recordings in a storage play from there; while it does not answer, that is said, and no word of what is not there', async (context) => {
  const server = await startS3Server(context);
  const folder = await mkdtemp(join(tmpdir(), 'oriel-stored-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  const environment = {
    ORIEL_RECORDINGS_URL: `s3://${server.bucket}/here?endpoint=${encodeURIComponent(server.endpoint)}&region=us-east-1`,
    ORIEL_ADMIN_PASSWORD: PASSWORD,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
  };
  const start = async () => {
    const gateway = await startProcess(folder, environment);
    context.after(() => gateway.child.kill('SIGKILL'));
    const { json } = await gateway.call('POST', '/api/login', { body: { username: 'admin', password: PASSWORD } });
    return { gateway, token: json.token as string };
  };
  const first = await start();
  const { id, owner, draws, drawn } = await openDemo(first.gateway, first.token);
  await draws(() => drawn() >= 5);
  await first.gateway.call('DELETE', `/api/sessions/${id}`, { token: first.token });
  await owner.next('ended');
  const state = async () =>
    (await first.gateway.call('GET', `/api/recordings/${id}`, { token: first.token })).json.state;
  await until(async () => (await state()) === 'ready');
  assert.equal(await first.gateway.stop(), 0);

  // What is finished moves at once at the next start.
  const { gateway, token } = await start();
  await until(async () => !(await readdir(join(folder, 'data', 'recordings'))).includes(id));
  const get = (part: string, headers = {}) => gateway.call('GET', `/api/recordings/${id}/${part}`, { token, headers });
  const check = () => gateway.call('POST', `/api/recordings/${id}/verification`, { token });
  assert.equal((await get('video.mp4', { Range: 'bytes=4-7' })).text, 'ftyp');
  assert.ok((await get('events')).json.length > 5);
  assert.equal((await check()).json.verdict, 'whole');
  assert.match((await get('evidence.zip')).text, /^PK/);
  server.fate = () => 'busy';
  const refused = [check(), ...['video.mp4', 'thumbnail.jpg', 'events', 'evidence.zip'].map((part) => get(part))];
  for (const { status, json } of await Promise.all(refused)) {
    assert.deepEqual([status, json.error.code], [503, 'recording_unreachable']);
  }
  server.fate = () => 'pass';
  assert.equal((await get('thumbnail.jpg')).status, 200);
  assert.equal(await gateway.stop(), 0);
});
