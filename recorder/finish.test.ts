import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { keptFile } from './encoding/spool.ts';
import { recoverInterrupted } from './finish.ts';
import { listRecordings, readRecording } from './library.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { copyAsLeft } from './testing/copy-as-left.ts';
import { decodeAll, probeVideo, requireTools, temporaryDirectory } from './testing/media-tools.ts';
import { folderAt, scanSegmentFile } from './testing/open-files.ts';
import { RecordingSession } from './testing/recording-session.ts';
import { until } from './testing/until.ts';

test('the recording process killed: the next one finishes the recording by itself', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const root = await temporaryDirectory(context);
  const directory = join(root, 'killed');
  const seconds = await recordUntil(directory, 6, (host) => host.kill('SIGKILL'));
  const manifest = await readManifest(folderAt(directory));
  assert.equal(manifest?.state, 'recording');
  const recovered = await recoverInterrupted(root);
  assert.equal(recovered[0]?.error, undefined);
  const summary = recovered[0]?.summary;
  assert.ok(summary);
  assert.equal(summary.state, 'incomplete');
  assert.ok(summary.segments >= 2, 'several segments');
  assert.ok(summary.durationMs >= seconds * 1000 - 5000, `${summary.durationMs} ms of ${seconds} s`);
  assert.equal(decodeAll(summary.path), probeVideo(summary.path).timestamps.length);
  assert.deepEqual((await readRecording(directory))?.summary, summary);
  assert.deepEqual(await recoverInterrupted(root), [], 'nothing is left to do');
  assert.deepEqual((await readdir(directory)).sort(), ['events.jsonl', 'recording.json', 'thumbnail.jpg', 'video.mp4']);
});

test('the encoder and then the process killed: the whole fragments play', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const root = await temporaryDirectory(context);
  const directory = join(root, 'killed');
  const seconds = await recordUntil(directory, 6, (host, encoder) => {
    // Stopped first, or it would have started a successor already.
    host.kill('SIGSTOP');
    process.kill(encoder, 'SIGKILL');
    host.kill('SIGKILL');
  });
  const [recovered] = await recoverInterrupted(root);
  const summary = recovered?.summary;
  assert.ok(summary, recovered?.error?.message ?? 'no summary');
  assert.ok(summary.durationMs >= seconds * 1000 - 5000, `${summary.durationMs} ms of ${seconds} s`);
  assert.equal(decodeAll(summary.path), probeVideo(summary.path).timestamps.length);
});

test('a segment cut anywhere keeps its whole fragments', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, directory } = await unfinishedRecording(context);
  const segment = join(directory, '0001.mp4');
  const whole = await scanSegmentFile(segment);
  assert.ok(whole);
  for (const keep of [1, 0.9, 0.77, 0.5, 0.31]) {
    const folder = join(root, `cut-${keep}`);
    await cp(directory, join(folder, 's'), { recursive: true });
    const bytes = Math.floor(whole.playableBytes * keep) - (keep === 1 ? 3 : 0);
    await truncate(join(folder, 's', '0001.mp4'), bytes);
    const [recovered] = await recoverInterrupted(folder);
    const summary = recovered?.summary;
    assert.ok(summary, recovered?.error?.message ?? 'no summary');
    const frames = decodeAll(summary.path);
    assert.equal(frames, probeVideo(summary.path).timestamps.length);
    const manifest = await readManifest(folderAt(summary.path.replace('/video.mp4', '')));
    assert.equal(manifest?.segments[1]?.frames ?? 0, frames - (manifest?.segments[0]?.frames ?? 0));
    assert.ok((manifest?.segments[1]?.frames ?? 0) < whole.frames.length);
  }
});

test('garbage after the fragments is dropped; a segment of garbage costs itself only', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, directory } = await unfinishedRecording(context);
  await appendFile(join(directory, '0000.mp4'), Buffer.from('00000100mdat and nothing behind it', 'latin1'));
  await writeFile(join(directory, '0001.mp4'), 'not a video at all');
  await rm(join(directory, '0001.kept'));
  const [recovered] = await recoverInterrupted(root);
  assert.equal(recovered?.summary?.segments, 1);
  assert.ok(decodeAll(recovered?.summary?.path ?? '') > 5);
  const manifest = await readManifest(folderAt(directory));
  assert.match(manifest?.segments[1]?.problem ?? '', /no frame/);
});

test('the first segment lost: the video begins later, and ends when it did', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 320, 240, { segmentMs: 2000 });
  for (let i = 0; i < 7; i++) {
    session.fill({ x: i * 30, y: 20, width: 25, height: 25 }, '#204080');
    await session.advance(1000);
  }
  session.recorder.event('input', { keys: 1 });
  const last = session.clock.now();
  await framesThere(join(session.directory, '0002.mp4'));
  const root = await temporaryDirectory(context);
  // What is kept of a segment goes when that has ended, whenever that is.
  const filter = (path: string) => !path.includes('.kept');
  await copyAsLeft(session.directory, join(root, 'session-1'), { filter });
  await session.finish();
  await writeFile(join(root, 'session-1', '0000.mp4'), 'nothing that plays');
  const [recovered] = await recoverInterrupted(root, { aliveMs: -1 });
  const { startedAt = 0, endedAt } = recovered?.summary ?? {};
  assert.ok(startedAt >= session.startedAt + 1500, `${startedAt - session.startedAt}`);
  assert.equal(endedAt, last);
});

