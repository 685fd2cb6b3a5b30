import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { spoolFile } from './encoding/spool.ts';
import { CHECKPOINTS_FILE } from './evidence/checkpoint.ts';
import { ensureSigningKey } from './evidence/signing-key.ts';
import { verifyRecording } from './evidence/verify.ts';
import { recoverInterrupted, VIDEO_FILE } from './finish.ts';
import { readManifest } from './manifest.ts';
import { scanFragments } from './mp4/fragmented-mp4.ts';
import { systemClock } from './recording.ts';
import { SessionRecorder, type SessionRecorderOptions } from './session-recorder.ts';
import { readWhole } from './storage/byte-source.ts';
import { RecordingStore } from './storage/recording-store.ts';
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
import { folderAt } from './testing/open-files.ts';
import { RecordingSession } from './testing/recording-session.ts';
import { BreakableDisk, smallDisk } from './testing/small-disk.ts';
import { until } from './testing/until.ts';

/** Simulated hours cost minutes: `ORIEL_TEST_LONG=1` runs them in full. */
const LONG = process.env.ORIEL_TEST_LONG === '1';
const HOUR = 3_600_000;
/** Encoders stand behind everything else that a machine has to do: what they are given much of takes long on a busy one. */
const MUCH_TO_ENCODE = { timeout: LONG ? 60 * 60_000 : 10 * 60_000 };

async function recordOn(disk: string, context: TestContext, more: Partial<SessionRecorderOptions> = {}) {
  const key = Uint8Array.from(randomBytes(32));
  const troubles: string[] = [];
  const onTrouble = (problem: string) => void troubles.push(problem);
  const options = { directory: join(disk, 'session-1'), key, onTrouble, ...more };
  const session = await RecordingSession.open(context, 640, 480, options);
  return { session, key, troubles, keyOf: async () => key };
}

/** Until a checkpoint has come to the disk that was begun after this, however slow that is. */
async function checkpointed(session: RecordingSession, key: Uint8Array): Promise<void> {
  const path = folderAt(session.directory, key).pathOf(CHECKPOINTS_FILE);
  const size = async () => (await stat(path).catch(() => undefined))?.size ?? 0;
  // The first to come may have been begun before.
  for (const which of ['a checkpoint', 'another checkpoint']) {
    const before = await size();
    await until(which, async () => (await size()) > before);
  }
}

/** Whether the first segment has so many frames, and nothing waits for its encoder. */
async function isEncoded(session: RecordingSession, key: Uint8Array, frames: number): Promise<boolean> {
  const folder = folderAt(session.directory, key);
  const file = '0000.mp4';
  if ((await folder.sizeOf(spoolFile(file))) !== undefined) return false;
  const source = await folder.openLog(file).catch(() => undefined);
  const scan = source && (await scanFragments(source).finally(() => source.close()));
  return (scan?.frames.length ?? 0) >= frames;
}

/** Something new everywhere, that does not compress. */
function noise(session: RecordingSession, seed: number): void {
  session.draw({ x: 0, y: 0, width: 640, height: 480 }, (canvas) => {
    let state = seed * 7919 + 1;
    for (let i = 0; i < 3000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      canvas.fillStyle = `#${(state >>> 8).toString(16).padStart(6, '0').slice(0, 6)}`;
      canvas.fillRect(state % 640, (state >>> 11) % 480, 17, 13);
    }
  });
}

test('a disk that fills up: a warning, then recording_failed, and what was there plays when there is room', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const disk = await smallDisk(context, 900);
  if (disk === undefined) return;
  const { session, troubles, keyOf } = await recordOn(disk, context);
  for (let i = 0; session.failures.length === 0; i++) {
    noise(session, i);
    await session.advance(1000);
    await sleep(troubles.length === 0 ? 20 : 250); // it may pass for ten seconds
  }
  assert.equal(session.failures[0]?.code, 'recording_failed');
  assert.match(session.failures[0]?.message ?? '', /ENOSPC|no space/);
  assert.ok(troubles.length > 0, 'the user was warned before');
  await assert.rejects(session.finish(), { code: 'recording_failed' });
  const root = await temporaryDirectory(context);
  await cp(join(disk, 'session-1'), join(root, 'session-1'), { recursive: true });
  const [recovered] = await recoverInterrupted(root, { keyOf });
  assert.equal(recovered?.error, undefined);
  assert.equal(recovered?.summary?.state, 'incomplete');
  assert.ok((recovered?.summary?.durationMs ?? 0) > 2000);
});

