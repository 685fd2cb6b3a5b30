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

test('the report counts, whatever the exit code; the program gets file and key and none of our settings', async () => {
  process.env.ORIEL_ADMIN_PASSWORD = 'not for it';
  const path = await program(`
    const { ORIEL_EVIDENCE_KEY_FILE, ORIEL_ADMIN_PASSWORD } = process.env;
    console.log(JSON.stringify([process.argv.slice(2), ORIEL_EVIDENCE_KEY_FILE, ORIEL_ADMIN_PASSWORD ?? null]));
    process.exitCode = 1;`);
  const report = await verifyInProcess(path, '/video.mp4', '/keys/k.key');
  delete process.env.ORIEL_ADMIN_PASSWORD;
  assert.deepEqual(report, [['/video.mp4', '--json', '-'], '/keys/k.key', null]);
});

test('a program that comes to no report says why', async () => {
  const path = await program(`console.error('the disk is gone'); process.exitCode = 3;`);
  await assert.rejects(verifyInProcess(path, '/video.mp4', '/k'), /verification failed: the disk is gone/);
});