test('interrupted while joining: joined again', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, directory } = await unfinishedRecording(context);
  await rewriteManifest(directory, (manifest) => ({ ...manifest, state: 'finishing' }));
  await writeFile(join(directory, 'video.mp4.part'), 'half a video');
  const [recovered] = await recoverInterrupted(root);
  assert.equal(recovered?.summary?.state, 'complete');
  assert.deepEqual((await readdir(directory)).sort(), ['events.jsonl', 'recording.json', 'thumbnail.jpg', 'video.mp4']);
});

test('nothing left of a recording stays visible, and one that cannot be read stops no other', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, directory } = await unfinishedRecording(context);
  const lost = join(root, 'a-lost');
  await cp(directory, lost, { recursive: true });
  for (const name of ['0000.mp4', '0001.mp4', '0001.kept']) await rm(join(lost, name));
  const newer = join(root, 'b-newer');
  await cp(directory, newer, { recursive: true });
  await rewriteManifest(newer, (manifest) => ({ ...manifest, version: 3 as unknown as 1 }));
  await mkdir(join(root, 'c-not-a-recording'));
  const recovered = await recoverInterrupted(root);
  assert.deepEqual(
    recovered.map(({ sessionId, error }) => [sessionId, error?.code]),
    [
      ['a-lost', 'recording_failed'],
      ['b-newer', 'recording_failed'],
      ['session-1', undefined],
    ],
  );
  assert.match(recovered[1]?.error?.message ?? '', /version 3/);
  assert.equal((await readManifest(folderAt(lost)))?.state, 'incomplete');
  const listed = await listRecordings(root);
  assert.deepEqual(
    listed.map(({ directory: folder, summary }) => [folder.slice(root.length + 1), summary !== undefined]),
    [
      ['a-lost', false],
      ['session-1', true],
    ],
  );
});

test('a recording whose owner lives is left alone until the owner is gone', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  context.after(() => owner.kill('SIGKILL'));
  // No heartbeat for a minute: it may live, but it does not record this any more. Nor where a clock that was wrong is set back.
  for (const renewedMs of [-60_000, 365 * 24 * 60 * 60_000]) {
    const { root, directory } = await unfinishedRecording(context);
    await rewriteManifest(directory, (manifest) => ({ ...manifest, owner: { pid: owner.pid ?? 0 } }));
    assert.deepEqual(await recoverInterrupted(root, { patienceMs: 700 }), []);
    const renewed = new Date(Date.now() + renewedMs);
    await utimes(join(directory, 'recording.json'), renewed, renewed);
    assert.ok((await recoverInterrupted(root, { patienceMs: 0 }))[0]?.summary, `${renewedMs}`);
  }
});

test('no folder, no recordings', async (context) => {
  const root = await temporaryDirectory(context);
  assert.deepEqual(await recoverInterrupted(join(root, 'none')), []);
  assert.deepEqual(await listRecordings(join(root, 'none')), []);
});

/** A recording of two segments as a crash leaves it: closed segments, manifest in state `recording`. */
async function unfinishedRecording(context: Parameters<typeof temporaryDirectory>[0]) {
  const session = await RecordingSession.open(context, 640, 480, { segmentMs: 8000 });
  for (let i = 0; i < 15; i++) {
    session.fill({ x: i * 40, y: i * 30, width: 60, height: 60 }, '#204080');
    await session.advance(1000);
  }
  const root = await temporaryDirectory(context);
  const directory = join(root, 'session-1');
  // The copy must have whole segments: wait until the encoder has written what it was given.
  await until('the frames of both segments', async () => {
    const [first, second] = await Promise.all(
      ['0000.mp4', '0001.mp4'].map((file) => scanSegmentFile(join(session.directory, file))),
    );
    if ((first?.frames.length ?? 0) < 8 || (second?.frames.length ?? 0) < 6) return false;
    // The first has ended: nothing is kept of it any more from which it could be had in another way.
    return !(await readdir(session.directory)).includes(keptFile('0000.mp4'));
  });
  // On a machine with much to do pictures wait there as well.
  const filter = (path: string) => !path.endsWith('.spool');
  await copyAsLeft(session.directory, directory, { filter });
  await session.finish();
  await rewriteManifest(directory, (manifest) => ({ ...manifest, state: 'recording' }));
  return { root, directory };
}

async function rewriteManifest(directory: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  const path = join(directory, 'recording.json');
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')) as Manifest)));
}

/** Records in a process of its own for so many seconds, then ends it as told; waits until its encoders are gone. */
async function recordUntil(
  directory: string,
  seconds: number,
  end: (host: ChildProcess, encoder: number) => void,
): Promise<number> {
  const script = join(import.meta.dirname, 'testing', 'recorder-process.ts');
  const host = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const encoders: number[] = [];
  let recorded = 0;
  for await (const line of createInterface({ input: host.stdout })) {
    const [what, value] = line.split(' ');
    if (what === 'encoder') encoders.push(Number(value));
    else recorded = Number(value);
    if (recorded >= seconds) break;
  }
  const exited = once(host, 'exit');
  end(host, encoders.at(-1) ?? assert.fail('it had no encoder'));
  await exited;
  await until('its encoders to be gone', () => !encoders.some(isAlive));
  assert.ok((await stat(directory)).isDirectory());
  return recorded;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function framesThere(segment: string): Promise<void> {
  await until(
    `a frame in ${segment}`,
    async () => ((await scanSegmentFile(segment).catch(() => undefined))?.frames.length ?? 0) > 0,
  );
}
