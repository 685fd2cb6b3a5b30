import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_FRAME_POLICY } from './capture/frame-policy.ts';
import { FRAME_GRID_MS } from './encoding/segment-writer.ts';
import { recoverInterrupted } from './finish.ts';
import { readRecording } from './library.ts';
import { readManifest } from './manifest.ts';
import { RecorderError } from './recording.ts';
import { SessionRecorder } from './session-recorder.ts';
import { CanvasDesktop } from './testing/canvas-desktop.ts';
import { copyAsLeft } from './testing/copy-as-left.ts';
import {
  complaintsOf,
  decodeAll,
  frameAt,
  probeVideo,
  requireTools,
  temporaryDirectory,
} from './testing/media-tools.ts';
import { folderAt, scanSegmentFile } from './testing/open-files.ts';
import { RecordingSession } from './testing/recording-session.ts';
import { until } from './testing/until.ts';

for (const [width, height] of [
  [1280, 800],
  [1920, 1080],
] as const) {
  test(`a session of ${width}x${height} is an H.264 High yuv420p MP4 with the clock's timeline`, async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const session = await RecordingSession.open(context, width, height);
    for (let i = 0; i < 40; i++) {
      session.fill({ x: 20 + i * 12, y: 40 + i * 8, width: 120, height: 90 }, i % 2 ? '#2060c0' : '#c06020');
      session.recorder.pointer(30 + i * 12, 50 + i * 8, { kind: 'default' }, session.clock.now());
      await session.advance(500);
    }
    await session.advance(95_000);
    session.fill({ x: 0, y: 0, width: 400, height: 300 }, '#00ff00');
    await session.advance(5_000);
    const summary = await session.finish();
    assert.ok(summary);
    const video = probeVideo(summary.path);
    assert.deepEqual(
      { ...video, durationMs: 0, timestamps: [] },
      {
        codec: 'h264',
        profile: 'High',
        pixelFormat: 'yuv420p',
        width,
        height,
        colorSpace: 'bt709',
        colorRange: 'tv',
        durationMs: 0,
        timestamps: [],
      },
    );
    assert.ok(Math.abs(video.durationMs - session.elapsed) <= 100, `${video.durationMs} ms of ${session.elapsed}`);
    assert.equal(summary.durationMs, Math.round(video.durationMs));
    assert.equal(summary.state, 'complete');
    assert.equal(summary.startedAt, session.startedAt);
    assert.equal(summary.bytes, (await stat(summary.path)).size);
    assert.deepEqual(session.failures, []);
    // The change after the long pause is shown 0.3 s after it happened, and the pause is there.
    assert.ok(video.timestamps.includes(115_300), `${video.timestamps}`);
    assert.equal(decodeAll(summary.path), video.timestamps.length);
    const before = pixel(frameAt(summary.path, 115_299), width, 300, 200);
    const after = pixel(frameAt(summary.path, 115_300), width, 300, 200);
    assert.ok(close(after, [0, 255, 0]), `green is ${after}`);
    assert.ok(!close(before, [0, 255, 0]), 'nothing is shown before it happened');
    assert.deepEqual((await readdir(session.directory)).sort(), [
      'events.jsonl',
      'recording.json',
      'thumbnail.jpg',
      'video.mp4',
    ]);
    assert.deepEqual((await readRecording(session.directory))?.summary, summary);
  });
}

for (const changes of [1, 2, 30]) {
  test(`${changes} changes at odd moments are nothing that ffmpeg complains of`, async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const session = await RecordingSession.open(context, 320, 200);
    for (let i = 0; i < changes; i++) {
      session.fill({ x: i * 8, y: 20, width: 40, height: 40 }, i % 2 ? '#2060c0' : '#c06020');
      await session.advance(501 + ((i * i * 37) % 1213));
    }
    // Seen by nobody before the end: two frames follow one another closely.
    session.fill({ x: 0, y: 100, width: 40, height: 40 }, '#00ff00');
    const summary = await session.finish();
    assert.ok(
      Math.abs((summary?.durationMs ?? 0) - session.elapsed) <= 20,
      `${summary?.durationMs} of ${session.elapsed}`,
    );
    assert.equal(complaintsOf(summary?.path ?? ''), '');
  });
}

