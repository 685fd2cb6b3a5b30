import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { appendFile, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { recoverInterrupted } from '../finish.ts';
import { readManifest, writeManifest } from '../manifest.ts';
import { copyAsLeft } from '../testing/copy-as-left.ts';
import { decodeAll, probeVideo, requireTools, temporaryDirectory } from '../testing/media-tools.ts';
import { evidenceIn, folderAt } from '../testing/open-files.ts';
import { RecordingSession } from '../testing/recording-session.ts';
import { sealedRecording } from '../testing/sealed-recording.ts';
import { until } from '../testing/until.ts';
import { CHECKPOINTS_FILE } from './checkpoint.ts';
import { describeReport } from './describe-report.ts';
import { checkLog } from './event-log.ts';
import { EVIDENCE_MARK, encodeEvidenceBox } from './evidence-box.ts';
import { encodeIndexBox } from './evidence-index.ts';
import { parseEvidenceManifest } from './evidence-manifest.ts';
import { ensureSigningKey, type PublicKey, parsePublicKeys } from './signing-key.ts';
import { eventsOf, type VerificationReport, verifyRecording } from './verify.ts';

test('a sealed recording is whole, says so with its events, and plays as before', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path, keys, bytes } = await sealedRecording(context);
  const report = await verifyRecording(path, keys);
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, 'whole');
  assert.deepEqual(report.key, { id: keys[0]?.id, trusted: true });
  assert.equal(report.recording?.state, 'complete');
  assert.ok((report.recording?.segments ?? 0) >= 3, `${report.recording?.segments} segments`);
  assert.equal((await verifyRecording(path)).key?.trusted, null);

  const box = await evidenceIn(path);
  assert.ok(box);
  const events = eventsOf(box);
  const types = new Set(events.map(({ type }) => type));
  for (const type of ['log', 'request', 'desktop', 'recording', 'input', 'segment', 'finished']) {
    assert.ok(types.has(type), `no event ${type}`);
  }
  assert.deepEqual([events[0]?.type, events[0]?.t], ['log', null], 'before the first picture there is no video time');
  assert.equal(events.filter(({ type }) => type === 'segment').length, report.recording?.segments);
  const input = events.filter(({ type }) => type === 'input');
  assert.ok(Math.abs((input[11]?.t ?? 0) - (input[5]?.t ?? 0) - 6000) <= 1, 'the video clock of events');

  const video = probeVideo(path);
  assert.equal(decodeAll(path), video.timestamps.length);
  assert.equal(video.timestamps.length, report.recording?.frames);
  assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'moov stands first');
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['recording.json', 'thumbnail.jpg', 'video.mp4']);
});

test('a flipped bit anywhere is found', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path, keys, bytes } = await sealedRecording(context);
  const box = await evidenceIn(path);
  const boxStart = (box?.manifest.start ?? 0) - 32;
  const random = randomNumbers(context, Number(process.env.ORIEL_TEST_SEED ?? Date.now() % 1e9));
  const places = Array.from({ length: 600 }, () => Math.floor(random() * bytes.length));
  // All of what frames the evidence, and all of what players read first.
  for (let at = boxStart; at < boxStart + 40; at++) places.push(at);
  for (let at = bytes.length - 14; at < bytes.length; at++) places.push(at);
  for (let at = 0; at < 64; at++) places.push(at);
  for (let at = 0; at < 64 + 44 + 8; at++) places.push((box?.signature.start ?? 0) - 4 + at);
  const file = await open(path, 'r+');
  try {
    for (const at of places) {
      const was = bytes[at] as number;
      await file.write(Uint8Array.of(was ^ (1 << Math.floor(random() * 8))), 0, 1, at);
      const report = await verifyRecording(path, keys);
      assert.equal(report.verdict, 'altered', `byte ${at} of ${bytes.length}: ${JSON.stringify(report.findings)}`);
      if (at < boxStart)
        assert.ok(
          report.findings.some((found) => covers(found, at)),
          `byte ${at} is not located`,
        );
      await file.write(Uint8Array.of(was), 0, 1, at);
    }
  } finally {
    await file.close();
  }
  assert.equal((await verifyRecording(path, keys)).verdict, 'whole');
});

