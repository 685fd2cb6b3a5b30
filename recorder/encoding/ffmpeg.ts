import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fragmenter } from '../mp4/fragments.ts';
import { RecorderError } from '../recording.ts';
import { lowerPriority, Niceness } from './lower-priority.ts';
import { encodeFrameHeader, encodeMatroskaHeader } from './matroska.ts';

/** The system's ffmpeg, found and known to have an H.264 encoder. */
export interface Ffmpeg {
  readonly path: string;
  /** As ffmpeg prints it, `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** Options for "timestamps as they are": the option's name changed in 5.1. */
  readonly passthrough: readonly string[];
}

/** How one segment is encoded. All segments of a recording share everything but `qp`, so that they join without re-encoding. */
export interface EncoderSettings {
  readonly width: number;
  readonly height: number;
  /** Constant quantiser, for P frames; 0…51. */
  readonly qp: number;
  /** When there is more to encode than there is time: 40 % less processor time, and more bytes where text is scrolled. */
  readonly cheap?: boolean | undefined;
  /** Of a film: a fifth of the processor time for no more bytes. Text that is scrolled takes several times as many. */
  readonly film?: boolean | undefined;
  /** Of a screen that rests but for a clock: two thirds of the processor time, 34 MB less memory. Work takes a tenth more bytes. */
  readonly calm?: boolean | undefined;
  /** A short segment, one of many: its first picture is as fine as all others. */
  readonly turn?: boolean | undefined;
}

export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
  /** Why we killed it ourselves, if we did. */
  readonly killed?: string | undefined;
}

