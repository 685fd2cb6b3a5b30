import assert from 'node:assert/strict';
import { access, cp, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import { I420Picture, rgbaImage } from '../capture/i420.ts';
import type { Manifest, ManifestSegment } from '../manifest.ts';
import { scanFragments } from '../mp4/fragmented-mp4.ts';
import { RecordingFolder } from '../storage/recording-folder.ts';
import { decodeAll, probeVideo, requireTools, temporaryDirectory } from '../testing/media-tools.ts';
import { findFfmpeg } from './ffmpeg.ts';
import { SegmentWriter } from './segment-writer.ts';
import { keptFile, packAreas, readSpool, Spool, spoolFile } from './spool.ts';
import { encodeSpools } from './spooled-segments.ts';

const WIDTH = 320;
const HEIGHT = 240;

/** A picture that changes in one place at a time, and what it was at each step. */
function changingPicture() {
  const picture = new I420Picture(WIDTH, HEIGHT);
  const pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  const change = (step: number) => {
    const area = { x: (step * 34) % 280, y: (step * 22) % 200, width: 30, height: 20 };
    for (let y = area.y; y < area.y + area.height; y++) {
      pixels.fill(40 + step * 9, (y * WIDTH + area.x) * 4, (y * WIDTH + area.x + area.width) * 4);
    }
    picture.convert(rgbaImage(WIDTH, HEIGHT, pixels), area);
    return [area];
  };
  return { picture, change };
}

for (const key of [undefined, new Uint8Array(32).fill(7)]) {
  test(`a spool gives back every picture as it was${key ? ', encrypted' : ''}`, async (context) => {
    const folder = new RecordingFolder(await temporaryDirectory(context), 'r', key);
    const { picture, change } = changingPicture();
    change(0);
    const spool = await Spool.create(folder, '0000.spool', { picture, at: 0 });
    const encoder = new I420Picture(WIDTH, HEIGHT);
    encoder.bytes.set(picture.bytes);
    const states: Uint8Array[] = [picture.bytes.slice()];
    for (let step = 1; step <= 12; step++) {
      const areas = change(step);
      void spool.add(packAreas(picture, areas), step * 100);
      states.push(picture.bytes.slice());
    }
    for (let step = 1; step <= 12; step++) {
      assert.equal(await spool.take(encoder), step * 100);
      assert.deepEqual(encoder.bytes, states[step]);
    }
    await spool.close();
    const source = await folder.openLog('0000.spool');
    assert.ok(source);
    const again = new I420Picture(WIDTH, HEIGHT);
    const times: number[] = [];
    for await (const at of readSpool(source, again)) {
      assert.deepEqual(again.bytes, states[times.length]);
      times.push(at);
    }
    await source.close();
    assert.equal(times.length, 13);
  });
}

test('a spool that a gateway of before has left, deflated and nothing else, is read as it was', async (context) => {
  const folder = new RecordingFolder(await temporaryDirectory(context), 'r');
  const { picture, change } = changingPicture();
  change(1);
  const table = Buffer.from(Uint32Array.of(0, 0, WIDTH, HEIGHT).buffer);
  const body = deflateSync(Buffer.concat([table, picture.bytes]));
  const header = Buffer.alloc(16);
  header.writeUInt32LE(body.length, 0);
  header.writeDoubleLE(40, 4);
  header.writeUInt32LE(1, 12);
  await folder.write('0000.spool', Buffer.concat([header, body]));
  const source = await folder.openLog('0000.spool');
  assert.ok(source);
  const again = new I420Picture(WIDTH, HEIGHT);
  assert.deepEqual(await readSpool(source, again).next(), { done: false, value: 40 });
  assert.deepEqual(again.bytes, picture.bytes);
  await source.close();
});

test('areas that were packed stay as they were, however many wait at a time', async (context) => {
  const folder = new RecordingFolder(await temporaryDirectory(context), 'r');
  const { picture, change } = changingPicture();
  const whole = [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
  const spool = await Spool.create(folder, '0000.spool');
  const states: Uint8Array[] = [];
  // Each packs into what the one before it has left, while others wait.
  for (let step = 0; step < 12; step++) {
    const areas = change(step);
    states.push(picture.bytes.slice());
    const added = spool.add(packAreas(picture, step % 3 === 0 ? whole : areas), step);
    if (step % 4 === 3) await added;
  }
  const read = new I420Picture(WIDTH, HEIGHT);
  for (const [step, state] of states.entries()) {
    assert.equal(await spool.take(read), step);
    assert.deepEqual(read.bytes, state);
  }
  await spool.close();
});

test('an encoder that has fallen behind gets every picture in the end, and nobody waits for it', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, writer } = await setUp(context);
  const { picture, change } = changingPicture();
  await writer.write(picture, [], 0);
  await writer.drained();
  process.kill(writer.pid as number, 'SIGSTOP');
  // More than its pipe holds.
  for (let step = 1; step <= 20; step++) assert.equal(await writer.write(picture, change(step), step * 100), true);
  await access(folder.pathOf(spoolFile('0000.mp4')));
  process.kill(writer.pid as number, 'SIGCONT');
  assert.equal((await writer.end()).code, 0);
  assert.deepEqual(
    probeVideo(folder.pathOf('0000.mp4')).timestamps,
    Array.from({ length: 21 }, (_, i) => i * 100),
  );
  await assert.rejects(access(folder.pathOf(spoolFile('0000.mp4'))));
});