test('a file that ends too early is cut short, wherever', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path, keys, bytes } = await sealedRecording(context);
  const box = await evidenceIn(path);
  const boxStart = (box?.manifest.start ?? 0) - 32;
  const random = randomNumbers(context, 8);
  const sizes = [bytes.length - 1, bytes.length - 12, boxStart, boxStart + 7, boxStart + 8, boxStart - 1, 0, 3, 8, 40];
  for (let i = 0; i < 60; i++) sizes.push(Math.floor(random() * bytes.length));
  for (const size of sizes.sort((a, b) => b - a)) {
    await truncate(path, size);
    const report = await verifyRecording(path, keys);
    assert.equal(report.verdict, 'cut-short', `${size} of ${bytes.length} bytes: ${JSON.stringify(report)}`);
  }
});

test('what is left of a file that was cut short verifies up to the cut, and is found altered where it is', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, bytes, keys } = await sealedRecording(context);
  const path = join(folder, 'cut.mp4');
  const frames = bytes.indexOf('mdat') + 4;
  const evidence = bytes.lastIndexOf('uuid') - 4;
  for (const share of [0.5, 0.8, 1]) {
    const cut = Buffer.from(bytes.subarray(0, frames + Math.floor((evidence - frames) * share)));
    await writeFile(path, cut);
    const report = await verifyRecording(path, keys);
    assert.deepEqual([report.verdict, report.key?.trusted], ['cut-short', true]);
    if (share === 1) assert.ok((report.untilMs ?? 0) >= 11_000, `${report.untilMs}`);
    // One bit of the pictures, of the header, and of the index itself: all of them are vouched for at the front.
    for (const at of [frames + 10, bytes.indexOf('stsz') + 20, bytes.indexOf('oriel-evidence-index') + 400]) {
      const altered = Buffer.from(cut);
      altered[at] = (altered[at] as number) ^ 4;
      await writeFile(path, altered);
      assert.equal((await verifyRecording(path, keys)).verdict, 'altered', `${share} of it, byte ${at}`);
    }
  }
});

test('what was appended, taken out, put in or swapped is found', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path, keys, bytes } = await sealedRecording(context);
  const box = await evidenceIn(path);
  const manifest = parseEvidenceManifest(box?.manifest.bytes ?? new Uint8Array());
  assert.ok(box && manifest);
  const altered = async (content: Uint8Array): Promise<VerificationReport> => {
    await writeFile(path, content);
    const report = await verifyRecording(path, keys);
    assert.equal(report.verdict, 'altered');
    return report;
  };
  const appended = await altered(Buffer.concat([bytes, Buffer.from('x')]));
  assert.deepEqual(appended.findings, [
    {
      part: 'file',
      message: '1 bytes were appended after the evidence',
      start: bytes.length,
      end: bytes.length + 1,
    },
  ]);
  // As long as the magic, so that even a copy of the box's own end does not mislead.
  await altered(Buffer.concat([bytes, bytes.subarray(bytes.length - 12)]));
  await altered(Buffer.concat([bytes, bytes.subarray(manifest.video.bytes)]));

  const [first, second] = manifest.segments;
  assert.ok(first && second);
  const missing = await altered(Buffer.concat([bytes.subarray(0, first.start + 50), bytes.subarray(first.start + 90)]));
  assert.match(missing.findings.map(({ message }) => message).join(), /40 bytes are missing/);
  await altered(
    Buffer.concat([bytes.subarray(0, first.start + 50), Buffer.alloc(9), bytes.subarray(first.start + 50)]),
  );
  const swapped = await altered(
    Buffer.concat([
      bytes.subarray(0, first.start),
      bytes.subarray(second.start, second.end),
      bytes.subarray(first.start, first.end),
      bytes.subarray(second.end),
    ]),
  );
  const named = new Set(swapped.findings.map(({ segment }) => segment));
  assert.ok(named.has(first.file) && named.has(second.file), JSON.stringify(swapped.findings));

  // An event line taken out, with the box made anew around it.
  const lines = Buffer.from(box.events.bytes).toString('utf8').split('\n');
  const events = Buffer.from(lines.filter((_, n) => n !== 5).join('\n'));
  const parts = { manifest: box.manifest.bytes, signature: box.signature.bytes, publicKey: box.publicKey.bytes };
  const report = await altered(
    Buffer.concat([bytes.subarray(0, manifest.video.bytes), encodeEvidenceBox({ ...parts, events })]),
  );
  assert.ok(
    report.findings.some(({ part, event }) => part === 'events' && event === 5),
    JSON.stringify(report.findings),
  );
});

