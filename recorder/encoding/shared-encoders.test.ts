import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { I420Picture } from '../capture/i420.ts';
import { recoverInterrupted, VIDEO_FILE } from '../finish.ts';
import { readLiveSegment, readLiveVideo } from '../live.ts';
import { readManifest } from '../manifest.ts';
import { type RecordingSummary, systemClock } from '../recording.ts';
import { SessionRecorder, type SessionRecorderOptions } from '../session-recorder.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';
import { RecordingStore } from '../storage/recording-store.ts';
import { CanvasDesktop } from '../testing/canvas-desktop.ts';
import { copyAsLeft } from '../testing/copy-as-left.ts';
import {
  complaintsOf,
  decodeAll,
  frameAt,
  probeVideo,
  requireTools,
  temporaryDirectory,
} from '../testing/media-tools.ts';
import { folderAt, scanSegmentFile } from '../testing/open-files.ts';
import { RecordingSession } from '../testing/recording-session.ts';
import { until } from '../testing/until.ts';
import { EncoderPool } from './encoder-pool.ts';
import { BorrowedEncoders, lendEncoders } from './lent-encoders.ts';
import { readSpool, spoolFile } from './spool.ts';

const WIDTH = 320;
const HEIGHT = 240;
const COLOURS = ['#c02020', '#20c020', '#2020c0', '#c0c020', '#20c0c0', '#c020c0'] as const;
const KEY = new Uint8Array(32).fill(5);
const POLICY_STEP_MS = 300;

/** With turns that are this short, starting an encoder would be most of them. */
class Unpressed extends EncoderPool {
  override get pressure(): number {
    return 0;
  }
}

/** Recordings of small desktops in real time, which share their encoders. */
async function setUp(
  context: TestContext,
  count: number,
  slots: number,
  targetMs = 1500,
  options: Partial<SessionRecorderOptions> = {},
) {
  const root = await temporaryDirectory(context);
  const encoders = new Unpressed({ slots, targetMs });
  const recordings = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const desktop = new CanvasDesktop(WIDTH, HEIGHT);
      const sessionId = `session-${index}`;
      const directory = join(root, sessionId);
      const recorder = await SessionRecorder.open({ directory, sessionId, key: KEY, encoders, ...options }, desktop);
      // A test that fails must not leave an encoder behind.
      context.after(() => recorder.finish(systemClock.now()).catch(() => undefined));
      const paint = (style: string, area = { x: 0, y: 0, width: WIDTH, height: HEIGHT }) => {
        const rects = desktop.draw(area, (canvas) => {
          canvas.fillStyle = style;
          canvas.fillRect(area.x, area.y, area.width, area.height);
        });
        recorder.damaged(rects, systemClock.now());
      };
      return { sessionId, directory, folder: folderAt(directory, KEY), recorder, paint };
    }),
  );
  const startedAt = systemClock.now();
  /** Something else in each of them, step by step. */
  const work = async (ms: number, each: () => void = () => {}) => {
    for (const until = systemClock.now() + ms; systemClock.now() < until; await sleep(POLICY_STEP_MS)) {
      const step = Math.round((systemClock.now() - startedAt) / POLICY_STEP_MS);
      recordings.forEach(({ paint }, index) => {
        paint(COLOURS[(index + step) % 6] as string, { x: (step * 40) % 280, y: index * 30, width: 40, height: 40 });
      });
      each();
    }
  };
  return { root, recordings, work };
}

test('six recordings with two encoders: no more than two at a time, and nothing is missing in the end', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { recordings, work } = await setUp(context, 6, 2);
  let most = 0;
  const hadTheirTurn = () => recordings.every(({ recorder }) => recorder.health().segments > 1);
  await until('everybody to have had a turn', async () => {
    await work(1000, () => {
      const encoding = recordings.filter(({ recorder }) => recorder.encoderPid !== undefined);
      most = Math.max(most, encoding.length);
    });
    return hadTheirTurn();
  });
  assert.ok(most > 0 && most <= 2, `${most} at once`);
  recordings.forEach(({ paint }, index) => {
    paint(COLOURS[index] as string);
  });
  const endedAt = systemClock.now();
  const summaries = await Promise.all(recordings.map(({ recorder }) => recorder.finish(endedAt)));
  for (const [index, { directory, folder }] of recordings.entries()) {
    const summary = summaries[index];
    assert.ok(summary);
    assert.equal(summary.state, 'complete', String((await readManifest(folder))?.problems));
    assert.ok(summary.segments > 1, `${summary.segments} segments`);
    assert.ok(Math.abs(summary.endedAt - endedAt) < 500);
    const left = (await readdir(directory)).filter((name) => /\.spool|\d+\.mp4/.test(name));
    assert.deepEqual(left, []);
    await holds(context, summary, COLOURS[index] as string, 4);
  }
});

