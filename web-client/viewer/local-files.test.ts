import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBrowserMessage, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { filesIn, LocalFiles, MAX_FILES } from './local-files.ts';

test('files are described, and read in parts', async () => {
  const files = new LocalFiles();
  const offer = files.add([new File(['hello'], 'a.txt'), new File([], 'b')]);
  assert.deepEqual(offer, {
    list: 1,
    files: [
      { name: 'a.txt', size: 5, index: 0 },
      { name: 'b', size: 0, index: 1 },
    ],
  });
  const part = await files.read({ request: 1, list: 1, index: 0, position: 1, length: 3 });
  assert.equal(new TextDecoder().decode(part), 'ell');
  const wanted = { request: 1, list: 1, index: 2, position: 0, length: 1 };
  await assert.rejects(files.read(wanted));
  await assert.rejects(files.read({ ...wanted, index: 0, length: TunnelLimits.filePartBytes + 1 }));
});

test('the last few offers can be read, and older ones are let go of', async () => {
  const files = new LocalFiles();
  for (let i = 0; i < 5; i++) files.add([new File([String(i)], 'x')]);
  const read = (list: number) => files.read({ request: 1, list, index: 0, position: 0, length: 1 });
  await assert.rejects(read(1));
  assert.equal(new TextDecoder().decode(await read(2)), '1');
});

test('folders are told from files, where the browser tells', () => {
  const file = new File(['x'], 'a.txt');
  const folder = new File([], 'folder');
  const item = (isDirectory: boolean) => ({ kind: 'file', webkitGetAsEntry: () => ({ isDirectory }) });
  const items = [{ kind: 'string', webkitGetAsEntry: () => null }, item(true), item(false)];
  assert.deepEqual(filesIn({ files: [folder, file], items }), { files: [file], hasFolders: true });
  assert.deepEqual(filesIn({ files: [file], items: [{ kind: 'file' }] }), { files: [file], hasFolders: false });
  assert.deepEqual(filesIn({ files: [file] }), { files: [file], hasFolders: false });
});

test('as many files as may be offered, with the longest names, fit into one message', () => {
  const all = Array.from({ length: MAX_FILES }, () => new File([], `${'七'.repeat(300)}.txt`));
  const offer = new LocalFiles().add(all);
  assert.ok(offer.files[0]?.name.endsWith('.txt'));
  const bytes = encodeBrowserMessage({ type: 'file-offer', ...offer });
  assert.ok(bytes.length <= TunnelLimits.browserMessageBytes);
});
