import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensureSigningKey } from '../evidence/signing-key.ts';
import { verifySource } from '../evidence/verify.ts';
import { VIDEO_FILE } from '../finish.ts';
import { requireTools, temporaryDirectory } from '../testing/media-tools.ts';
import { RecordingSession } from '../testing/recording-session.ts';
import { type S3Server, startS3Server } from '../testing/s3-server.ts';
import { RecordingArchive } from './archive.ts';
import { piecesOf, readWhole } from './byte-source.ts';
import { FolderStorage } from './folder-storage.ts';
import type { ObjectStorage } from './object-storage.ts';
import { openStorage } from './open-storage.ts';
import { RecordingStore } from './recording-store.ts';
import { S3Storage } from './s3-storage.ts';

const PART = 5 * 1024 * 1024;

const storages: Record<string, (context: TestContext) => Promise<ObjectStorage>> = {
  'a folder': async (context) => openStorage(`file://${await temporaryDirectory(context)}/far/away`),
  'an S3 bucket': async (context) => s3(await startS3Server(context)),
};

function s3({ endpoint, bucket }: S3Server): S3Storage {
  const place = { bucket, prefix: 'oriel/', endpoint, region: 'us-east-1', pathStyle: true };
  return new S3Storage({ ...place, partBytes: PART, timeoutMs: 5000 });
}

async function fileOf(context: TestContext, bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryDirectory(context), 'file');
  await writeFile(path, bytes);
  return path;
}

for (const [name, open] of Object.entries(storages)) {
  test(`${name} keeps files as they are, and gives any part of them`, async (context) => {
    const storage = await open(context);
    await storage.check();
    assert.equal(await storage.open('one/video.mp4'), undefined);
    assert.deepEqual(await storage.list('one/'), []);
    await storage.remove('one/video.mp4');
    for (const size of [0, 1000, PART, 2 * PART + 12_345]) {
      const bytes = randomBytes(size);
      await storage.put('one/video.mp4', await fileOf(context, bytes));
      const source = await storage.open('one/video.mp4');
      assert.equal(source?.size, size);
      assert.ok(Math.abs((source?.modifiedAt ?? 0) - Date.now()) < 60_000);
      const pieces: Buffer[] = [];
      for await (const piece of piecesOf(source)) pieces.push(piece);
      assert.ok(Buffer.concat(pieces).equals(bytes));
      for (const [position, length] of [
        [0, 16],
        [500, 1],
        [PART - 10, 20],
        [size - 5, 100],
        [size + 10, 5],
      ] as const) {
        if (position < 0) continue;
        const part = await source.read(position, length);
        assert.ok(
          part.equals(bytes.subarray(position, position + length)),
          `${length} bytes at ${position} of ${size}`,
        );
      }
      await source.close();
    }
    await storage.put('one/recording.json', await fileOf(context, Buffer.from('{}')));
    await storage.put('two/recording.json', await fileOf(context, Buffer.from('{}')));
    assert.deepEqual((await storage.list('one/')).sort(), ['one/recording.json', 'one/video.mp4']);
    await storage.remove('one/video.mp4');
    assert.deepEqual(await storage.list('one/'), ['one/recording.json']);
    assert.equal(await storage.open('one/video.mp4'), undefined);
  });
}

test('an upload that was cut short goes on where it was, also in another process', async (context) => {
  const server = await startS3Server(context);
  const bytes = randomBytes(4 * PART + 1);
  const path = await fileOf(context, bytes);
  // The third part and everything after it is lost, again and again.
  server.fate = (request) => (/partNumber=[345]/.test(request) ? 'busy' : 'pass');
  await assert.rejects(s3(server).put('one/video.mp4', path), /SlowDown/);
  assert.equal(await s3(server).open('one/video.mp4'), undefined, 'a part of it is nothing');
  server.fate = () => 'pass';
  await s3(server).put('one/video.mp4', path);
  const parts = server.requests.flatMap((request) => /^PUT .*partNumber=(\d)/.exec(request)?.[1] ?? []);
  assert.deepEqual(parts, ['1', '2', '3', '4', '5'], 'no part went up twice');
  assert.equal(server.requests.filter((request) => /^POST .*\?uploads/.test(request)).length, 1);
  const source = await s3(server).open('one/video.mp4');
  assert.ok((await readWhole(source ?? assert.fail())).equals(bytes));
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['file'], 'nothing is left beside it');
});

