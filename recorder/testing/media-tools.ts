import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * What tests ask of the system's tools. Where one is missing a test is skipped with the command that installs it,
 * or fails with it under `CI=true`.
 */
export function requireTools(context: TestContext, ...tools: ('ffmpeg' | 'ffprobe' | 'tesseract')[]): boolean {
  const missing = tools.filter((tool) => {
    const flag = tool === 'tesseract' ? '--version' : '-version';
    return spawnSync(tool, [flag], { stdio: 'ignore' }).status !== 0;
  });
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((tool) => (tool === 'tesseract' ? 'tesseract-ocr' : 'ffmpeg')))];
  const message = `missing: ${missing.join(', ')}; install with: apt install ${packages.join(' ')}`;
  if (process.env.CI === 'true') throw new Error(message);
  context.skip(message);
  return false;
}

/** A folder that is gone after the test. */
export async function temporaryDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'oriel-recorder-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface VideoFacts {
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
  readonly colorSpace: string;
  readonly colorRange: string;
  readonly durationMs: number;
  /** Presentation times in milliseconds. */
  readonly timestamps: number[];
}

export function probeVideo(path: string): VideoFacts {
  const text = run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-of', 'json'],
    ...['-show_entries', 'stream:format=duration:packet=pts_time', path],
  ]).toString('utf8');
  const { streams, format, packets } = JSON.parse(text) as {
    streams: Record<string, string | number>[];
    format: { duration: string };
    packets: { pts_time: string }[];
  };
  const stream = streams[0] ?? {};
  return {
    codec: String(stream.codec_name),
    profile: String(stream.profile),
    pixelFormat: String(stream.pix_fmt),
    width: Number(stream.width),
    height: Number(stream.height),
    colorSpace: String(stream.color_space),
    colorRange: String(stream.color_range),
    durationMs: Number(format.duration) * 1000,
    timestamps: packets.map((packet) => Math.round(Number(packet.pts_time) * 1000)),
  };
}

/** Decodes every frame; throws with ffmpeg's words when it complains about anything. Returns how many frames there are. */
export function decodeAll(path: string): number {
  const { status, stdout, stderr } = spawnSync(
    'ffmpeg',
    ['-v', 'warning', '-xerror', '-i', path, '-f', 'framehash', '-'],
    { maxBuffer: 64 << 20 },
  );
  const complaint = stderr.toString('utf8');
  if (status !== 0 || complaint !== '') throw new Error(`ffmpeg does not decode ${path}: ${complaint}`);
  return stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).length;
}

/** What ffmpeg complains of when it decodes a video in the way that everybody checks one: empty for a good one. */
export function complaintsOf(path: string): string {
  return spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-']).stderr.toString('utf8');
}

/** The frame shown at `ms`, as RGB bytes (`width * height * 3`), in the colours a player shows. */
export function frameAt(path: string, ms: number): Buffer {
  return run('ffmpeg', [...frameArguments(path, ms), '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']);
}

export function saveFrameAt(path: string, ms: number, output: string, filter = 'null'): void {
  run('ffmpeg', [...frameArguments(path, ms, filter), output]);
}

export function filterPicture(input: string, output: string, filter: string): void {
  run('ffmpeg', ['-v', 'error', '-y', '-i', input, '-vf', filter, '-frames:v', '1', output]);
}

/** Text of a picture by tesseract; `mode` is its page segmentation mode (6: one block of text). */
export function readText(picture: string, mode = 6): string {
  return run('tesseract', [picture, '-', '--psm', String(mode), '-c', 'preserve_interword_spaces=1']).toString('utf8');
}

/** Share of `expected`'s characters, white space aside, that are found in the same order in `actual`. */
export function characterAccuracy(expected: string, actual: string): number {
  const want = expected.replaceAll(/\s/g, '');
  const got = actual.replaceAll(/\s/g, '');
  let previous = Array.from({ length: got.length + 1 }, (_, i) => i);
  for (let i = 1; i <= want.length; i++) {
    const current = [i];
    for (let j = 1; j <= got.length; j++) {
      const substitution = (previous[j - 1] as number) + (want[i - 1] === got[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return 1 - (previous[got.length] as number) / want.length;
}

/** Selects by "the last frame that is not after `ms`", as a player does, where `-ss` takes the first that is not before. */
function frameArguments(path: string, ms: number, filter = 'null'): string[] {
  const timestamps = probeVideo(path).timestamps;
  const index = timestamps.findLastIndex((timestamp) => timestamp <= ms);
  const select = `select=eq(n\\,${Math.max(0, index)})`;
  return ['-v', 'error', '-y', '-i', path, '-vf', `${select},${filter}`, '-vsync', '0', '-frames:v', '1'];
}

function run(command: string, args: readonly string[]): Buffer {
  // One thread for tesseract: on small machines its own threads only wait for each other.
  const env = { ...process.env, OMP_THREAD_LIMIT: '1' };
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 256 << 20, env });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr.toString('utf8')}`);
  return stdout;
}