test('what an encoder that died had not caught up with becomes a segment of its own', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, writer, settings } = await setUp(context);
  const { picture, change } = changingPicture();
  for (let step = 0; step < 5; step++) {
    await writer.write(picture, change(step), step * 100);
    await writer.drained();
  }
  process.kill(writer.pid as number, 'SIGSTOP');
  for (let step = 5; step < 20; step++) await writer.write(picture, change(step), step * 100);
  process.kill(writer.pid as number, 'SIGKILL');
  await writer.end();
  const manifest = manifestOf(settings);
  const made = await encodeSpools(folder, manifest, await findFfmpeg());
  assert.equal(made.length, 1);
  assert.deepEqual(
    manifest.segments.map(({ file }) => file),
    ['0000.mp4', '0000-rest.mp4'],
  );
  const rest = manifest.segments[1];
  const path = folder.pathOf('0000-rest.mp4');
  assert.equal(decodeAll(path), probeVideo(path).timestamps.length);
  const times = probeVideo(path).timestamps.map((ms) => ms + (rest?.startedAt ?? 0));
  const first = times[0] ?? 0;
  assert.ok(first <= 600, `begins at ${first}`);
  assert.deepEqual(
    times,
    Array.from({ length: 20 - first / 100 }, (_, i) => first + i * 100),
  );
  // Done once, it is not done again.
  assert.deepEqual(await encodeSpools(folder, manifest, await findFfmpeg()), []);
});

test('what an encoder has taken and made nothing of is on the disk a moment later', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, writer, settings } = await setUp(context);
  const { picture, change } = changingPicture();
  await writer.write(picture, change(0), 0);
  await writer.drained();
  const pid = writer.pid as number;
  process.kill(pid, 'SIGSTOP');
  // Its pipe has room for a picture of this size.
  assert.equal(await writer.write(picture, change(1), 100), true);
  await there(folder.pathOf(spoolFile('0000.mp4')));
  await writer.write(picture, change(2), 200);
  const wanted = picture.bytes.slice();
  await writer.keep(picture, 300);
  process.kill(pid, 'SIGKILL');
  await writer.end();
  const source = (await folder.openLog(spoolFile('0000.mp4'))) ?? assert.fail();
  const last = new I420Picture(WIDTH, HEIGHT);
  const times: number[] = [];
  for await (const at of readSpool(source, last)) times.push(at);
  await source.close();
  assert.deepEqual(times, [100, 200]);
  assert.deepEqual(last.bytes, wanted);
  const manifest = manifestOf(settings);
  const [rest] = await encodeSpools(folder, manifest, await findFfmpeg());
  assert.equal(rest?.segment.startedAt, 100);
  assert.deepEqual(probeVideo(folder.pathOf('0000-rest.mp4')).timestamps, [0, 100, 200]);
});

test('killed as soon as a segment has begun, before anything of it was written but what waits', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = new RecordingFolder(await temporaryDirectory(context), 'r', new Uint8Array(32).fill(7));
  const settings = { width: WIDTH, height: HEIGHT, qp: 30 };
  const options = { ffmpeg: await findFfmpeg(), folder, file: '0000.mp4', settings, startedAt: 0, stallMs: 20_000 };
  const ready = Promise.withResolvers<void>();
  const writer = await SegmentWriter.open({ ...options, ready: ready.promise, onDeath: () => {} });
  const { picture, change } = changingPicture();
  for (let step = 0; step < 3; step++) await writer.write(picture, change(step), step * 100);
  assert.equal((await stat(folder.pathOf('0000.mp4'))).size, 0);
  const crashed = new RecordingFolder(await temporaryDirectory(context), 'r', new Uint8Array(32).fill(7));
  await cp(folder.path, crashed.path, { recursive: true });
  ready.resolve();
  await writer.end();
  const [made] = await encodeSpools(crashed, manifestOf(settings), await findFfmpeg());
  assert.equal(made?.segment.file, '0000.mp4');
  const source = (await crashed.openLog('0000.mp4')) ?? assert.fail();
  const { frames } = (await scanFragments(source)) ?? assert.fail();
  await source.close();
  assert.deepEqual(
    frames.map(({ timeMs }) => timeMs),
    [0, 100, 200],
  );
});