test('killed in the middle of a part: the next process goes on with that part', async (context) => {
  const server = await startS3Server(context);
  const bytes = randomBytes(4 * PART + 1);
  const path = await fileOf(context, bytes);
  const script = join(import.meta.dirname, '..', 'testing', 'upload-process.ts');
  const args = [script, server.endpoint, server.bucket, 'one/video.mp4', path, String(PART)];
  const upload = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  context.after(() => upload.kill('SIGKILL'));
  server.fate = (request) => {
    if (!request.includes('partNumber=3')) return 'pass';
    upload.kill('SIGKILL');
    return 'drop';
  };
  assert.equal((await once(upload, 'exit'))[1], 'SIGKILL');
  server.fate = () => 'pass';
  await s3(server).put('one/video.mp4', path);
  const parts = server.requests.flatMap((request) => /^PUT .*partNumber=(\d)/.exec(request)?.[1] ?? []);
  assert.deepEqual(parts, ['1', '2', '3', '4', '5']);
  const source = await s3(server).open('one/video.mp4');
  assert.ok((await readWhole(source ?? assert.fail())).equals(bytes));
});

test('answers that are lost, the one that it is complete among them: done once more, or known to be done', async (context) => {
  const server = await startS3Server(context);
  const bytes = randomBytes(2 * PART + 1);
  const path = await fileOf(context, bytes);
  const seen = new Set<string>();
  server.fate = (request) => {
    if (seen.has(request)) return 'pass';
    seen.add(request);
    return 'unanswered';
  };
  await s3(server).put('one/video.mp4', path);
  const source = await s3(server).open('one/video.mp4');
  assert.ok((await readWhole(source ?? assert.fail())).equals(bytes));
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['file']);
});

test('an upload of a file that is another one now begins anew, as does one that the service forgot', async (context) => {
  const server = await startS3Server(context);
  const path = await fileOf(context, randomBytes(2 * PART));
  const upload = async (fate: S3Server['fate']) => {
    server.fate = fate;
    return s3(server).put('one/video.mp4', path);
  };
  await assert.rejects(upload((request) => (request.includes('partNumber=2') ? 'busy' : 'pass')));
  const bytes = randomBytes(2 * PART);
  await writeFile(path, bytes);
  await utimes(path, new Date(1e12), new Date(1e12));
  await upload(() => 'pass');
  assert.ok((await readWhole((await s3(server).open('one/video.mp4')) ?? assert.fail())).equals(bytes));

  await writeFile(path, randomBytes(2 * PART));
  await assert.rejects(upload((request) => (request.includes('partNumber=2') ? 'busy' : 'pass')));
  await s3(server).remove('one/video.mp4');
  const first = server.requests.findLast((request) => request.includes('partNumber=1')) ?? '';
  const id = /uploadId=[^&]+/.exec(first)?.[0] ?? assert.fail();
  await upload((request) => (request.includes(id) ? 'forgotten' : 'pass'));
  assert.equal((await s3(server).open('one/video.mp4'))?.size, 2 * PART);
});

test('what passes is tried again and nobody notices: a busy service, a lost connection', async (context) => {
  const server = await startS3Server(context);
  const bytes = randomBytes(PART + 10);
  const path = await fileOf(context, bytes);
  const seen = new Map<string, number>();
  server.fate = (request) => {
    const count = (seen.get(request) ?? 0) + 1;
    seen.set(request, count);
    return count === 1 ? 'drop' : count === 2 ? 'busy' : 'pass';
  };
  await s3(server).put('one/video.mp4', path);
  const source = await s3(server).open('one/video.mp4');
  assert.ok((await source?.read(PART - 5, 15))?.equals(bytes.subarray(PART - 5)));
});