test('a disk that has room again in time costs nothing but a gap', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const disk = await smallDisk(context, 8000);
  if (disk === undefined) return;
  const { session, troubles } = await recordOn(disk, context);
  noise(session, 1);
  await session.advance(3000);
  await until('the first of it to be on the disk', () => session.recorder.health().bytes > 0);
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(9_000_000)).catch(() => {});
  for (let i = 2; i < 30 && troubles.length === 0; i++) {
    noise(session, i);
    await session.advance(1000);
    await sleep(50);
  }
  assert.ok(troubles.length > 0);
  await truncate(ballast, 0);
  for (let i = 30; i < 36; i++) {
    noise(session, i);
    await session.advance(2000);
    await sleep(50);
  }
  assert.deepEqual(session.failures, []);
  const summary = await session.finish();
  assert.equal(summary?.state, 'incomplete');
  assert.ok(Math.abs((summary?.durationMs ?? 0) - session.elapsed) < 1000);
});

for (const changes of [false, true]) {
  test(`a disk that is full as a recording ends: finished later, ${changes ? 'without what it did not take' : 'and nothing is missing'}`, async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const disk = await smallDisk(context, 4000);
    if (disk === undefined) return;
    const { session, key, keyOf } = await recordOn(disk, context);
    noise(session, 1);
    await session.advance(5000);
    await until('the picture and what was said of it later to be on the disk', () => isEncoded(session, key, 2));
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(5_000_000)).catch(() => {});
    if (changes) noise(session, 2);
    await assert.rejects(session.finish(), { code: 'recording_failed' });
    const { ending } = session.recorder;
    assert.ok(ending);
    await truncate(ballast, 0);
    const [recovered] = await recoverInterrupted(disk, { keyOf, ending, sessionIds: ['session-1'] });
    assert.equal(recovered?.error, undefined);
    assert.equal(recovered?.summary?.state, changes ? 'incomplete' : 'complete');
    assert.ok(Math.abs((recovered?.summary?.endedAt ?? 0) - session.clock.now()) < 100);
    const { problems = [] } =
      (await readManifest(folderAt(join(disk, 'session-1'), (await keyOf()) as Uint8Array))) ?? {};
    assert.equal(
      problems.some((problem) => problem.includes('interrupted')),
      false,
    );
    const events = await new RecordingStore({ directory: disk, keyOf }).events('session-1');
    assert.equal(
      events?.some(({ type }) => type === 'recovered'),
      false,
    );
  });
}

test('on a disk that is read-only no recording begins, and it says why', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const disk = await smallDisk(context, 1000);
  if (disk === undefined) return;
  await mkdir(join(disk, 'session-1'));
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const opening = SessionRecorder.open(
    { directory: join(disk, 'session-1'), sessionId: 's' },
    new CanvasDesktop(64, 64),
  );
  await assert.rejects(opening, { code: 'recorder_unavailable', message: /EROFS|read-only/ });
});

test('a disk that turns read-only in mid-session: a warning, then recording_failed, and what was there plays', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const disk = await BreakableDisk.mount(context);
  if (disk === undefined) return;
  const signingKeyFile = join(await temporaryDirectory(context), 'evidence.key');
  await ensureSigningKey(signingKeyFile);
  const { session, key, troubles, keyOf } = await recordOn(disk.path, context, { signingKeyFile });
  for (let i = 0; session.failures.length === 0; i++) {
    if (i === 8) {
      await checkpointed(session, key);
      await disk.fail();
    }
    noise(session, i);
    await session.advance(1000);
    await sleep(troubles.length === 0 ? 20 : 250);
  }
  assert.equal(session.failures[0]?.code, 'recording_failed');
  assert.match(session.failures[0]?.message ?? '', /EROFS|read-only/);
  assert.ok(troubles.length > 0, 'the user was warned before');
  await assert.rejects(session.finish(), { code: 'recording_failed' });
  assert.ok(session.recorder.isLeft, 'it is still to be finished');
  assert.match((await recoverInterrupted(disk.path, { keyOf }))[0]?.error?.message ?? '', /EROFS|read-only/);
  disk.repair();
  const [recovered] = await recoverInterrupted(disk.path, { keyOf });
  assert.equal(recovered?.error, undefined);
  assert.equal(recovered?.summary?.state, 'incomplete');
  assert.ok((recovered?.summary?.durationMs ?? 0) >= 5000, `${recovered?.summary?.durationMs} ms`);
});

