import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { withReceivedFile } from './received-file.ts';

async function place(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-received-'));
  context.after(() => rm(folder, { recursive: true }));
  return join(folder, 'received');
}

test('what is sent is there as it was sent while it is used, and gone afterwards', async (context) => {
  const directory = await place(context);
  const sent = Readable.from([Buffer.from('one '), Buffer.from('two')]);
  assert.equal(await withReceivedFile(sent, directory, (path) => readFile(path, 'utf8')), 'one two');
  assert.deepEqual(await readdir(directory), []);
  const failing = withReceivedFile(Readable.from([]), directory, () => Promise.reject(new Error('not this one')));
  await assert.rejects(failing, /not this one/);
  assert.deepEqual(await readdir(directory), []);
});

test('what is too much, or breaks off, is not used and leaves nothing', async (context) => {
  const directory = await place(context);
  const use = () => assert.fail('it is not whole');
  const large = Readable.from([Buffer.alloc(6), Buffer.alloc(6)]);
  await assert.rejects(withReceivedFile(large, directory, use, { limit: 10 }), { code: 'too_large' });
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half');
      throw new Error('gone');
    })(),
  );
  await assert.rejects(withReceivedFile(broken, directory, use), /gone/);
  assert.deepEqual(await readdir(directory), []);
});

test('what sessions are recorded into is not filled with files to check', async (context) => {
  const directory = await place(context);
  const sizes = [20e6, 20e6, 20e6];
  const left = [90e6, 60e6, 15e6];
  let asked = 0;
  const room = async () => left[asked++] ?? 0;
  const file = () => Readable.from(sizes.map((size) => Buffer.alloc(size)));
  const whole = withReceivedFile(file(), directory, async () => 'checked', { room: async () => 90e6 });
  assert.equal(await whole, 'checked');
  const tooMuch = withReceivedFile(file(), directory, async () => 'checked', { room });
  await assert.rejects(tooMuch, { code: 'too_large' });
  assert.deepEqual([asked, await readdir(directory)], [3, []]);
});