test('killed before recordings have had their turn: all of it is found and encoded', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, recordings, work } = await setUp(context, 3, 1, 60_000);
  await work(2500);
  const before = await Promise.all(recordings.map(({ folder }) => spooledCorner(folder)));
  recordings.forEach(({ paint }, index) => {
    paint(COLOURS[index] as string);
  });
  for (const [index, { folder }] of recordings.entries()) {
    await until('what was painted last to be on the disk', async () => (await spooledCorner(folder)) !== before[index]);
  }
  const crashed = await temporaryDirectory(context);
  await copyAsLeft(root, crashed);
  const recovered = await recoverInterrupted(crashed, { keyOf: async () => KEY, aliveMs: -1 });
  assert.equal(recovered.length, 3);
  for (const [index, { summary }] of recovered.entries()) {
    assert.ok(summary);
    assert.equal(summary.state, 'incomplete');
    // On a machine with much else to do one may have had its turn.
    assert.ok(summary.segments === 1 || summary.segments === 2, `${summary.segments} segments`);
    const { problems } = (await readManifest(folderAt(dirname(summary.path), KEY))) ?? {};
    assert.deepEqual(problems, ['interrupted: the recorder was gone before the end']);
    await holds(context, summary, COLOURS[index] as string, 4);
  }
});

test('who plays a recording that waits for its turn sees what happened a moment ago', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  // Turns are so far apart that only who is watched has an encoder.
  const { recordings, work } = await setUp(context, 4, 2, 40_000);
  const [watched, ...others] = recordings;
  assert.ok(watched);
  const playable = async () => {
    const live = await readLiveVideo(watched.folder);
    const last = (live?.segments.length ?? 0) - 1;
    const bytes = await readLiveSegment(watched.folder, last, 0);
    return { ended: live?.segments[last]?.ended, bytes: bytes?.length ?? 0 };
  };
  const behind = (some: readonly (typeof recordings)[number][]) =>
    some.map(({ recorder }) => recorder.health().behindMs);
  /** The others are behind by all that was recorded. */
  const isAhead = () => Math.max(...behind([watched])) < Math.min(...behind(others));
  const isPlayable = async () => {
    await work(POLICY_STEP_MS, () => watched.recorder.watched());
    return (await playable()).bytes > 1000 && isAhead();
  };
  await until('a video ahead of the others', isPlayable, () => `behind by ${behind(recordings)}`);
  assert.equal((await playable()).ended, false);
  assert.ok(others.every(({ recorder }) => recorder.encoderPid === undefined));
});

/** [proc(5)]: the state stands behind the name, which is in brackets. */
function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] === 'Z';
  } catch {
    return true;
  }
}

test('an encoder that is killed in a turn costs nothing: what it left has another one, and the event log says so', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { root, recordings, work } = await setUp(context, 3, 1);
  const store = new RecordingStore({ directory: root, keyOf: async () => KEY });
  let killed: (typeof recordings)[number] | undefined;
  await work(4000, () => {
    if (killed !== undefined) return;
    killed = recordings.find(({ recorder }) => recorder.encoderPid !== undefined);
    const pid = killed?.recorder.encoderPid;
    if (pid === undefined) return;
    // One that has ended, and was only not seen to have, has left nothing.
    if (hasEnded(pid)) killed = undefined;
    else process.kill(pid, 'SIGKILL');
  });
  assert.ok(killed !== undefined);
  const endedAt = systemClock.now();
  const summaries = await Promise.all(recordings.map(({ recorder }) => recorder.finish(endedAt)));
  for (const [index, summary] of summaries.entries()) {
    assert.ok(summary);
    const recording = recordings[index] ?? assert.fail();
    assert.equal(summary.state, 'complete', String((await readManifest(recording.folder))?.problems));
    const { timestamps } = probeVideo(await videoAt(context, summary.path));
    const gaps = timestamps.slice(1).map((at, i) => at - (timestamps[i] ?? 0));
    assert.ok(Math.max(...gaps) <= 5000, `${index}: ${gaps}`);
    assert.ok(timestamps.length >= 4);
    const lost = (await store.events(recording.sessionId))?.filter(({ type }) => type === 'encoder-lost');
    assert.equal(lost?.length, recording === killed ? 1 : 0);
  }
});