/** Finds ffmpeg and asks it for libx264. Rejects with `recorder_unavailable` and a message that says what to do. */
export async function findFfmpeg(path?: string): Promise<Ffmpeg> {
  const command = path ?? process.env.ORIEL_FFMPEG ?? 'ffmpeg';
  const known = found.get(command);
  if (known !== undefined) return known;
  const { exit, stdout } = await runFfmpeg(command, ['-h', 'encoder=libx264'], PROBE_TIMEOUT_MS).catch((cause) => {
    const message = `ffmpeg was not found at "${command}": install it (Debian, Ubuntu: apt install ffmpeg) or set ORIEL_FFMPEG`;
    throw new RecorderError('recorder_unavailable', message, { cause });
  });
  const version = /ffmpeg version (\S+)/.exec(exit.stderr)?.[1];
  if (exit.code !== 0 || version === undefined) {
    throw new RecorderError(
      'recorder_unavailable',
      `"${command}" does not answer as ffmpeg does: ${describeExit(exit)}`,
    );
  }
  if (!stdout.includes('Encoder libx264')) {
    throw new RecorderError('recorder_unavailable', `ffmpeg ${version} at "${command}" has no libx264 encoder`);
  }
  const [major = 0, minor = 0] = version
    .replace(/^n/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  // A version such as "N-109…" is a recent build from git.
  const modern = Number.isNaN(major) || major > 5 || (major === 5 && minor >= 1);
  const ffmpeg = {
    path: command,
    version,
    passthrough: modern ? ['-fps_mode', 'passthrough'] : ['-vsync', '0'],
  };
  found.set(command, ffmpeg);
  return ffmpeg;
}

/**
 * The encoder's options.
 *
 * Constant QP and no adaptive quantisation keep text sharp, a long motion range finds scrolled text, four references
 * remember earlier windows (docs/recording.md has the figures). `stitchable` keeps SPS and PPS independent of the
 * quantiser, and `force-cfr` takes away the encoder's one frame of delay, which it needs for rate control only.
 */
export function encoderArguments(settings: EncoderSettings): string[] {
  const { level, references } = levelFor(settings.width, settings.height);
  const parameters = [
    'aq-mode=0',
    'scenecut=0',
    'me=umh',
    'merange=184',
    `ref=${references}`,
    // Each quarter of a block may come from another picture: 7 % fewer bytes where windows are switched and scrolled.
    'mixed-refs=1',
    // Small transforms smear less of a letter over what is beside it, for no more bytes.
    '8x8dct=0',
    // The finest detail coarser than the rest: it costs the most, and is read the least.
    `cqm4=${SCALING_LIST.join(',')}`,
    // Coloured text has room to spare; by the standard's table this is no coarser than luma.
    'chroma-qp-offset=6',
    // The first picture is the most expensive one: it may be one step coarser, 38, where there are not many first ones.
    `ipratio=${settings.turn ? 1 : 0.89}`,
    'rc-lookahead=0',
    'weightp=0',
    // Rounds coefficients by what they cost.
    'trellis=1',
    // No filter: it smooths the strokes of small text, and looks at every block of every picture.
    'no-deblock=1',
    'stitchable=1',
    'force-cfr=1',
    // Milliseconds: SPS would otherwise hold ffmpeg's guess of a frame rate, another one for each input.
    'fps=1000',
    // No half-pel planes, which x264 otherwise makes of the whole of every picture; it cannot begin with them later.
    ...(settings.calm ? ['subme=0'] : []),
    // Not by `ref`: segments must have the same parameter sets to be joined.
    ...(settings.film ? [`${ALL_FRAMES},ref=1,merange=64`] : settings.cheap ? [`${ALL_FRAMES},ref=1`] : []),
  ];
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-qp', String(settings.qp)],
    ...['-bf', '0', '-g', '100000', '-pix_fmt', 'yuv420p', '-threads', '1'],
    ...(level === undefined ? [] : ['-level', level]),
    ...['-x264-params', parameters.join(':')],
    ...['-enc_time_base', '1:1000'],
    ...['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
  ];
}

/** What `Fragmenter` reads: each frame leaves ffmpeg as soon as it is encoded. Its MP4 has one when the next one is there. */
export const ENCODED_STREAM = [
  ...['-f', 'flv', '-flvflags', 'no_metadata+no_sequence_end+no_duration_filesize'],
  ...['-flush_packets', '1'],
];

/** A running encoder that takes raw pictures on its stdin and makes one fragmented MP4, which is handed out piece by piece. */
export class FfmpegEncoder {
  /** Resolves when the process is gone, however it went, and what it made has been handed out; never rejects. */
  readonly exited: Promise<FfmpegExit>;
  readonly pid: number | undefined;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stallMs: number;
  readonly #stderr = new BoundedText(STDERR_LIMIT);
  /** Answers the write under way, if there is one. */
  #answer: ((taken: boolean) => void) | undefined;
  #killed: string | undefined;
  #gone = false;

  /**
   * @param output takes what the encoder made, the head of the MP4 or a fragment; while it does, the encoder waits. When it
   * rejects, the encoder is ended.
   */
  constructor(
    ffmpeg: Ffmpeg,
    settings: EncoderSettings,
    output: (bytes: Uint8Array) => Promise<void>,
    stallMs: number,
  ) {
    this.#stallMs = stallMs;
    this.#child = spawn(
      ffmpeg.path,
      [
        ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'],
        // Without these ffmpeg waits for more frames to guess a frame rate from.
        ...['-analyzeduration', '0', '-probesize', '32', '-fpsprobesize', '0'],
        ...['-f', 'matroska', '-i', 'pipe:0', ...ffmpeg.passthrough],
        ...encoderArguments(settings),
        ...ENCODED_STREAM,
        'pipe:1',
      ],
      // A process group of its own: Ctrl-C in a terminal must reach us, and the encoder through us.
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    );
    this.pid = this.#child.pid;
    lowerPriority(this.pid, Niceness.encode);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#stderr.add(text));
    // EPIPE when it dies; `exited` tells that story better.
    this.#child.stdin.on('error', () => {});
    const handedOut = this.#handOut(new Fragmenter(settings.width, settings.height), output);
    const gone = new Promise<FfmpegExit>((resolve) => {
      const settle = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#gone = true;
        resolve({ code, signal, stderr: this.#stderr.toString(), killed: this.#killed });
      };
      this.#child.on('close', settle);
      this.#child.on('error', (error) => {
        this.#stderr.add(`${error.message}\n`);
        if (this.pid === undefined) settle(null, null);
      });
    });
    // A disk that takes nothing any more must not keep the recorder from noticing.
    this.exited = gone.then(async (exit) => {
      await Promise.race([handedOut, sleep(stallMs, undefined, { ref: false })]);
      return { ...exit, killed: this.#killed };
    });
    void this.exited.then(() => this.#answer?.(false));
    this.#child.stdin.write(encodeMatroskaHeader(settings.width, settings.height));
  }

  /**
   * Hands one picture over; resolves when its last byte has left this process, so that the planes may change again.
   * Resolves `false` when the encoder is gone. A picture that is not taken in time ends the encoder.
   */
  async write(planes: Uint8Array, timestamp: number): Promise<boolean> {
    if (this.#gone) return false;
    const stopWatching = this.#watch('it took no data in time');
    const { promise, resolve } = Promise.withResolvers<boolean>();
    // What it does not take, it does not because it is going away: whoever asks is told when that is done.
    this.#answer = resolve;
    const stdin = this.#child.stdin;
    stdin.cork();
    stdin.write(encodeFrameHeader(timestamp, planes.byteLength));
    stdin.write(planes, (error) => {
      if (!error) resolve(true);
    });
    stdin.uncork();
    const taken = await promise;
    stopWatching();
    return taken;
  }

  /** Closes stdin and waits for the file to be complete; a process that does not end in time is killed. */
  async end(): Promise<FfmpegExit> {
    const stopWatching = this.#watch('it did not end in time');
    this.#child.stdin.end();
    const exit = await this.exited;
    stopWatching();
    return exit;
  }

  /**
   * Ends it when it hangs: a process that is at work, however slowly the machine lets it, does not. Almost all is over before
   * the first look.
   */
  #watch(reason: string): () => void {
    let worked: number | undefined;
    let looks = 0;
    let idle = 0;
    const timer = setInterval(() => {
      const now = processorTimeOf(this.pid);
      idle = looks > 0 && now === worked ? idle + 1 : 1;
      worked = now;
      looks += 1;
      if (idle === LOOKS || looks === LOOKS * STALLS_AT_WORK) this.kill(reason);
    }, this.#stallMs / LOOKS);
    return () => clearInterval(timer);
  }

  async #handOut(fragmenter: Fragmenter, output: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    try {
      for await (const bytes of this.#child.stdout) {
        for (const piece of fragmenter.push(bytes as Buffer)) await output(piece);
      }
    } catch (error) {
      this.kill(`what it made cannot be written: ${(error as Error).message}`);
    }
  }

  kill(reason: string): void {
    this.#killed ??= reason;
    if (this.#gone || this.pid === undefined) return;
    this.#child.kill('SIGKILL');
  }
}

/** Runs ffmpeg to its end, as fast as this process itself: somebody waits for it. Rejects only when it cannot be started. */
export async function runFfmpeg(
  path: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<{ exit: FfmpegExit; stdout: string }> {
  const stdout = new BoundedText(STDERR_LIMIT);
  const exit = await pipeFfmpeg(path, args, timeoutMs, {
    output: async (bytes) => stdout.add(Buffer.from(bytes).toString('utf8')),
    isAwaited: true,
  });
  return { exit, stdout: stdout.toString() };
}

/** What a run of ffmpeg reads on its stdin and makes on its stdout. */
export interface FfmpegPipes {
  readonly input?: AsyncIterable<Uint8Array> | undefined;
  output(bytes: Uint8Array): Promise<void>;
  /** Whether live work waits for it; otherwise it waits for live work. */
  readonly isAwaited?: boolean;
}

/**
 * Runs ffmpeg to its end, from `pipe:0` to `pipe:1`. Rejects when it cannot be started, or its output cannot be taken.
 * An input that ffmpeg does not read to its end is no error.
 */
export async function pipeFfmpeg(
  path: string,
  args: readonly string[],
  timeoutMs: number,
  { input, output, isAwaited = false }: FfmpegPipes,
): Promise<FfmpegExit> {
  const child = spawn(path, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], detached: true });
  const stderr = new BoundedText(STDERR_LIMIT);
  let killed: string | undefined;
  const kill = (reason: string): void => {
    killed ??= reason;
    child.kill('SIGKILL');
  };
  if (!isAwaited) lowerPriority(child.pid, Niceness.encode);
  const watchdog = setTimeout(() => kill('it did not end in time'), timeoutMs);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.add(text));
  let failure: unknown;
  const handedOut = (async () => {
    try {
      for await (const bytes of child.stdout as Readable) await output(bytes as Buffer);
    } catch (error) {
      failure ??= error;
      kill('its output was not taken');
    }
  })();
  const fed = (async () => {
    if (input === undefined || child.stdin === null) return;
    // EPIPE when it has had enough, or died; its exit tells that story better.
    const stdin = child.stdin.on('error', () => {});
    try {
      for await (const bytes of input) {
        if (!stdin.writable) break;
        if (!stdin.write(bytes)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]).catch(() => {});
      }
    } catch (error) {
      failure ??= error;
      kill('its input cannot be read');
    }
    stdin.end();
  })();
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...how) => resolve(how));
    });
    await Promise.all([handedOut, fed]);
    if (failure !== undefined) throw failure;
    return { code, signal, stderr: stderr.toString(), killed };
  } finally {
    clearTimeout(watchdog);
  }
}

