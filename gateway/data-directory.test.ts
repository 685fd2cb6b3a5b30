import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from './config.ts';
import { makeDataDirectory } from './data-directory.ts';

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'oriel-data-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('a data folder is made with those it is in, for its owner alone; one that is there stays', async (context) => {
  const root = await folder(context);
  const path = join(root, 'srv', 'oriel');
  await makeDataDirectory(path);
  for (const made of [path, join(root, 'srv')]) assert.equal((await stat(made)).mode & 0o777, 0o700);
  await writeFile(join(path, 'file'), '');
  await makeDataDirectory(path);
  await stat(join(path, 'file'));
});

test('where none can be made, the setting is named: below /proc, too, where nobody ends looking for what is missing', async (context) => {
  const root = await folder(context);
  await writeFile(join(root, 'file'), '');
  for (const path of [join(root, 'file', 'data'), '/proc/oriel-is-not-here/data']) {
    await assert.rejects(
      makeDataDirectory(path),
      (error) => error instanceof ConfigError && /^ORIEL_DATA: .* cannot be made \(E[A-Z]+\)$/.test(error.message),
    );
  }
});
