import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { topLevelBoxes } from '../mp4/fragmented-mp4.ts';
import { bytesSource } from '../storage/byte-source.ts';
import { RecordingFolder } from '../storage/recording-folder.ts';
import { RecordingStore } from '../storage/recording-store.ts';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { describeReport } from './describe-report.ts';
import { EVIDENCE_MARK } from './evidence-box.ts';
import { parsePublicKeys } from './signing-key.ts';
import { verifySource } from './verify.ts';
import { verifyStored } from './verify-stored.ts';

const FORMATS = join(import.meta.dirname, '..', 'testing', 'formats');
const ID = 'format-2';
const KEY = Buffer.from((await readFile(join(FORMATS, 'format-2.key'), 'utf8')).trim(), 'base64');
const TRUSTED = parsePublicKeys(await readFile(join(FORMATS, 'format-2.pub'), 'utf8'));

/** The encrypted recording among the fixtures in a folder where it may be changed. */
async function copyOfRecording(context: TestContext) {
  const directory = await temporaryDirectory(context);
  await cp(join(FORMATS, ID), join(directory, ID), { recursive: true });
  const store = new RecordingStore({ directory, keyOf: async () => KEY });
  const folder = new RecordingFolder(join(directory, ID), ID, KEY);
  return { directory, store, folder, video: (await folder.read('video.mp4')) ?? assert.fail() };
}

test('all evidence taken out: the file alone proves nothing and says so, where it was sealed it is altered', async (context) => {
  const { store, folder, video } = await copyOfRecording(context);
  assert.equal((await verifyStored(store, ID, TRUSTED)).verdict, 'whole');
  const kept: Uint8Array[] = [];
  let at = 0;
  for await (const { type, end } of topLevelBoxes(bytesSource(video))) {
    if (type !== 'uuid') kept.push(video.subarray(at, end));
    at = end;
  }
  const stripped = Buffer.concat(kept);
  stripped[stripped.indexOf(EVIDENCE_MARK)] = 0;
  const alone = await verifySource(bytesSource(stripped), TRUSTED);
  assert.equal(alone.verdict, 'no-evidence');
  assert.match(describeReport(alone), /^NO EVIDENCE: this file is not proven to be whole[\s\S]*Do not rely on it/);
  await folder.write('video.mp4', stripped);
  const { verdict, findings } = await verifyStored(store, ID, TRUSTED);
  assert.deepEqual([verdict, findings[0]?.part], ['altered', 'box']);
});

test("another session's recording, whole as it is, is not this one", async (context) => {
  const { directory, video } = await copyOfRecording(context);
  await mkdir(join(directory, 'other'));
  await new RecordingFolder(join(directory, 'other'), 'other').write('video.mp4', video);
  const { verdict, findings } = await verifyStored(new RecordingStore({ directory }), 'other', TRUSTED);
  assert.deepEqual([verdict, findings.map(({ part }) => part)], ['altered', ['file']]);
});

test('what was done to the encrypted file is found, and where', async (context) => {
  const { directory, store, folder, video } = await copyOfRecording(context);
  const path = join(directory, ID, 'video.mp4.sealed');
  const sealed = await readFile(path);
  for (const changed of [flipped(sealed, 5000), sealed.subarray(0, 9000), flipped(sealed, 3)]) {
    await writeFile(path, changed);
    const { verdict, findings } = await verifyStored(store, ID, TRUSTED);
    assert.deepEqual([verdict, findings[0]?.part], ['altered', 'storage']);
  }
  // In the second record of three, where the evidence is now.
  const padding = Buffer.alloc(70_000);
  padding.writeUInt32BE(padding.length);
  padding.write('free', 4, 'latin1');
  await folder.write('video.mp4', Buffer.concat([padding, video, padding]));
  await writeFile(path, flipped(await readFile(path), 75_000));
  const { verdict, findings } = await verifyStored(store, ID, TRUSTED);
  assert.deepEqual([verdict, findings[0]?.part, findings[0]?.start], ['altered', 'storage', 65_536]);
  await assert.rejects(verifyStored(new RecordingStore({ directory }), ID, TRUSTED), /there is no key/);
});

test('a recording whose own record of it does not open is altered', async (context) => {
  const { directory, store } = await copyOfRecording(context);
  const path = join(directory, ID, 'recording.json.sealed');
  await writeFile(path, flipped(await readFile(path), 100));
  const { verdict, findings } = await verifyStored(store, ID, TRUSTED);
  assert.deepEqual([verdict, findings[0]?.part], ['altered', 'storage']);
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