test('encoders that die again and again in their turns: the user is warned, and it is all encoded when they do no more', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const broken = join(folder, 'broken');
  const ffmpegPath = join(folder, 'ffmpeg');
  await writeFile(ffmpegPath, `#!/bin/sh\n[ -e ${broken} ] && head -c 100000 >/dev/null && exit 1\nexec ffmpeg "$@"\n`);
  await chmod(ffmpegPath, 0o700);
  const troubles: string[] = [];
  const { recordings, work } = await setUp(context, 2, 1, 1500, { ffmpegPath, onTrouble: (it) => troubles.push(it) });
  await work(600);
  await writeFile(broken, '');
  await until('somebody to be warned', async () => {
    await work(300);
    return troubles.length > 0;
  });
  await rm(broken);
  const endedAt = systemClock.now();
  const summaries = await Promise.all(recordings.map(({ recorder }) => recorder.finish(endedAt)));
  for (const [index, summary] of summaries.entries()) {
    assert.equal(summary?.state, 'complete');
    assert.ok(Math.abs((summary?.endedAt ?? 0) - endedAt) < 500);
    const { timestamps } = probeVideo(await videoAt(context, summary?.path ?? ''));
    const gaps = timestamps.slice(1).map((at, i) => at - (timestamps[i] ?? 0));
    assert.ok(Math.max(...gaps) <= 5000, `${index}: ${gaps}`);
    const left = await readdir(recordings[index]?.directory ?? '');
    assert.deepEqual(
      left.filter((name) => /\.spool|\d+.*\.mp4/.test(name)),
      [],
    );
  }
});

test('segments that were encoded cheaply are joined with others as they are', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  class Strained extends EncoderPool {
    strain = 0;
    override get pressure(): number {
      return this.strain;
    }
  }
  const encoders = new Strained({ slots: 1 });
  const session = await RecordingSession.open(context, WIDTH, HEIGHT, { encoders, segmentMs: 5000 });
  for (let i = 0; i < 24; i++) {
    encoders.strain = i < 8 ? 0 : 2;
    session.fill({ x: i * 12, y: i * 8, width: 60, height: 50 }, COLOURS[i % 6] as string);
    await session.advance(1000);
  }
  const configurationOf = async (file: string) => {
    const path = join(session.directory, file);
    return (await until(`a frame in ${file}`, () => scanSegmentFile(path).catch(() => undefined))).configuration;
  };
  assert.deepEqual(await configurationOf('0001.mp4'), await configurationOf('0000.mp4'));
  const summary = await session.finish();
  assert.equal(summary?.state, 'complete');
  assert.equal(complaintsOf(summary.path), '');
});

test('an encoder that is lent by another thread is none that has to be waited for', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const folder = await temporaryDirectory(context);
  const ffmpegPath = join(folder, 'ffmpeg');
  const calls = join(folder, 'calls');
  await writeFile(ffmpegPath, `#!/bin/sh\necho "$@" >>${calls}\nexec ffmpeg "$@"\n`);
  await chmod(ffmpegPath, 0o700);
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  lendEncoders(new EncoderPool({ slots: 4 }), port1);
  const session = await RecordingSession.open(context, WIDTH, HEIGHT, {
    ...{ ffmpegPath, encoders: new BorrowedEncoders(port2), segmentMs: 3000 },
  });
  for (let i = 0; i < 6; i++) {
    session.fill({ x: i * 12, y: i * 8, width: 60, height: 50 }, COLOURS[i % 6] as string);
    await session.advance(1000);
    // The other thread answers.
    while (session.recorder.encoderPid === undefined) await sleep(10);
  }
  assert.equal((await session.finish())?.state, 'complete');
  const finesse = [...readFileSync(calls, 'utf8').matchAll(/ipratio=([\d.]+)/g)].map(([, ratio]) => ratio);
  // A machine that stands still for a moment may make any one of them wait.
  assert.ok(finesse.length >= 2 && finesse.includes('0.89'), String(finesse));
});

/** The luma of the last picture that waits on the disk for an encoder, at its lower right, where work paints nothing. */
async function spooledCorner(folder: RecordingFolder): Promise<number | undefined> {
  const segment = (await readManifest(folder))?.segments.at(-1);
  const spool = segment && (await folder.openLog(spoolFile(segment.file)).catch(() => undefined));
  if (spool === undefined) return undefined;
  const picture = new I420Picture(WIDTH, HEIGHT);
  let corner: number | undefined;
  for await (const _at of readSpool(spool, picture)) corner = picture.bytes[WIDTH * HEIGHT - 1];
  await spool.close();
  return corner;
}

/** That a video plays without a complaint, has so many frames, and ends with a colour. */
async function holds(context: TestContext, { path }: RecordingSummary, colour: string, frames: number) {
  const video = await videoAt(context, path);
  const { timestamps } = probeVideo(video);
  assert.equal(decodeAll(video), timestamps.length);
  assert.ok(timestamps.length >= frames, `${timestamps.length} frames`);
  const shown = [...frameAt(video, timestamps.at(-1) ?? 0).subarray(0, 3)];
  const wanted = [...Buffer.from(colour.slice(1), 'hex')];
  assert.ok(
    shown.every((value, i) => Math.abs(value - (wanted[i] ?? 0)) < 40),
    `${shown} is not ${colour}`,
  );
}

/** A finished recording's video as players want it. */
async function videoAt(context: TestContext, sealed: string): Promise<string> {
  const path = join(await temporaryDirectory(context), VIDEO_FILE);
  await writeFile(path, (await folderAt(dirname(sealed), KEY).read(VIDEO_FILE)) ?? '');
  return path;
}