test('colours come out as they went in', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const colours = ['#000000', '#ffffff', '#808080', '#ff0000', '#00ff00', '#0000ff', '#ffff00', '#1e90ff', '#8b4513'];
  const session = await RecordingSession.open(context, 640, 480);
  colours.forEach((colour, i) => {
    session.fill({ x: i * 64, y: 0, width: 64, height: 480 }, colour);
  });
  await session.advance(1000);
  const summary = await session.finish();
  const frame = frameAt(summary?.path ?? '', 1000);
  colours.forEach((colour, i) => {
    const want = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    const got = pixel(frame, 640, i * 64 + 32, 240);
    assert.ok(close(got, want), `${colour} came out as ${got}`);
  });
});

test('the pointer is in the picture, and gone where it was', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  await session.advance(1000);
  session.recorder.pointer(100, 100, { kind: 'default' }, session.clock.now());
  await session.advance(2000);
  session.recorder.pointer(300, 300, { kind: 'default' }, session.clock.now());
  await session.advance(2000);
  const summary = await session.finish();
  const path = summary?.path ?? '';
  const darkest = (frame: Buffer, x: number, y: number): number => {
    let least = 255;
    for (let row = y; row < y + 18; row++) {
      for (let column = x; column < x + 12; column++) least = Math.min(least, pixel(frame, 640, column, row)[1] ?? 0);
    }
    return least;
  };
  const first = frameAt(path, 2500);
  const second = frameAt(path, 4500);
  assert.ok(darkest(first, 100, 100) < 60, 'drawn');
  assert.ok(darkest(first, 300, 300) > 200, 'not yet there');
  assert.ok(darkest(second, 100, 100) > 200, 'taken away');
  assert.ok(darkest(second, 300, 300) < 60, 'moved');
});

test('redrawing the same pixels adds no frame', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  session.fill({ x: 0, y: 0, width: 100, height: 100 }, '#ff0000');
  await session.advance(5000);
  for (let i = 0; i < 50; i++) {
    session.fill({ x: 0, y: 0, width: 100, height: 100 }, '#ff0000');
    await session.advance(400);
  }
  const summary = await session.finish();
  // First frame, the red square, and the end.
  assert.equal(probeVideo(summary?.path ?? '').timestamps.length, 3);
});

test('segments are cut by time and join without a seam', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480, { segmentMs: 10_000 });
  for (let i = 0; i < 60; i++) {
    session.fill({ x: i * 8, y: i * 6, width: 30, height: 30 }, '#204080');
    await session.advance(1000);
  }
  const summary = await session.finish();
  assert.ok(summary);
  assert.equal(summary.segments, 6);
  const { timestamps, durationMs } = probeVideo(summary.path);
  assert.ok(Math.abs(durationMs - 60_000) <= 100);
  // No drift: frames stand where the clock had them, in the last segment as in the first.
  assert.ok(timestamps.includes(2300) && timestamps.includes(58_300), `${timestamps}`);
  assert.equal(decodeAll(summary.path), timestamps.length);
});

test('a film has an encoder of its own, and joins what was before and after it without a seam', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const policy = { ...DEFAULT_FRAME_POLICY, motionAfterMs: 2000, filmAfterMs: 6000, filmEndsMs: 5000 };
  const session = await RecordingSession.open(context, 320, 240, { policy });
  await session.advance(2000);
  for (let i = 0; i < 150; i++) {
    session.fill({ x: 0, y: 0, width: 320, height: 200 }, `hsl(${i * 7}, 50%, 50%)`);
    await session.advance(100);
  }
  for (let i = 0; i < 8; i++) {
    session.fill({ x: i * 8, y: 210, width: 6, height: 20 }, '#204080');
    await session.advance(1000);
  }
  await joinsSegments(session, 3);
});

