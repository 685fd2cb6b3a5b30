import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../log.ts';
import { until } from '../testing/harness.ts';
import { HostChild } from './host-child.ts';
import { Patience } from './outbox.ts';

/** A host that only writes down which threads it is to start. */
const SCRIPT = `
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { decodeToHost, IpcFrameReader } from '${new URL('ipc.ts', import.meta.url).href}';
const reader = new IpcFrameReader();
new Socket({ fd: 3 }).on('data', (chunk) => {
  for (const { kind, thread } of reader.push(chunk).map(decodeToHost)) {
    if (kind === 'start-thread') appendFileSync(import.meta.dirname + '/started', thread + ' ');
  }
}).on('end', () => process.exit());
`;

test('a thread is started with the session before its first, so that nobody waits for it', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-host-'));
  await writeFile(join(folder, 'host.mjs'), SCRIPT);
  const events = { message: () => {}, died: () => {} };
  const host = new HostChild(join(folder, 'host.mjs'), { log: createLogger('silent'), threads: 3 }, events);
  context.after(async () => {
    await host.leave();
    await rm(folder, { recursive: true });
  });
  const started = () => readFile(join(folder, 'started'), 'utf8').catch(() => '');
  const open = (session: number) =>
    host.send({ kind: 'open', session, at: 0, options: { sessionId: `session-${session}` } }, Patience.watched);
  open(1);
  await until(async () => (await started()) !== '');
  assert.equal(await started(), '1 ');
  open(2);
  open(3);
  open(4);
  await until(async () => (await started()) !== '1 ');
  assert.equal(await started(), '1 2 ');
});
