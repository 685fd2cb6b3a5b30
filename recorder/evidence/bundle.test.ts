import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { openFile } from '../storage/byte-source.ts';
import { requireTools } from '../testing/media-tools.ts';
import { sealedRecording } from '../testing/sealed-recording.ts';
import { openBundle } from './bundle.ts';
import { eventsToCsv } from './events-csv.ts';
import { ensureSigningKey, publicKeysFile } from './signing-key.ts';
import { verifyRecording } from './verify.ts';

const program = fileURLToPath(new URL('./main.ts', import.meta.url));

test('the program says whole, altered, cut short or neither by its exit code, and where', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const { path, bytes, keyFile, folder } = await sealedRecording(context);
  const key = publicKeysFile(keyFile);
  const verify = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, text: stdout + stderr };
  };
  const whole = verify(path, '--public-key', key);
  assert.deepEqual([whole.status, whole.text.split('\n')[0]], [0, 'WHOLE: every byte is as it was signed.']);
  const unpinned = verify(path);
  assert.equal(unpinned.status, 0);
  assert.match(unpinned.text, /taken from the file itself/);

  // The first is that of the texts.
  const at = bytes.lastIndexOf('mdat') + 200;
  const altered = Buffer.from(bytes);
  altered.writeUInt8(altered.readUInt8(at) ^ 4, at);
  await writeFile(path, altered);
  const found = verify(path, '--public-key', key, '--json', join(folder, 'report.json'));
  assert.equal(found.status, 1);
  assert.match(found.text, /pictures are altered \(segment 0000.mp4, 00:00:00.000 to /);
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  assert.equal(report.verdict, 'altered');

  await writeFile(path, bytes.subarray(0, at));
  const short = verify(path, '--public-key', key);
  assert.equal(short.status, 2);
  assert.match(short.text, /^CUT SHORT/);

  await writeFile(path, bytes);
  const other = join(folder, 'other.key');
  await ensureSigningKey(other);
  const foreign = verify(path, '--public-key', publicKeysFile(other));
  assert.equal(foreign.status, 1);
  assert.match(foreign.text, /another key/);

  await writeFile(path, 'this is no recording of anything');
  assert.equal(verify(path).status, 3);
  assert.equal(verify(join(folder, 'nothing.mp4')).status, 3);
  assert.equal(verify().status, 3);
  assert.equal(verify(path, '--public-key', path).status, 3);
});

test('a bundle is checked by what its text says, with openssl and sha256sum alone', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const { path, bytes, keys, folder } = await sealedRecording(context);
  const bundle = await openBundle(await openFile(path), keys, await verifyRecording(path, keys));
  assert.ok(bundle);
  assert.equal(bundle.report.verdict, 'whole');
  const files = unzip(await buffer(bundle.zip));
  assert.deepEqual([...files.keys()].sort(), [
    'HOW-TO-CHECK.txt',
    'events.csv',
    'events.jsonl',
    'manifest.json',
    'manifest.sig',
    'public-key.pem',
    'verification.json',
    'verification.txt',
    'video.mp4',
  ]);
  assert.ok(files.get('video.mp4')?.equals(bytes), 'the video is stored as it is');
  const unpacked = join(folder, 'unpacked');
  await mkdir(unpacked);
  for (const [name, content] of files) await writeFile(join(unpacked, name), content);

  const text = files.get('HOW-TO-CHECK.txt')?.toString('utf8') ?? '';
  const commands = [...text.matchAll(/^ {3}\$ (.+)$/gm)].map((match) => match[1] ?? '');
  assert.equal(commands.length, 5);
  const run = (command: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: unpacked, encoding: 'utf8' });
    return `${status} ${stdout}${stderr}`;
  };
  const [key, signature, video, events, head] = commands as [string, string, string, string, string];
  const manifest = JSON.parse(files.get('manifest.json')?.toString('utf8') ?? '');
  assert.match(run(key), new RegExp(`^0 ${manifest.key.id} `));
  assert.match(run(signature), /^0 Signature Verified Successfully/);
  const { video: signedVideo, events: signedEvents } = manifest;
  assert.equal(run(video), `0 "video":{"bytes":${signedVideo.bytes},"sha256":"${signedVideo.sha256}"\n`);
  assert.match(run(events), new RegExp(`^0 "events":\\{.*"sha256":"${signedEvents.sha256}"\n$`));
  assert.match(run(head), new RegExp(`^0 "events":\\{.*"head":"${signedEvents.head}"\n$`));

  const content = files.get('events.jsonl')?.toString('utf8') ?? '';
  // Each of the last two has a hash that the manifest has somewhere.
  const lastLine = content.slice(content.lastIndexOf('\n', content.length - 2) + 1);
  for (const altered of [`${content}{}\n`, lastLine]) {
    await writeFile(join(unpacked, 'events.jsonl'), altered);
    assert.equal(run(events), '1 ');
  }
  await writeFile(join(unpacked, 'video.mp4'), bytes.subarray(0, signedVideo.ranges[0].end));
  assert.equal(run(video), '1 ');
  await writeFile(join(unpacked, 'manifest.json'), `${files.get('manifest.json')} `);
  assert.match(run(signature), /^1 Signature Verification Failure/);
});

test('no bundle of a file that carries no evidence', async () => {
  assert.equal(await openBundle(await openFile(program), [], await verifyRecording(program)), undefined);
});

test('events as CSV: quoted, and no formula among them', () => {
  const at = Date.UTC(2026, 10, 21, 9);
  const csv = eventsToCsv([
    { n: 0, at, t: null, type: 'request', user: 'jane "j", doe', prev: 'x' },
    { n: 1, at, t: 1500, type: '=1+1', prev: 'x' },
    { n: 2, at: 1e300, t: 1e300, type: 'altered', prev: 'x' },
  ]);
  assert.deepEqual(csv.split('\r\n'), [
    'n,at,video_seconds,type,fields',
    '0,2026-11-21T09:00:00.000Z,,request,"{""user"":""jane \\""j\\"", doe""}"',
    "1,2026-11-21T09:00:00.000Z,1.500,'=1+1,{}",
    '2,1e+300,1e+297,altered,{}',
    '',
  ]);
});

/** The files of a ZIP, by its central directory (APPNOTE 4.3.12). */
function unzip(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = zip.readUInt32LE(end + 16);
  for (let i = zip.readUInt16LE(end + 10); i > 0; i--) {
    const [method, size, nameLength] = [
      zip.readUInt16LE(at + 10),
      zip.readUInt32LE(at + 20),
      zip.readUInt16LE(at + 28),
    ];
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const content = zip.subarray(start, start + size);
    files.set(name, method === 8 ? inflateRawSync(content) : content);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}