test('a rest has an encoder of its own, and joins what was before and after it without a seam', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  for (let i = 0; i < 130; i++) {
    session.fill({ x: 600, y: 450, width: 20, height: 20 }, i % 2 ? '#204080' : '#ffffff');
    await session.advance(2600);
  }
  // Closer to each other than what ticked: whoever takes the ticks for a frame rate has no place for all of them.
  for (let i = 0; i < 4; i++) {
    session.fill({ x: i * 40, y: 0, width: 300, height: 400 }, i % 2 ? '#20c020' : '#c02020');
    await session.advance(1000);
  }
  await joinsSegments(session, 3);
});

test('no segment is coarser than QP 38, however hard the budget presses', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const policy = { ...DEFAULT_FRAME_POLICY, bytesPerMinute: 10_000, budgetMinutes: 1 };
  const session = await RecordingSession.open(context, 320, 240, { policy, segmentMs: 4000 });
  for (let step = 0; step < 8; step++) {
    session.text([`step ${step}`, 'of eight'], 20, 60, '20px DejaVu Sans', step % 2 ? '#c02020' : '#2020c0', 30);
    await session.advance(2000);
  }
  const manifest = JSON.parse(await readFile(join(session.directory, 'recording.json'), 'utf8'));
  const summary = await session.finish();
  assert.ok(summary);
  assert.equal(summary.state, 'complete');
  const quantisers: number[] = manifest.segments.map(({ qp }: { qp: number }) => qp);
  assert.ok(quantisers.length > 1);
  assert.ok(quantisers.every((qp) => qp <= 38));
});

test('a frame that waits until it is paid for is said to be late', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const policy = { ...DEFAULT_FRAME_POLICY, bytesPerMinute: 1000, budgetMinutes: 1, overdueMs: 20_000 };
  const session = await RecordingSession.open(context, 320, 240, { policy });
  session.text(['all of it', 'is owed'], 20, 60, '20px DejaVu Sans', '#c02020', 30);
  await session.advance(100);
  while (session.recorder.health().bytes < 1000) await sleep(10);
  for (let i = 0; i < 50; i++) {
    session.fill({ x: 0, y: 100, width: 40, height: 40 }, i % 2 ? '#2060c0' : '#c06020');
    await session.advance(500);
  }
  assert.ok(await session.finish());
  const lines = (await readFile(join(session.directory, 'events.jsonl'), 'utf8')).trim().split('\n');
  const late = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'late');
  assert.deepEqual(
    late.map(({ ms }) => ms),
    [20_000],
  );
});

test('a new desktop size: one MP4 of the largest, every desktop centred and sharp', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  session.fill({ x: 0, y: 0, width: 640, height: 480 }, '#ff0000');
  await session.advance(5000);
  session.desktop.resize(801, 601, '#00ff00');
  session.recorder.resized(session.clock.now());
  await session.advance(5000);
  session.desktop.resize(400, 300, '#0000ff');
  session.recorder.resized(session.clock.now());
  await session.advance(5000);
  const summary = await session.finish();
  assert.ok(summary);
  assert.deepEqual([summary.width, summary.height, summary.segments], [802, 602, 3]);
  const video = probeVideo(summary.path);
  assert.deepEqual([video.width, video.height], [802, 602]);
  assert.ok(Math.abs(video.durationMs - 15_000) <= 100, `${video.durationMs}: ${video.timestamps}`);
  assert.equal(decodeAll(summary.path), video.timestamps.length);
  const at = (ms: number, x: number, y: number) => pixel(frameAt(summary.path, ms), 802, x, y);
  assert.ok(close(at(3000, 401, 301), [255, 0, 0]), 'first');
  assert.ok(close(at(3000, 40, 301), [0, 0, 0]), 'first is letterboxed');
  assert.ok(close(at(8000, 4, 4), [0, 255, 0]), 'second fills');
  assert.ok(close(at(13_000, 401, 301), [0, 0, 255]), 'third');
  assert.ok(close(at(13_000, 100, 100), [0, 0, 0]), 'third is letterboxed');
});