test('an encoder that is killed before anything has come out of it: the first picture is there', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, writer, settings } = await setUp(context);
  process.kill(writer.pid as number, 'SIGSTOP');
  const { picture, change } = changingPicture();
  await writer.write(picture, change(0), 0);
  const first = picture.bytes.slice();
  await there(folder.pathOf(keptFile('0000.mp4')));
  await writer.write(picture, change(1), 100);
  process.kill(writer.pid as number, 'SIGKILL');
  await writer.end();
  const kept = (await folder.open(keptFile('0000.mp4'))) ?? assert.fail();
  const again = new I420Picture(WIDTH, HEIGHT);
  for await (const at of readSpool(kept, again)) assert.equal(at, 0);
  await kept.close();
  assert.deepEqual(again.bytes, first);
  const manifest = manifestOf(settings);
  (manifest.segments[0] as ManifestSegment).durationMs = writer.lastTimestamp;
  (manifest.segments[0] as ManifestSegment).problem = 'signal SIGKILL';
  const [made] = await encodeSpools(folder, manifest, await findFfmpeg());
  assert.deepEqual([made?.segment.file, made?.segment.startedAt], ['0000.mp4', 0]);
  assert.equal(probeVideo(folder.pathOf('0000.mp4')).timestamps[0], 0);
  // Whether the second one had come to the disk as well, depends on how fast that is.
  const isWhole = probeVideo(folder.pathOf('0000.mp4')).timestamps.length > 1;
  assert.equal(manifest.segments[0]?.problem, isWhole ? undefined : 'signal SIGKILL');
});

test('an encoder that was late and has made everything of it leaves nothing behind, nor does what was kept', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { folder, writer, settings } = await setUp(context);
  const { picture, change } = changingPicture();
  await writer.write(picture, change(0), 0);
  await writer.drained();
  process.kill(writer.pid as number, 'SIGSTOP');
  await writer.write(picture, change(1), 100);
  const spool = folder.pathOf(spoolFile('0000.mp4'));
  await there(spool);
  process.kill(writer.pid as number, 'SIGCONT');
  for (const step of [2, 3]) await writer.write(picture, change(step), step * 100);
  await there(spool, false);
  await writer.keep(picture, 50_000);
  await writer.write(picture, change(5), 60_000);
  assert.equal((await writer.end()).code, 0);
  const { timestamps } = probeVideo(folder.pathOf('0000.mp4'));
  assert.deepEqual(timestamps.slice(0, 3), [0, 100, 200]);
  assert.ok(!timestamps.includes(50_000));
  assert.deepEqual(await encodeSpools(folder, manifestOf(settings), await findFfmpeg()), []);
  assert.deepEqual(await folder.files(), ['0000.mp4']);
});

/** Waits for a file, or until it is gone; a test's own time ends it. */
async function there(path: string, wanted = true): Promise<void> {
  const isThere = () =>
    access(path).then(
      () => true,
      () => false,
    );
  while ((await isThere()) !== wanted) await sleep(20);
}

function manifestOf(settings: { width: number; height: number; qp: number }): Manifest {
  const entry = { file: '0000.mp4', startedAt: 0, ...settings, desktop: { width: WIDTH, height: HEIGHT } };
  return {
    format: 'oriel-recording',
    version: 1,
    sessionId: 'r',
    state: 'recording',
    codec: { name: 'h264', encoder: 'libx264', ffmpeg: '' },
    segments: [entry],
  };
}

async function setUp(context: Parameters<typeof temporaryDirectory>[0]) {
  const folder = new RecordingFolder(await temporaryDirectory(context), 'r');
  const settings = { width: WIDTH, height: HEIGHT, qp: 30 };
  const options = { ffmpeg: await findFfmpeg(), folder, file: '0000.mp4', settings, startedAt: 0, stallMs: 20_000 };
  const writer = await SegmentWriter.open({ ...options, onDeath: () => {} });
  return { folder, writer, settings };
}
