import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureSigningKey, parsePublicKeys } from './evidence/signing-key.ts';
import { eventsOf, readEvidence, verifyRecording, verifySource } from './evidence/verify.ts';
import { verifyStored } from './evidence/verify-stored.ts';
import { recoverInterrupted, THUMBNAIL_FILE, VIDEO_FILE } from './finish.ts';
import { readRecording } from './library.ts';
import { readManifest } from './manifest.ts';
import { type ByteSource, readWhole } from './storage/byte-source.ts';
import { FolderStorage } from './storage/folder-storage.ts';
import { RecordingFolder } from './storage/recording-folder.ts';
import { RecordingStore } from './storage/recording-store.ts';
import { isSealed, SealedFileError, UnsealedFileError } from './storage/sealed-file.ts';
import { copyAsLeft } from './testing/copy-as-left.ts';
import { decodeAll, probeVideo, requireTools, temporaryDirectory } from './testing/media-tools.ts';
import { RecordingSession } from './testing/recording-session.ts';

const FORMATS = join(import.meta.dirname, 'testing', 'formats');
const SECRET = 'swordfish-and-not-to-be-seen';

async function encryptedSession(context: TestContext) {
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const key = Uint8Array.from(randomBytes(32));
  const session = await RecordingSession.open(context, 320, 240, { key, signingKeyFile, segmentMs: 4000 });
  session.recorder.event('input', { typed: SECRET });
  for (let i = 0; i < 9; i++) {
    // The larger desktop makes finishing encode the first segments again, which must not leave anything behind either.
    if (i === 5) {
      session.desktop.resize(480, 320);
      session.recorder.resized(session.clock.now());
    }
    session.fill({ x: i * 20, y: i * 10, width: 90, height: 70 }, i % 2 ? '#2060c0' : '#c06020');
    await session.advance(1000);
  }
  await sleep(300);
  return { folder, session, key, signingKeyFile, publicKey, keyOf: async () => key };
}

/** Everything in a folder is encrypted; nothing in it is a part of a video, a picture, a manifest or an event. */
async function assertSealed(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).sort();
  for (const name of names) {
    const bytes = await readFile(join(directory, name));
    assert.match(name, /\.sealed(\.part)?$/);
    assert.ok(bytes.length === 0 || isSealed(bytes), name);
    for (const words of [SECRET, 'session-1', 'moof', 'mdat', 'avcC', 'JFIF', '"type"', 'sha256']) {
      assert.equal(bytes.includes(words), false, `${words} in ${name}`);
    }
  }
  return names;
}

async function saved(context: TestContext, source: ByteSource | undefined): Promise<string> {
  assert.ok(source);
  const path = join(await temporaryDirectory(context), 'video.mp4');
  await writeFile(path, await readWhole(source).finally(() => source.close()));
  return path;
}

test('an encrypted recording: never a plain byte on the disk, and the same MP4 for who has the key', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, key, keyOf, publicKey } = await encryptedSession(context);
  const while_ = await assertSealed(session.directory);
  assert.ok(while_.includes('0001.mp4.sealed') && while_.includes('events.jsonl.sealed'), while_.join());
  const summary = await session.finish();
  assert.equal(summary?.state, 'complete');
  assert.deepEqual(await assertSealed(session.directory), [
    'recording.json.sealed',
    'thumbnail.jpg.sealed',
    'video.mp4.sealed',
  ]);
  const store = new RecordingStore({ directory: session.root, keyOf });
  const path = await saved(context, await store.open('session-1', VIDEO_FILE));
  assert.equal(decodeAll(path), probeVideo(path).timestamps.length);
  const report = await verifyRecording(path, [publicKey]);
  assert.deepEqual([report.verdict, report.findings], ['whole', []]);
  assert.equal(report.bytes, summary?.bytes);
  const thumbnail = await store.open('session-1', THUMBNAIL_FILE);
  assert.deepEqual([...((await thumbnail?.read(0, 3)) ?? [])], [0xff, 0xd8, 0xff]);
  await thumbnail?.close();
  assert.ok((await store.events('session-1'))?.some(({ typed }) => typed === SECRET));
  assert.deepEqual((await readRecording(session.directory, keyOf))?.summary, summary);
  for (const other of [undefined, Uint8Array.from(key).fill(0, 0, 1)]) {
    const closed = new RecordingStore({ directory: session.root, keyOf: async () => other });
    await assert.rejects(
      closed.open('session-1', VIDEO_FILE),
      SealedFileError,
      'a destroyed key is a destroyed recording',
    );
  }
});

test('an encrypted recording that was interrupted is finished without a plain byte on the disk', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, session, key, signingKeyFile, publicKey, keyOf } = await encryptedSession(context);
  const root = join(folder, 'recordings');
  const left = join(root, 'session-1');
  await mkdir(root);
  await copyAsLeft(session.directory, left);
  await session.finish();
  const [lost] = await recoverInterrupted(root, { signingKeyFile });
  assert.match(lost?.error?.message ?? '', /encrypted, and there is no key/);
  const [recovered] = await recoverInterrupted(root, { signingKeyFile, keyOf });
  assert.equal(recovered?.error, undefined);
  assert.equal(recovered?.summary?.state, 'incomplete');
  await assertSealed(left);
  const store = new RecordingStore({ directory: root, keyOf: async () => key });
  const video = await store.open('session-1', VIDEO_FILE);
  assert.ok(video);
  const report = await verifySource(video, [publicKey]);
  assert.deepEqual([report.verdict, report.findings], ['whole', []]);
  const box = await readEvidence(video);
  assert.ok(box && eventsOf(box).some(({ typed }) => typed === SECRET), 'no event is lost');
  assert.ok(decodeAll(await saved(context, video)) >= 8);
});