test('a line so slow that a part takes longer than any silence may: it goes up all the same', async (context) => {
  const server = await startS3Server(context);
  server.fate = () => 'slow';
  const place = { bucket: server.bucket, prefix: '', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true };
  const size = 40_000_000;
  const storage = new S3Storage({ ...place, partBytes: size, timeoutMs: 2500 });
  await storage.put('one/video.mp4', await fileOf(context, randomBytes(size)));
  assert.equal(server.requests.filter((request) => request.startsWith('PUT')).length, 1);
});

test('a disk without room for a note of the upload does not keep the file from moving', async (context) => {
  const server = await startS3Server(context);
  const path = await fileOf(context, randomBytes(2 * PART));
  await mkdir(`${path}.upload.new`);
  await s3(server).put('one/video.mp4', path);
  assert.equal((await s3(server).open('one/video.mp4'))?.size, 2 * PART);
});

test('an upload that nobody goes on with is aborted: of a recording that is destroyed, before or meanwhile', async (context) => {
  const server = await startS3Server(context);
  const storage = s3(server);
  const aborted = () => server.requests.filter((request) => request.startsWith('DELETE ') && /uploadId=/.test(request));
  const begin = async () => {
    const directory = await temporaryDirectory(context);
    await mkdir(join(directory, 'one'));
    const path = join(directory, 'one', 'video.mp4');
    await writeFile(path, randomBytes(2 * PART));
    return { path, store: new RecordingStore({ directory, storage }) };
  };
  const before = await begin();
  server.fate = (request) => (request.includes('partNumber=2') ? 'busy' : 'pass');
  await assert.rejects(storage.put('one/video.mp4', before.path));
  server.fate = () => 'pass';
  await before.store.remove('one');
  assert.equal(aborted().length, 1);

  const meanwhile = await begin();
  let removing: Promise<void> | undefined;
  server.fate = (request) => {
    if (request.includes('partNumber=1')) removing ??= rm(join(meanwhile.path, '..'), { recursive: true });
    return 'pass';
  };
  await assert.rejects(storage.put('one/video.mp4', meanwhile.path), /ENOENT/);
  await removing;
  assert.equal(aborted().length, 2);
  assert.deepEqual(await storage.list(''), []);
});

test('what is wrong with the place is said before anything is put there', async (context) => {
  const server = await startS3Server(context);
  const open = (bucket: string, endpoint = server.endpoint) =>
    openStorage(`s3://${bucket}?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1`);
  await open(server.bucket).check();
  await assert.rejects(open('other').check(), /s3:\/\/other\/ at http.*cannot be used: .*bucket/i);
  process.env.AWS_ACCESS_KEY_ID = 'nobody';
  await assert.rejects(open(server.bucket).check(), /cannot be used: .*access key/i);
  process.env.AWS_ACCESS_KEY_ID = 'S3RVER';
  process.env.AWS_SECRET_ACCESS_KEY = 'S3RVEr';
  await assert.rejects(open(server.bucket).check(), /s3:\/\/recordings\/ at http.*cannot be used: .*signature/i);
  await assert.rejects(new FolderStorage('/dev/null/nowhere').check(), /\/dev\/null\/nowhere cannot be written/);
  for (const [url, words] of [
    ['https://bucket', /no file: or s3: URL/],
    ['nonsense', /no file: or s3: URL/],
    ['s3://', /no file: or s3: URL/],
    ['s3://key:secret@bucket', /keys do not belong/],
    ['s3://bucket?regio=x', /"regio" is none of/],
    ['s3://bucket?endpoint=minio', /endpoint "minio"/],
  ] as const) {
    assert.throws(() => openStorage(url), words, url);
  }
});

