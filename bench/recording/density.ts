import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { DEFAULT_FRAME_POLICY } from '../../recorder/capture/frame-policy.ts';
import { encodeFrameHeader, encodeMatroskaHeader } from '../../recorder/encoding/matroska.ts';
import { SessionRecorder } from '../../recorder/session-recorder.ts';
import { FakeClock } from '../../recorder/testing/fake-clock.ts';
import { ObservedWork } from './observed-work.ts';
import { childCpuSeconds } from './processor-time.ts';
import type { Work } from './work.ts';

/** How much happens in a kind of work, whatever we record it with. MB and KB are 10⁶ and 10³ bytes. */
export interface DensityRow {
  readonly class: string;
  readonly framesPerMin: number;
  /** Of each frame, 16 × 16 blocks with any sample that is not as in the frame before. */
  readonly changedScreensPerMin: number;
  /** Those blocks' samples (I420), deflated at level 1. */
  readonly changedMbPerMin: number;
  /** With `plainEncoder`. */
  readonly plainKbPerMin: number;
  readonly plainCpuSecondsPerMin: number;
}

/** The settings that the figures which the goals were set by were measured with; a film's are its own. */
function plainEncoder({ name }: Work): readonly string[] {
  const { qp, references, range } =
    name === 'video' ? { qp: 38, references: 1, range: 64 } : { qp: 36, references: 8, range: 256 };
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-qp', String(qp), '-bf', '0', '-g', '100000', '-level', '5.1'],
    ...['-pix_fmt', 'yuv420p', '-threads', '1', '-x264-params'],
    `aq-mode=0:scenecut=0:me=umh:merange=${range}:ref=${references}:chroma-qp-offset=-6:rc-lookahead=0:weightp=0`,
  ];
}

/** Measures a kind of work by the frames of the settle policy alone: 0.3 s after it is quiet, 1.0 s at the latest. Leaves the frames in `keep`. */
export async function measureDensity(work: Work, minutes: number, keep?: string): Promise<DensityRow> {
  const directory = await mkdtemp(join(tmpdir(), 'oriel-density-'));
  try {
    const frames = join(keep ?? directory, `${work.name}.mkv`);
    await recordFrames(work, minutes, directory, frames);
    const before = childCpuSeconds();
    const video = join(directory, 'plain.mp4');
    execFileSync('ffmpeg', ['-v', 'error', '-i', frames, '-fps_mode', 'passthrough', ...plainEncoder(work), video]);
    const cpu = childCpuSeconds() - before;
    const { frameCount, blocks, deflated } = await changesIn(frames, work.width, work.height);
    const perMinute = (value: number) => Math.round((value / minutes) * 100) / 100;
    return {
      class: work.name,
      framesPerMin: perMinute(frameCount),
      changedScreensPerMin: perMinute((blocks * BLOCK * BLOCK) / (work.width * work.height)),
      changedMbPerMin: perMinute(deflated / 1e6),
      plainKbPerMin: perMinute((await stat(video)).size / 1000),
      plainCpuSecondsPerMin: perMinute(cpu),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Writes what the recorder gives its encoder into a file, with an ffmpeg that listens in. */
async function recordFrames(work: Work, minutes: number, directory: string, frames: string): Promise<void> {
  const listening = join(directory, 'ffmpeg');
  await writeFile(
    listening,
    `#!/bin/sh\ncase "$*" in *'matroska -i pipe:0'*) tee '${frames}' | ffmpeg "$@" ;; *) exec ffmpeg "$@" ;; esac\n`,
  );
  await chmod(listening, 0o755);
  const clock = new FakeClock();
  const desktop = new ObservedWork(work, clock);
  const recorder = await SessionRecorder.open(
    {
      ...{ directory: join(directory, 'recording'), sessionId: work.name, clock, ffmpegPath: listening },
      // One segment, and neither the budget nor our own rules: only when there is something to see.
      ...{ segmentMs: Number.POSITIVE_INFINITY },
      policy: { ...DEFAULT_FRAME_POLICY, gapMs: 0, motionMs: DEFAULT_FRAME_POLICY.latestMs, bytesPerMinute: 1e9 },
    },
    desktop,
  );
  await desktop.run(recorder, minutes * 60_000);
  await recorder.finish(clock.now());
}

const BLOCK = 16;

async function changesIn(path: string, width: number, height: number) {
  const file = await open(path);
  const bytes = (width * height * 3) / 2;
  let [picture, before] = [Buffer.alloc(bytes), Buffer.alloc(bytes)];
  let position = encodeMatroskaHeader(width, height).byteLength;
  let [frameCount, blocks, deflated] = [0, 0, 0];
  const { size } = await file.stat();
  try {
    while (position < size) {
      // A frame's header is as long as its time needs.
      const { buffer } = await file.read(Buffer.alloc(64), 0, 64, position);
      const header = [0, 255, 65_535, 16_777_215]
        .map((time) => encodeFrameHeader(time, bytes).byteLength)
        .find((length) => buffer.readUInt32BE(length - 4) === SIMPLE_BLOCK_START);
      if (header === undefined) throw new Error('a frame that the recorder wrote is not understood');
      [picture, before] = [before, picture];
      await file.read(picture, 0, bytes, position + header);
      position += header + bytes;
      frameCount += 1;
      const changed = frameCount === 1 ? [] : changedBlocks(picture, before, width, height);
      blocks += changed.length;
      if (changed.length > 0) deflated += deflateSync(Buffer.concat(changed.flat()), { level: 1 }).byteLength;
    }
  } finally {
    await file.close();
  }
  return { frameCount, blocks, deflated };
}

/** What stands right before a frame's samples: track 1, no time of its own, key frame. */
const SIMPLE_BLOCK_START = 0x81000080;

/** The rows of samples of each block that is not as it was. */
function changedBlocks(picture: Buffer, before: Buffer, width: number, height: number): Buffer[][] {
  const changed: Buffer[][] = [];
  const luma = width * height;
  const planes = [
    { start: 0, stride: width, size: BLOCK },
    { start: luma, stride: width / 2, size: BLOCK / 2 },
    { start: luma * 1.25, stride: width / 2, size: BLOCK / 2 },
  ];
  for (let y = 0; y < height; y += BLOCK) {
    for (let x = 0; x < width; x += BLOCK) {
      const rows = planes.flatMap(({ start, stride, size }) => {
        const scale = BLOCK / size;
        const count = Math.min(size, (height - y) / scale);
        return Array.from({ length: count }, (_, row) => {
          const from = start + (y / scale + row) * stride + x / scale;
          return [from, Math.min(from + size, start + (y / scale + row + 1) * stride)] as const;
        });
      });
      if (rows.every(([from, to]) => picture.compare(before, from, to, from, to) === 0)) continue;
      changed.push(rows.map(([from, to]) => picture.subarray(from, to)));
    }
  }
  return changed;
}