test('what somebody puts there unencrypted is neither played nor finished, and never signed', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const root = await temporaryDirectory(context);
  const signingKeyFile = join(root, 'keys', 'evidence.key');
  await ensureSigningKey(signingKeyFile);
  const keyOf = async (id: string) => (id === 'keyed' ? Uint8Array.from(randomBytes(32)) : undefined);
  for (const id of ['keyed', 'unknown', 'format-1']) {
    await cp(join(FORMATS, 'format-1-interrupted'), join(root, id), { recursive: true });
  }
  const recovered = await recoverInterrupted(root, { signingKeyFile, keyOf, unencrypted: ['format-1', 'keyed'] });
  assert.deepEqual(
    recovered.map(({ sessionId, summary }) => [sessionId, summary?.state]),
    [
      ['format-1', 'incomplete'],
      ['keyed', undefined],
    ],
  );
  assert.match(
    recovered[1]?.error?.message ?? '',
    /recording.json is not encrypted, as everything of this recording was/,
  );
  for (const id of ['keyed', 'unknown']) assert.equal((await readdir(join(root, id))).includes(VIDEO_FILE), false);

  // Nor in place of a finished one, wherever that is.
  const elsewhere = new FolderStorage(await temporaryDirectory(context));
  await writeFile(join(root, 'keyed', VIDEO_FILE), await readFile(join(FORMATS, 'format-1', VIDEO_FILE)));
  await elsewhere.put(`keyed/${THUMBNAIL_FILE}`, join(root, 'keyed', VIDEO_FILE));
  const store = new RecordingStore({ directory: root, keyOf, storage: elsewhere });
  for (const name of [VIDEO_FILE, THUMBNAIL_FILE]) await assert.rejects(store.open('keyed', name), UnsealedFileError);
  await assert.rejects(store.events('keyed'), UnsealedFileError);
  const { verdict, findings } = await verifyStored(store, 'keyed', []);
  assert.deepEqual([verdict, findings[0]?.part], ['altered', 'storage']);
});

test('damage in the middle of a segment costs what comes after it there, and nothing else', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, session, key, signingKeyFile, publicKey, keyOf } = await encryptedSession(context);
  const root = join(folder, 'recordings');
  const left = join(root, 'session-1');
  await copyAsLeft(session.directory, left);
  await session.finish();
  const path = join(left, '0000.mp4.sealed');
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length * 0.9);
  await writeFile(path, bytes.fill(0, middle, middle + 40));
  const [recovered] = await recoverInterrupted(root, { signingKeyFile, keyOf });
  assert.equal(recovered?.error, undefined);
  const store = new RecordingStore({ directory: root, keyOf: async () => key });
  const video = (await store.open('session-1', VIDEO_FILE)) ?? assert.fail();
  const report = await verifySource(video, [publicKey]);
  assert.deepEqual([report.verdict, report.findings], ['whole', []]);
  assert.match(report.recording?.problems.join() ?? '', /segment 0000.mp4: cannot be read from byte \d+ of \d+ on/);
  const { frames = 0 } = (await readManifest(new RecordingFolder(left, 'session-1', key)))?.segments[0] ?? {};
  assert.ok(frames > 0, 'what is before it is there');
  assert.ok(decodeAll(await saved(context, video)) >= 5);
});

test('a recording of format version 1 plays, and is whole', async () => {
  const store = new RecordingStore({ directory: FORMATS });
  const recording = await readRecording(join(FORMATS, 'format-1'));
  assert.deepEqual([recording?.state, recording?.summary?.segments], ['complete', 3]);
  const video = await store.open('format-1', VIDEO_FILE);
  assert.ok(video);
  const keys = parsePublicKeys(await readFile(join(FORMATS, 'format-1', 'public-key.pem'), 'utf8'));
  assert.equal((await verifySource(video, keys)).verdict, 'whole');
  await video.close();
  const path = join(FORMATS, 'format-1', VIDEO_FILE);
  assert.equal(decodeAll(path), 14);
  assert.equal((await store.events('format-1'))?.length, 23);
});

test('a recording of format version 1 that was interrupted before the upgrade is finished', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const root = await temporaryDirectory(context);
  const signingKeyFile = join(root, 'keys', 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  await cp(join(FORMATS, 'format-1-interrupted'), join(root, 'session-1'), { recursive: true });
  const [recovered] = await recoverInterrupted(root, { signingKeyFile, sessionIds: ['session-1'] });
  assert.equal(recovered?.error, undefined);
  const summary = recovered?.summary;
  assert.deepEqual([summary?.state, summary?.segments, summary?.width], ['incomplete', 3, 400]);
  assert.ok(decodeAll(summary?.path ?? '') >= 10);
  assert.equal((await verifyRecording(summary?.path ?? '', [publicKey])).verdict, 'whole');
});

test('a recording of format version 2, encrypted, plays, and is whole', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const key = Buffer.from((await readFile(join(FORMATS, 'format-2.key'), 'utf8')).trim(), 'base64');
  const keys = parsePublicKeys(await readFile(join(FORMATS, 'format-2.pub'), 'utf8'));
  const store = new RecordingStore({ directory: FORMATS, keyOf: async () => key });
  // Files are bound to the session's id, which is the folder's name.
  const video = await store.open('format-2', VIDEO_FILE);
  assert.ok(video);
  assert.equal((await verifySource(video, keys)).verdict, 'whole');
  const path = await saved(context, video);
  assert.equal(decodeAll(path), probeVideo(path).timestamps.length);
  assert.equal((await readRecording(join(FORMATS, 'format-2'), async () => key))?.state, 'complete');
});
