import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireHeadsFile } from './head-keeper.ts';

test('a file for heads that cannot be written is told by the name of its setting, and no folder is made for it', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-heads-'));
  context.after(() => rm(folder, { recursive: true }));
  const missing = join(folder, 'not mounted', 'heads.jsonl');
  await assert.rejects(requireHeadsFile(missing), /^ConfigError: ORIEL_AUDIT_HEADS_FILE: cannot be written: ENOENT/);
  await assert.rejects(requireHeadsFile(missing), /ENOENT/);
  const file = join(folder, 'heads.jsonl');
  await writeFile(file, 'what is there stays');
  await requireHeadsFile(file);
  assert.equal(await readFile(file, 'utf8'), 'what is there stays');
});
