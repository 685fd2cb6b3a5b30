import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { verifyInProcess } from './verify-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-verify-'));
after(() => rm(folder, { recursive: true }));

async function program(source: string): Promise<string> {
  const path = join(folder, 'program.mjs');
  await writeFile(path, source);
  return path;
}

test('the program gets its job on stdin and none of our settings; its report is the answer', async () => {
  process.env.ORIEL_ADMIN_PASSWORD = 'not for it';
  const path = await program(`
    let job = '';
    for await (const piece of process.stdin) job += piece;
    console.log(JSON.stringify([JSON.parse(job), process.argv.slice(2), process.env.ORIEL_ADMIN_PASSWORD ?? null]));
    process.exitCode = 1;`);
  const report = await verifyInProcess(path, { id: 'session', key: 'secret' });
  delete process.env.ORIEL_ADMIN_PASSWORD;
  assert.deepEqual(report, [{ id: 'session', key: 'secret' }, [], null]);
});

test('the program trusts the authorities that the gateway trusts: a storage of its own may have a certificate of theirs', async () => {
  process.env.NODE_EXTRA_CA_CERTS = '/etc/authority.pem';
  process.env.AWS_PROFILE = 'recordings';
  const path = await program(
    'console.log(JSON.stringify([process.env.NODE_EXTRA_CA_CERTS, process.env.AWS_PROFILE]));',
  );
  const report = await verifyInProcess(path, {});
  delete process.env.NODE_EXTRA_CA_CERTS;
  delete process.env.AWS_PROFILE;
  assert.deepEqual(report, ['/etc/authority.pem', 'recordings']);
});

test('a program that comes to no report says why', async () => {
  const path = await program(`console.error('the disk is gone'); process.exitCode = 3;`);
  await assert.rejects(verifyInProcess(path, {}), /verification failed: the disk is gone/);
});