test('finished recordings move to the bucket, encrypted, and play from there; what goes on stays', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const server = await startS3Server(context);
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const key = Uint8Array.from(randomBytes(32));
  const session = await RecordingSession.open(context, 320, 240, { key, signingKeyFile });
  session.fill({ x: 10, y: 10, width: 90, height: 70 }, '#2060c0');
  await session.advance(3000);
  const storage = s3(server);
  const store = new RecordingStore({ directory: session.root, keyOf: async () => key, storage });
  const warnings: unknown[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields) };
  const archive = new RecordingArchive({ store, storage, log });
  await archive.sweep();
  assert.deepEqual(await storage.list(''), [], 'it is not finished');
  const summary = await session.finish();
  server.fate = () => 'busy';
  await archive.sweep();
  assert.equal(warnings.length, 1);
  const local = await store.open('session-1', VIDEO_FILE);
  assert.equal(local?.size, summary?.bytes, 'it plays from where it is');
  await local?.close();
  server.fate = () => 'pass';
  await archive.sweep();
  assert.deepEqual(await readdir(session.root), []);
  const names = ['recording.json.sealed', 'thumbnail.jpg.sealed', 'video.mp4.sealed'].map(
    (name) => `session-1/${name}`,
  );
  assert.deepEqual((await storage.list('')).sort(), names);
  const video = await store.open('session-1', VIDEO_FILE);
  assert.ok(video);
  assert.equal((await verifySource(video, [publicKey])).verdict, 'whole');
  assert.ok((await store.events('session-1'))?.some(({ type }) => type === 'finished'));
  assert.equal((await store.manifest('session-1'))?.video?.bytes, summary?.bytes);
  await store.remove('session-1');
  assert.deepEqual(await storage.list(''), []);
  await assert.rejects(stat(session.directory));
});

/** A recording, and a storage that lets a test do something when a file has been put there. */
async function movingRecording(context: TestContext) {
  const folder = await temporaryDirectory(context);
  const session = await RecordingSession.open(context, 320, 240);
  await session.advance(2000);
  await session.finish();
  const storage = new FolderStorage(join(folder, 'elsewhere'));
  const store = new RecordingStore({ directory: session.root, storage });
  const warnings: unknown[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields) };
  const sweep = async (then: (name: string) => Promise<void>) => {
    const watched = Object.assign(Object.create(storage) as FolderStorage, {
      async put(name: string, path: string) {
        await storage.put(name, path);
        await then(name);
      },
      description: 'watched',
    });
    await new RecordingArchive({ store, storage: watched, log }).sweep();
  };
  return { session, storage, store, sweep, warnings };
}

test('a recording that is destroyed while it moves leaves nothing behind, whichever of its files is on its way', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  for (const file of ['thumbnail.jpg', 'video.mp4', 'recording.json']) {
    const { session, storage, store, sweep } = await movingRecording(context);
    await sweep(async (name) => {
      if (!name.endsWith(file)) return;
      await store.remove('session-1');
      // What was on its way arrives after that.
      await storage.put(name, import.meta.filename);
    });
    assert.deepEqual([await storage.list(''), await readdir(session.root)], [[], []], file);
  }
});

test('a disk that cannot be read in the last moment of a move destroys nothing', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, storage, sweep, warnings } = await movingRecording(context);
  const manifest = join(session.directory, 'recording.json');
  await sweep(async (name) => {
    if (!name.endsWith('recording.json')) return;
    await rm(manifest);
    await mkdir(manifest);
  });
  assert.equal(warnings.length, 1);
  assert.ok((await storage.list('')).includes('session-1/video.mp4'));
  assert.ok((await readdir(session.directory)).includes('video.mp4'));
});

test('a recording that could not be signed has its events wherever it is kept', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const key = Uint8Array.from(randomBytes(32));
  const session = await RecordingSession.open(context, 320, 240, { key, signingKeyFile: join(folder, 'missing.key') });
  await session.advance(2000);
  assert.equal((await session.finish())?.state, 'incomplete');
  const storage = new FolderStorage(join(folder, 'elsewhere'));
  const store = new RecordingStore({ directory: session.root, keyOf: async () => key, storage });
  const types = async () => (await store.events('session-1'))?.map(({ type }) => type);
  const before = await types();
  assert.ok(before?.includes('finished'));
  const log = { debug() {}, info() {}, error() {}, warn() {} };
  await new RecordingArchive({ store, storage, log }).sweep();
  assert.deepEqual(await readdir(session.root), []);
  assert.deepEqual(await types(), before);
});