test('what is left after several changes is never taken for less than it is, and no number in it stops the check', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path, keys, bytes } = await sealedRecording(context);
  const places = boxesOf(bytes);
  const index = places.find(({ type }) => type === 'uuid') ?? assert.fail();
  const evidence = places.findLast(({ type }) => type === 'uuid') ?? assert.fail();
  const check = async (content: Uint8Array) => {
    await writeFile(path, content);
    const report = await verifyRecording(path, keys);
    assert.ok(!/NaN|undefined|Infinity/.test(describeReport(report)));
    return [report.verdict, report.findings[0]?.part];
  };
  const stripped = Buffer.from(bytes.subarray(0, evidence.start));
  const unmarked = Buffer.from(stripped);
  unmarked[unmarked.indexOf(EVIDENCE_MARK)] = 0;
  assert.deepEqual(await check(unmarked), ['altered', 'header']);
  const unreadable = Buffer.from(stripped);
  unreadable[index.start + 40] = 0;
  assert.deepEqual(await check(unreadable), ['altered', 'header']);
  const headless = Buffer.concat([bytes.subarray(0, evidence.start), bytes.subarray(evidence.start + 100)]);
  assert.deepEqual(await check(headless), ['altered', 'box']);
  // Another box of that kind before it, and more boxes than anybody would follow.
  const other = Buffer.from('00000020757569640000000000000000000000000000000000000000ffffffff', 'hex');
  const hidden = Buffer.concat([bytes.subarray(0, index.start), other, bytes.subarray(index.start, evidence.start)]);
  assert.deepEqual(await check(hidden), ['altered', 'header']);
  const free = Buffer.from('0000000866726565', 'hex');
  const many = Array.from({ length: 12_000 }, () => free);
  assert.equal(
    (await check(Buffer.concat([bytes.subarray(0, index.start), ...many, bytes.subarray(index.start)])))[0],
    'altered',
  );
  // A sample table of four thousand million frames of a byte each, and times past what a date holds.
  const table = Buffer.from(bytes.subarray(0, places.findLast(({ type }) => type === 'mdat')?.start));
  table.writeUInt32BE(1, table.indexOf('stsz') + 8);
  table.writeUInt32BE(0xffff_fff0, table.indexOf('stsz') + 12);
  table.writeUInt32BE(0, index.start);
  assert.equal((await check(table.subarray(0, index.start + 20)))[0], 'cut-short');
  const facts = JSON.parse(
    bytes.toString('utf8', index.start + 32, index.start + 32 + bytes.readUInt32BE(index.start + 28)),
  );
  // Half a byte, in the index and in the manifest.
  const halfway = structuredClone(facts);
  halfway.ranges[0].end = 1.5;
  const indexOf = (changed: typeof facts) => encodeIndexBox(changed, { privateKey, publicKey: keys[0] as PublicKey });
  const { privateKey } = generateKeyPairSync('ed25519');
  const half = [bytes.subarray(0, index.start), indexOf(halfway), bytes.subarray(index.end, evidence.start)];
  assert.deepEqual(await check(Buffer.concat(half)), ['altered', 'header']);
  const at = bytes.indexOf('"end":', evidence.start) + 6;
  const digits = bytes.indexOf(',', at) - at;
  const manifest = Buffer.from(bytes);
  manifest.write('1.5'.padEnd(digits, '0'), at, 'latin1');
  assert.deepEqual(await check(manifest), ['altered', 'manifest']);
  for (const range of facts.ranges) range.untilMs = 1e300;
  const late = Buffer.concat([
    bytes.subarray(0, index.start),
    indexOf(facts),
    bytes.subarray(index.end, evidence.start),
  ]);
  assert.deepEqual(await check(late), ['altered', 'header']);
});

