import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../log.ts';
import { openStore } from '../store/store.ts';
import { testSigner } from '../testing/trail-signer.ts';
import { HeadKeeper, readHeads, requireHeadsFile } from './head-keeper.ts';
import { headLine, signHead } from './signatures.ts';

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

test('a start looks at the end of the heads file only, however long it has become', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-heads-'));
  const store = await openStore(':memory:');
  context.after(() => Promise.all([rm(folder, { recursive: true }), store.destroy()]));
  const file = join(folder, 'heads.jsonl');
  const signer = testSigner();
  const keeper = new HeadKeeper({ store, signer, file, log: createLogger('silent') });
  assert.deepEqual(await keeper.standing(), { broken: undefined, last: 0 });
  const head = (number: number) => signHead(signer, { number, hash: String(number), at: '2026-11-23T00:00:00Z' });
  await writeFile(file, '');
  // More than a string can hold; nothing of it is written to the disk.
  await truncate(file, 700 * 1024 * 1024);
  for (const number of [41, 43, 42]) await appendFile(file, `\n${headLine(head(number))}`);
  assert.equal((await keeper.standing()).broken?.number, 43);
});

test('heads are read from a file of lines, what is none of them passed over', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-heads-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'syslog');
  const lines = [1, 2].map((number) => headLine(signHead(testSigner(), { number, hash: 'ä', at: 'now' })));
  await writeFile(file, `<109>1 trail.head ${lines[0]}\r\nsomething else\n${lines[0]?.slice(0, 20)}${lines[1]}`);
  assert.deepEqual(
    (await readHeads(file)).map(({ number, hash }) => [number, hash]),
    [
      [1, 'ä'],
      [2, 'ä'],
    ],
  );
  assert.deepEqual(await readHeads(join(folder, 'missing')), []);
});