test('a slow disk loses nothing', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 320, 240, { key: Uint8Array.from(randomBytes(32)) });
  const probe = await open(import.meta.filename);
  const files = Object.getPrototypeOf(probe) as { write(...args: unknown[]): Promise<unknown> };
  await probe.close();
  const write = files.write;
  context.after(() => {
    files.write = write;
  });
  files.write = async function (...args) {
    await sleep(150);
    return write.apply(this, args);
  };
  for (let i = 0; i < 10; i++) {
    session.fill({ x: i * 20, y: i * 10, width: 90, height: 70 }, i % 2 ? '#2060c0' : '#c06020');
    session.recorder.event('input', { keys: i });
    await session.advance(1000);
  }
  const summary = await session.finish();
  assert.deepEqual(session.failures, []);
  assert.equal(summary?.state, 'complete');
  assert.ok(Math.abs((summary?.durationMs ?? 0) - session.elapsed) < 500);
});

test('the wall clock jumps to and fro: the video goes on as time does', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const directory = join(await temporaryDirectory(context), 'session-1');
  const desktop = new CanvasDesktop(320, 240);
  const signingKeyFile = join(await temporaryDirectory(context), 'evidence.key');
  await ensureSigningKey(signingKeyFile);
  const recorder = await SessionRecorder.open({ directory, sessionId: 'session-1', signingKeyFile }, desktop);
  const now = Date.now;
  context.after(() => {
    Date.now = now;
  });
  for (let i = 0; i < 8; i++) {
    const jump = (i % 2 ? -1 : 1) * i * HOUR;
    Date.now = () => now() + jump;
    const area = { x: i * 20, y: 20, width: 40, height: 40 };
    const damage = desktop.draw(area, (canvas) => {
      canvas.fillStyle = i % 2 ? '#2060c0' : '#c06020';
      canvas.fillRect(area.x, area.y, area.width, area.height);
    });
    recorder.damaged(damage, systemClock.now());
    await sleep(500);
  }
  const endedAt = systemClock.now();
  const summary = await recorder.finish(endedAt);
  const elapsed = endedAt - (summary?.startedAt ?? 0);
  const { timestamps, durationMs } = probeVideo(summary?.path ?? '');
  assert.ok(Math.abs(durationMs - elapsed) < 500, `${durationMs} of ${elapsed}`);
  assert.ok(timestamps.every((at, i) => i === 0 || at > (timestamps[i - 1] as number)));
  const store = new RecordingStore({ directory: join(directory, '..'), keyOf: async () => undefined });
  const events = (await store.events('session-1')) ?? [];
  assert.ok(events.some(({ type, byMs }) => type === 'clock-moved' && Math.abs(Number(byMs)) > HOUR - 1000));
  // And nothing else has noticed.
  const times = events.map(({ at }) => at);
  assert.ok(Math.max(...times) - Math.min(...times) < HOUR / 2);
});

test(
  `${LONG ? 12 : 8} hours: duration, every change and every seek where the wall clock has it`,
  MUCH_TO_ENCODE,
  async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const hours = LONG ? 12 : 8;
    const session = await RecordingSession.open(context, 160, 120);
    const changes: { at: number; colour: string }[] = [];
    for (let n = 0; session.elapsed < hours * HOUR; n++) {
      const colour = `#${(((n + 1) * 0x3217) & 0xff).toString(16).padStart(2, '0')}40${n % 2 ? 'e0' : '20'}`;
      session.fill({ x: 0, y: 0, width: 160, height: 120 }, colour);
      changes.push({ at: session.elapsed, colour });
      // Odd numbers of milliseconds, so that rounding would add up.
      await session.advance(47_137 + ((n * n * 7919) % 151_007));
    }
    const summary = await session.finish();
    const path = summary?.path ?? '';
    const { timestamps, durationMs } = probeVideo(path);
    const origin = (summary?.startedAt ?? 0) - session.startedAt;
    assert.ok(Math.abs(durationMs + origin - session.elapsed) < 500, `${durationMs} of ${session.elapsed}`);
    for (const { at } of changes) {
      const shown = timestamps.find((time) => time + origin >= at) ?? Number.POSITIVE_INFINITY;
      assert.ok(shown + origin - at <= 1000, `the change at ${at} is shown at ${shown + origin}`);
    }
    for (const share of [0.013, 0.31, 0.64, 0.97]) {
      const { at, colour } = changes[Math.floor(changes.length * share)] as { at: number; colour: string };
      const frame = frameAt(path, at + 1000 - origin);
      const want = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));
      const middle = (60 * 160 + 80) * 3;
      const got = [...frame.subarray(middle, middle + 3)];
      assert.ok(
        got.every((value, i) => Math.abs(value - (want[i] as number)) <= 10),
        `at ${at}: ${got} for ${want}`,
      );
    }
    assert.equal(complaintsOf(path), '');
  },
);