test('sizes that no picture has room for end the recording, and what there is still plays', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 8200, 16);
  session.fill({ x: 0, y: 0, width: 8200, height: 16 }, '#ff0000');
  await session.advance(5000);
  session.desktop.resize(16, 8200, '#00ff00');
  session.recorder.resized(session.clock.now());
  await session.advance(5000);
  assert.deepEqual(
    session.failures.map(({ code, message }) => [code, message]),
    [['recording_failed', 'capture failed: all sizes of the desktop together need a picture of 8200 x 8200']],
  );
  const summary = await session.finish();
  assert.deepEqual([summary?.state, summary?.width, summary?.height], ['incomplete', 8200, 16]);
  assert.ok(decodeAll(summary?.path ?? '') > 0);
});

test('ffmpeg killed in mid-recording: the next one goes on, the whole plays', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  for (let i = 0; i < 30; i++) {
    session.fill({ x: i * 16, y: i * 12, width: 30, height: 30 }, '#204080');
    await session.advance(1000);
    if (i === 15) await killEncoder(session);
  }
  const summary = await session.finish();
  assert.ok(summary);
  assert.deepEqual([summary.state, summary.segments], ['incomplete', 2]);
  assert.deepEqual(session.failures, []);
  const { timestamps, durationMs } = probeVideo(summary.path);
  assert.ok(Math.abs(durationMs - 30_000) <= 100);
  assert.equal(decodeAll(summary.path), timestamps.length);
  const gap = Math.max(...timestamps.slice(1).map((timestamp, i) => timestamp - (timestamps[i] ?? 0)));
  assert.ok(gap <= 5000, `lost ${gap} ms`);
  const manifest = await readManifest(folderAt(session.directory));
  assert.match(manifest?.segments[0]?.problem ?? '', /SIGKILL/);
});

test('ffmpeg killed on a quiet screen: what was shown before is on disk', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  await session.advance(1000);
  session.fill({ x: 0, y: 0, width: 640, height: 480 }, '#00ff00');
  await session.advance(10_000);
  // It has been handed over; give the encoder the time to write.
  await framesOnDisk(join(session.directory, '0000.mp4'), 2);
  await killEncoder(session);
  const summary = await session.finish();
  assert.ok(close(pixel(frameAt(summary?.path ?? '', 5000), 640, 320, 240), [0, 255, 0]));
});

test('an encoder that dies again and again is given up, and what there is still plays', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  await session.advance(3000);
  for (let i = 0; i < 6 && session.failures.length === 0; i++) {
    session.fill({ x: i * 50, y: 0, width: 40, height: 40 }, '#204080');
    await session.advance(9000);
    await framesOnDisk(join(session.directory, `000${i}.mp4`), 1);
    await killEncoder(session);
  }
  assert.deepEqual(
    session.failures.map((error) => error.code),
    ['recording_failed'],
  );
  const summary = await session.finish();
  assert.equal(summary?.state, 'incomplete');
  assert.ok(decodeAll(summary?.path ?? '') > 4);
});

test('an encoder that is killed twice in a row: what happens until there is another one is recorded all the same', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480);
  const work = async (steps: number) => {
    for (let i = 0; i < steps; i++) {
      session.fill({ x: session.elapsed / 20, y: i * 12, width: 30, height: 30 }, '#204080');
      await session.advance(400);
    }
  };
  await work(6);
  await killEncoder(session);
  await work(6);
  await killEncoder(session);
  const killedAt = session.elapsed;
  await work(3);
  assert.equal(session.recorder.encoderPid, undefined, 'the next one waits for a moment');
  await work(9);
  const summary = await session.finish();
  const { timestamps } = probeVideo(summary?.path ?? '');
  const after = timestamps.filter((at) => at >= killedAt);
  const gaps = after.map((at, i) => at - (after[i - 1] ?? killedAt));
  assert.ok(Math.max(...gaps) <= 1300, `${gaps}`);
  assert.deepEqual([summary?.state, session.failures], ['incomplete', []]);
});