/** As `pipeFfmpeg`, for finishing a recording: rejects with `recording_failed` when ffmpeg does. */
export async function pipeOrThrow(
  ffmpeg: Ffmpeg,
  args: readonly string[],
  pipes: FfmpegPipes,
  failure: string,
): Promise<void> {
  const exit = await pipeFfmpeg(ffmpeg.path, [...QUIET, ...args], FINISH_TIMEOUT_MS, pipes);
  if (exit.code !== 0) throw new RecorderError('recording_failed', `${failure}: ${describeExit(exit)}`);
}

export const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'] as const;

export function describeExit(exit: FfmpegExit): string {
  const how = exit.killed ?? (exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`);
  const last = exit.stderr.trim().split('\n').at(-1);
  return last ? `${how}: ${last}` : how;
}

const PROBE_TIMEOUT_MS = 15_000;
/** Encoding a long segment again takes minutes. */
const FINISH_TIMEOUT_MS = 30 * 60_000;
/** How often one that takes long is looked at before it has taken too long. */
const LOOKS = 5;
/** So many times as long as one that does nothing may take one that is at work. */
const STALLS_AT_WORK = 8;
/** Characters of output kept for the log. */
const STDERR_LIMIT = 8192;

const found = new Map<string, Ffmpeg>();

/** ITU-T H.264 table A-1: the lowest of the levels we use that holds the picture, and how many references it has room for. */
function levelFor(width: number, height: number): { level: string | undefined; references: number } {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  for (const { level, frame, buffer } of LEVELS) {
    if (macroblocks <= frame)
      return { level, references: Math.min(WANTED_REFERENCES, Math.floor(buffer / macroblocks)) };
  }
  return { level: undefined, references: 1 };
}

const ALL_FRAMES = 'zones=0,100000000';
/** Of a 4×4 block's coefficients, row by row, where 16 is the quantiser's own step. */
const SCALING_LIST = [16, 16, 16, 17, 16, 17, 17, 17, 16, 17, 17, 17, 17, 17, 17, 18];
/** Each costs a search of its own wherever something is new; [docs/recording.md] has what they save. */
const WANTED_REFERENCES = 4;
/** MaxFS and MaxDpbMbs. 5.1 is the least because its buffer has room for the references at 1080p and beyond. */
const LEVELS = [
  { level: '5.1', frame: 36_864, buffer: 184_320 },
  { level: '6.0', frame: 139_264, buffer: 696_320 },
] as const;

/** What a process has had of processors, in clock ticks; nothing where it is gone, or the system does not tell (proc(5)). */
function processorTimeOf(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // From the third field on: the second is a name in brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return undefined;
  }
}

/** The last `limit` characters of a text that may be endless. */
class BoundedText {
  readonly #limit: number;
  #text = '';
  constructor(limit: number) {
    this.#limit = limit;
  }
  add(text: string): void {
    this.#text = (this.#text + text).slice(-this.#limit);
  }
  toString(): string {
    return this.#text;
  }
}