test(
  `everything changes all the time for ${LONG ? 60 : 2} minutes: within the budget, and whole`,
  MUCH_TO_ENCODE,
  async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const minutes = LONG ? 60 : 2;
    const session = await RecordingSession.open(context, 640, 480);
    for (let i = 0; session.elapsed < minutes * 60_000; i++) {
      noise(session, i);
      await session.advance(500);
    }
    const summary = await session.finish();
    assert.deepEqual(session.failures, []);
    assert.equal(summary?.state, 'complete');
    assert.ok(Math.abs((summary?.durationMs ?? 0) - session.elapsed) < 1000);
    const { timestamps } = probeVideo(summary?.path ?? '');
    assert.equal(decodeAll(summary?.path ?? ''), timestamps.length);
    const stale = Math.max(...timestamps.map((at, i) => at - (timestamps[i - 1] ?? at)));
    const kbPerMin = Math.round((summary?.bytes ?? 0) / 1000 / minutes);
    context.diagnostic(
      `${minutes} min: ${timestamps.length} frames, ${kbPerMin} KB a minute, ${stale} ms at most between two`,
    );
    assert.ok(stale <= 45_000, `${stale} ms between two frames`);
    if (LONG) assert.ok(kbPerMin <= 250, `${kbPerMin} KB a minute`);
  },
);

test('a power cut: what a checkpoint vouched for is there, whatever became of the rest', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const key = Uint8Array.from(randomBytes(32));
  const keyOf = async () => key;
  const session = await RecordingSession.open(context, 320, 240, { signingKeyFile, key });
  const work = async (from: number) => {
    for (let i = from; i < from + 6; i++) {
      session.fill({ x: i * 20, y: i * 10, width: 90, height: 70 }, i % 2 ? '#2060c0' : '#c06020');
      session.recorder.event('input', { keys: i });
      await session.advance(1000);
    }
  };
  await work(0);
  await checkpointed(session, key);
  const vouchedFor = session.elapsed;
  const durable = new Map<string, number>();
  for (const name of await readdir(session.directory)) {
    durable.set(name, (await stat(join(session.directory, name))).size);
  }
  await work(6);
  await sleep(200);
  await copyAsLeft(session.directory, join(folder, 'left'));
  await session.finish();
  for (let cut = 0; cut < 8; cut++) {
    const root = join(folder, String(cut));
    const left = join(root, 'session-1');
    await mkdir(root);
    await cp(join(folder, 'left'), left, { recursive: true });
    for (const name of await readdir(left)) {
      if (name.startsWith('recording.json')) continue;
      const { size } = await stat(join(left, name));
      const least = durable.get(name) ?? 0;
      const kept = least + Math.floor(Math.random() * (size - least + 1));
      await truncate(join(left, name), kept);
      // A file system may have made the file longer without what was to be in it.
      if (cut % 2 === 0) await truncate(join(left, name), kept + Math.floor(Math.random() * 5000));
    }
    const [recovered] = await recoverInterrupted(root, { signingKeyFile, keyOf });
    assert.equal(recovered?.error, undefined);
    const store = new RecordingStore({ directory: root, keyOf });
    const video = (await store.open('session-1', VIDEO_FILE)) ?? assert.fail();
    const path = join(root, VIDEO_FILE);
    await writeFile(path, await readWhole(video).finally(() => video.close()));
    const { timestamps, durationMs } = probeVideo(path);
    assert.ok(durationMs >= vouchedFor - 5000, `${durationMs} ms of ${vouchedFor}`);
    assert.equal(decodeAll(path), timestamps.length);
    const report = await verifyRecording(path, [publicKey]);
    assert.deepEqual([report.verdict, report.findings], ['whole', []]);
    assert.ok((report.recording?.attestedUntilMs ?? 0) >= vouchedFor - 5000);
    assert.ok(!report.recording?.problems.some((problem) => problem.includes('checkpoint')));
    const keys = (await store.events('session-1'))?.flatMap((event) => (event.type === 'input' ? [event.keys] : []));
    assert.deepEqual(keys?.slice(0, 6), [0, 1, 2, 3, 4, 5]);
  }
});