test('where frames come slowly, a crash still costs no more than a few seconds', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  // Owed from the first frame on: one in eight seconds.
  const policy = { ...DEFAULT_FRAME_POLICY, bytesPerMinute: 100, budgetMinutes: 1 };
  const session = await RecordingSession.open(context, 640, 480, { policy });
  while (session.elapsed < 23_000) {
    const step = Math.round(session.elapsed / 500);
    session.fill({ x: 0, y: 0, width: 640, height: 480 }, `rgb(${step * 5}, 60, ${250 - step * 5})`);
    await session.advance(500);
  }
  const crashed = await temporaryDirectory(context);
  await copyAsLeft(session.directory, join(crashed, 'session-1'));
  const before = session.elapsed;
  const left = (await session.finish())?.path ?? '';
  const slow = probeVideo(left).timestamps.filter((at) => at < before - FRAME_GRID_MS);
  assert.ok((slow.at(-1) ?? 0) < before - 5000, `${slow}`);
  const [recovered] = await recoverInterrupted(crashed, { aliveMs: -1 });
  const { timestamps } = probeVideo(recovered?.summary?.path ?? '');
  const lost = before - (timestamps.at(-1) ?? 0);
  assert.ok(lost <= 4000, `${lost} ms of ${before}: ${timestamps}`);
  const step = Math.floor(((timestamps.at(-1) ?? 0) - 1) / 500);
  const shown = pixel(frameAt(recovered?.summary?.path ?? '', timestamps.at(-1) ?? 0), 640, 320, 240);
  assert.ok(close(shown, [step * 5, 60, 250 - step * 5]), `${shown} is not of step ${step}`);
});

test('its health says how far it is behind, and how much there is', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const session = await RecordingSession.open(context, 640, 480);
  const { recorder, clock } = session;
  await session.advance(1000);
  const before = recorder.health();
  assert.deepEqual([before.segments, before.behindMs], [1, 0]);
  assert.equal(before.segmentStartedAt, (await readManifest(folderAt(session.directory)))?.startedAt);

  const { encoderPid } = recorder;
  assert.ok(encoderPid !== undefined);
  process.kill(encoderPid, 'SIGSTOP');
  // More than its pipe holds; nobody waits for what it has not taken.
  for (let i = 0; i < 8; i++) {
    session.fill({ x: 0, y: 0, width: 640, height: 480 }, i % 2 ? '#2060c0' : '#c06020');
    await clock.advance(1000, () => sleep(50));
  }
  const behind = recorder.health().behindMs;
  assert.ok(behind >= 4000 && behind <= 8000, `${behind} ms behind`);

  process.kill(encoderPid, 'SIGCONT');
  await session.advance(2000);
  assert.equal(recorder.health().behindMs, 0);
  const summary = await session.finish();
  const { bytes } = recorder.health();
  assert.ok(bytes > 0 && bytes <= (summary?.bytes ?? 0) * 2, `${bytes} of ${summary?.bytes}`);
});

test('an encoder that hangs is killed and replaced', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 480, { stallMs: 1500 });
  await session.advance(3000);
  const hung = session.recorder.encoderPid;
  assert.ok(hung !== undefined);
  process.kill(hung, 'SIGSTOP');
  for (let i = 0; i < 4; i++) {
    session.fill({ x: i * 50, y: 0, width: 400, height: 400 }, '#204080');
    await session.advance(2000);
  }
  assert.notEqual(session.recorder.encoderPid, hung);
  const summary = await session.finish();
  const manifest = await readManifest(folderAt(session.directory));
  assert.match(manifest?.segments[0]?.problem ?? '', /took no data in time/);
  assert.equal(summary?.state, 'incomplete');
  assert.ok(close(pixel(frameAt(summary?.path ?? '', 10_500), 640, 160, 200), [0x20, 0x40, 0x80]));
});