test('evidence made anew with another key is found by the key', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const mine = await sealedRecording(context);
  const theirs = await sealedRecording(context, '#10a010');
  const report = await verifyRecording(theirs.path, mine.keys);
  assert.equal(report.verdict, 'altered');
  assert.deepEqual(report.key, { id: theirs.keys[0]?.id, trusted: false });
  assert.equal(report.recording, null, 'nothing is claimed of it');
  // Without a key to hold it against, the file can only vouch for itself, and the report says so.
  assert.deepEqual((await verifyRecording(theirs.path)).key, { id: theirs.keys[0]?.id, trusted: null });
  // Another recording's evidence on this one's video.
  const box = await evidenceIn(mine.path);
  const other = parseEvidenceManifest((await evidenceIn(theirs.path))?.manifest.bytes ?? new Uint8Array());
  assert.ok(box && other);
  const foreign = mine.bytes.subarray((box.manifest.start ?? 0) - 32);
  await writeFile(theirs.path, Buffer.concat([theirs.bytes.subarray(0, other.video.bytes), foreign]));
  assert.equal((await verifyRecording(theirs.path, mine.keys)).verdict, 'altered');
});

test('files that are none of ours carry no evidence, and never trouble the check', async (context) => {
  const folder = await temporaryDirectory(context);
  const path = join(folder, 'file');
  const random = randomNumbers(context, 9);
  for (let i = 0; i < 200; i++) {
    const bytes = Buffer.from(Array.from({ length: 8 + Math.floor(random() * 400) }, () => Math.floor(random() * 256)));
    if (i % 4 === 0) bytes.write('ftyp', 4, 'latin1');
    if (i % 4 === 1) bytes.write('OrielEv1', bytes.length - 8, 'latin1');
    await writeFile(path, bytes);
    assert.notEqual((await verifyRecording(path)).verdict, 'whole');
  }
});

test('segments and events that are changed while the session goes on are named, and signed as a problem', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, publicKey } = await recordingUnderWay(context, 6);
  const events = join(session.directory, 'events.jsonl');
  await until('the first segment to be closed', async () => (await readFile(events, 'utf8')).includes('"0000.mp4"'));
  // The last byte of a frame: it still plays, and shows something else.
  const segment = await open(join(session.directory, '0000.mp4'), 'r+');
  const { size } = await segment.stat();
  const bytes = await segment.readFile();
  const at = bytes.lastIndexOf('mdat') + 40;
  assert.ok(at < size);
  await segment.write(Uint8Array.of((bytes[at] as number) ^ 1), 0, 1, at);
  await segment.close();
  const summary = await session.finish();
  assert.equal(summary?.state, 'incomplete');
  const report = await verifyRecording(summary?.path ?? '', [publicKey]);
  assert.equal(report.verdict, 'whole', 'it is as it was signed');
  assert.deepEqual(report.recording?.problems, ['segment 0000.mp4 is not as it was written']);
});

test('a recording that a crash interrupted keeps its events and is sealed when it is recovered', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, folder, signingKeyFile, publicKey } = await recordingUnderWay(context, 7);
  // What is on disk at this moment is what a kill leaves: copied, with half a line that was being written.
  const written = () => readFile(join(session.directory, 'events.jsonl'), 'utf8');
  await until('the last event to be on the disk', async () => (await written()).includes('"keys":6'));
  const left = join(folder, 'recordings', 'session-1');
  await copyAsLeft(session.directory, left);
  await appendFile(join(left, 'events.jsonl'), '{"n":99,"at":17');
  const manifest = await readManifest(folderAt(left));
  assert.ok(manifest);
  delete manifest.owner;
  await writeManifest(folderAt(left), manifest);
  await session.finish();

  const [recovered] = await recoverInterrupted(join(folder, 'recordings'), { signingKeyFile });
  assert.equal(recovered?.error, undefined);
  assert.equal(recovered?.summary?.state, 'incomplete');
  const path = recovered?.summary?.path ?? '';
  const report = await verifyRecording(path, [publicKey]);
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, 'whole');
  assert.match(report.recording?.problems.join() ?? '', /interrupted/);
  const box = await evidenceIn(path);
  assert.ok(box);
  const log = checkLog(box.events.bytes);
  assert.deepEqual(log.breaks, []);
  assert.equal(log.events.filter(({ type }) => type === 'input').length, 7, 'no event is lost');
  assert.ok(log.events.some(({ type, bytes }) => type === 'torn' && bytes === 15));
  assert.ok(log.events.some(({ type }) => type === 'recovered'));
});

test('a key that is changed before an interrupted recording is finished: the new one alone proves it whole', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, folder, signingKeyFile, publicKey: old } = await recordingUnderWay(context, 5);
  await until('a checkpoint', async () => (await stat(join(session.directory, CHECKPOINTS_FILE))).size > 0);
  const left = join(folder, 'recordings', 'session-1');
  await copyAsLeft(session.directory, left);
  const manifest = (await readManifest(folderAt(left))) ?? assert.fail();
  delete manifest.owner;
  await writeManifest(folderAt(left), manifest);
  await session.finish();
  await rm(signingKeyFile);
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const [recovered] = await recoverInterrupted(join(folder, 'recordings'), { signingKeyFile });
  const path = recovered?.summary?.path ?? '';
  for (const keys of [[], [publicKey], [old, publicKey]]) {
    const { verdict, findings, recording } = await verifyRecording(path, keys);
    assert.deepEqual([verdict, findings], ['whole', []]);
    assert.equal(recording?.attestedUntilMs !== undefined, keys.includes(old), 'whose word that is, is known');
  }
});

test('what was done to a recording between a crash and its end is said by who signed it, and the file is whole', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, folder, signingKeyFile, publicKey } = await recordingUnderWay(context, 5);
  const checkpoints = join(session.directory, CHECKPOINTS_FILE);
  await until('a checkpoint', async () => (await stat(checkpoints)).size > 0);
  for (const [name, problem] of [
    ['0000.mp4', /segment 0000.mp4 is not as it was/],
    [CHECKPOINTS_FILE, /not signed by this gateway/],
  ] as const) {
    const root = join(folder, name);
    const left = join(root, 'session-1');
    await copyAsLeft(session.directory, left);
    const manifest = (await readManifest(folderAt(left))) ?? assert.fail();
    delete manifest.owner;
    await writeManifest(folderAt(left), manifest);
    const bytes = await readFile(join(left, name));
    // The last byte of a segment's pictures, and a digit of what the checkpoint says.
    const at = name === CHECKPOINTS_FILE ? bytes.lastIndexOf('"t\\":') + 6 : bytes.length - 1;
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(join(left, name), bytes);
    const [recovered] = await recoverInterrupted(root, { signingKeyFile });
    const { verdict, findings, recording } = await verifyRecording(recovered?.summary?.path ?? '', [publicKey]);
    assert.deepEqual([verdict, findings, recording?.state], ['whole', [], 'incomplete'], name);
    assert.match(recording?.problems.join() ?? '', problem);
  }
  await session.finish();
});

test('an older manifest that is put back after a crash does not hide what was recorded since', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { session, folder, signingKeyFile, publicKey } = await recordingUnderWay(context, 7);
  const written = () => readFile(join(session.directory, 'events.jsonl'), 'utf8');
  await until('the second segment to be closed', async () => (await written()).includes('"0001.mp4"'));
  const left = join(folder, 'recordings', 'session-1');
  await copyAsLeft(session.directory, left);
  const manifest = (await readManifest(folderAt(left))) ?? assert.fail();
  manifest.segments.splice(1);
  delete manifest.owner;
  await writeManifest(folderAt(left), manifest);
  await session.finish();
  const [recovered] = await recoverInterrupted(join(folder, 'recordings'), { signingKeyFile });
  const report = await verifyRecording(recovered?.summary?.path ?? '', [publicKey]);
  assert.equal(report.verdict, 'whole');
  assert.ok(report.recording?.problems.includes('segment 0001.mp4 is in the event log, and not in the video'));
});