test('no picture, no recording', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const directory = join(await temporaryDirectory(context), 'empty');
  const nothing = { width: 0, height: 0, pixels: new Uint8ClampedArray(0) };
  const recorder = await SessionRecorder.open({ directory, sessionId: 'empty' }, nothing);
  recorder.damaged([{ x: 0, y: 0, width: 9, height: 9 }], Date.now());
  recorder.pointer(3, 3, { kind: 'default' }, Date.now());
  assert.equal(await recorder.finish(Date.now()), undefined);
  await assert.rejects(stat(directory), { code: 'ENOENT' });
});

test('missing, wrong or unusable ffmpeg is recorder_unavailable and says what to do', async (context) => {
  const root = await temporaryDirectory(context);
  const desktop = new CanvasDesktop(64, 64);
  const open = (ffmpegPath: string) =>
    SessionRecorder.open({ directory: join(root, 'a'), sessionId: 'a', ffmpegPath }, desktop);
  const unavailable = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof RecorderError);
    assert.equal(error.code, 'recorder_unavailable');
    assert.match(error.message, pattern);
    return true;
  };
  await assert.rejects(open(join(root, 'none')), unavailable(/apt install ffmpeg.*ORIEL_FFMPEG/));
  await assert.rejects(open(process.execPath), unavailable(/does not answer as ffmpeg does/));
  const bare = join(root, 'bare');
  await writeFile(bare, '#!/bin/sh\necho "ffmpeg version 7.0.1" >&2\n');
  await chmod(bare, 0o755);
  await assert.rejects(open(bare), unavailable(/7\.0\.1.*no libx264/));
});

test('a folder that cannot be written is recorder_unavailable', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const root = await temporaryDirectory(context);
  await writeFile(join(root, 'file'), '');
  const opening = SessionRecorder.open(
    { directory: join(root, 'file', 'session'), sessionId: 's' },
    new CanvasDesktop(64, 64),
  );
  await assert.rejects(opening, { code: 'recorder_unavailable' });
});

test('an output that cannot be written ends in recording_failed', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const session = await RecordingSession.open(context, 640, 480);
  // In the way of every segment to come, as a full disk would be.
  for (let i = 1; i < 9; i++) await mkdir(join(session.directory, `000${i}.mp4`));
  await session.advance(3000);
  await framesOnDisk(join(session.directory, '0000.mp4'), 1);
  await killEncoder(session);
  for (let i = 0; i < 100 && session.failures.length === 0; i++) {
    await session.advance(1000);
    await sleep(50);
  }
  assert.equal(session.failures[0]?.code, 'recording_failed');
  const summary = await session.finish();
  assert.equal(summary?.state, 'incomplete');
});

/** So many segments were recorded, and make one whole video without a seam. */
async function joinsSegments(session: RecordingSession, count: number): Promise<void> {
  const { segments } = JSON.parse(await readFile(join(session.directory, 'recording.json'), 'utf8'));
  assert.equal(segments.length, count);
  const summary = await session.finish();
  assert.equal(summary?.state, 'complete');
  const { timestamps, durationMs } = probeVideo(summary.path);
  assert.ok(Math.abs(durationMs - session.elapsed) <= 100, `${durationMs} ms of ${session.elapsed}`);
  assert.equal(decodeAll(summary.path), timestamps.length);
  assert.equal(complaintsOf(summary.path), '');
}

async function framesOnDisk(segment: string, frames: number): Promise<void> {
  await until(
    `${frames} frames in ${segment}`,
    async () => ((await scanSegmentFile(segment))?.frames.length ?? 0) >= frames,
  );
}

/** Kills the running encoder and waits until its successor, if any, has its first frame. */
async function killEncoder(session: RecordingSession): Promise<void> {
  const pid = session.recorder.encoderPid;
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  while (session.recorder.encoderPid === pid) await sleep(10);
  await session.recorder.drained();
}

function pixel(frame: Buffer, width: number, x: number, y: number): number[] {
  const at = (y * width + x) * 3;
  return [...frame.subarray(at, at + 3)];
}

function close(got: readonly number[], want: readonly number[]): boolean {
  return want.every((value, i) => Math.abs(value - (got[i] ?? -99)) <= 10);
}