test('a desktop that grows: segments that were encoded again are marked, and the whole is whole', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const session = await RecordingSession.open(context, 320, 240, { signingKeyFile });
  session.fill({ x: 20, y: 20, width: 90, height: 70 }, '#2060c0');
  await session.advance(2000);
  session.desktop.resize(480, 320);
  session.recorder.resized(session.clock.now());
  await session.advance(2000);
  const summary = await session.finish();
  assert.equal(summary?.state, 'complete');
  const report = await verifyRecording(summary.path, [publicKey]);
  assert.deepEqual([report.verdict, report.findings, report.recording?.problems], ['whole', [], []]);
  const box = await evidenceIn(summary.path);
  assert.ok(box);
  const { segments } = parseEvidenceManifest(box.manifest.bytes) ?? { segments: [] };
  assert.deepEqual(
    segments.map(({ file, encodedAgain }) => [file, encodedAgain]),
    [
      ['0000.mp4', true],
      ['0001.mp4', undefined],
    ],
  );
  const sizes = eventsOf(box).filter(({ type }) => type === 'desktop');
  assert.deepEqual(
    sizes.map(({ width, height }) => [width, height]),
    [
      [320, 240],
      [480, 320],
    ],
  );
});

test('recordings of every version of the format stay verifiable', async () => {
  const fixtures = join(import.meta.dirname, '..', 'testing', 'fixtures');
  const keys = parsePublicKeys(await readFile(join(fixtures, 'evidence-1.pub'), 'utf8'));
  const report = await verifyRecording(join(fixtures, 'evidence-1.mp4'), keys);
  assert.deepEqual([report.verdict, report.key?.trusted, report.recording?.events], ['whole', true, 20]);
});

test('a recording that cannot be signed is kept, and says so', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const session = await RecordingSession.open(context, 320, 240, { signingKeyFile: join(folder, 'missing.key') });
  await session.advance(2000);
  const summary = await session.finish();
  assert.equal(summary?.state, 'incomplete');
  assert.ok(decodeAll(summary.path) > 0);
  assert.equal((await verifyRecording(summary.path)).verdict, 'no-evidence');
  assert.match((await readManifest(folderAt(session.directory)))?.problems?.join() ?? '', /^not signed: ENOENT/);
  assert.ok((await readdir(session.directory)).includes('events.jsonl'), 'its events stay beside it');
});

test('the key is made once, closed to others, and every public key is kept', async (context) => {
  const folder = await temporaryDirectory(context);
  const path = join(folder, 'keys', 'evidence-ed25519.key');
  const first = await ensureSigningKey(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await ensureSigningKey(path)).publicKey.id, first.publicKey.id);
  const pub = join(folder, 'keys', 'evidence-ed25519.pub');
  assert.equal((await readFile(pub, 'utf8')).split('BEGIN PUBLIC KEY').length, 2);
  await writeFile(path, '');
  await assert.rejects(ensureSigningKey(path));
});

function covers(found: { start?: number; end?: number }, at: number): boolean {
  return found.start !== undefined && found.end !== undefined && found.start <= at && at < found.end;
}

/** Repeatable by the seed that is said. */
function boxesOf(bytes: Buffer): { type: string; start: number; end: number }[] {
  const boxes: { type: string; start: number; end: number }[] = [];
  for (let at = 0; at < bytes.length; at = boxes.at(-1)?.end ?? bytes.length) {
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), start: at, end: at + bytes.readUInt32BE(at) });
  }
  return boxes;
}

function randomNumbers(context: TestContext, seed: number): () => number {
  context.diagnostic(`seed ${seed}`);
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A session of some seconds, with an event and something new in each, in segments of two seconds; it goes on. */
async function recordingUnderWay(context: TestContext, seconds: number) {
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const session = await RecordingSession.open(context, 320, 240, { signingKeyFile, segmentMs: 2000 });
  for (let i = 0; i < seconds; i++) {
    session.fill({ x: i * 20, y: i * 10, width: 90, height: 70 }, i % 2 ? '#2060c0' : '#c06020');
    session.recorder.event('input', { keys: i });
    await session.advance(1000);
  }
  return { session, folder, signingKeyFile, publicKey };
}
